"""How NeMo-RL and NeMo-Gym call a reward."""

from __future__ import annotations

import asyncio
import sys
import types
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from rlvr_bridge.tasks import encode_task

from bridge_sites.base import (
    Answer,
    Got,
    Order,
    call_site,
    module_in,
    write,
)
from rlvr_ops_core import RlvrError


class EnvironmentReturn(NamedTuple):
    """NeMo-RL 7ea279a, nemo_rl/environments/interfaces.py:26-50."""

    observations: Any
    metadata: Any
    next_stop_strings: Any
    rewards: Any
    terminateds: Any
    answers: Any


@call_site("nemo-rl")
def nemo_rl(folder: Path, order: Order, answers: Sequence[Answer]) -> list[Got]:
    """NeMo-RL 7ea279a, nemo_rl/experience/rollouts.py:740-840: step, then rewards are added up."""
    import torch

    for name in ("nemo_rl", "nemo_rl.environments"):
        sys.modules.setdefault(name, types.ModuleType(name))
    interfaces = types.ModuleType("nemo_rl.environments.interfaces")
    interfaces.EnvironmentReturn = EnvironmentReturn  # type: ignore[attr-defined]
    sys.modules["nemo_rl.environments.interfaces"] = interfaces
    ray = types.ModuleType("ray")
    ray.remote = lambda **_: lambda cls: cls  # type: ignore[attr-defined]
    kept = sys.modules.get("ray")
    sys.modules["ray"] = ray
    try:
        module = module_in(write(folder, order))
    finally:
        sys.modules.pop("ray")
        if kept is not None:
            sys.modules["ray"] = kept
    env = module.Environment({"num_workers": 1})
    logs = [
        [
            {"role": "user", "content": a.task.prompt_text, "token_ids": torch.tensor([1])},
            {"role": "assistant", "content": a.text, "token_ids": torch.tensor([2])},
        ]
        for a in answers
    ]
    try:
        result = env.step(logs, [{"rlvr_task": encode_task(a.task)} for a in answers])
    except RlvrError:
        return [Got(None, mark="raised")] * len(answers)
    rewards = result.rewards
    total = sum(rewards.values()) if isinstance(rewards, dict) else rewards
    assert len(result.observations) == len(result.answers) == len(answers)
    _, metrics = env.global_post_process_and_metrics({})
    assert 0 <= metrics["rlvr_ok"] <= 1
    return [Got(value) for value in total.tolist()]


@call_site("nemo-gym")
def nemo_gym(folder: Path, order: Order, answers: Sequence[Answer]) -> list[Got]:
    """NeMo-Gym 07d6b0d, nemo_gym/base_resources_server.py:139 and judge.py:87-115."""
    _nemo_gym_stand_in()
    module = module_in(write(folder, order))
    server = module.RewardServer()

    async def every() -> Any:
        return [await _judge_failsafe(server, module, _request(answer)) for answer in answers]

    got = []
    for row in asyncio.run(every()):
        if "_ng_failure_class" in row:
            got.append(Got(None, mark="failure"))
            continue
        # NeMo-RL, nemo_gym.py:1080-1104: it raises unless the parts sum to the reward
        assert abs(sum(row["reward_components"].values()) - row["reward"]) < 1e-9
        numbers = {key: one for key, one in row.items() if key.startswith(("reward/", "rlvr_"))}
        got.append(Got(row["reward"], numbers))
    return got


def _request(answer: Answer) -> dict[str, Any]:
    content = [{"type": "output_text", "text": answer.text, "annotations": []}]
    message = {"type": "message", "role": "assistant", "content": content}
    given = [{"role": "user", "content": answer.task.prompt_text}]
    return {
        "responses_create_params": {"input": given},
        "response": {"output": [{"type": "reasoning", "summary": []}, message]},
        "rlvr_task": encode_task(answer.task),
    }


async def _judge_failsafe(server: Any, module: Any, request: dict[str, Any]) -> dict[str, Any]:
    body = module.VerifyRequest(**request)
    try:
        response = await server.verify(body)
    except module.JudgeError as error:
        return body.model_dump() | {
            "reward": 0.0,
            "_ng_failure_class": "judge_failed",
            "_ng_failure_judge_error": str(error),
        }
    dumped: dict[str, Any] = response.model_dump()
    return dumped


def _nemo_gym_stand_in() -> None:
    from pydantic import BaseModel

    class BaseVerifyRequest(BaseModel):
        responses_create_params: dict[str, Any]
        response: dict[str, Any]

    class BaseMultiRewardVerifyResponse(BaseVerifyRequest):
        reward: float
        reward_components: dict[str, float]

    class SimpleResourcesServer:
        pass

    class JudgeError(Exception):
        pass

    base = types.ModuleType("nemo_gym.base_resources_server")
    for cls in (BaseVerifyRequest, BaseMultiRewardVerifyResponse, SimpleResourcesServer):
        setattr(base, cls.__name__, cls)
    judge = types.ModuleType("nemo_gym.judge")
    judge.JudgeError = JudgeError  # type: ignore[attr-defined]
    for module in (types.ModuleType("nemo_gym"), base, judge):
        sys.modules[module.__name__] = module
