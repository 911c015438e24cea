"""The reward server."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from fastapi import FastAPI

from rlvr_serve.rewards.compat import compat_router
from rlvr_serve.rewards.idempotency import Answers
from rlvr_serve.rewards.judges import Judges
from rlvr_serve.rewards.score import SCHEMAS, score_router
from rlvr_serve.rewards.service import RewardService
from rlvr_serve.web.app import document, make_app
from rlvr_serve.web.settings import WebSettings

ADMITTED = ("/v1/score", "/compat/")


def reward_app(
    rewards: Sequence[str],
    *,
    settings: WebSettings,
    plugins: Sequence[Path] = (),
    timeout_s: float | None = None,
    workers: int | None = None,
    keep_answers_s: float = 600.0,
    idempotency_file: Path | None = None,
) -> FastAPI:
    """A server that judges with these rewards.

    Raises:
        PluginError: there is no such reward.
        OptionError: a setting or an option is wrong.
    """
    judges = Judges(rewards, plugins=plugins, timeout_s=timeout_s, workers=workers)
    service = RewardService(judges)
    answers = Answers(keep_s=keep_answers_s, file=idempotency_file)

    router, score = score_router(service, answers)

    def close() -> None:
        judges.close()
        answers.close()

    app = make_app(
        "RLVR-Ops rewards",
        settings,
        routers=[router, compat_router(service)],
        direct={"/v1/score": score},
        admitted=ADMITTED,
        load=judges.start,
        close=close,
    )
    app.state.web.metrics.registry.register(service.counts)
    document(app, SCHEMAS)
    return app
