"""How verl calls a reward."""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rlvr_bridge.tasks import encode_task

from bridge_sites.base import (
    Answer,
    CharTokenizer,
    Got,
    Order,
    call_site,
    is_real,
    write,
)


@call_site("verl")
def verl(folder: Path, order: Order, answers: Sequence[Answer]) -> list[Got]:
    """verl 0.9.1, trainer/ppo/reward.py:50-86 and experimental/reward_loop/…/naive.py:34-99."""
    import yaml

    config = yaml.safe_load(write(folder, order).read_text())
    if is_real("verl"):
        results = asyncio.run(_verl_real(config, answers))
    else:
        chosen = config["reward"]["custom_reward_function"]
        module = importlib.import_module(chosen["path"].removeprefix("pkg://"))
        function = getattr(module, chosen["name"])
        results = asyncio.run(_verl_replay(function, chosen["reward_kwargs"], answers))
    ok = [one for one in results if not isinstance(one, BaseException)]
    keys = list(ok[0]["reward_extra_info"]) if ok else []
    for key in keys:  # reward_loop.py:366-369: the first answer's keys are looked up in all
        assert len([one["reward_extra_info"][key] for one in ok]) == len(ok)
    return [
        Got(None, mark="raised")
        if isinstance(one, BaseException)
        else Got(one["reward_score"], one["reward_extra_info"])
        for one in results
    ]


async def _verl_replay(
    function: Any, kwargs: dict[str, Any], answers: Sequence[Answer]
) -> list[Any]:
    async def one(answer: Answer) -> Any:
        extra = {"rlvr_task": encode_task(answer.task), "num_turns": None}
        result = await function(
            data_source="d",
            solution_str=answer.text,
            ground_truth=answer.task.answer,
            extra_info={**extra, "rollout_reward_scores": {}},
            **kwargs,
        )
        return {"reward_score": result["score"], "reward_extra_info": dict(result)}

    return await asyncio.gather(*map(one, answers), return_exceptions=True)


async def _verl_real(config: dict[str, Any], answers: Sequence[Answer]) -> list[Any]:
    import numpy as np
    import torch
    from omegaconf import OmegaConf
    from verl import DataProto
    from verl.experimental.reward_loop.reward_manager.naive import NaiveRewardManager
    from verl.trainer.ppo.reward import get_custom_reward_fn

    function = get_custom_reward_fn(OmegaConf.create(config))
    manager = NaiveRewardManager(OmegaConf.create({}), CharTokenizer(), function)

    async def one(answer: Answer) -> Any:
        ids = torch.tensor([[ord(char) for char in answer.text] or [32]])
        extra = {"rlvr_task": encode_task(answer.task)}
        data = DataProto.from_dict(
            tensors={"responses": ids, "attention_mask": torch.ones_like(ids)},
            non_tensors={
                "data_source": np.array(["d"], dtype=object),
                "reward_model": np.array([{"ground_truth": answer.task.answer}], dtype=object),
                "extra_info": np.array([extra], dtype=object),
            },
        )
        return await manager.run_single(data)

    return await asyncio.gather(*map(one, answers), return_exceptions=True)
