"""How TRL and ms-swift call a reward."""

from __future__ import annotations

import asyncio
import math
import os
import sys
import types
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rlvr_bridge.tasks import encode_task

from bridge_sites.base import (
    Answer,
    Got,
    Order,
    call_site,
    exported_name,
    is_real,
    module_in,
    rows_of,
    write,
)


@call_site("trl")
def trl(folder: Path, order: Order, answers: Sequence[Answer]) -> list[Got]:
    """TRL 1.16.0, trl/trainer/grpo_trainer.py:1579-1687."""
    module = module_in(write(folder, order))
    function = getattr(module, exported_name(module))
    extra: dict[str, list[Any]] = {}
    metrics: dict[str, float] = {}
    inputs = rows_of(answers)
    prompts = [row["prompt"] for row in inputs]
    texts = [a.text for a in answers]
    ids = [[1, 2]] * len(answers)
    if is_real("trl"):
        values = _trl_calculate_rewards(function, inputs, prompts, texts, ids, extra, metrics)
    else:
        keys = [key for key in inputs[0] if key not in ["prompt", "completion", "completion_ids"]]
        reward_kwargs = {key: [example[key] for example in inputs] for key in keys}
        values = function(
            prompts=prompts,
            completions=texts,
            completion_ids=ids,
            **reward_kwargs,
            trainer_state=types.SimpleNamespace(global_step=1),
            log_extra=extra.__setitem__,
            log_metric=metrics.__setitem__,
        )
    assert all(len(column) == len(answers) for column in extra.values()), "a ragged table"
    name = function.__name__
    return [
        Got(value, {key.removeprefix(f"{name}/"): column[row] for key, column in extra.items()})
        for row, value in enumerate(values)
    ]


def _trl_calculate_rewards(
    function: Any,
    inputs: list[dict[str, Any]],
    prompts: list[Any],
    completions: list[Any],
    ids: list[list[int]],
    extra: dict[str, list[Any]],
    metrics: dict[str, float],
) -> list[float | None]:

    import torch
    from accelerate import PartialState
    from trl import GRPOTrainer
    from trl.trainer.utils import get_callable_name

    PartialState(cpu=True)
    stub = types.SimpleNamespace(
        accelerator=types.SimpleNamespace(device=torch.device("cpu"), is_main_process=True),
        args=types.SimpleNamespace(report_to=[]),
        model=types.SimpleNamespace(training=True),
        reward_funcs=[function],
        reward_processing_classes=[None],
        reward_func_names=[get_callable_name(function)],
        state=types.SimpleNamespace(global_step=1, max_steps=10),
        environments=None,
        _log_completion_extra=lambda column, values: extra.setdefault(column, []).extend(values),
        _log_metric=metrics.__setitem__,
    )
    calculate = GRPOTrainer._calculate_rewards
    calculate = getattr(calculate, "__wrapped__", calculate)
    table = calculate(stub, inputs, prompts, completions, ids)
    return [None if math.isnan(value) else value for value in table[:, 0].tolist()]


@call_site("trl-async")
def trl_async(folder: Path, order: Order, answers: Sequence[Answer]) -> list[Got]:
    """TRL 1.16.0, trl/experimental/async_grpo/async_rollout_worker.py:1023-1090 and :1205."""
    import pickle

    module = module_in(write(folder, order))
    function = pickle.loads(pickle.dumps(getattr(module, exported_name(module))))
    rows = rows_of(answers)
    kwargs = {
        "prompts": [[{"role": "user", "content": row["prompt"]}] for row in rows],
        "completions": [[{"role": "assistant", "content": a.text}] for a in answers],
        "completion_ids": [[1, 2]] * len(rows),
        "rlvr_task": [row["rlvr_task"] for row in rows],
    }
    if is_real("trl-async"):
        return _trl_score_group(function, kwargs)
    values = asyncio.run(_in_thread(function, kwargs))
    return [Got(value) for value in values]


async def _in_thread(function: Any, kwargs: dict[str, Any]) -> Any:
    return await asyncio.to_thread(function, **kwargs)


def _trl_score_group(function: Any, kwargs: dict[str, Any]) -> list[Got]:

    os.environ.setdefault("TRL_EXPERIMENTAL_SILENCE", "1")
    from trl.experimental.async_grpo import async_rollout_worker as worker
    from trl.trainer.utils import get_callable_name

    count = len(kwargs["prompts"])
    sequence = worker.TrainingSequence(
        rollout_id="1", input_ids=[1, 2], completion_mask=[0, 1], old_log_probs=[0.0, 0.0]
    )
    group = worker.RolloutGroup(
        prompts=kwargs["prompts"],
        reward_kwargs={"rlvr_task": kwargs["rlvr_task"]},
        completions=kwargs["completions"],
        completions_ids=kwargs["completion_ids"],
        completions_sequences=[[sequence]] * count,
        tool_call_counts=[0] * count,
        tool_failure_counts=[0] * count,
        model_version=0,
        group_id=0,
        env_rewards=[None] * count,
        rollout_rewards=[None] * count,
    )
    stub = types.SimpleNamespace(
        reward_funcs=[function],
        reward_func_names=[get_callable_name(function)],
        _env_reward_types=[],
        _provides_rollout_reward=False,
    )
    samples = asyncio.run(worker._AsyncRolloutLoop._score_group(stub, group))
    rewards = [sample.metrics["reward"] for sample in samples]
    assert all(s.advantage == 0 for s in samples if math.isnan(s.metrics["reward"]))
    return [Got(None if math.isnan(value) else value) for value in rewards]


@call_site("swift")
def swift(folder: Path, order: Order, answers: Sequence[Answer]) -> list[Got]:
    """ms-swift 4.6.0, swift/rl_core/grpo_algorithm.py:17-87, swift/rlhf_trainers/utils.py:2292."""
    real = is_real("swift")
    if not real:
        rewards = types.ModuleType("swift.rewards")
        rewards.orms = {}  # type: ignore[attr-defined]
        sys.modules.setdefault("swift", types.ModuleType("swift"))
        sys.modules["swift.rewards"] = rewards
    from swift.rewards import orms

    before = set(orms)
    module_in(write(folder, order))
    names = [name for name in orms if name not in before]
    functions = [orms.pop(name)(args=None) for name in names]
    names = [name.partition("/")[2] for name in names]
    conversations = [
        [{"role": "user", "content": a.task.prompt_text}, {"role": "assistant", "content": a.text}]
        for a in answers
    ]
    tasks = [encode_task(a.task) for a in answers]
    if real:
        import torch
        from swift.rl_core.data import GRPOSample
        from swift.rl_core.grpo_algorithm import compute_rewards_per_func

        samples = [
            GRPOSample(messages=messages, extra={"rlvr_task": task})
            for messages, task in zip(conversations, tasks, strict=True)
        ]
        nothing = [None] * len(functions)
        table = compute_rewards_per_func(samples, functions, nothing, torch.device("cpu"))
        rows = [[None if math.isnan(one) else one for one in row] for row in table.tolist()]
    else:
        completions = [messages[-1]["content"] for messages in conversations]
        columns = {"messages": conversations, "rlvr_task": tasks, "prompt_id": ["a"] * len(tasks)}
        by_function = [f(completions, trainer_state=None, **columns) for f in functions]
        rows = [list(row) for row in zip(*by_function, strict=True)]
    return [Got(row[0], dict(zip(names[1:], row[1:], strict=True))) for row in rows]
