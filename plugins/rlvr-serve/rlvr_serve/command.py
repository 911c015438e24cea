"""`rlvr serve`: rewards, or the policy of a run, over HTTP."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from fastapi import FastAPI

    from rlvr_serve.web.settings import WebSettings

WEB = (
    *("host", "port", "token_file", "open_to_all", "tls_cert", "tls_key", "max_body_mb"),
    *("at_once", "queue", "client_share", "deadline_s", "read_timeout_s", "drain_delay_s"),
    *("grace_s", "access_log", "log_texts"),
)
EMBEDDED = ("rows", "cache_tokens", "prefill_tokens", "max_tokens", "threads", "dtype", "device")
POLICY = ("engine_token_file", "name", "canary_s", *EMBEDDED)
REWARDS = ("keep_answers_s", "idempotency_file")
DEADLINE_S = {"policy": 600.0, "rewards": 120.0}
FILE = click.Path(path_type=Path)


@click.command()
@click.argument("policy", required=False, metavar="[RUN]")
@click.option("--reward", "rewards", multiple=True, help="A reward to serve: math/equal.")
@click.option("--plugin", "plugins", type=FILE, multiple=True, help="Also load this plugin file.")
@click.option("--engine", metavar="URL", help="Instead of RUN: vLLM, SGLang, llama-server …")
@click.option("--engine-token-file", type=FILE, help="What that engine asks for.")
@click.option("--name", help="The policy's name to clients; default: that of its folder.")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8000, show_default=True, help="0 takes any free port.")
@click.option("--token-file", type=FILE, help="Lines of name:token; read again when changed.")
@click.option("--open-to-all", is_flag=True, help="Listen beyond this machine without tokens.")
@click.option("--tls-cert", type=FILE, help="Certificate chain, PEM.")
@click.option("--tls-key", type=FILE, help="Its key, PEM.")
@click.option("--timeout-s", type=float, help="Deadline of one judgement.")
@click.option("--workers", type=click.IntRange(min=1), help="Worker processes a reward.")
@click.option("--rows", default=32, show_default=True, help="Answers written at once.")
@click.option("--cache-tokens", default=32_768, show_default=True, help="Rows x longest answer.")
@click.option("--prefill-tokens", default=512, show_default=True, help="Of prompts, a turn.")
@click.option("--max-tokens", default=512, show_default=True, help="If a request does not say.")
@click.option("--threads", type=click.IntRange(min=1), help="Of torch. Default: usable cores.")
@click.option(
    "--dtype",
    type=click.Choice(["auto", "float32", "bfloat16", "float16"]),
    default="auto",
    show_default=True,
    help="Of the weights.",
)
@click.option("--device", default="auto", show_default=True, help="cpu, cuda, cuda:1 …")
@click.option("--canary-s", default=30.0, show_default=True, help="An idle engine is tried.")
@click.option("--max-body-mb", default=8.0, show_default=True, help="Largest body, MiB.")
@click.option("--at-once", default=32, show_default=True, help="Requests that run at once.")
@click.option("--queue", default=256, show_default=True, help="Requests that wait.")
@click.option("--client-share", default=0.5, show_default=True, help="Of both, for one client.")
@click.option("--deadline-s", type=float, help="Longest time of a request: 600, of rewards 120.")
@click.option("--read-timeout-s", default=20.0, show_default=True, help="Longest silence.")
@click.option("--keep-answers-s", default=600.0, show_default=True, help="For Idempotency-Key.")
@click.option("--idempotency-file", type=FILE, help="SQLite file that replicas here share.")
@click.option(
    "--drain-delay-s", default=5.0, show_default=True, help="After SIGTERM, still taking."
)
@click.option("--grace-s", default=60.0, show_default=True, help="After that, finishing.")
@click.option("--access-log", default="-", show_default=True, help='A file; "-" is stderr.')
@click.option("--log-texts", is_flag=True, help="Put bodies into the access log.")
def serve(
    policy: str | None, engine: str | None, rewards: tuple[str, ...], **settings: Any
) -> None:
    """Serve a policy, or rewards, over HTTP until Ctrl-C or SIGTERM; running requests finish.

    RUN is the folder of a run, whose last policy is served, or a model's folder or hub id. With
    --reward its answers can be verified. Without RUN the rewards themselves are served.
    """
    from rlvr_serve.web.settings import WebSettings

    if engine is not None:
        if policy is not None:
            raise click.UsageError("--engine serves what that engine has: leave the run out")
        refuse_given(EMBEDDED, "is for the embedded engine, and this one runs elsewhere")
        policy = url_of(engine)
    if not rewards and policy is None:
        raise click.UsageError("name what to serve: a run's folder, or --reward math/equal")
    kind = "rewards" if policy is None else "policy"
    settings["deadline_s"] = settings["deadline_s"] or DEADLINE_S[kind]
    web = WebSettings(**{name: settings.pop(name) for name in WEB})
    if policy is None:
        refuse_given(POLICY, "is for a policy: name a run's folder too")
        run(make_reward_app(rewards, web, settings), web)
    else:
        refuse_given(REWARDS, "is for a reward server: leave the run out")
        run(make_policy_app(policy, rewards, web, settings), web)


def refuse_given(names: tuple[str, ...], why: str) -> None:
    """Refuse options that would do nothing.

    Raises:
        UsageError: one was given.
    """
    context = click.get_current_context()
    for name in names:
        if context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE:
            raise click.UsageError(f"--{name.replace('_', '-')} {why}")


def make_reward_app(rewards: tuple[str, ...], web: WebSettings, given: dict[str, Any]) -> FastAPI:
    """The server of rewards."""
    from rlvr_serve.rewards.app import reward_app

    options = ("plugins", "timeout_s", "workers", *REWARDS)
    return reward_app(rewards, settings=web, **{name: given[name] for name in options})


def make_policy_app(
    policy: str, rewards: tuple[str, ...], web: WebSettings, given: dict[str, Any]
) -> FastAPI:
    """The server of a policy; SIGHUP lets it look for a newer one."""
    from rlvr_serve.policies.app import policy_app
    from rlvr_serve.policies.embedded.engine import EmbeddedSettings

    options = ("plugins", "timeout_s", "workers", "name", "canary_s")
    file: Path | None = given["engine_token_file"]
    app = policy_app(
        policy,
        settings=web,
        rewards=rewards,
        engine_token=read_token(file) if file else "",
        embedded=EmbeddedSettings(**{name: given[name] for name in EMBEDDED}),
        **{name: given[name] for name in options},
    )
    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, lambda *_: app.state.host.reload())
    return app


def url_of(engine: str) -> str:
    """The URL of an engine.

    Raises:
        UsageError: it is none.
    """
    if not engine.startswith(("http://", "https://")):
        raise click.UsageError(f"--engine {engine}: must be a URL, such as http://127.0.0.1:8001")
    return engine


def read_token(file: Path) -> str:
    """The one token in a file.

    Raises:
        UsageError: it can't be read.
    """
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise click.UsageError(f"--engine-token-file {file}: {error}") from error


def run(app: FastAPI, web: WebSettings) -> None:
    """Serve; exit code 1 if requests were cut off."""
    from rlvr_serve.web.running import serve_app

    if not serve_app(app, web, on_listening=say_where):
        sys.exit(1)


def say_where(url: str) -> None:
    """Tell a person, or a script that reads our output, where we listen."""
    click.echo(f"listening on {url}")
    sys.stdout.flush()
