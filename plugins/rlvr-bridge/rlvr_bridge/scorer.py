"""The rewards of a reference, made and kept once a process: every adapter asks here."""

from __future__ import annotations

import asyncio
import hashlib
import math
import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

from rlvr_bridge.policy import TRAINERS, NoVerdict, Trainer
from rlvr_bridge.reference import Reference, RewardEntry
from rlvr_ops_core import OptionError, Part, PluginError, RlvrError, Sample, Verdict
from rlvr_ops_core.plugins import Plugins
from rlvr_ops_core.scoring import BoundReward, Engine, Entry, ErrorBudget, Rewards, bind_component

THREADS = 128
"""Calls that may wait at once for verdicts in one process; the engine's workers do the work."""

BATCHES_KEPT = 8
"""Of batches that several functions ask about, one for each part of a reward."""


class NoVerdictError(RlvrError):
    """A reward gave no verdict, and the trainer was to be told so by an exception."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(f"no verdict ({verdict.status}): {verdict.reason or verdict.ref}")
        self.verdict = verdict


@dataclass(frozen=True)
class Asked:
    """The rewards of a reference, bound but not started: enough to say what they can give."""

    reference: Reference
    bound: Mapping[str, BoundReward]

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The names of all parts that a verdict can have, always the same: no ragged logs."""
        names: list[str] = []
        for name in self.reference.counted:
            names.append(name)
            if name in self.bound:
                names += [f"{name}/{part}" for part in self.bound[name].spec.components]
        return tuple(names)

    @cached_property
    def range(self) -> tuple[float, float]:
        """The least and the greatest value that the rewards can give together."""
        sides = [self._range_of(name) for name in self.reference.counted]
        return math.fsum(low for low, _ in sides), math.fsum(high for _, high in sides)

    def _range_of(self, name: str) -> tuple[float, float]:
        entry = self.reference.rewards[name]
        if entry.use:
            low, high = getattr(self.bound[name].call, "rlvr_range", self.bound[name].spec.range)
        else:
            sides = [self._range_of(member) for member in entry.sum]
            low, high = (math.fsum(side) for side in zip(*sides, strict=True))
        low, high = sorted((low * entry.weight, high * entry.weight))
        if entry.only_if or entry.optional:
            return min(low, 0.0), max(high, 0.0)
        return low, high

    @property
    def judges_groups(self) -> bool:
        """One of the rewards needs all answers to a prompt at once."""
        return any(bound.judges == "group" for bound in self.bound.values())

    @property
    def needs_messages(self) -> bool:
        """One of the rewards needs tool calls and tool results, not the text alone."""
        return any("messages" in bound.spec.needs for bound in self.bound.values())

    def refuse_unless(self, trainer: Trainer, *, groups: bool = False) -> None:
        """Refuse what the trainer can't carry; `groups` says that whole groups will come.

        Raises:
            PluginError: says which reward, and why not.
        """
        for name, bound in self.bound.items():
            if bound.judges == "group" and not groups and trainer.groups != "yes":
                raise PluginError(
                    f"{trainer.title} can't carry {name} ({bound.name}): it judges all answers to "
                    "one prompt together",
                    hint=trainer.why_no_groups,
                )
            if "messages" in bound.spec.needs and not trainer.messages:
                raise PluginError(
                    f"{trainer.title} can't carry {name} ({bound.name}): it needs the messages of "
                    "the whole turn, tool calls included",
                    hint=f"{trainer.title} hands over the text of the answer alone",
                )


