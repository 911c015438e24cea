"""What an audit says: findings with a severity, and what each probe came to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, get_args

Severity: TypeAlias = Literal["low", "medium", "high", "critical"]
SEVERITIES: tuple[Severity, ...] = get_args(Severity)
"""From the least to the worst.

critical: a policy will find it and be paid for it, or the number is not this answer's at all.
high: wrong answers are paid, or right ones refused, in situations that training does reach.
medium: contested or rare; look at it once and decide.
low: worth knowing.
"""

ProbeStatus: TypeAlias = Literal["passed", "failed", "skipped"]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that is wrong with a reward, with an example that shows it."""

    probe: str
    """`family/name`."""
    severity: Severity
    what: str
    """One line: what the reward does."""
    advice: str = ""
    """What to do about it."""
    variant: str = ""
    case: str = ""
    completion: str | None = None
    expected: str = ""
    got: str = ""
    failed: int = 1
    """In how many of `tried` trials."""
    tried: int = 1
    reproduce: str = ""
    """Python lines that show it without this kit; "" where a few lines can't."""


@dataclass(frozen=True, kw_only=True)
class ProbeResult:
    """What one probe came to."""

    probe: str
    about: str
    status: ProbeStatus
    reason: str = ""
    """Why it was skipped."""
    trials: int = 0
    seconds: float = 0.0
    findings: tuple[Finding, ...] = ()
    figures: dict[str, Any] = field(default_factory=dict)
    """Numbers for people: latencies, exponents, rates."""


def rank(severity: str) -> int:
    """0 for low up to 3 for critical; -1 for "none"."""
    return SEVERITIES.index(severity) if severity in SEVERITIES else -1


def worst_of(findings: Iterable[Finding]) -> str:
    """The worst severity among the findings; "none" without any."""
    return max((finding.severity for finding in findings), key=rank, default="none")


def lowered(severity: Severity) -> Severity:
    """One step less severe; low stays low."""
    return SEVERITIES[max(0, rank(severity) - 1)]
