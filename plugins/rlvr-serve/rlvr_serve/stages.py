"""The servers as pipeline stages: they serve while the `with` lasts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rlvr_serve.web.settings import WebSettings


@contextmanager
def rewards(
    target: str,
    *,
    rewards: Sequence[str],
    host: str = "127.0.0.1",
    port: int = 8000,
    plugins: Sequence[str] = (),
    token_file: str | None = None,
    open_to_all: bool = False,
    drain_delay_s: float = 5.0,
    grace_s: float = 60.0,
) -> Iterator[str]:
    """Serve rewards over HTTP; the model of the stage is not used.

    Args:
        target: the stage's model, which the pipeline names anyway.
        rewards: such as `math/equal`; options after a question mark.
        host: where to listen.
        port: 0 takes any free port.
        plugins: plugin files that the rewards come from.
        token_file: lines of `name:token`; without it only this machine may ask.
        open_to_all: listen beyond this machine without tokens.
        drain_delay_s: how long new requests are still taken after the signal to stop.
        grace_s: how long running requests may take after that.
    """
    from rlvr_serve.rewards.app import reward_app
    from rlvr_serve.web.running import serving

    del target
    settings = web_settings(
        host=host,
        port=port,
        token_file=token_file,
        open_to_all=open_to_all,
        drain_delay_s=drain_delay_s,
        grace_s=grace_s,
    )
    app = reward_app(rewards, settings=settings, plugins=[Path(file) for file in plugins])
    with serving(app, settings) as url:
        yield url


@contextmanager
def policy(
    target: str,
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    model_name: str | None = None,
    rewards: Sequence[str] = (),
    plugins: Sequence[str] = (),
    rows: int = 32,
    cache_tokens: int = 32_768,
    max_tokens: int = 512,
    threads: int | None = None,
    token_file: str | None = None,
    open_to_all: bool = False,
    deadline_s: float = 600.0,
    drain_delay_s: float = 5.0,
    grace_s: float = 60.0,
) -> Iterator[str]:
    """Serve the stage's model behind OpenAI's API.

    Args:
        target: the stage's model.
        host: where to listen.
        port: 0 takes any free port.
        model_name: what clients call it; None takes that of its folder.
        rewards: such as `math/equal`, for verified answers; options after a question mark.
        plugins: plugin files that the rewards come from.
        rows: answers written at the same time.
        cache_tokens: answers at once times the tokens of the longest.
        max_tokens: of an answer whose request does not say.
        threads: of torch; None takes the cores of this process.
        token_file: lines of `name:token`; without it only this machine may ask.
        open_to_all: listen beyond this machine without tokens.
        deadline_s: the longest time of a request.
        drain_delay_s: how long new requests are still taken after the signal to stop.
        grace_s: how long running requests may take after that.
    """
    from rlvr_serve.policies.app import policy_app
    from rlvr_serve.policies.embedded.engine import EmbeddedSettings
    from rlvr_serve.web.running import serving

    settings = web_settings(
        host=host,
        port=port,
        token_file=token_file,
        open_to_all=open_to_all,
        deadline_s=deadline_s,
        drain_delay_s=drain_delay_s,
        grace_s=grace_s,
    )
    embedded = EmbeddedSettings(
        rows=rows, cache_tokens=cache_tokens, max_tokens=max_tokens, threads=threads
    )
    app = policy_app(
        target,
        settings=settings,
        name=model_name,
        rewards=rewards,
        plugins=[Path(file) for file in plugins],
        embedded=embedded,
    )
    with serving(app, settings) as url:
        yield url


def web_settings(*, token_file: str | None, **settings: Any) -> WebSettings:
    """The settings of a server, out of a stage's options."""
    from rlvr_serve.web.settings import WebSettings

    return WebSettings(token_file=Path(token_file) if token_file else None, **settings)
