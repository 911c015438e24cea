"""Rewards together: weighted sums, gates ("only if …") and groups of rewards.

The value of a composition is the sum of its parts' shares; share = weight * value, or 0 behind a
closed gate. A total needs all its parts: if one has no verdict the total has none, with the worst
status among them, because a sum with a part missing would pay less for no fault of the model.
`optional: true` lets a part abstain (not fail) and be left out.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from rlvr_ops_core.types import Part, Sample, Status, Verdict

SMALLEST = 5e-324
"""The smallest number above 0: what a gate without a number of its own asks for."""

SEVERITY: Mapping[Status, int] = {"ok": 0, "abstain": 1, "timeout": 2, "error": 3}


class Scoring(Protocol):
    """What an entry asks: an engine, or what an environment has paid."""

    @property
    def judges_whole_calls(self) -> bool:
        """Whether a verdict may depend on all samples of a call, not only on its group."""

    def score(
        self, samples: Sequence[Sample], *, stop: threading.Event | None = None
    ) -> list[Verdict]:
        """One verdict a sample, in order; an error for those without one once `stop` is set."""

    def start(self) -> None:
        """Be ready for samples."""

    def close(self) -> None:
        """End what was started."""


@dataclass(frozen=True)
class Entry:
    """One reward of a pipeline: how it is made, and how it counts.

    Exactly one of `engine` and `members` is set: a reward of its own, or a sum of others.
    """

    name: str
    engine: Scoring | None = None
    members: tuple[str, ...] = ()
    weight: float = 1.0
    only_if: Mapping[str, float] = field(default_factory=dict)
    """Name of another entry to the value it must reach; a bare name must be above 0."""
    optional: bool = False


class Rewards:
    """The entries that a stage names, scored together.

    Args:
        entries: all rewards of the pipeline, by name.
        names: those that the stage sums. Gates and members they need are scored as well.
    """

    def __init__(self, entries: Mapping[str, Entry], names: Sequence[str]) -> None:
        self.entries = entries
        self.names = tuple(names)
        self.order = evaluation_order(entries, self.names)

    @property
    def judge_whole_calls(self) -> bool:
        """Whether a verdict may depend on all samples of a call, not only on its group."""
        engines = [self.entries[name].engine for name in self.order]
        return any(engine.judges_whole_calls for engine in engines if engine is not None)

    def score(
        self, samples: Sequence[Sample], *, stop: threading.Event | None = None
    ) -> list[Verdict]:
        """One verdict a sample; its components are the entries, and what they reported.

        Once `stop` is set nobody waits any more: what has no verdict yet gets an error.
        """
        verdicts: dict[str, list[Verdict | None]] = {}
        for name in self.order:
            verdicts[name] = self._score_entry(self.entries[name], samples, verdicts, stop)
        return [
            total(self.names, self.entries, {name: verdicts[name][row] for name in self.order})
            for row in range(len(samples))
        ]

    def start(self) -> None:
        """Load every reward now.

        Raises:
            RewardLoadError: one does not load.
        """
        for name in self.order:
            engine = self.entries[name].engine
            if engine is not None:
                engine.start()

    def close(self) -> None:
        """End all workers."""
        for entry in self.entries.values():
            if entry.engine is not None:
                entry.engine.close()

    def _score_entry(
        self,
        entry: Entry,
        samples: Sequence[Sample],
        verdicts: Mapping[str, list[Verdict | None]],
        stop: threading.Event | None,
    ) -> list[Verdict | None]:
        """The verdicts of one entry; None where its gate is closed, so that no time is spent."""
        rows = range(len(samples))
        if entry.engine is None:
            return [
                total(entry.members, self.entries, {name: verdicts[name][row] for name in verdicts})
                for row in rows
            ]
        open_rows = [row for row in rows if gate_is_open(entry, verdicts, row)]
        judged = entry.engine.score([samples[row] for row in open_rows], stop=stop)
        result: list[Verdict | None] = [None] * len(samples)
        for row, verdict in zip(open_rows, judged, strict=True):
            result[row] = verdict
        return result


def gate_is_open(entry: Entry, verdicts: Mapping[str, Sequence[Verdict | None]], row: int) -> bool:
    """Every reward that the gate names has reached its value."""
    return _is_open(entry, {name: verdicts[name][row] for name in entry.only_if})


def total(
    names: Sequence[str], entries: Mapping[str, Entry], verdicts: Mapping[str, Verdict | None]
) -> Verdict:
    """The sum of the named entries for one sample."""
    components: dict[str, Part] = {}
    judged: list[Verdict] = []
    missing: list[Verdict] = []  # verdicts without a value that the sum can't do without
    counted = 0
    for name in names:
        entry, verdict = entries[name], verdicts[name]
        missing += _gates_without_verdict(entry, verdicts)
        for part_name, part in (verdict.components if verdict else {}).items():
            components[f"{name}/{part_name}"] = Part(part.value)
        value = verdict.value if verdict else None
        share = entry.weight * value if value is not None and _is_open(entry, verdicts) else 0.0
        components[name] = Part(value, entry.weight, share)
        if verdict is not None:
            judged.append(verdict)
            if value is None and not (entry.optional and verdict.status == "abstain"):
                missing.append(verdict)
        counted += verdict is None or value is not None
    worst = max(missing, key=lambda verdict: SEVERITY[verdict.status], default=None)
    status: Status = worst.status if worst else "ok" if counted else "abstain"
    info: dict[str, Any] = {}
    for verdict in [worst] if worst else judged:
        info = {**verdict.info, **info}  # the reward named first explains the sample
    return Verdict(
        value=sum(part.share for part in components.values()) if status == "ok" else None,
        status=status,
        components=components,
        info=info,
        seconds=sum(verdict.seconds for verdict in judged),
        ref="+".join(verdict.ref for verdict in judged if verdict.ref),
    )


def _gates_without_verdict(entry: Entry, verdicts: Mapping[str, Verdict | None]) -> list[Verdict]:
    """The gates of an entry of which nobody can say whether they are open."""
    gates = [verdicts[name] for name in entry.only_if]
    return [gate for gate in gates if gate is not None and gate.value is None]


def _is_open(entry: Entry, verdicts: Mapping[str, Verdict | None]) -> bool:
    for name, least in entry.only_if.items():
        verdict = verdicts[name]
        if verdict is None or verdict.value is None or verdict.value < max(least, SMALLEST):
            return False
    return True


def evaluation_order(entries: Mapping[str, Entry], names: Sequence[str]) -> tuple[str, ...]:
    """The named entries with all that they need, gates and members first.

    Raises:
        ValueError: an entry needs itself, over whatever detour.
    """
    order: list[str] = []
    path: list[str] = []

    def visit(name: str) -> None:
        if name in path:
            raise ValueError(f"rewards wait for each other: {' -> '.join([*path, name])}")
        if name in order:
            return
        path.append(name)
        for needed in (*entries[name].only_if, *entries[name].members):
            visit(needed)
        path.pop()
        order.append(name)

    for name in names:
        visit(name)
    return tuple(order)
