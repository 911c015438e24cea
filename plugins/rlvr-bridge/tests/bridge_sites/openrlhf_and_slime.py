"""How OpenRLHF calls a reward, in a file and over HTTP, and how slime does."""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import threading
import types
from collections.abc import Mapping, Sequence
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
    module_in,
    post,
    write,
)
from rlvr_ops_core import RlvrError


class _Engine:
    """Generates what it was told to."""

    def __init__(self, text: str) -> None:
        self.ids = [ord(char) for char in text]

    async def generate(self, prompt_ids: Any, params: Any, multi_modal_data: Any = None) -> Any:
        output = types.SimpleNamespace(token_ids=self.ids, finish_reason="stop", logprobs=None)
        return types.SimpleNamespace(outputs=[output])


def _openrlhf_real(endpoint: str, answers: Sequence[Answer]) -> list[dict[str, Any]]:
    import torch
    from openrlhf.utils.agent import SingleTurnAgentExecutor

    executor = SingleTurnAgentExecutor(endpoint)
    params = types.SimpleNamespace(max_tokens=100_000, logprobs=None)

    async def one(answer: Answer) -> Any:
        output = await executor.execute(
            answer.task.prompt_text + "\nAnswer: ",
            encode_task(answer.task),
            params,
            1_000_000,
            CharTokenizer(),
            _Engine(answer.text + "<|im_end|>"),
        )
        for value in output["extra_logs"].values():  # samples_generator.py:284-293
            torch.tensor([value]).reshape(1)
        return output

    async def every() -> Any:
        return await asyncio.gather(*map(one, answers))

    outputs: list[dict[str, Any]] = asyncio.run(every())
    return outputs


def _openrlhf_got(output: Mapping[str, Any]) -> Got:
    if output["reward"] is None:
        return Got(None, mark="raised")
    assert 0 <= output["scores"] <= 1
    return Got(output["reward"], output["extra_logs"])


@call_site("openrlhf")
def openrlhf(folder: Path, order: Order, answers: Sequence[Answer]) -> list[Got]:
    """OpenRLHF 0.11.2, openrlhf/utils/agent.py:191-325."""
    file = write(folder, order)
    if is_real("openrlhf"):
        return [_openrlhf_got(output) for output in _openrlhf_real(str(file), answers)]
    spec = importlib.util.spec_from_file_location("reward_func", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    async def one(answer: Answer) -> Any:
        prompt = answer.task.prompt_text + "\nAnswer: "
        query = f"{prompt}{answer.text}<|im_end|>"
        try:
            info = await asyncio.to_thread(
                module.reward_func, [query], [prompt], [encode_task(answer.task)]
            )
        except RlvrError:
            return {"reward": None}
        return {
            "reward": info.get("rewards"),
            "scores": info.get("scores"),
            "extra_logs": info.get("extra_logs") or {},
        }

    async def every() -> Any:
        return await asyncio.gather(*map(one, answers))

    return [_openrlhf_got(output) for output in asyncio.run(every())]


@call_site("openrlhf-http")
def openrlhf_http(folder: Path, order: Order, answers: Sequence[Answer]) -> list[Got]:
    """OpenRLHF 0.11.2, openrlhf/utils/agent.py:327-365, against the server that export writes."""
    from http.server import ThreadingHTTPServer

    module = module_in(write(folder, order))
    module.Handler.log_message = lambda *_: None
    server = ThreadingHTTPServer(("127.0.0.1", 0), module.Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    url = f"http://127.0.0.1:{server.server_port}/"
    try:
        if is_real("openrlhf-http"):
            return [_openrlhf_got(output) for output in _openrlhf_real(url, answers)]
        return [_post_openrlhf(url, answer) for answer in answers]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _post_openrlhf(url: str, answer: Answer) -> Got:
    prompt = answer.task.prompt_text + "\nAnswer: "
    payload = {
        "query": [f"{prompt}{answer.text}<|im_end|>"],
        "prompts": [prompt],
        "labels": [encode_task(answer.task)],
    }
    info = post(url, payload)
    return _openrlhf_got({"reward": info["rewards"], **info})


@call_site("slime")
def slime(folder: Path, order: Order, answers: Sequence[Answer]) -> list[Got]:
    """slime 624b824, slime/rollout/rm_hub/__init__.py:55-63 (one) and :99-107 (a list)."""
    file = write(folder, order)
    module = module_in(file)
    module_path, _, attribute = f"{file.stem}.rm".rpartition(".")  # slime/utils/misc.py:39
    rm_function = getattr(importlib.import_module(module_path), attribute)
    samples = [
        types.SimpleNamespace(  # slime/utils/types.py:76-150
            prompt=a.task.prompt_text,
            response=a.text,
            label=encode_task(a.task),
            metadata={"source": "d"},
            group_index=0,
            index=index,
            status=types.SimpleNamespace(value="completed"),
            remove_sample=False,
        )
        for index, a in enumerate(answers)
    ]
    half = len(samples) // 2

    async def every() -> Any:
        one = [await rm_function(None, sample) for sample in samples[:half]]
        return one + (await rm_function(None, samples[half:]) if samples[half:] else [])

    if "group_reward" in vars(module):
        half = 0
    values = asyncio.run(every())
    return [
        Got(value, sample.metadata["rlvr"]["reward"], "removed" if sample.remove_sample else "")
        for value, sample in zip(values, samples, strict=True)
    ]
