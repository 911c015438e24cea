"""Sequential tests: how much evidence there is by now, and when it is enough."""

from __future__ import annotations

import math

DRIFT = 0.5
"""In units of the noise: a level half a deviation past its boundary is what the CUSUM waits for."""
MOST_PER_POINT = 3.5
"""No single point counts for more: one outlier alone raises no alarm."""
RATES = (0.03, 0.06, 0.12, 0.25, 0.5, 0.9)
"""The rates that an `EDetector` holds against the tolerated one: so far from there to 1."""


def cusum_threshold(run_length: float) -> float:
    """The height at which a one-sided CUSUM gives one false alarm in `run_length` points.

    Source: Siegmund's approximation, Sequential Analysis (1985), eq. 2.56, for a drift of `DRIFT`
    and independent normal noise of deviation 1; solved by bisection.
    """
    low, high = 0.0, 60.0
    for _ in range(60):
        middle = (low + high) / 2
        reach = 2 * DRIFT * (middle + 1.166)
        length = (math.exp(reach) - reach - 1) / (2 * DRIFT**2)
        low, high = (middle, high) if length < run_length else (low, middle)
    return high


class Cusum:
    """Collects evidence that a level lies past its boundary, on values in units of their noise."""

    def __init__(self, threshold: float) -> None:
        self.threshold = threshold
        self.height = 0.0

    def update(self, excess: float) -> bool:
        """Add a point; True once the evidence is enough."""
        step = max(-MOST_PER_POINT, min(MOST_PER_POINT, excess)) - DRIFT
        self.height = max(0.0, self.height + step)
        return self.height > self.threshold


class EDetector:
    """Watches a rate: "no more than `tolerated`" against "more, since some moment".

    The mean over larger rates q of the Shiryaev-Roberts sums of their likelihood ratios. While the
    rate is at most `tolerated`, whatever the dependence on the past, it passes a threshold on
    average no sooner than after that many updates.

    Source: Shin, Ramdas, Rinaldo, "E-detectors", arXiv:2203.03532, theorem 2.4.
    """

    def __init__(self, tolerated: float, *, run_length: float = 0.0, once_in: float = 0.0) -> None:
        """Either `run_length`, updates between false alarms, or `once_in`.

        One series in `once_in` ever gives a false alarm, however long it is and however often one
        looks: a change at update j has the prior weight 1 / (j (j + 1)), and Ville's inequality
        holds for the sum.
        """
        self.tolerated = tolerated
        self.enough = run_length or once_in
        self.forever = run_length == 0.0
        self.updates = 0
        self.rates = [tolerated + (1 - tolerated) * share for share in RATES]
        self.sums = [0.0] * len(self.rates)

    def update(self, hits: int, count: int) -> bool:
        """Add `hits` among `count`; True once the evidence is enough."""
        self.updates += 1
        weight = 1 / (self.updates * (self.updates + 1)) if self.forever else 1.0
        for place, rate in enumerate(self.rates):
            gain = hits * math.log(rate / self.tolerated)
            gain += (count - hits) * math.log((1 - rate) / (1 - self.tolerated))
            self.sums[place] = (self.sums[place] + weight) * math.exp(min(gain, 60.0))
            self.sums[place] = min(self.sums[place], 1e60)
        return self.evidence > self.enough

    @property
    def evidence(self) -> float:
        """What is compared with `run_length` or `once_in`."""
        return sum(self.sums) / len(self.sums)


def noise(one: float, two: float, count: int, floor: float) -> tuple[float, float]:
    """Deviation of one point around its slowly moving level, and the correlation of neighbours.

    From the deviations of the `count` differences of neighbours (`one`) and of next but one
    (`two`), so that trends and jumps hardly count. Under AR(1) their squares are 2σ²(1 - φ) and
    2σ²(1 - φ²), so that φ is their ratio less 1; short series are taken for independent.
    """
    if count < 3 or one <= 0:
        return floor, 0.0
    correlation = ((two / one) ** 2 - 1) * (count + 1) / (count + 13)
    correlation = max(0.0, min(0.8, correlation))
    return max(floor, one / math.sqrt(2 * (1 - correlation))), correlation


def excess(now: float, before: float | None, deviation: float, correlation: float) -> float:
    """How far a point is past its boundary, prewhitened, in units of the noise.

    `now` and `before` are distances past the boundary. White with deviation 1 while the level is
    at the boundary; a level that stays past it gives its distance over the long-run deviation.
    """
    if before is None:
        before = now
    innovation = deviation * math.sqrt(1 - correlation**2)
    before = max(-3 * deviation, before)  # a jump from far away is no evidence of its own
    return (now - correlation * before) / innovation
