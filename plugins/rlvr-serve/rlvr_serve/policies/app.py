"""The policy server."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from pathlib import Path

import msgspec
from fastapi import FastAPI

from rlvr_serve.policies.embedded.engine import EmbeddedEngine, EmbeddedSettings
from rlvr_serve.policies.engine import Engine
from rlvr_serve.policies.foreign import ForeignEngine
from rlvr_serve.policies.host import PolicyHost
from rlvr_serve.policies.routes import NewPolicy, policy_router
from rlvr_serve.policies.targets import is_url, locate, name_of, version_of
from rlvr_serve.policies.wire import ChatRequest, CompletionRequest
from rlvr_serve.rewards.judges import Judges
from rlvr_serve.rewards.service import RewardService
from rlvr_serve.web.app import document, make_app
from rlvr_serve.web.settings import WebSettings

SWAP_WAIT_S = 5.0
ADMITTED = ("/v1/chat/completions", "/v1/completions")

_, SCHEMAS = msgspec.json.schema_components(
    [ChatRequest, CompletionRequest, NewPolicy], ref_template="#/components/schemas/{name}"
)


def policy_app(
    target: str,
    *,
    settings: WebSettings,
    name: str | None = None,
    engine_token: str = "",
    rewards: Sequence[str] = (),
    plugins: Sequence[Path] = (),
    timeout_s: float | None = None,
    workers: int | None = None,
    embedded: EmbeddedSettings | None = None,
    canary_s: float = 30.0,
) -> FastAPI:
    """A server of a policy, with rewards to verify its answers.

    Args:
        target: a run's folder, a model's folder, a hub id, or the URL of an engine that runs.
        settings: limits, tokens, deadlines.
        name: the model's name to clients; None takes the target's.
        engine_token: what an engine that runs elsewhere asks for.
        rewards: those that a request may name; options after a question mark.
        plugins: plugin files that the rewards come from.
        timeout_s: deadline of one judgement.
        workers: worker processes a reward.
        embedded: how much the embedded engine takes on.
        canary_s: an engine that made no token for so long is asked for one.

    Raises:
        ModelError: there is no such model.
        PluginError: there is no such reward.
        OptionError: a setting or an option is wrong.
    """
    engine_settings = embedded or EmbeddedSettings()
    engine_settings.check()
    called = name or name_of(target)

    def make(wanted: str) -> Engine:
        if is_url(wanted):
            # at the start an engine may come up after us; a swap waits for nobody
            wait_s = SWAP_WAIT_S if host.is_loaded else math.inf
            return ForeignEngine(wanted, name=name, token=engine_token, wait_s=wait_s)
        place = locate(wanted)
        version = version_of(place)
        return EmbeddedEngine(place, name=called, version=version, settings=engine_settings)

    if not is_url(target):
        locate(target)
    judges = Judges(rewards, plugins=plugins, timeout_s=timeout_s, workers=workers)
    service = RewardService(judges) if rewards else None
    host = PolicyHost(make, target, canary_s=canary_s)

    async def load() -> None:
        await asyncio.gather(asyncio.to_thread(judges.start), host.load())

    async def close() -> None:
        await asyncio.gather(asyncio.to_thread(judges.close), host.close())

    app = make_app(
        "RLVR-Ops policy",
        settings,
        routers=[policy_router(host, service)],
        admitted=ADMITTED,
        openai_paths=("/v1/",),
        load=load,
        watch=host.watch,
        close=close,
    )
    app.state.host = host
    registry = app.state.web.metrics.registry
    registry.register(host.counts)
    if service is not None:
        registry.register(service.counts)
    document(app, SCHEMAS)
    return app
