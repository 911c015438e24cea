"""`rlvr run`: run a pipeline, or go on with one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rlvr_ops_core.pipeline import Outcome


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
def run(pipeline: Path, output: Path | None, until: str | None, settings: tuple[str, ...]) -> None:
    """Run a pipeline. Stages that are done are skipped; one that was killed goes on."""
    from rich.console import Console

    from rlvr_ops_core.check import check_pipeline
    from rlvr_ops_core.pipeline import run_pipeline
    from rlvr_ops_core.progress import RunProgress

    plan = check_pipeline(pipeline, settings=settings)
    folder = output or Path("runs") / plan.name
    with RunProgress(Console(stderr=True)) as progress:
        outcome = run_pipeline(plan, folder, until=until, show=[progress])
    conclude(outcome)


def conclude(outcome: Outcome) -> None:
    """Print the table of each evaluation, then what was made and what to type next."""
    from rich.console import Console

    from rlvr_ops_core.report import write_report
    from rlvr_ops_core.tables import evaluation_tables

    console = Console()
    if not console.is_terminal:
        console = Console(width=120)
    for table in evaluation_tables(outcome.folder):
        console.print(table)
    if not outcome.done_now:
        count = len(outcome.done_before)
        click.echo(
            f"nothing to do: {count} of {count} stages are done in {outcome.folder}; "
            f"look at it with: rlvr report {outcome.folder}"
        )
        return
    page, _summary = write_report(outcome.folder)
    click.echo(f"run: {outcome.folder}  report: {page}  again: rlvr report {outcome.folder}")
