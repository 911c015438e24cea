"""The embedded engine: its tokens are `generate`'s, and no request sees another."""

import asyncio
import json
import random
from contextlib import aclosing, asynccontextmanager

import pytest
from rlvr_serve.policies.embedded.cores import usable_cores
from rlvr_serve.policies.embedded.engine import EmbeddedEngine, EmbeddedSettings
from rlvr_serve.policies.embedded.text import TextSoFar
from rlvr_serve.policies.wire import read_ask
from rlvr_serve.web.problems import Problem
from tiny_policy import CONTEXT, make_policy  # beside this file

pytest.importorskip("transformers", reason='pip install "rlvr-serve[policies]"')


@asynccontextmanager
async def loaded(place, **settings):
    settings = {"rows": 4, "prefill_tokens": 16, "threads": 1, **settings}
    engine = EmbeddedEngine(
        str(place), name="tiny", version="1", settings=EmbeddedSettings(**settings)
    )
    try:
        await engine.load()
        yield engine
    finally:
        await engine.close()


def ask(kind="text", **fields):
    fields.setdefault(*(("prompt", "7 + 5 =") if kind == "text" else ("messages", HELLO)))
    return read_ask(kind, json.dumps(fields).encode())


HELLO = [{"role": "user", "content": "hello"}]


def texts(answer):
    return [choice["text"] for choice in answer["choices"]]


async def collect(engine, request):
    async with aclosing(engine.stream(request)) as chunks:
        return [chunk async for chunk in chunks]


def told(chunks, index=0):
    """The text of one answer, out of its chunks."""
    return "".join(
        choice["text"]
        for chunk in chunks
        for choice in chunk["choices"]
        if choice["index"] == index
    )


@pytest.mark.parametrize("family", ["llama", "gpt2"])
def test_greedy_tokens_are_those_of_generate_whoever_joins_and_leaves(tmp_path, family):
    import torch
    from transformers import AutoModelForCausalLM

    place = make_policy(tmp_path, family=family)
    model = AutoModelForCausalLM.from_pretrained(place).eval()
    dice = random.Random(0)
    jobs = [
        ([dice.randrange(1, 257) for _ in range(dice.randrange(1, 60))], dice.randrange(1, 30))
        for _ in range(12)
    ]

    async def scene():
        async with loaded(place) as engine:

            async def one(number, prompt, tokens):
                await asyncio.sleep(number * 0.005)  # while others are at work
                return await engine.answer(ask(prompt=prompt, max_tokens=tokens, temperature=0))

            found = await asyncio.gather(*(one(n, *job) for n, job in enumerate(jobs)))
            return [engine.policy.text_of, *map(texts, found)]

    text_of, *found = asyncio.run(scene())
    for (prompt, tokens), (text,) in zip(jobs, found, strict=True):
        ids = torch.tensor([prompt])
        whole = model.generate(
            ids,
            attention_mask=torch.ones_like(ids),
            max_new_tokens=tokens,
            do_sample=False,
        )
        assert text == text_of(whole[0, len(prompt) :].tolist())


def test_an_answer_ends_at_the_end_token_as_in_generate(policy):
    import torch
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(policy).eval()
    bias = torch.zeros(257)
    bias[0] = 3.0  # an end within reach
    model.lm_head.register_forward_hook(lambda _m, _i, logits: logits + bias)

    async def scene():
        async with loaded(policy) as engine:
            engine.policy.model.lm_head.register_forward_hook(lambda _m, _i, out: out + bias)
            prompts = [[n] * 5 for n in range(1, 17)]
            return await engine.answer(ask(prompt=prompts, max_tokens=40, temperature=0))

    answer = asyncio.run(scene())
    ends = [choice["finish_reason"] for choice in answer["choices"]]
    expected = []
    for n in range(1, 17):
        ids = torch.tensor([[n] * 5])
        mask = torch.ones_like(ids)
        out = model.generate(ids, attention_mask=mask, max_new_tokens=40, do_sample=False)[0, 5:]
        expected.append("stop" if int(out[-1]) == 0 else "length")
    assert ends == expected
    assert set(ends) == {"stop", "length"}


