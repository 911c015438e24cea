"""The estimate that was made before a run, beside what the run became."""

from __future__ import annotations

from rlvr_ops_core.report.layout import section, table
from rlvr_ops_core.report.markup import Markup
from rlvr_ops_core.report.numbers import duration, number, off
from rlvr_ops_core.report.view import View

HEAD = ("Stage", "What", "Estimated", "Became", "Off")


def estimates(view: View) -> Markup | None:
    """A row for each quantity of each stage; None if nothing was estimated."""
    rows = list(estimate_rows(view))
    return section("Estimate", table(HEAD, rows)) if rows else None


def estimate_rows(view: View) -> list[tuple[str, str, str, str, str]]:
    """The same as text."""
    rows = []
    for row in view.estimate:
        show = duration if "seconds" in row.what else number
        rows.append((row.stage, row.what, show(row.estimated), show(row.became), off(row.off)))
    return rows
