"""`rlvr check`: find every mistake of a pipeline file before anything heavy is loaded."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("pipeline", type=click.Path(path_type=Path))
@click.option(
    "--set", "settings", metavar="PATH=VALUE", multiple=True, help="As `rlvr run` takes it."
)
@click.option(
    "--data", is_flag=True, help="Read the data too, and find tasks that no reward can judge."
)
def check(pipeline: Path, settings: tuple[str, ...], data: bool) -> None:
    """Check a pipeline file: every mistake at once, each with its line. Exit code 2 if any."""
    from rlvr_ops_core.check import check_pipeline

    plan = check_pipeline(pipeline, settings=settings)
    if data:
        from rlvr_ops_core.check_data import check_data

        for line in check_data(plan):
            click.echo(line)
    stages = ", ".join(stage.name for stage in plan.stages)
    click.echo(f"{pipeline} is sound: {stages}; run it with: rlvr run {pipeline}")
