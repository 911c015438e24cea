"""`rlvr serve`: rewards, or the policy of a run, over HTTP."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

WEB = (
    *("host", "port", "token_file", "open_to_all", "tls_cert", "tls_key", "max_body_mb"),
    *(
        "at_once",
        "queue",
        "client_share",
        "deadline_s",
        "read_timeout_s",
        "drain_delay_s",
        "grace_s",
    ),
    *("access_log", "log_texts"),
)
FILE = click.Path(path_type=Path)


@click.command()
@click.option("--reward", "rewards", multiple=True, help="A reward to serve: math/equal.")
@click.option("--plugin", "plugins", type=FILE, multiple=True, help="Also load this plugin file.")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8000, show_default=True, help="0 takes any free port.")
@click.option("--token-file", type=FILE, help="Lines of name:token; read again when changed.")
@click.option("--open-to-all", is_flag=True, help="Listen beyond this machine without tokens.")
@click.option("--tls-cert", type=FILE, help="Certificate chain, PEM.")
@click.option("--tls-key", type=FILE, help="Its key, PEM.")
@click.option("--timeout-s", type=float, help="Deadline of one judgement.")
@click.option("--workers", type=click.IntRange(min=1), help="Worker processes a reward.")
@click.option("--max-body-mb", default=8.0, show_default=True, help="Largest body, MiB.")
@click.option("--at-once", default=32, show_default=True, help="Requests that run at once.")
@click.option("--queue", default=256, show_default=True, help="Requests that wait.")
@click.option("--client-share", default=0.5, show_default=True, help="Of both, for one client.")
@click.option("--deadline-s", default=120.0, show_default=True, help="Longest time of a request.")
@click.option("--read-timeout-s", default=20.0, show_default=True, help="Longest silence.")
@click.option("--keep-answers-s", default=600.0, show_default=True, help="For Idempotency-Key.")
@click.option("--idempotency-file", type=FILE, help="SQLite file that replicas here share.")
@click.option(
    "--drain-delay-s", default=5.0, show_default=True, help="After SIGTERM, still taking."
)
@click.option("--grace-s", default=60.0, show_default=True, help="After that, finishing.")
@click.option("--access-log", default="-", show_default=True, help='A file; "-" is stderr.')
@click.option("--log-texts", is_flag=True, help="Put bodies into the access log.")
def serve(rewards: tuple[str, ...], **settings: Any) -> None:
    """Serve rewards over HTTP until Ctrl-C or SIGTERM; both let running requests finish."""
    from rlvr_serve.web.settings import WebSettings

    if not rewards:
        raise click.UsageError("name what to serve: --reward math/equal")
    web = WebSettings(**{name: settings.pop(name) for name in WEB})
    serve_rewards(rewards, web, **settings)


def serve_rewards(rewards: tuple[str, ...], web: Any, **settings: Any) -> None:
    """Serve these rewards; exit code 1 if requests were cut off."""
    from rlvr_serve.rewards.app import reward_app
    from rlvr_serve.web.running import serve_app

    app = reward_app(rewards, settings=web, **settings)
    if not serve_app(app, web, on_listening=say_where):
        sys.exit(1)


def say_where(url: str) -> None:
    """Tell a person, or a script that reads our output, where we listen."""
    click.echo(f"listening on {url}")
    sys.stdout.flush()
