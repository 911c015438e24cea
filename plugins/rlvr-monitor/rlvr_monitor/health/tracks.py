"""A signal over the points of a stage, and what of its past a detector compares with."""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from collections import deque
from collections.abc import Callable, Sequence

from rlvr_monitor.health.sequential import noise

START = 5
"""So many first points say where a signal starts; nothing is compared with fewer."""
MEMORY = 240
"""Points that are kept beside the first ones."""
NOISE_OVER = 60
"""Points that say how noisy a signal is."""


Scale = Callable[[float], float]
"""Takes a value to where its noise is even."""


def level(value: float) -> float:
    """For what may be negative."""
    return value


def ratio(value: float) -> float:
    """For what is positive and changes by factors."""
    return math.log(max(value, 1e-9))


def share(value: float) -> float:
    """For shares of a count: a binomial share's noise is 1 / (2 √count) here, near 0 and 1 too."""
    return math.asin(math.sqrt(min(1.0, max(0.0, value))))


class Track:
    """One signal's finite values, in the order they came."""

    def __init__(self, scale: Scale, floor: float) -> None:
        """`floor` is the least noise that is assumed, on the scale."""
        self.scaled = scale
        self.floor = floor
        self.first: list[float] = []
        self.values: list[float] = []
        self.count = 0
        self.best = -math.inf
        self.lowest = math.inf
        self.deviation, self.correlation = floor, 0.0
        self.on_scale = (0.0, 0.0)
        """The newest point and the one before it, on the scale."""
        self._neighbours = Spread(NOISE_OVER - 1)
        self._next_but_one = Spread(NOISE_OVER - 2)

    def add(self, value: float) -> None:
        """Take the next point."""
        self.deviation, self.correlation = noise(
            self._neighbours.deviation,
            self._next_but_one.deviation,
            self._neighbours.count,
            self.floor,
        )
        here = self.scaled(value)
        if self.count:
            self._neighbours.add(abs(here - self.on_scale[0]))
        if self.count > 1:
            self._next_but_one.add(abs(here - self.on_scale[1]))
        self.on_scale = (here, self.on_scale[0])
        if len(self.first) < START:
            self.first.append(value)
            self.start = middle(self.first)
        self.count += 1
        self.lowest = min(self.lowest, value)
        self.values.append(value)
        if len(self.values) > 2 * MEMORY:
            del self.values[:MEMORY]
        if len(self.values) >= START + 3:
            self.best = max(self.best, sorted(self.values[-START - 3 : -3])[START // 2])

    @property
    def now(self) -> float:
        """The newest point."""
        return self.values[-1]

    @property
    def recent(self) -> float:
        """Its level over the last few points."""
        return middle(self.values[-START:])

    def before(self, oldest: int = 30, newest: int = 8) -> float:
        """Its level from `oldest` to `newest` points ago; its start while it is that young."""
        window: Sequence[float] = self.values[-oldest - 1 : -newest]
        return middle(window) if len(window) >= 3 else self.start


def middle(values: Sequence[float]) -> float:
    """The median; `statistics.median` takes thrice the time for so few."""
    ordered, count = sorted(values), len(values)
    return (ordered[(count - 1) // 2] + ordered[count // 2]) / 2


QUANTILES = ((0.5, 0.6745), (0.65, 0.9346), (0.8, 1.2816))
"""Of absolute values, and where they lie if the values are normal with deviation 1."""


class Spread:
    """The deviation of the latest `most` values from zero, by quantiles: outliers don't count.

    The mean of three quantiles' estimates varies two thirds as much as the median's alone.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self._latest: deque[float] = deque()
        self._sorted: list[float] = []

    def add(self, size: float) -> None:
        """Take an absolute value; the oldest goes once there are too many."""
        insort(self._sorted, size)
        self._latest.append(size)
        if len(self._latest) > self.most:
            del self._sorted[bisect_left(self._sorted, self._latest.popleft())]

    @property
    def count(self) -> int:
        """Values by now."""
        return len(self._sorted)

    @property
    def deviation(self) -> float:
        """Of no values 0."""
        last = len(self._sorted) - 1
        if last < 0:
            return 0.0
        return sum(self._sorted[round(q * last)] / normal for q, normal in QUANTILES) / 3
