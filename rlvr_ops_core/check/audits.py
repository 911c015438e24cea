"""`require_audit`: every reward that trains has an audit card, fresh and without bad findings.

Cards lie in the folder `audits` beside the pipeline, one file each, under any name.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from rlvr_ops_core.audit_card import card_allows, read_card, source_hash
from rlvr_ops_core.check.reading import Reading
from rlvr_ops_core.errors import DataError
from rlvr_ops_core.options import options_hash
from rlvr_ops_core.plan import Bound, PlannedReward, PlannedStage
from rlvr_ops_core.schema import RewardEntry

CARDS = "audits"
YAML_WORDS = ("yes", "no", "true", "false", "on", "off", "null", "y", "n")


def check_audits(
    reading: Reading,
    level: str,
    rewards: Mapping[str, PlannedReward],
    stages: Iterable[PlannedStage],
) -> None:
    """Note each reward of a train stage whose card is missing, stale or bad.

    A reward that is only evaluated with needs none: nothing learns to please it.
    """
    cards, unreadable = _cards_in(reading.folder / CARDS)
    trained = {name for stage in stages if stage.verb == "train" for name in stage.rewards}
    for name in rewards:
        bound = rewards[name].bound
        if bound is None or name not in _with_members(trained, rewards):
            continue
        reason = _refusal(bound, level, cards)
        if reason:
            hint = f"audit it: {_command(reading, name, bound)}"
            place = ("rewards", name, "use")
            notes = [f"\n{one}" for one in unreadable]
            reading.note(place, f"require_audit: {level}: {reason}", hint + "".join(notes))


def _with_members(names: Iterable[str], rewards: Mapping[str, PlannedReward]) -> set[str]:
    """Rewards with all that they sum or wait for; circles and unknown names are no matter here."""
    found: set[str] = set()
    todo = list(names)
    while todo:
        name = todo.pop()
        if name in rewards and name not in found:
            found.add(name)
            todo += [*rewards[name].members, *rewards[name].only_if]
    return found


def _cards_in(folder: Path) -> tuple[list[dict[str, Any]], list[str]]:
    """The cards of a folder, and what is wrong with the other JSON files in it."""
    cards, unreadable = [], []
    for file in sorted(folder.glob("*.json")) if folder.is_dir() else []:
        try:
            cards.append(read_card(file))
        except DataError as error:
            unreadable.append(error.what)
    return cards, unreadable


def _refusal(bound: Bound, level: str, cards: list[dict[str, Any]]) -> str:
    """Why no card allows a reward; "" if one does."""
    name = bound.component.name
    ref = f"{name}@{bound.component.origin.version or '0'}#{options_hash(bound.options)}"
    about = [card for card in cards if str(card.get("ref", "")).partition("@")[0] == name]
    if not about:
        return f"there is no audit card of {name} in {CARDS}/"
    source = source_hash(bound.component.call)
    answers = {
        card.get("ref"): card_allows(card, ref, level, source=source)
        for card in sorted(about, key=lambda card: str(card.get("made")))
    }
    if any(answers.values()):
        return ""
    return answers[ref].reason if ref in answers else list(answers.values())[-1].reason


def _command(reading: Reading, reward: str, bound: Bound) -> str:
    """The command that makes the card; to be typed where the pipeline lies."""
    name, origin = bound.component.name, bound.component.origin
    words = ["rlvr", "audit", name]
    if origin.file:
        file = Path(origin.file)
        beside = file.is_relative_to(reading.folder)
        words += ["--plugin", str(file.relative_to(reading.folder) if beside else file)]
    entry = reading.section("rewards")[reward]
    for option, value in entry.items():
        if option not in RewardEntry.model_fields:
            words += ["--option", f"{option}={_as_written(value)}"]
    words += ["--card", f"{CARDS}/{name.replace('/', '-')}.json"]
    return shlex.join(words)


def _as_written(value: Any) -> str:
    """A value so that `--option` reads the same: JSON, or a plain word."""
    is_word = isinstance(value, str) and value.isidentifier() and value.lower() not in YAML_WORDS
    return str(value) if is_word else json.dumps(value)
