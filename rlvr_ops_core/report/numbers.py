"""How numbers read in a report."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

NOTHING = "–"


def number(value: float | None) -> str:
    """Three significant digits, never more than a reader wants: 0.812, 1,319, 2.5e-05."""
    if value is None:
        return NOTHING
    if value and not 1e-3 <= abs(value) < 1e6:
        return f"{value:.2g}"
    if float(value).is_integer():
        return f"{value:,.0f}"
    return f"{value:,.1f}" if abs(value) >= 100 else f"{value:.3g}"


def percent(value: float | None) -> str:
    """A share in percent: 0.8123 -> 81.2%."""
    return NOTHING if value is None else f"{100 * value:.1f}%"


def points(value: float | None) -> str:
    """A difference of shares in percentage points, with its sign."""
    return NOTHING if value is None else f"{100 * value:+.1f}".replace("-", "−")


def off(share: float | None) -> str:
    """How far an estimate was off: 0.118 -> +12%."""
    return NOTHING if share is None else f"{100 * share:+.0f}%".replace("-", "−")


def percent_interval(estimate: Mapping[str, Any]) -> str:
    """An estimated share and its interval: 81.2% [77.0, 85.1]."""
    low, high = estimate.get("low"), estimate.get("high")
    if low is None or high is None:
        return percent(estimate.get("value"))
    return f"{percent(estimate.get('value'))} [{100 * low:.1f}, {100 * high:.1f}]"


def mean_interval(estimate: Mapping[str, Any]) -> str:
    """An estimated mean and its interval: 0.812 [0.77, 0.851]."""
    low, high = estimate.get("low"), estimate.get("high")
    if low is None or high is None:
        return number(estimate.get("value"))
    return f"{number(estimate.get('value'))} [{number(low)}, {number(high)}]"


def points_interval(pair: Mapping[str, Any]) -> str:
    """A paired difference and its interval, in percentage points."""
    if pair.get("low") is None or pair.get("high") is None:
        return points(pair.get("difference"))
    return f"{points(pair.get('difference'))} [{points(pair['low'])}, {points(pair['high'])}]"


def p_value(pair: Mapping[str, Any]) -> str:
    """`p = 0.031`, `p < 0.0001`, or `no test`."""
    p = pair.get("p")
    if p is None:
        return "no test"
    return "p < 0.0001" if p < 1e-4 else f"p = {p:.2g}"


def duration(seconds: float | None) -> str:
    """0.02 s, 1.3 s, 4 min 07 s, 2 h 05 min."""
    if seconds is None:
        return NOTHING
    if seconds < 60:
        return f"{seconds:.2g} s" if seconds < 1 else f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def moment(iso: object) -> str:
    """An ISO time as a person writes it: 2026-03-02 09:14 UTC."""
    try:
        when = datetime.fromisoformat(str(iso))
    except ValueError:
        return NOTHING
    return f"{when:%Y-%m-%d %H:%M} {when.tzname() or ''}".strip()
