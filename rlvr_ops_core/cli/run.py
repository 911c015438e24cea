"""`rlvr run`: run a pipeline, or go on with one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.console import Console

    from rlvr_ops_core.pipeline import Outcome
    from rlvr_ops_core.plan import Plan


@click.command()
@click.argument("pipeline", type=click.Path(path_type=Path))
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    help="The run folder. Default: runs/NAME, with the pipeline's name.",
)
@click.option("--until", metavar="STAGE", help="Stop after this stage (a name or a verb).")
@click.option(
    "--set",
    "settings",
    metavar="PATH=VALUE",
    multiple=True,
    help="Change the pipeline for this run: stages.policy.steps=5. May be given several times.",
)
@click.option(
    "--dry-run",
    is_flag=True,
    help="Estimate tokens, time, memory and money of each stage from a few real steps; run none.",
)
def run(
    pipeline: Path,
    output: Path | None,
    until: str | None,
    settings: tuple[str, ...],
    *,
    dry_run: bool,
) -> None:
    """Run a pipeline. Stages that are done are skipped; one that was killed goes on."""
    from rich.console import Console

    from rlvr_ops_core.check import check_pipeline
    from rlvr_ops_core.pipeline import run_pipeline
    from rlvr_ops_core.progress import RunProgress

    plan = check_pipeline(pipeline, settings=settings)
    folder = output or Path("runs") / plan.name
    if dry_run:
        show_estimate(plan, folder, until)
        return
    with RunProgress(Console(stderr=True)) as progress:
        outcome = run_pipeline(plan, folder, until=until, show=[progress])
    conclude(outcome)


def show_estimate(plan: Plan, folder: Path, until: str | None) -> None:
    """Print what a run would take, what that rests on, and where it is kept."""
    from rlvr_ops_core.dry_run import estimate_run
    from rlvr_ops_core.estimate import ESTIMATE_FILE
    from rlvr_ops_core.report.comparison import compare
    from rlvr_ops_core.report.terminal import estimate_table

    estimates = estimate_run(plan, folder, until=until)
    rows = compare(folder)
    if rows:
        _console().print(estimate_table(rows, compared=False))
    for line in dict.fromkeys(
        f"{one.name}: {sentence}" for one in estimates for sentence in one.assumes
    ):
        click.echo(line)
    click.echo(
        f"estimate: {folder / ESTIMATE_FILE}; without --dry-run it runs, and compares in the end"
    )


def conclude(outcome: Outcome) -> None:
    """Print the table of each evaluation, then what was made and what to type next."""
    from rlvr_ops_core.report import write_report
    from rlvr_ops_core.report.comparison import compare
    from rlvr_ops_core.report.terminal import estimate_table
    from rlvr_ops_core.tables import evaluation_tables

    console = _console()
    for table in evaluation_tables(outcome.folder):
        console.print(table)
    rows = compare(outcome.folder)
    if rows and outcome.done_now:
        console.print(estimate_table(rows, compared=True))
    if not outcome.done_now:
        count = len(outcome.done_before)
        click.echo(
            f"nothing to do: {count} of {count} stages are done in {outcome.folder}; "
            f"look at it with: rlvr report {outcome.folder}"
        )
        return
    page, _summary = write_report(outcome.folder)
    click.echo(f"run: {outcome.folder}  report: {page}  again: rlvr report {outcome.folder}")


def _console() -> Console:
    """Standard output, wide enough for tables where it is no terminal."""
    from rich.console import Console

    console = Console()
    return console if console.is_terminal else Console(width=120)
