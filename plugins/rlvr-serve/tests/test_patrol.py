"""One clock for all requests: what it ends, what it leaves alone, and that it starts anew."""

import asyncio

import pytest
from rlvr_serve.web.body import HungUp
from rlvr_serve.web.patrol import LOOK_EVERY_S, Patrol, Watch


class Late(Exception):
    pass


async def watched(patrol, work, *, within_s=None, receive=None):
    """Do some work as the door does it."""
    watch = Watch(patrol)
    if within_s is not None:
        watch.allow(asyncio.get_running_loop().time() + within_s, Late)
    if receive is not None:
        watch.listen(receive)
    try:
        return await work
    except asyncio.CancelledError:
        raise watch.error() or asyncio.CancelledError from None
    finally:
        watch.end()


async def hangs_up_at_once():
    return {"type": "http.disconnect"}


async def stays():
    await asyncio.Event().wait()


def test_who_is_late_is_ended_and_nobody_else():
    async def main():
        patrol = Patrol()
        late = watched(patrol, asyncio.sleep(5), within_s=0.01)
        quick = watched(patrol, asyncio.sleep(3 * LOOK_EVERY_S, "done"), within_s=5)
        found = await asyncio.gather(late, quick, return_exceptions=True)
        assert not patrol.watches
        return found

    late, quick = asyncio.run(main())
    assert isinstance(late, Late)
    assert quick == "done"


def test_who_hung_up_is_ended_and_who_stays_is_not():
    async def main():
        patrol = Patrol()
        gone = watched(patrol, asyncio.sleep(5), receive=hangs_up_at_once)
        there = watched(patrol, asyncio.sleep(3 * LOOK_EVERY_S, "done"), receive=stays)
        found = await asyncio.gather(gone, there, return_exceptions=True)
        assert len(asyncio.all_tasks()) == 1  # who listened has stopped
        return found

    gone, there = asyncio.run(main())
    assert isinstance(gone, HungUp)
    assert there == "done"


def test_a_cancellation_by_somebody_else_stays_one():
    async def main():
        task = asyncio.create_task(watched(Patrol(), asyncio.sleep(5), within_s=5))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())


def test_a_second_event_loop_is_looked_at_as_well():
    patrol = Patrol()
    asyncio.run(watched(patrol, asyncio.sleep(0), within_s=5))  # ends before a look was taken
    with pytest.raises(Late):
        asyncio.run(watched(patrol, asyncio.sleep(5), within_s=0.01))
