"""The estimate of a run as a table for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from rlvr_ops_core.report.comparison import IN_ALL, Row
from rlvr_ops_core.report.numbers import duration, number, off


def estimate_table(rows: Sequence[Row], *, compared: bool) -> Table:
    """A row a stage, a column a quantity; compared: the estimate, what it became, how far off."""
    table = Table(title="Estimate and what it became" if compared else "Estimate")
    table.title_justify = "left"
    table.add_column("")
    whats = list(dict.fromkeys(row.what for row in rows))
    for what in whats:
        table.add_column(what, justify="right")
    for stage in dict.fromkeys(row.stage for row in rows):
        found = {row.what: row for row in rows if row.stage == stage}
        cells = [_estimated(found.get(what), compared=compared) for what in whats]
        table.add_row(stage, *cells, style="bold" if stage == IN_ALL else None)
    return table


def _estimated(row: Row | None, *, compared: bool) -> str:
    if row is None:
        return ""
    show = duration if "seconds" in row.what else number
    if not compared:
        return show(row.estimated)
    return f"{show(row.estimated)}\n{show(row.became)}\n{off(row.off)}"