def test_each_request_keeps_its_own_settings_beside_others(policy):
    requests = [
        ask(temperature=0, max_tokens=20),
        ask(temperature=1.5, seed=1, max_tokens=20),
        ask(temperature=0.7, top_p=0.5, seed=2, max_tokens=8, logprobs=3),
        ask(temperature=1.0, top_k=1, max_tokens=20),
        ask(temperature=1.0, top_k=5, min_p=0.1, seed=3, max_tokens=12, n=3),
        ask(temperature=2.0, seed=1, max_tokens=20, stop="e"),
    ]

    async def scene():
        async with loaded(policy) as engine:
            alone = [texts(await engine.answer(one)) for one in requests]
            both = await asyncio.gather(*(engine.answer(one) for one in [*requests, *requests]))
            return alone, [texts(one) for one in both]

    alone, together = asyncio.run(scene())
    assert together == [*alone, *alone]
    assert alone[0] == alone[3]  # the likeliest each time
    assert len({*alone[0], *alone[1], *alone[5]}) == 3
    assert len(set(alone[4])) == 3  # each of n draws its own


def test_top_p_and_top_k_leave_out_what_they_say():
    import torch
    from rlvr_serve.policies.embedded.sampling import Settings, choose, truncate

    chance = torch.tensor([0.5, 0.3, 0.15, 0.05])
    for how, kept in [
        ({"top_p": 0.5}, 1),
        ({"top_p": 0.51}, 2),
        ({"top_p": 0.0}, 1),
        ({"top_k": 3}, 3),
        ({"min_p": 0.2}, 3),
        ({"top_k": 3, "top_p": 0.7, "min_p": 0.9}, 1),
    ]:
        assert int((truncate(chance, Settings(**how)) > 0).sum()) == kept, how
    logits = chance.log().repeat(4000, 1)
    choices = choose(logits, [Settings(seed=n) for n in range(4000)])
    counts = torch.bincount(torch.tensor([one.token for one in choices]), minlength=4) / 4000
    assert torch.allclose(counts, chance, atol=0.03)


def test_numbers_that_are_not_finite_end_that_answer_alone():
    import torch
    from rlvr_serve.policies.embedded.sampling import Settings, choose

    logits = torch.tensor([[0.0, 1.0], [float("nan"), 0.0], [float("inf"), 0.0]])
    sound, *broken = choose(logits, [Settings(temperature=0)] * 3)
    assert sound.token == 1
    assert broken == [None, None]


def test_a_request_that_joins_does_not_wait_for_those_that_run(policy):
    async def scene():
        done = []
        async with loaded(policy) as engine:

            async def one(name, tokens):
                await engine.answer(ask(max_tokens=tokens, ignore_eos=True))
                done.append(name)

            long = asyncio.create_task(one("long", 200))
            while engine.numbers()["running"] == 0:
                await asyncio.sleep(0.01)
            await one("short", 2)
            await long
        return done

    assert asyncio.run(scene()) == ["short", "long"]


def test_a_stream_says_the_same_as_a_whole_answer(policy):
    request = ask(temperature=1.2, seed=5, max_tokens=40, n=2, stop=["ab", "\n"], logprobs=2)

    async def scene():
        async with loaded(policy) as engine:
            return await engine.answer(request), await collect(engine, request)

    answer, chunks = asyncio.run(scene())
    assert [told(chunks, 0), told(chunks, 1)] == texts(answer)
    assert chunks[-1]["usage"] == answer["usage"]
    for index, choice in enumerate(answer["choices"]):
        tokens = [
            token
            for chunk in chunks
            for one in chunk["choices"]
            if one["index"] == index and one["logprobs"]
            for token in one["logprobs"]["tokens"]
        ]
        assert tokens == choice["logprobs"]["tokens"]


def test_a_prompt_too_long_is_refused_and_the_next_one_served(policy):
    async def scene():
        async with loaded(policy, cache_tokens=300) as engine:
            for fields in (
                {"prompt": "x" * (CONTEXT + 1)},
                {"prompt": "x" * 6000, "max_tokens": 5},
                {"prompt": "x" * 100, "max_tokens": CONTEXT},
                {"prompt": "x" * 100, "max_tokens": 60, "n": 2},  # 2 x 160 > 300
            ):
                with pytest.raises(Problem) as refused:
                    await engine.answer(ask(**fields))
                assert (refused.value.status, refused.value.kind) == (
                    400,
                    "context_length_exceeded",
                )
            whole = await engine.answer(ask(prompt="x" * (CONTEXT - 1), ignore_eos=True))
            return whole, await engine.answer(ask(max_tokens=3, ignore_eos=True))

    whole, small = asyncio.run(scene())
    assert whole["usage"]["total_tokens"] == CONTEXT
    assert small["usage"]["completion_tokens"] == 3


