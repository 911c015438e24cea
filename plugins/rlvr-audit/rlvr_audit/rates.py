"""How often wrong answers were paid, right ones refused, and what the sample could have shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rlvr_audit import thresholds
from rlvr_ops_core.statistics import wilson


@dataclass(frozen=True)
class Rate:
    """A share of trials with Wilson's interval."""

    failed: int
    tried: int
    value: float | None
    low: float | None
    high: float | None
    detectable: float | None
    """The smallest true rate that had a 95 % chance to show at least once in so many trials: any
    smaller one may well have gone unseen. 1 - 0.05^(1/n), about 3/n."""


def rate(failed: int, tried: int) -> Rate:
    """The rate of `failed` in `tried` trials; no trials -> no value."""
    estimate = wilson(failed, tried, thresholds.CONFIDENCE)
    least = 1 - (1 - thresholds.CONFIDENCE) ** (1 / tried) if tried else None
    return Rate(failed, tried, estimate.value, estimate.low, estimate.high, least)


def rates_of(tried: Sequence[tuple[str, bool, bool]]) -> dict[str, Rate]:
    """False positives and false negatives: of the known answers alone, and of the attacks.

    The attacks are no sample of what a policy writes: their rates compare rewards, they do not
    predict a run.
    """

    def of(source: str, is_right: bool) -> Rate:
        failed = [bad for one, right, bad in tried if one == source and right == is_right]
        return rate(sum(failed), len(failed))

    return {
        "known wrong answers paid": of("known", False),
        "known right answers refused": of("known", True),
        "attacks paid": of("attack", False),
        "rewritten right answers refused": of("attack", True),
    }
