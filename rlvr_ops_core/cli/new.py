"""`rlvr new`: write a plugin that installs and passes its own test."""

from __future__ import annotations

from pathlib import Path

import click

KINDS = ["reward", "trainer", "data-source", "sampler", "monitor", "server"]


@click.command()
@click.argument("kind", type=click.Choice(KINDS))
@click.argument("name")
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    help="Where the package's folder is made. Default: here.",
)
def new(kind: str, name: str, folder: Path) -> None:
    """Write a plugin package of KIND, called NAME, with an example, a README and a test."""
    from rlvr_ops_core.new import write_plugin

    files = write_plugin(kind, name, folder)
    made = files[0].parent
    for file in files:
        click.echo(f"  {file}")
    click.echo(f"made: {made}  next: pip install -e {made} && python -m pytest {made}")
