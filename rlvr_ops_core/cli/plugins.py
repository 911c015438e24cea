"""`rlvr plugins`: what is installed, and what is wrong with the rest."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rlvr_ops_core.plugins import Broken, Component

KIND_WIDTH = 12
INDENT = " " * (KIND_WIDTH + 2)


@click.command()
@click.option("-v", "--verbose", is_flag=True, help="Show options, with types and defaults.")
@click.option(
    "--file",
    "files",
    type=click.Path(path_type=Path),
    multiple=True,
    help="Also load this plugin file.",
)
def plugins(verbose: bool, files: tuple[Path, ...]) -> None:
    """List what is installed, and what does not load.

    A line a component: its kind, its name and what it does.
    """
    from rlvr_ops_core.plugin_hooks import HOOK_OF_KIND
    from rlvr_ops_core.plugins import Plugins

    found = Plugins.discover(files=files)
    components = [one for kind in HOOK_OF_KIND for one in found.components(kind).values()]
    names = [one.name for one in components] + list(found.broken)
    name_width = max(map(len, names), default=0)
    width = _terminal_width()
    for component in components:
        line = f"{component.kind:<{KIND_WIDTH}} {component.name:<{name_width}}"
        click.echo(_fit(f"{line}  {_first_line(component)}", width))
        for detail in _details(component) if verbose else ():
            click.echo(INDENT + detail)
    for broken in found.broken.values():
        line = f"{'broken':<{KIND_WIDTH}} {broken.plugin:<{name_width}}"
        click.echo(f"{line}  {broken.reason}  [{broken.origin}]")
        for detail in _hint_and_traceback(broken, verbose=verbose):
            click.echo(INDENT + detail)
    count = len(found.broken)
    bad = f", {count} plugin{'s do' if count > 1 else ' does'} not load" if count else ""
    click.echo(f"{len(components)} components{bad}; write your own with: rlvr new reward NAME")


def _terminal_width() -> int | None:
    """The width that lines must fit in; None if a file or another program reads them."""
    import os
    import shutil
    import sys

    if not sys.stdout.isatty() and "COLUMNS" not in os.environ:
        return None
    return shutil.get_terminal_size().columns


def _fit(line: str, width: int | None) -> str:
    return line if width is None or len(line) <= width else line[: max(1, width - 1)] + "…"


def _first_line(component: Component) -> str:
    """The first line of what the component says of itself."""
    import inspect

    from rlvr_ops_core.errors import printable

    if isinstance(component.call, click.Command):
        return component.call.get_short_help_str(80)
    return printable((inspect.getdoc(component.call) or "").partition("\n")[0])


def _details(component: Component) -> Iterator[str]:
    """Where the component comes from, and its options."""
    from rlvr_ops_core.errors import RlvrError
    from rlvr_ops_core.options import SUPPLIED_BY_THE_CORE, known_options, options_model
    from rlvr_ops_core.reward_spec import spec_of

    yield f"from {component.origin}"
    if isinstance(component.call, click.Command):
        return
    supplied = SUPPLIED_BY_THE_CORE if component.kind == "sampler" else frozenset()
    try:
        own = options_model(component.call, supplied).model_fields
        handed_on = len(known_options(component.call, supplied=supplied)) - len(own)
    except RlvrError as error:
        yield from str(error).splitlines()
        return
    for name, field in own.items():
        given = "" if field.is_required() else f" = {_default(field)}"
        yield f"{name}: {type_name(field.annotation)}{given or ' (required)'}"
    if handed_on:
        yield f"… and {handed_on} more, handed on by their names"
    details = spec_of(component.call).details
    try:
        yield from details() if details is not None else ()
    except Exception as error:  # noqa: BLE001  # a plugin's code: the list goes on without it
        yield f"(what it says of this machine fails: {error!r})"


def _default(field: Any) -> str:
    from rlvr_ops_core.explain import shorten

    value = field.get_default(call_default_factory=True)
    return "None" if value is None else shorten(value)


def _hint_and_traceback(broken: Broken, *, verbose: bool) -> list[str]:
    lines = broken.hint.splitlines()
    return lines + (broken.traceback.splitlines() if verbose else [])


def type_name(annotation: Any) -> str:
    """A type as a person writes it.

    >>> from typing import Literal
    >>> type_name(Literal["a", "b"] | None), type_name(list[int]), type_name(Path)
    ("'a' | 'b' | None", 'list[int]', 'Path')
    """
    import re
    import types
    from typing import Annotated, Literal, Union, get_args, get_origin

    origin = get_origin(annotation)
    if origin is Annotated:
        return type_name(get_args(annotation)[0])
    if origin is Literal:
        return " | ".join(map(repr, get_args(annotation)))
    if origin in (Union, types.UnionType):
        return " | ".join(type_name(part) for part in get_args(annotation))
    if annotation is type(None):
        return "None"
    if isinstance(annotation, type) and origin is None:
        return annotation.__name__
    return re.sub(r"\b(?:\w+\.)+", "", str(annotation))
