"""The command line: `rlvr run | check | plugins | score | report | new`, and plugins' commands.

At the top of this package stands nothing but click: each command imports what it needs in its body,
so that `rlvr --help` answers at once.
"""

from __future__ import annotations

import sys

import click

from rlvr_ops_core.cli.check import check
from rlvr_ops_core.cli.new import new
from rlvr_ops_core.cli.plugins import plugins
from rlvr_ops_core.cli.report import report
from rlvr_ops_core.cli.run import run
from rlvr_ops_core.cli.score import score
from rlvr_ops_core.errors import PipelineError, RlvrError

OWN_COMMANDS = [run, check, plugins, score, report, new]


class Commands(click.Group):
    """Our commands first; those of plugins are looked for only when ours do not answer."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's signature
        """The names of all commands, ours in the order in which people need them."""
        own = [command.name or "" for command in OWN_COMMANDS]
        return own + sorted(set(_plugin_commands()) - set(own))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """A command by name."""
        return super().get_command(ctx, cmd_name) or _plugin_commands().get(cmd_name)


def _plugin_commands() -> dict[str, click.Command]:
    from rlvr_ops_core.plugins import Plugins

    found = Plugins.discover().components("command")
    commands = {component.name.partition("/")[2]: component.call for component in found.values()}
    return {name: call for name, call in commands.items() if isinstance(call, click.Command)}


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="rlvr-ops", prog_name="rlvr")
def cli() -> None:
    """Reinforcement learning with verifiable rewards.

    Write a reward once; test it, attack it, train with it in any trainer, serve it, watch it.
    """


for _command in OWN_COMMANDS:
    cli.add_command(_command)


def main() -> None:
    """Run the command line; a user's mistake prints no traceback.

    Exit codes: 0 done, 1 failed, 2 the command line or the pipeline file is wrong, 130 Ctrl-C.
    """
    try:
        cli.main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("\nstopped; the same command goes on from here", err=True)
        sys.exit(130)
    except PipelineError as error:
        for mistake in error.mistakes:
            click.echo(f"error: {mistake}", err=True)
        sys.exit(2)
    except RlvrError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(1)
    except BrokenPipeError:
        sys.exit(1)  # whoever read our output has gone, `head` for instance
