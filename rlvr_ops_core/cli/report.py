"""`rlvr report`: write the page and the summary of a run."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
def report(run: Path) -> None:
    """Write report.html and report.md of the run folder RUN."""
    from rlvr_ops_core.report import write_report

    page, summary = write_report(run)
    click.echo(f"summary: {summary}\nreport: {page}  (open it in a browser)")
