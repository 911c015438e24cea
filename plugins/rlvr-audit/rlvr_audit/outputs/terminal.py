"""The report as tables for a terminal."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from rlvr_audit.auditing import Report
from rlvr_audit.findings import SEVERITIES
from rlvr_audit.rates import Rate
from rlvr_ops_core.errors import cut, printable

COLOURS = {"critical": "bold red", "high": "red", "medium": "yellow", "low": "cyan"}


def print_report(report: Report, console: Console) -> None:
    """Findings, rates, what was skipped, and the verdict in one line."""
    findings = report.findings
    if findings:
        table = Table(title=f"{report.ref}", title_justify="left", show_lines=True)
        table.add_column("severity")
        table.add_column("probe")
        table.add_column("what", ratio=3)
        table.add_column("example", ratio=2, overflow="fold")
        table.add_column("failed", justify="right")
        for one in findings:
            example = "" if one.completion is None else cut(printable(one.completion), limit=160)
            got = f"{example}\n→ {printable(one.got)}" if one.got else example
            table.add_row(
                Text(one.severity, style=COLOURS[one.severity]),
                one.probe,
                Text(printable(one.what)),
                Text(got),
                f"{one.failed}/{one.tried}",
            )
        console.print(table)
    rates = Table(title="rates (95 % Wilson interval)", title_justify="left")
    for column in ("", "rate", "interval", "trials", "would have shown from"):
        rates.add_column(column)
    for name, rate in report.rates.items():
        rates.add_row(name, *rate_cells(rate))
    console.print(rates)
    skipped = [result for result in report.results if result.status == "skipped"]
    for result in skipped:
        if not result.reason.startswith("not for rewards of kind"):
            console.print(Text(f"skipped {result.probe}: {cut(result.reason, limit=200)}"))
    for name, reason in report.broken.items():
        console.print(Text(f"probes of {name} can't be used: {reason}", style="red"))
    counts = ", ".join(
        f"{sum(one.severity == level for one in findings)} {level}"
        for level in reversed(SEVERITIES)
        if any(one.severity == level for one in findings)
    )
    ran = len(report.results) - len(skipped)
    console.print(
        Text(
            f"{report.ref}: {counts or 'nothing found'}; {ran} probes on {len(report.cases)} cases "
            f"({report.cases_from}), {len(skipped)} skipped, {report.seconds:.1f} s"
        )
    )


def rate_cells(rate: Rate) -> tuple[str, str, str, str]:
    """The rate, its interval, the trials, the smallest rate they could have shown."""
    if rate.value is None or rate.low is None or rate.high is None or rate.detectable is None:
        return "–", "–", "0", "–"
    interval = f"{rate.low:.1%} – {rate.high:.1%}"
    return f"{rate.value:.1%}", interval, f"{rate.failed}/{rate.tried}", f"{rate.detectable:.1%}"
