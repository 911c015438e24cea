"""The servers as pipeline stages: they serve while the `with` lasts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path


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
    from rlvr_serve.web.settings import WebSettings

    del target
    settings = WebSettings(
        host=host,
        port=port,
        token_file=Path(token_file) if token_file else None,
        open_to_all=open_to_all,
        drain_delay_s=drain_delay_s,
        grace_s=grace_s,
    )
    app = reward_app(rewards, settings=settings, plugins=[Path(file) for file in plugins])
    with serving(app, settings) as url:
        yield url
