"""`rlvr audit`: test and attack any reward from the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

EXIT_CODES = {"none": 0, "low": 3, "medium": 4, "high": 5, "critical": 6}
"""What the command exits with for the worst finding, if it is at least `--fail-on`; else 0."""

FILE = click.Path(path_type=Path)


@click.command()
@click.argument("reward", required=False)
@click.option("--cases", type=FILE, help="JSON Lines of prompt, gold, good and bad answers.")
@click.option(
    "--option",
    "options",
    metavar="NAME=VALUE",
    multiple=True,
    help="An option of the reward. May be given several times.",
)
@click.option("--only", metavar="PATTERN", multiple=True, help="Run these probes: 'channel/*'.")
@click.option("--skip", metavar="PATTERN", multiple=True, help="Leave these probes out.")
@click.option("--shape", default="", help="How a function takes its arguments: trl, verl, …")
@click.option(
    "--deadline", type=float, help="Seconds for one hostile text. Default: 2, or less if declared."
)
@click.option(
    "--budget", type=float, default=36.0, show_default=True, help="Seconds for all probes."
)
@click.option(
    "--fail-on",
    type=click.Choice(["low", "medium", "high", "critical", "never"]),
    default="high",
    show_default=True,
    help="The least severity that makes the exit code other than 0.",
)
@click.option("--html", type=FILE, help="Write a page to look at.")
@click.option("--json", "json_file", type=FILE, help="Write everything as JSON.")
@click.option("--junit", type=FILE, help="Write JUnit XML, a test case a probe.")
@click.option("--sarif", type=FILE, help="Write SARIF 2.1.0, for code scanning.")
@click.option("--card", type=FILE, help="Write the card that a pipeline can require.")
@click.option("--init", metavar="DATA", help="Make --cases from a data source, such as math/gsm8k.")
@click.option(
    "--data-option",
    "data_options",
    metavar="NAME=VALUE",
    multiple=True,
    help="An option of --init's data source.",
)
@click.option(
    "--limit", type=int, default=12, show_default=True, help="How many cases --init makes."
)
@click.option(
    "--promote", nargs=2, metavar="RUN ROLLOUT", help="Make a case of a rollout: stage:line."
)
@click.option(
    "--as-good", is_flag=True, help="The promoted rollout is a right answer that was refused."
)
@click.option("--plugin", "plugins", type=FILE, multiple=True, help="Also load this plugin file.")
@click.option("--list", "list_probes", is_flag=True, help="List the probes, and no more.")
def audit_command(reward: str | None, **settings: Any) -> None:
    """Test and attack REWARD: math/equal, package.module:function or file.py:function.

    Exit codes: 0 nothing at or above --fail-on; else by the worst finding 3 low, 4 medium, 5 high,
    6 critical; 1 the audit could not be done, 2 the command line is wrong.
    """
    if settings["list_probes"]:
        _list()
    elif settings["promote"]:
        _promote(reward, settings)
    elif reward is None:
        raise click.UsageError("Missing argument 'REWARD'.")
    elif settings["init"]:
        _init(reward, settings)
    else:
        raise SystemExit(_audit(reward, settings))


def _audit(reward: str, settings: dict[str, Any]) -> int:
    from rich.console import Console

    from rlvr_audit.auditing import audit
    from rlvr_audit.findings import rank
    from rlvr_audit.outputs import write_outputs
    from rlvr_audit.outputs.terminal import print_report

    errors = Console(stderr=True)
    with errors.status(f"auditing {reward}") as status:
        report = audit(
            reward,
            cases=settings["cases"],
            options=_options(settings["options"]),
            only=settings["only"],
            skip=settings["skip"],
            shape=settings["shape"],
            deadline_s=settings["deadline"],
            budget_s=settings["budget"],
            plugin_files=settings["plugins"],
            progress=lambda name: status.update(f"auditing {reward}: {name}"),
        )
    console = Console()
    print_report(report, console if console.is_terminal else Console(width=120))
    for file in write_outputs(report, settings):
        click.echo(f"wrote {file}")
    fail_on = settings["fail_on"]
    is_failure = fail_on != "never" and rank(report.worst) >= rank(fail_on)
    return EXIT_CODES[report.worst] if is_failure else 0


def _options(given: tuple[str, ...]) -> dict[str, Any]:
    from rlvr_ops_core.score_file import parse_options

    return parse_options(given)


def _list() -> None:
    from rich.console import Console
    from rich.table import Table

    from rlvr_audit.probing import installed_probes

    probes, broken = installed_probes()
    table = Table("probe", "worst", "a sound reward", title=f"{len(probes)} probes")
    for name, one in probes.items():
        table.add_row(name, one.severity, one.about)
    console = Console()
    (console if console.is_terminal else Console(width=140)).print(table)
    for name, reason in broken.items():
        click.echo(f"broken: {name}: {reason}", err=True)


def _init(reward: str, settings: dict[str, Any]) -> None:
    from rlvr_audit.making import make_cases

    if settings["cases"] is None:
        raise click.UsageError("--init writes to --cases FILE")
    count = make_cases(
        reward,
        settings["init"],
        file=settings["cases"],
        options=_options(settings["options"]),
        data_options=_options(settings["data_options"]),
        limit=settings["limit"],
        plugin_files=settings["plugins"],
    )
    file = settings["cases"]
    click.echo(f"wrote {count} cases; look at them, then: rlvr audit {reward} --cases {file}")


def _promote(reward: str | None, settings: dict[str, Any]) -> None:
    from rlvr_audit.promoting import promote

    run, rollout = settings["promote"]
    file, case = promote(
        Path(run), rollout, cases=settings["cases"], reward=reward, as_good=settings["as_good"]
    )
    kind = "right" if settings["as_good"] else "wrong"
    name = reward or case.promoted.get("reward") or "REWARD"
    click.echo(
        f"{file}: case {case.id}, a known {kind} answer; now: rlvr audit {name} --cases {file}"
    )
