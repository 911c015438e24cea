"""What a training spends: tokens, seconds, money and energy, and what was saved.

Time is always booked on the phase that runs, so the phases of a step sum to its wall time.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

Phase = Literal["generate", "score", "train", "other"]
PHASES: tuple[Phase, ...] = ("generate", "score", "train", "other")

WORKED_IN: Mapping[str, tuple[Phase, str]] = {
    "saved/finished_rows": ("generate", "computed/generate"),
    "saved/sampled_prompts": ("generate", "computed/generate"),
    "saved/idle_rows": ("train", "computed/train"),
    "saved/padding": ("train", "computed/train"),
    "saved/shared_prompts": ("train", "computed/train"),
}
"""Tokens that were not computed -> the phase they would have cost, and what was computed in it."""


@dataclass(frozen=True, kw_only=True)
class Costs:
    """What an hour costs, to turn time into money and energy."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}  # `rlvr check` finds misspelt ones

    price_per_hour: float = 0.0
    """Of one device, in any currency."""
    devices: int = 1
    watts: float = 0.0
    """Power of one device: for the energy where no GPU measures its own."""


SUMMED = ("tokens/", "seconds/saved/", "seconds/cpu")
"""Beginnings of the numbers that all processes add to; of others the first process's count."""


def together(numbers: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The numbers of a step from those of each process."""
    first, *others = numbers
    sums = dict(first)
    for one in others:
        for name, number in one.items():
            if name.startswith(SUMMED):
                sums[name] = sums.get(name, 0.0) + number
    return sums


class Accounts:
    """Books tokens and seconds; `close_step` gives the numbers of a step and starts the next."""

    def __init__(
        self,
        costs: Costs | None = None,
        *,
        gauge: Callable[[], Mapping[str, float]] = dict,
        clock: Callable[[], float] = time.perf_counter,
        cpu_clock: Callable[[], float] = time.process_time,
    ) -> None:
        """`gauge` reads the GPUs at the end of a step, `joules` being their sum since the last."""
        self.costs = costs or Costs()
        self._gauge, self._clock, self._cpu_clock = gauge, clock, cpu_clock
        self._running: list[Phase] = ["other"]
        self._seconds: defaultdict[str, float] = defaultdict(float)
        self._tokens: Counter[str] = Counter()
        self._overlapped = 0.0
        self._booked_until = clock()
        self._cpu_until = cpu_clock()

    @contextmanager
    def phase(self, name: Phase) -> Iterator[None]:
        """Book the time of the `with` on a phase; one that starts inside takes its own time out."""
        self.enter(name)
        try:
            yield
        finally:
            self.leave()

    def enter(self, name: Phase) -> None:
        """Start a phase."""
        self._book()
        self._running.append(name)

    def leave(self) -> None:
        """End the phase that was entered last."""
        self._book()
        self._running.pop()

    def count(self, **tokens: int) -> None:
        """Add tokens; in the names, two underscores stand for a slash."""
        for name, number in tokens.items():
            self._tokens[name.replace("__", "/")] += number

    def overlapped(self, seconds: float) -> None:
        """Add time in which answers were judged while others were being written."""
        self._overlapped += seconds

    def close_step(self) -> dict[str, float]:
        """The numbers since the last step was closed: see docs/metrics.md for each."""
        self._book()
        cpu = self._cpu_clock()
        wall = sum(self._seconds.values())
        numbers: dict[str, float] = {f"seconds/{n}": self._seconds[n] for n in PHASES}
        numbers |= {"seconds/wall": wall, "seconds/cpu": cpu - self._cpu_until}
        numbers |= {f"tokens/{name}": float(n) for name, n in sorted(self._tokens.items())}
        numbers |= self._seconds_saved()
        if self._overlapped:
            numbers["seconds/saved/overlap"] = self._overlapped
        numbers |= self._spent(wall)
        self._seconds.clear()
        self._tokens.clear()
        self._overlapped = 0.0
        self._cpu_until = cpu
        return numbers

    def _book(self) -> None:
        now = self._clock()
        self._seconds[self._running[-1]] += now - self._booked_until
        self._booked_until = now

    def _seconds_saved(self) -> dict[str, float]:
        """Tokens that were not computed, at what one that was computed took in this step."""
        return {
            f"seconds/{saved}": self._tokens[saved] * self._seconds[phase] / self._tokens[computed]
            for saved, (phase, computed) in WORKED_IN.items()
            if self._tokens[computed] and saved in self._tokens
        }

    def _spent(self, wall: float) -> dict[str, float]:
        hours = wall / 3600 * self.costs.devices
        read = dict(self._gauge())
        joules = read.pop("joules", None)
        watt_hours = joules / 3600 if joules is not None else hours * self.costs.watts
        spent = {"cost/money": hours * self.costs.price_per_hour, "cost/watt_hours": watt_hours}
        return {name: value for name, value in spent.items() if value} | read