def test_whoever_leaves_makes_room_at_once(policy):
    async def scene():
        async with loaded(policy, rows=1) as engine:
            async with aclosing(engine.stream(ask(max_tokens=200, ignore_eos=True))) as chunks:
                await anext(chunks)
            waiting = asyncio.create_task(engine.answer(ask(max_tokens=200, ignore_eos=True)))
            await asyncio.sleep(0)
            waiting.cancel()
            answer = await engine.answer(ask(max_tokens=3, ignore_eos=True))
            while engine.numbers()["running"]:
                await asyncio.sleep(0.01)
            return answer, engine._worker.batch

    answer, batch = asyncio.run(scene())
    assert answer["usage"]["completion_tokens"] == 3
    assert (batch.rows, list(batch.waiting), batch.slots.keys) == ([], [], [])


def test_a_failure_in_the_batch_costs_what_was_in_it_and_nothing_else(policy):
    async def scene():
        async with loaded(policy) as engine:
            batch = engine._worker.batch
            forward, batch._forward = batch._forward, lambda *_: 1 / 0
            with pytest.raises(Problem) as failed:
                await engine.answer(ask(max_tokens=3))
            batch._forward = forward
            return failed.value, await engine.answer(ask(max_tokens=3, ignore_eos=True))

    problem, answer = asyncio.run(scene())
    assert (problem.status, problem.kind) == (503, "generation_failed")
    assert answer["usage"]["completion_tokens"] == 3


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"frequency_penalty": 0.5}, "frequency_penalty"),
        ({"tools": [{"type": "function"}]}, "tools"),
        ({"response_format": {"type": "json_object"}}, "response_format"),
        ({"temprature": 0}, "temprature"),
        ({"n": 5}, "n"),
        ({"best_of": 4}, "best_of"),
        ({"prompt": [1, 300]}, "prompt"),
        ({"prompt": ""}, "prompt"),
        ({"prompt": ["a", 1]}, "prompt"),
        ({"prompt": [[]]}, "prompt"),
        ({"prompt": ["a"] * 257}, "prompt"),
    ],
)
def test_what_would_have_to_be_ignored_is_refused(policy, fields, param):
    async def scene():
        async with loaded(policy) as engine:
            with pytest.raises(Problem) as refused:
                await engine.answer(ask(**fields))
            await engine.answer(ask(prompt=["a"] * 5, max_tokens=1))
            await engine.answer(ask(frequency_penalty=0, tools=[], user="me", max_tokens=1))
            return refused.value

    problem = asyncio.run(scene())
    assert (problem.status, problem.param) == (400, param)


def test_text_holds_back_half_characters_and_half_stop_strings():
    def bytes_of(ids):
        return bytes(ids).decode("utf-8", "replace")

    text = TextSoFar(bytes_of, ["END"])
    news = []
    for byte in "aé€E".encode() + b"NEND!":
        text.add(byte)
        news.append(text.news(is_last=False))
        if text.is_stopped:
            break
    assert news == ["a", "", "é", "", "", "€", "", "", "EN", "", ""]
    assert text.text == "aé€EN"
    broken = TextSoFar(bytes_of)
    for byte in "é".encode()[:1]:
        broken.add(byte)
    broken.finish()
    assert broken.news(is_last=True) == "\ufffd"


def test_threads_follow_the_containers_quota(tmp_path):
    (tmp_path / "cpu.max").write_text("150000 100000\n")
    assert usable_cores(tmp_path) <= 2
    (tmp_path / "cpu.max").write_text("10000 100000\n")
    assert usable_cores(tmp_path) == 1
    (tmp_path / "cpu.max").write_text("max 100000\n")
    assert usable_cores(tmp_path) == usable_cores(tmp_path / "nothing")
