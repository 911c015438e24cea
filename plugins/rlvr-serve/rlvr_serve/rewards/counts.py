"""The metrics of verdicts. Counted a batch at a time: a histogram call an item costs too much."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

from rlvr_ops_core import Verdict
from rlvr_ops_core.scoring import BoundReward
from rlvr_serve.rewards.items import Result

SECONDS = (1e-5, 1e-4, 1e-3, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
OUTCOMES = ("pass", "fail", "partial", "abstain", "error", "timeout", "invalid")
AT_ONCE = 4096
"""Values that are kept before they are sorted into a histogram."""


class VerdictCounts:
    """Verdicts by reward and outcome, their times and values; a collector for Prometheus.

    `pass` is the greatest value of the reward's range, `fail` the least, `partial` what lies
    between.
    """

    def __init__(self, bound: dict[str, BoundReward]) -> None:
        self.rewards = {name: RewardCounts(one.spec.range) for name, one in bound.items()}

    def collect(self) -> Iterator[Metric]:
        """Four metrics."""
        outcomes = CounterMetricFamily(
            "rlvr_verifications", "Verdicts, by outcome.", labels=["reward", "outcome"]
        )
        seconds = HistogramMetricFamily(
            "rlvr_verification_seconds", "Time of one judgement.", labels=["reward"]
        )
        scores = HistogramMetricFamily("rlvr_reward_score", "Values given.", labels=["reward"])
        inflight = GaugeMetricFamily(
            "rlvr_verifier_inflight", "Answers being judged.", labels=["reward"]
        )
        for name, counts in self.rewards.items():
            for outcome in OUTCOMES:
                outcomes.add_metric([name, outcome], counts.outcomes[outcome])
            seconds.add_metric([name], *counts.seconds.buckets())
            scores.add_metric([name], *counts.values.buckets())
            inflight.add_metric([name], counts.inflight)
        yield from (outcomes, seconds, scores, inflight)


class RewardCounts:
    """The counts of one reward."""

    def __init__(self, value_range: tuple[float, float]) -> None:
        self.low, self.high = value_range
        self.outcomes: Counter[str] = Counter()
        self.seconds = Buckets(SECONDS)
        width = self.high - self.low
        self.values = Buckets(tuple(self.low + width * tenth / 10 for tenth in range(11)))
        self.inflight = 0

    def record(self, verdicts: Sequence[Verdict] | Sequence[Result]) -> None:
        """Count a batch."""
        self.seconds.add([verdict.seconds for verdict in verdicts])
        values = [verdict.value for verdict in verdicts if verdict.value is not None]
        self.values.add(values)
        passed = values.count(self.high)
        failed = values.count(self.low)
        self.outcomes["pass"] += passed
        self.outcomes["fail"] += failed
        self.outcomes["partial"] += len(values) - passed - failed
        if len(values) < len(verdicts):
            self.outcomes.update(one.status for one in verdicts if one.value is None)


class Buckets:
    """A histogram. Values are put into it many at a time: sorted, that is quicker."""

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0
        self._new: list[float] = []

    def add(self, values: Sequence[float]) -> None:
        """Count values."""
        self._new += values
        if len(self._new) >= AT_ONCE:
            self._put_in()

    def buckets(self) -> tuple[list[tuple[str, float]], float]:
        """Cumulative counts by upper bound, and the sum of all values."""
        self._put_in()
        found, below = [], 0
        for bound, count in zip((*self.bounds, float("inf")), self.counts, strict=True):
            below += count
            found.append(("+Inf" if bound == float("inf") else f"{bound:g}", float(below)))
        return found, self.total

    def _put_in(self) -> None:
        values, self._new = sorted(self._new), []
        self.total += sum(values)
        before = 0
        for place, bound in enumerate(self.bounds):
            following = bisect_right(values, bound, before)
            self.counts[place] += following - before
            before = following
        self.counts[-1] += len(values) - before