class Scorer:
    """Judges samples for one reference. Threads and event loops may share it."""

    def __init__(self, asked: Asked) -> None:
        self.asked = asked
        self.reference = asked.reference
        self.columns = asked.columns
        self.rewards = Rewards(_entries(asked), asked.reference.counted)
        self.budget = ErrorBudget(asked.reference.error_budget)
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="rlvr-bridge")
        self._batches: OrderedDict[bytes, Future[list[Verdict]]] = OrderedDict()
        self._lock = threading.Lock()

    def score(self, samples: Sequence[Sample]) -> list[Verdict]:
        """One verdict a sample, in order, each with every declared part.

        Raises:
            RewardLoadError: a reward does not load in a worker.
            ErrorBudgetExceeded: too many of the last answers got no verdict.
        """
        verdicts = self.rewards.score(samples)
        with self._lock:
            self.budget.record(samples, verdicts)
        return verdicts

    def score_once(self, samples: Sequence[Sample]) -> list[Verdict]:
        """As `score`, for several callers that ask about the same batch: it is judged once.

        Raises:
            RewardLoadError: a reward does not load in a worker.
            ErrorBudgetExceeded: too many of the last answers got no verdict.
        """
        key = hashlib.sha256(repr(samples).encode("utf-8", "surrogatepass")).digest()
        with self._lock:
            batch = self._batches.get(key)
            if batch is None:
                batch = self._batches[key] = self._threads.submit(self.score, list(samples))
            while len(self._batches) > BATCHES_KEPT:
                self._batches.popitem(last=False)
        return batch.result()

    async def score_async(self, samples: Sequence[Sample]) -> list[Verdict]:
        """The same without blocking the event loop that awaits it.

        Raises:
            RewardLoadError: a reward does not load in a worker.
            ErrorBudgetExceeded: too many of the last answers got no verdict.
        """
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, partial(self.score, samples))

    def value(self, verdict: Verdict, policy: NoVerdict) -> float | None:
        """What the trainer is given for a verdict; None only under the policy `none`.

        Raises:
            NoVerdictError: there is no verdict, and the policy is `raise`.
        """
        if verdict.value is not None:
            return verdict.value
        if policy == "none":
            return None
        if policy == "raise":
            raise NoVerdictError(verdict)
        return self.asked.range[0]

    def number(self, verdict: Verdict, policy: NoVerdict) -> float:
        """As `value`, for trainers that take numbers only.

        Raises:
            NoVerdictError: there is no verdict, and the policy is `raise`.
        """
        value = self.value(verdict, policy)
        return self.asked.range[0] if value is None else value

    def parts(self, verdict: Verdict) -> dict[str, float | None]:
        """The raw value of every declared part; None where it was not judged."""
        found = verdict.components
        return {name: found[name].value if name in found else None for name in self.columns}

    def numbers(self, verdict: Verdict) -> dict[str, float]:
        """For trainers that want even rows of numbers: `reward/NAME` of every part, and `rlvr_ok`.

        A part that was not judged is 0.
        """
        parts = {f"reward/{name}": value or 0.0 for name, value in self.parts(verdict).items()}
        return parts | {"rlvr_ok": float(verdict.status == "ok")}

    def shares(self, verdict: Verdict) -> dict[str, float]:
        """What each counted reward added to the value: they sum to it. Empty without a verdict."""
        if verdict.value is None:
            return {}
        none = Part(None)
        return {name: verdict.components.get(name, none).share for name in self.reference.counted}

    def close(self) -> None:
        """End the workers; they start again when needed."""
        self.rewards.close()


def summary(verdict: Verdict) -> dict[str, object]:
    """A verdict as JSON, for a trainer's metadata: value, status, parts, reason, reference."""
    return {
        "value": verdict.value,
        "status": verdict.status,
        "reward": {name: part.value for name, part in verdict.components.items()},
        "reason": verdict.reason[:2000],
        "ref": verdict.ref,
    }


def ask(reference: Reference) -> Asked:
    """Look the rewards of a reference up and set their options; nothing is started.

    Raises:
        PluginError: a reward or its plugin is not there.
        OptionError: an option is wrong.
    """
    uses = {entry.use for entry in reference.rewards.values() if entry.use}
    files = [Path(file) for file in reference.plugins]
    plugins = Plugins.discover(files=files, only={use.partition("/")[0] for use in uses})
    bound = {
        name: _bind(plugins, name, entry) for name, entry in reference.rewards.items() if entry.use
    }
    return Asked(reference, bound)


def _bind(plugins: Plugins, name: str, entry: RewardEntry) -> BoundReward:
    component = plugins.find("reward", entry.use)
    try:
        return bind_component(component, entry.options, timeout_s=entry.timeout_s)
    except OptionError as error:
        raise OptionError(f"rewards.{name} ({entry.use}): {error.what}", hint=error.hint) from error


def _entries(asked: Asked) -> dict[str, Entry]:
    return {
        name: Entry(
            name=name,
            engine=Engine(asked.bound[name]) if name in asked.bound else None,
            members=entry.sum,
            weight=entry.weight,
            only_if=entry.only_if,
            optional=entry.optional,
        )
        for name, entry in asked.reference.rewards.items()
    }


_scorers: dict[tuple[int, str], Scorer] = {}
_making = threading.Lock()


def scorer_of(reference: Reference) -> Scorer:
    """The scorer of a reference in this process; a forked child makes its own.

    Raises:
        PluginError: a reward or its plugin is not there.
        OptionError: an option is wrong.
    """
    key = (os.getpid(), reference.text)
    found = _scorers.get(key)
    if found is not None:
        return found
    with _making:
        if key not in _scorers:
            _scorers[key] = Scorer(ask(reference))
        return _scorers[key]


def close_all() -> None:
    """End the workers of every scorer of this process."""
    with _making:
        mine = [key for key in _scorers if key[0] == os.getpid()]
        for key in mine:
            _scorers.pop(key).close()


def policy_for(trainer: str, chosen: NoVerdict | None) -> NoVerdict:
    """What no verdict becomes: the user's choice, or the trainer's default.

    Raises:
        OptionError: the trainer can't be given that.
    """
    allowed = TRAINERS[trainer].no_verdict
    if chosen is None:
        return allowed[0]
    if chosen not in allowed:
        raise OptionError(
            f"no_verdict={chosen!r}: {TRAINERS[trainer].title} can be given {', '.join(allowed)}"
        )
    return chosen


OnVerdicts = Callable[[Sequence[Sample], Sequence[Verdict]], None]
"""Sees every batch that an adapter judged: for logs that the trainer does not keep."""
