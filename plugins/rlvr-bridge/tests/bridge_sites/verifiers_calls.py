"""How verifiers calls a reward."""

from __future__ import annotations

import asyncio
import types
from collections.abc import Mapping, Sequence
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
    write,
)
from rlvr_ops_core import RlvrError


@call_site("verifiers")
def verifiers(folder: Path, order: Order, answers: Sequence[Answer]) -> list[Got]:
    """verifiers 0.4.0, verifiers/v1/task.py:213-284, with the function plugged in by config."""
    file = write(folder, order)
    module = module_in(file)
    name = exported_name(module)
    path = f"{file.stem}:{name}"
    if is_real("verifiers"):
        return asyncio.run(_verifiers_real(path, answers))
    return asyncio.run(_verifiers_replay(getattr(module, name), answers))


async def _verifiers_real(path: str, answers: Sequence[Answer]) -> list[Got]:
    import verifiers.v1 as vf
    from verifiers.v1.graph import MessageNode

    class Data(vf.TaskData):
        rlvr_task: str

    class OneTask(vf.Task[Data]):
        pass

    async def one(answer: Answer) -> Got:
        config = vf.TaskConfig(rewards={"rlvr": vf.RewardFunctionConfig(fn=path)})
        data = Data(prompt=answer.task.prompt_text, rlvr_task=encode_task(answer.task))
        task = OneTask(data, config)
        trace = vf.Trace(
            task=vf.TraceTask(type="OneTask", data=data, key=task.key, hash=task.hash),
            agent=vf.AgentInfo(config=vf.AgentConfig()),
        )
        turns = [("user", answer.task.prompt_text), ("assistant", answer.text)]
        for parent, (role, content) in enumerate(turns, start=-1):
            message = {"role": role, "content": content}
            sampled = role == "assistant"
            kept = None if parent < 0 else parent
            trace.nodes.append(MessageNode(parent=kept, message=message, sampled=sampled))
        try:
            await task.score(trace)
        except vf.TaskError as error:
            trace.record_error(error)
            assert not trace.ok
            return Got(None, trace.metrics, "raised")
        return Got(trace.reward, trace.metrics)

    return await asyncio.gather(*map(one, answers))


async def _verifiers_replay(function: Any, answers: Sequence[Answer]) -> list[Got]:
    async def one(answer: Answer) -> Got:
        row = {"prompt": answer.task.prompt_text, "rlvr_task": encode_task(answer.task)}
        task = types.SimpleNamespace(
            model_dump=lambda **_: dict(row), prompt_text=answer.task.prompt_text
        )
        metrics: dict[str, float] = {}
        trace = types.SimpleNamespace(
            last_reply=answer.text.strip(), info={}, record_metric=metrics.__setitem__
        )
        try:
            result = await function(task=task, trace=trace)
        except RlvrError:
            return Got(None, metrics, "raised")
        total = sum(result.values()) if isinstance(result, Mapping) else result
        return Got(float(total), metrics)

    return await asyncio.gather(*map(one, answers))
