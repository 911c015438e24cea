"""`rlvr score`: a file of answers through any reward."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click


@click.command()
@click.argument("reward")
@click.argument("answers", type=click.Path(path_type=Path))
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    help="Where the verdicts go. Default: ANSWERS with .verdicts.jsonl at its end.",
)
@click.option(
    "--option",
    "options",
    metavar="NAME=VALUE",
    multiple=True,
    help="An option of the reward. May be given several times.",
)
@click.option("--completion", default="completion", help="Column of the answer to judge.")
@click.option("--answer", default="answer", help="Column of the gold answer.")
@click.option("--prompt", default="prompt", help="Column of the prompt.")
@click.option("--group", default="group", help="Column that answers to one prompt share.")
@click.option("--timeout-s", type=float, help="Deadline of one judgement, in seconds.")
@click.option(
    "--workers", type=click.IntRange(min=1), help="Worker processes. Default: one a core."
)
@click.option(
    "--plugin",
    "plugins",
    type=click.Path(path_type=Path),
    multiple=True,
    help="Also load this plugin file.",
)
def score(reward: str, answers: Path, **settings: Any) -> None:
    """Judge every line of the JSONL file ANSWERS with REWARD, such as math/equal.

    A line is an object; all columns beside the named ones go to the reward as the task's data.
    """
    from rlvr_ops_core.score_file import score_file

    summary = score_file(reward, answers, **settings)
    for line in summary.lines():
        click.echo(line)
    click.echo(f"verdicts: {summary.output}  ({summary.count:,} lines)")
