"""`rlvr plugins`: what is installed, and what is wrong with the rest."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rlvr_ops_core.plugins import Component


@click.command()
@click.option("-v", "--verbose", is_flag=True, help="Show options, with their defaults.")
@click.option(
    "--file",
    "files",
    type=click.Path(path_type=Path),
    multiple=True,
    help="Also load this plugin file.",
)
def plugins(verbose: bool, files: tuple[Path, ...]) -> None:
    """List every component that is installed, and every plugin that does not load."""
    from rlvr_ops_core.plugin_hooks import HOOK_OF_KIND
    from rlvr_ops_core.plugins import Plugins

    found = Plugins.discover(files=files)
    count = 0
    for kind in HOOK_OF_KIND:
        for component in found.components(kind).values():
            count += 1
            click.echo(f"{kind:<12} {component.name:<22} {_first_line(component)}")
            if verbose:
                _echo_details(component)
    for broken in found.broken.values():
        click.echo(
            f"{'broken':<12} {broken.plugin:<22} {broken.reason}  [{broken.origin}]", err=True
        )
    bad = f", {len(found.broken)} plugins do not load" if found.broken else ""
    click.echo(f"{count} components{bad}; write your own with: rlvr new reward NAME")


def _first_line(component: Component) -> str:
    """The first line of what the component says of itself."""
    import inspect

    if isinstance(component.call, click.Command):
        return component.call.get_short_help_str(80)
    return (inspect.getdoc(component.call) or "").partition("\n")[0]


def _echo_details(component: Component) -> None:
    from rlvr_ops_core.errors import OptionError
    from rlvr_ops_core.options import options_model

    click.echo(f"{'':<12}   from {component.origin}")
    if isinstance(component.call, click.Command):
        return
    try:
        model = options_model(component.call)
    except OptionError as error:
        click.echo(f"{'':<12}   {error}")
        return
    for name, field in model.model_fields.items():
        default = (
            "required"
            if field.is_required()
            else f"= {field.get_default(call_default_factory=True)!r}"
        )
        click.echo(f"{'':<12}   {name} {default}")
