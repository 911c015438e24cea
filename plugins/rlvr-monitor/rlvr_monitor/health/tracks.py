"""A signal over the points of a stage, and what of its past a detector compares with."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median

from rlvr_monitor.health.sequential import noise

START = 5
"""So many first points say where a signal starts; nothing is compared with fewer."""
MEMORY = 240
"""Points that are kept beside the first ones."""
NOISE_OVER = 60


class Track:
    """One signal's finite values, in the order they came."""

    def __init__(self, *, log: bool, floor: float) -> None:
        """`floor` is the least noise that is assumed: of the logarithm where `log`."""
        self.log = log
        self.floor = floor
        self.first: list[float] = []
        self.values: list[float] = []
        self.count = 0
        self.best = -math.inf
        self.lowest = math.inf
        self.deviation, self.correlation = floor, 0.0

    def add(self, value: float) -> None:
        """Take the next point."""
        if len(self.first) < START:
            self.first.append(value)
        self.count += 1
        self.lowest = min(self.lowest, value)
        self.values.append(value)
        if len(self.values) > 2 * MEMORY:
            del self.values[:MEMORY]
        if len(self.values) >= START + 3:
            self.best = max(self.best, median(self.values[-START - 3 : -3]))
        scaled = [self.scaled(one) for one in self.values[-NOISE_OVER - 1 : -1]]
        self.deviation, self.correlation = noise(scaled, self.floor)

    def scaled(self, value: float) -> float:
        """On the scale on which the noise is even."""
        return math.log(max(value, 1e-9)) if self.log else value

    @property
    def now(self) -> float:
        """The newest point."""
        return self.values[-1]

    @property
    def start(self) -> float:
        """Where the signal began."""
        return median(self.first)

    @property
    def recent(self) -> float:
        """Its level over the last few points."""
        return median(self.values[-START:])

    def before(self, oldest: int = 30, newest: int = 8) -> float:
        """Its level from `oldest` to `newest` points ago; its start while it is that young."""
        window: Sequence[float] = self.values[-oldest - 1 : -newest]
        return median(window) if len(window) >= 3 else self.start
