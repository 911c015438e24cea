"""The command `rlvr export TRAINER REWARD…`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from rlvr_bridge.policy import TRAINERS


@click.command()
@click.argument("trainer", type=click.Choice(sorted(TRAINERS)))
@click.argument("rewards", nargs=-1, required=True, metavar="REWARD...")
@click.option(
    "--option",
    "options",
    metavar="NAME=VALUE",
    multiple=True,
    help="An option of the reward; of several rewards ENTRY.NAME=VALUE, where weight, only_if, "
    "optional and timeout_s say how the entry counts. May be given several times.",
)
@click.option(
    "--plugin",
    "plugins",
    type=click.Path(path_type=Path),
    multiple=True,
    help="Also load this plugin file.",
)
@click.option("--name", help="The name in the trainer's logs.")
@click.option("--answer", help="The column of the gold answer, for data without rlvr_task.")
@click.option("--group-size", type=int, help="Answers a prompt: for rewards that judge groups.")
@click.option(
    "--no-verdict",
    type=click.Choice(["none", "lowest", "raise", "remove", "failure"]),
    help="What no verdict becomes, where the trainer leaves a choice.",
)
@click.option(
    "--error-budget", type=float, default=0.02, help="The share that may fail before it stops."
)
@click.option("--data", help="verifiers: a data source, for a whole environment package.")
@click.option(
    "--data-option", "data_options", metavar="NAME=VALUE", multiple=True, help="Of the data source."
)
@click.option(
    "--output", type=click.Path(path_type=Path), help="The file to write. Default: the terminal."
)
def export(trainer: str, rewards: tuple[str, ...], **settings: Any) -> None:
    """Write what TRAINER needs to use these rewards, such as math/equal.

    A REWARD is plugin/name, ENTRY=plugin/name, or a YAML file with a section `rewards`.
    """
    from rlvr_bridge.export.files import export_files

    for file, text in export_files(trainer, rewards, **settings).items():
        if settings["output"] is None:
            click.echo(text, nl=False)
            continue
        file.parent.mkdir(parents=True, exist_ok=True)
        partial = file.with_name(f".{file.name}.partial")
        partial.write_text(text, encoding="utf-8")
        partial.replace(file)
        click.echo(f"wrote {file}")
    becomes = settings["no_verdict"] or TRAINERS[trainer].becomes
    click.echo(f"no verdict becomes: {becomes}", err=True)


def read_entries(rewards: Sequence[str], options: Sequence[str]) -> dict[str, Any]:
    """The entries that the command line names, each with its options.

    Raises:
        click.BadParameter: an option is not of the form NAME=VALUE, or names no entry.
    """
    entries: dict[str, Any] = {}
    for word in rewards:
        if word.endswith((".yaml", ".yml")):
            entries |= _section(Path(word))
            continue
        name, equals, use = word.rpartition("=")
        entries[name if equals else use.rpartition("/")[2]] = {"use": use}
    for option in options:
        place, equals, text = option.partition("=")
        entry, dot, name = place.partition(".")
        if not dot and len(entries) == 1:
            entry, name = next(iter(entries)), place
        if not equals or entry not in entries or not name:
            known = ", ".join(entries)
            raise click.BadParameter(
                f"{option!r} is not of the form NAME=VALUE, or ENTRY.NAME=VALUE with one of {known}"
            )
        entries[entry] = {**entries[entry], name: value_of(text)}
    return entries


def _section(file: Path) -> Mapping[str, Any]:
    import yaml

    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise click.BadParameter(f"{file} can't be read: {error}") from error
    section = content.get("rewards") if isinstance(content, dict) else None
    if not isinstance(section, dict):
        raise click.BadParameter(f"{file} has no section rewards")
    return {name: {"use": one} if isinstance(one, str) else one for name, one in section.items()}


def value_of(text: str) -> Any:
    """A value from the command line: JSON where it is any (`5`, `true`, `[1, 2]`), else a text."""
    try:
        return json.loads(text)
    except ValueError:
        return text
