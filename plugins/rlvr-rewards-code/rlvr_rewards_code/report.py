"""Reads the report of a task's tests, strictly: test code comes from data sets."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from rlvr_rewards_code.job import Outcome, Row

_MAX_ROWS = 5000


def read_report(payload: bytes, outcome: Outcome) -> Outcome:
    """The outcome with what the tests said; anything malformed makes the task unusable."""
    try:
        report = json.loads(payload)
        if "unusable" in report:
            return replace(outcome, unusable=str(report["unusable"])[:500], limit="")
        rows = tuple(_row(*one) for one in report["tests"][:_MAX_ROWS])
        calls, missing = _count(report["calls"]), _count(report["missing"])
        printed = str(report["printed"])[:2000]
        hit = "answer" if report["limit"] == "answer" else ""
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        return replace(outcome, unusable=f"the tests sent no report: {type(error).__name__}")
    failed = next((row for row in rows if row.share < 1.0), None)
    reason = f"{failed.name}: {failed.reason}" if failed else ""
    if not failed and not calls:
        reason = "the tests never called the program"
    limit = (outcome.limit or hit) if failed else ""
    if failed and not limit and "MemoryError" in failed.reason:
        limit = "memory"
    return replace(
        outcome,
        rows=rows,
        missing=missing,
        reason=reason,
        limit=limit,
        calls=calls,
        printed=printed,
    )


def _row(name: Any, share: Any, reason: Any, seconds: Any) -> Row:
    if type(share) is not float or type(name) is not str or type(reason) is not str:
        raise TypeError("a row")
    if not 0.0 <= share <= 1.0:
        raise ValueError("a row")
    return Row(name[:80], share, reason[:1000], float(seconds))


def _count(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise TypeError("a count")
    return value
