"""A call of the engine that nobody waits for any more ends at once, and leaves nothing behind."""

import asyncio
import threading
import time

import pytest

from rlvr_ops_core import Sample, Task
from rlvr_ops_core.scoring import Engine, bind_function


def hangs(sample):
    time.sleep(3600 if sample.text == "hang" else 0)
    return 1.0


async def waits(sample):
    await asyncio.sleep(3600 if sample.text == "hang" else 0)
    return 1.0


@pytest.mark.parametrize("reward", [hangs, waits])
def test_a_stopped_call_returns_at_once_and_the_engine_goes_on(reward):
    with Engine(bind_function(reward, {}, timeout_s=600), workers=1) as engine:
        samples = [Sample(Task("1", "?"), text) for text in ("fine", "hang", "fine")]
        stop = threading.Event()
        timer = threading.Timer(1.0, stop.set)
        timer.start()
        started = time.monotonic()
        verdicts = engine.score(samples, stop=stop)
        assert time.monotonic() - started < 30
        assert verdicts[1].status == "error"
        assert "stopped" in verdicts[1].reason
        assert engine.score(samples[:1])[0].value == 1.0


def test_a_call_that_is_stopped_while_it_waits_for_a_worker_gets_none():
    with Engine(bind_function(hangs, {}, timeout_s=600), workers=1) as engine:
        first, second = threading.Event(), threading.Event()
        sample = [Sample(Task("1", "?"), "hang")]
        thread = threading.Thread(target=engine.score, args=(sample,), kwargs={"stop": first})
        thread.start()
        time.sleep(0.5)
        second.set()
        (verdict,) = engine.score(sample, stop=second)
        assert verdict.status == "error"
        first.set()
        thread.join(30)
        assert not thread.is_alive()


def scoring(engine, samples, verdicts, stop=None):
    thread = threading.Thread(target=lambda: verdicts.extend(engine.score(samples, stop=stop)))
    thread.start()
    return thread


def test_an_async_reward_that_is_stopped_cleans_up_before_its_engine_is_closed():
    began, cleaned = threading.Event(), []

    async def holds(sample):
        began.set()
        try:
            await asyncio.sleep(3600)
        finally:
            await asyncio.sleep(0.05)
            cleaned.append(sample.text)

    stop, verdicts = threading.Event(), []
    with Engine(bind_function(holds, {}, timeout_s=600)) as engine:
        thread = scoring(engine, [Sample(Task("1", "?"), "a")], verdicts, stop)
        assert began.wait(20)
        stop.set()
        thread.join(20)
    assert cleaned == ["a"]
    assert verdicts[0].status == "error"


def test_an_engine_that_another_thread_closes_ends_the_call_with_errors():
    began, verdicts = threading.Event(), []

    async def holds(sample):
        began.set()
        await asyncio.sleep(3600)

    engine = Engine(bind_function(holds, {}, timeout_s=600))
    thread = scoring(engine, [Sample(Task("1", "?"), "a")], verdicts)
    assert began.wait(20)
    engine.close()
    thread.join(20)
    assert not thread.is_alive()
    assert verdicts[0].status == "error"
    assert "stopped" in verdicts[0].reason
