"""The command line: `rlvr run | check | plugins | score | report | new`, and plugins' commands.

At the top of this package stands nothing but click: each command imports what it needs in its body,
so that `rlvr --help` answers at once.
"""

from __future__ import annotations

import sys
from typing import Any

import click

from rlvr_ops_core.cli.check import check
from rlvr_ops_core.cli.new import new
from rlvr_ops_core.cli.plugins import plugins
from rlvr_ops_core.cli.report import report
from rlvr_ops_core.cli.run import run
from rlvr_ops_core.cli.score import score
from rlvr_ops_core.errors import OptionError, PipelineError, PluginError, RlvrError

OWN_COMMANDS = [run, check, plugins, score, report, new]

FAILED, WRONG, INTERRUPTED = 1, 2, 130
"""Exit codes, beside 0: it went wrong; what was asked for is wrong; Ctrl-C."""


UNUSABLE = (PermissionError, FileExistsError, IsADirectoryError, NotADirectoryError)
"""A place that the user named can't be used as asked; every other OSError is a bug's to show."""


class Commands(click.Group):
    """Our commands first; those of plugins are looked for only when ours do not answer.

    A user's mistake prints no traceback.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all commands, ours in the order in which people need them."""
        own = [command.name or "" for command in OWN_COMMANDS]
        return own + sorted(set(_plugin_commands(ctx)) - set(own))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """A command by name."""
        return super().get_command(ctx, cmd_name) or _plugin_commands(ctx).get(cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that was asked for; for an unknown one, the nearest."""
        name = args[0]
        if self.get_command(ctx, name) is None and not ctx.resilient_parsing:
            raise click.UsageError(_no_such_command(name, self.list_commands(ctx)), ctx)
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; what a user can mend is told in lines, not in a traceback."""
        try:
            return super().invoke(ctx)
        except PipelineError as error:
            for mistake in error.mistakes:
                click.echo(f"error: {mistake}", err=True)
            ctx.exit(WRONG)
        except RlvrError as error:
            click.echo(f"error: {error}", err=True)
            ctx.exit(WRONG if isinstance(error, OptionError | PluginError) else FAILED)
        except UNUSABLE as error:
            if error.filename is None:
                raise
            click.echo(f"error: {error.filename}: {error.strerror}", err=True)
            ctx.exit(FAILED)
        except (click.Abort, KeyboardInterrupt):
            goes_on = "; the same command goes on from here" if _is_run(ctx) else ""
            click.echo(f"\nstopped{goes_on}", err=True)
            ctx.exit(INTERRUPTED)


def _is_run(ctx: click.Context) -> bool:
    return ctx.invoked_subcommand == run.name


def _no_such_command(name: str, known: list[str]) -> str:
    from rlvr_ops_core.errors import did_you_mean, quoted

    hint = did_you_mean(name, known) or f"there is: {', '.join(known)}"
    return f"no command {quoted(name)}; {hint}"


def _plugin_commands(ctx: click.Context) -> dict[str, click.Command]:
    """The commands of plugins by name; what two plugins claim is left out."""
    key = f"{__name__}.plugin_commands"
    if key not in ctx.meta:
        from rlvr_ops_core.plugins import Plugins

        found = list(Plugins.discover(kinds=("command",)).components("command").values())
        names = [component.name.partition("/")[2] for component in found]
        ctx.meta[key] = {
            name: component.call
            for name, component in zip(names, found, strict=True)
            if names.count(name) == 1
        }
    commands: dict[str, click.Command] = ctx.meta[key]
    return commands


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="rlvr-ops", prog_name="rlvr")
def cli() -> None:
    """Reinforcement learning with verifiable rewards.

    Write a reward once; test it, attack it, train with it in any trainer, serve it, watch it.
    """


for _command in OWN_COMMANDS:
    cli.add_command(_command)


def main() -> None:
    """Run the command line and leave.

    Exit codes: 0 done, 1 failed, 2 the command line or the pipeline file is wrong, 130 Ctrl-C.
    """
    sys.exit(cli.main())
