"""The metrics of a policy: tokens, answers, the time to the first token, swaps, the batch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from prometheus_client import Histogram
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    InfoMetricFamily,
    Metric,
)

if TYPE_CHECKING:
    from rlvr_serve.policies.engine import Engine

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
FINISHES = ("stop", "length", "other")


class PolicyCounts:
    """Counters of one policy server; a collector for Prometheus."""

    def __init__(self) -> None:
        self.tokens: Counter[str] = Counter()
        self.finishes: Counter[str] = Counter()
        self.swaps: Counter[str] = Counter()
        self.engine: Engine | None = None
        self._first = Histogram(
            "rlvr_policy_first_token_seconds",
            "From a streamed request's start to its first token.",
            buckets=SECONDS,
            registry=None,
        )

    def serve(self, engine: Engine) -> None:
        """This engine serves from now on."""
        self.engine = engine

    def swapped(self, outcome: str) -> None:
        """A policy took another's place, or failed to."""
        self.swaps[outcome] += 1

    def first_token(self, seconds: float) -> None:
        """A stream began."""
        self._first.observe(seconds)

    def record(self, answer: Mapping[str, Any]) -> None:
        """Count a whole answer, or a chunk of one."""
        for choice in answer.get("choices") or ():
            finish = choice.get("finish_reason")
            if finish is not None:
                self.finishes[finish if finish in FINISHES else "other"] += 1
        usage = answer.get("usage") or {}
        for kind in ("prompt", "completion"):
            self.tokens[kind] += usage.get(f"{kind}_tokens") or 0

    def collect(self) -> Iterator[Metric]:
        """Everything, for a scrape."""
        tokens = CounterMetricFamily("rlvr_policy_tokens", "Tokens read and made.", labels=["kind"])
        answers = CounterMetricFamily(
            "rlvr_policy_answers", "Answers, by what ended them.", labels=["finish"]
        )
        swaps = CounterMetricFamily(
            "rlvr_policy_swaps", "Policies that took another's place.", labels=["outcome"]
        )
        for kind in ("prompt", "completion"):
            tokens.add_metric([kind], self.tokens[kind])
        for finish in FINISHES:
            answers.add_metric([finish], self.finishes[finish])
        for outcome in ("done", "failed"):
            swaps.add_metric([outcome], self.swaps[outcome])
        yield from (tokens, answers, swaps)
        yield from self._first.collect()
        if self.engine is None:
            return
        rows = GaugeMetricFamily(
            "rlvr_policy_rows", "Answers in the embedded engine's batch.", labels=["state"]
        )
        for state, value in self.engine.numbers().items():
            rows.add_metric([state], value)
        info = InfoMetricFamily("rlvr_policy", "The policy that is served.")
        info.add_metric([], {"model": self.engine.name, "version": self.engine.version})
        yield from (rows, info)
