"""What an adapter carries into a trainer: the names of rewards and their options, never objects.

A reference is JSON, so it survives pickle, Ray, spawn, a config file and an environment variable.
Whoever scores makes the rewards from it, in the process in which they are needed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from rlvr_ops_core import OptionError

Rewards = str | Mapping[str, Any]
"""How a user names rewards: `"math/equal"`, or entries as in a pipeline's section `rewards`."""


def _as_gates(value: Any) -> Any:
    if isinstance(value, str):
        return {value: 0.0}
    if isinstance(value, Sequence):
        return dict.fromkeys(value, 0.0)
    return {} if value is None else value


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


class RewardEntry(BaseModel):
    """One reward and how it counts, or a sum of others; the pipeline's words for it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    use: str = ""
    options: dict[str, Any] = {}
    sum: Annotated[tuple[str, ...], BeforeValidator(_as_list)] = ()
    weight: Annotated[float, Field(allow_inf_nan=False)] = 1.0
    only_if: Annotated[dict[str, float], BeforeValidator(_as_gates)] = {}
    optional: bool = False
    timeout_s: Annotated[float, Field(gt=0)] | None = None


class Reference(BaseModel):
    """Which rewards judge, with which options, and how many failures are too many."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rewards: dict[str, RewardEntry]
    plugins: tuple[str, ...] = ()
    """Absolute paths of plugin files that some of the rewards come from."""
    error_budget: Annotated[float, Field(ge=0, le=1)] = 0.02
    """The share of the last 2,000 answers that may fail before scoring raises; 1 never does."""

    def __hash__(self) -> int:
        return hash(self.text)

    @property
    def text(self) -> str:
        """The reference as JSON on one line: the same reference, the same text."""
        return json.dumps(self.model_dump(exclude_defaults=True))

    @property
    def counted(self) -> tuple[str, ...]:
        """The entries whose values are summed: all but members of another entry's sum."""
        members = {name for entry in self.rewards.values() for name in entry.sum}
        return tuple(name for name in self.rewards if name not in members)

    @property
    def name(self) -> str:
        """A Python name for logs, and different for different references.

        `math_equal`; with options or several rewards eight digits of the reference's hash follow.
        """
        entries = list(self.rewards.values())
        plain = len(entries) == 1 and entries[0] == RewardEntry(use=entries[0].use)
        words = entries[0].use if len(entries) == 1 else "_".join(self.counted)
        name = "".join(char if char.isalnum() else "_" for char in words)[:60]
        if not name.isidentifier():
            name = f"reward_{name}"
        digest = hashlib.sha256(self.text.encode()).hexdigest()[:8]
        return name if plain else f"{name}_{digest}"


def refer(
    rewards: Rewards | Reference,
    *,
    options: Mapping[str, Any] | None = None,
    plugins: Sequence[str | Path] = (),
    error_budget: float = 0.02,
) -> Reference:
    """A reference to rewards, from whatever form the user gave.

    Args:
        rewards: `"math/equal"`; entries as in a pipeline, `{"correct": {"use": "math/equal"},
            "tidy": {"use": "math/boxed", "weight": 0.1, "only_if": "correct"}}`; the text of a
            reference; or a reference, which is given back.
        options: options of a single reward.
        plugins: plugin files that rewards come from.
        error_budget: the share of answers that may fail before scoring raises; 1 never does.

    Raises:
        OptionError: the entries are no such thing.
    """
    if isinstance(rewards, Reference):
        return rewards
    if isinstance(rewards, str) and rewards.lstrip().startswith("{"):
        return parse(rewards)
    if isinstance(rewards, str):
        entries: dict[str, Any] = {rewards.rpartition("/")[2]: _entry({"use": rewards})}
        if options:
            entries = {name: entry | {"options": plain(options)} for name, entry in entries.items()}
    elif options:
        raise OptionError("options go to a single reward; write them into its entry")
    else:
        entries = {name: _entry(entry) for name, entry in rewards.items()}
    files = [str(Path(file).resolve()) for file in plugins]
    content = {"rewards": entries, "plugins": files, "error_budget": error_budget}
    return _checked(content)


@lru_cache(maxsize=256)
def parse(text: str) -> Reference:
    """The reference in a text: JSON as `Reference.text` gives it, or one reward's name.

    Raises:
        OptionError: the text is no reference.
    """
    if not text.lstrip().startswith("{"):
        return refer(text)
    try:
        content = json.loads(text)
    except ValueError as error:
        raise OptionError(f"the reference to a reward is no JSON: {error}") from error
    if "rewards" not in content:
        return refer(content)
    return _checked(content)


def _entry(entry: Any) -> dict[str, Any]:
    """An entry as a pipeline has it: what is not one of our fields is an option of the reward."""
    if isinstance(entry, str):
        return {"use": entry}
    known = set(RewardEntry.model_fields)
    own = {key: plain(value) for key, value in entry.items() if key in known}
    options = {key: plain(value) for key, value in entry.items() if key not in known}
    if not options or own.get("sum"):
        return own | options  # a sum takes no options: the check says so
    return own | {"options": own.get("options", {}) | options}


def _checked(content: Any) -> Reference:
    try:
        reference = Reference.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise OptionError(f"{place}: {first['msg']}") from error
    for name, entry in reference.rewards.items():
        if bool(entry.use) == bool(entry.sum):
            raise OptionError(f'rewards.{name}: needs one of "use" (a reward) and "sum" (names)')
        for other in (*entry.sum, *entry.only_if):
            if other not in reference.rewards:
                raise OptionError(f"rewards.{name}: there is no reward {other!r} beside it")
    if not reference.rewards:
        raise OptionError("a reference names at least one reward")
    return reference


def plain(value: Any) -> Any:
    """Mappings and sequences of any kind (OmegaConf's, say) as dicts and lists."""
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [plain(one) for one in value]
    return str(value) if isinstance(value, Path) else value
