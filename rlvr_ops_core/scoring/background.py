"""Async rewards: one event loop in a thread of its own, a deadline a unit, a way out if it hangs.

An `async def` reward waits for something (a judge, a search, a sandbox service), so many run at
once in this process. One that blocks the loop instead of awaiting is given up with its
thread, and what else was running there is run again on a new loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import types
from collections.abc import Callable, Coroutine, Generator, Sequence
from concurrent.futures import CancelledError, Future
from functools import partial
from time import monotonic, perf_counter
from typing import Any

from rlvr_ops_core.scoring.bound import BoundReward
from rlvr_ops_core.scoring.verdicts import STOPPED, failure, raised, timed_out
from rlvr_ops_core.types import Sample, Verdict

AT_ONCE = 64
"""Units that run at the same time; the clock of the others has not started."""
BEAT_S = 0.05
GRACE_S = 0.3
"""How long past a deadline the loop may be silent before it is given up."""
ENDING_S = 0.5
"""How long rewards that are cancelled at the end may take to clean up."""


class Ended(Exception):
    """Nobody waits any more: the call was stopped, or another thread closed the runner."""


class BackgroundLoop:
    """An event loop that runs in a daemon thread until it is closed or given up."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.last_beat = monotonic()
        self.thread = threading.Thread(target=self._run, name="rlvr-async-rewards", daemon=True)
        self.thread.start()

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.call_soon(self._beat)
        self.loop.run_forever()
        self._end_tasks()
        self.loop.close()

    def _end_tasks(self) -> None:
        """Cancel what still runs, and give it its turn: its `finally` may close something."""
        tasks = asyncio.all_tasks(self.loop)
        for task in tasks:
            if not task.cancelling():  # one that is must not be disturbed in its `finally`
                task.cancel()
        if tasks:
            self.loop.run_until_complete(asyncio.wait(tasks, timeout=ENDING_S))

    def _beat(self) -> None:
        self.last_beat = monotonic()
        self.loop.call_later(BEAT_S, self._beat)

    def submit(self, work: Coroutine[Any, Any, None]) -> Future[None]:
        """Run a coroutine on the loop, from any thread."""
        return asyncio.run_coroutine_threadsafe(work, self.loop)

    def is_stuck(self, timeout_s: float) -> bool:
        """Nothing has run on the loop for longer than a deadline: something blocks it."""
        return monotonic() - self.last_beat > timeout_s + GRACE_S

    def close(self) -> None:
        """Stop the loop; a thread that is stuck is left behind, it is a daemon."""
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(timeout=1)


class Stepping:
    """Knows which unit's code is running on the loop at this moment, if one is."""

    def __init__(self) -> None:
        self.number: int | None = None

    @types.coroutine
    def watch(
        self, number: int, work: Coroutine[Any, Any, list[Verdict]]
    ) -> Generator[Any, Any, list[Verdict]]:
        """Drive a coroutine step by step, noting its number while a step runs."""
        step: Callable[[], Any] = partial(work.send, None)
        while True:
            self.number = number
            try:
                awaited = step()
            except StopIteration as finished:
                return finished.value  # type: ignore[no-any-return]
            finally:
                self.number = None
            try:
                step = partial(work.send, (yield awaited))
            except BaseException as error:  # noqa: BLE001  # handed on to the coroutine
                step = partial(work.throw, error)


class AsyncRunner:
    """Runs the units of one async reward. Threads may share it."""

    def __init__(self, bound: BoundReward) -> None:
        self.bound = bound
        self.background: BackgroundLoop | None = None
        self.lock = threading.Lock()

    def run(
        self, units: Sequence[list[Sample]], *, stop: threading.Event | None = None
    ) -> list[list[Verdict]]:
        """The verdicts of every unit, in order; errors in their place once `stop` is set."""
        verdicts: dict[int, list[Verdict]] = {}
        while len(verdicts) < len(units):
            missing = [number for number in range(len(units)) if number not in verdicts]
            try:
                blocker = self._run_until_stuck(units, missing, verdicts, stop)
            except Ended:
                stopped = failure(STOPPED, ref=self.bound.ref)
                return [verdicts.get(row, [stopped] * len(unit)) for row, unit in enumerate(units)]
            for number in missing if blocker is None else [blocker]:
                verdicts.setdefault(number, self._too_late(units[number]))
        return [verdicts[number] for number in range(len(units))]

    def _run_until_stuck(
        self,
        units: Sequence[list[Sample]],
        numbers: list[int],
        verdicts: dict[int, list[Verdict]],
        stop: threading.Event | None,
    ) -> int | None:
        """Judge these units; if one blocks the loop, give the loop up and say which one it was.

        Raises:
            Ended: nobody waits any more.
        """
        background = self._loop()
        stepping = Stepping()
        future = background.submit(self._judge_all(units, numbers, verdicts, stepping))
        while not future.done():
            if stop is not None and stop.is_set():
                future.cancel()
                raise Ended
            with contextlib.suppress(TimeoutError, CancelledError):
                future.result(timeout=BEAT_S)
            if background.is_stuck(self.bound.spec.timeout_s):
                self._give_up(background)
                return stepping.number
        if future.cancelled():
            raise Ended
        return None

    def _too_late(self, unit: list[Sample]) -> list[Verdict]:
        timeout_s = self.bound.spec.timeout_s
        return [timed_out(timeout_s, ref=self.bound.ref, seconds=timeout_s)] * len(unit)

    def close(self) -> None:
        """Stop the loop."""
        with self.lock:
            background, self.background = self.background, None
        if background is not None:
            background.close()

    def _loop(self) -> BackgroundLoop:
        with self.lock:
            if self.background is None or not self.background.thread.is_alive():
                self.background = BackgroundLoop()
            return self.background

    def _give_up(self, stuck: BackgroundLoop) -> None:
        with self.lock:
            if self.background is stuck:
                self.background = None

    async def _judge_all(
        self,
        units: Sequence[list[Sample]],
        numbers: list[int],
        verdicts: dict[int, list[Verdict]],
        stepping: Stepping,
    ) -> None:
        at_once = asyncio.Semaphore(AT_ONCE)

        async def one(number: int) -> None:
            async with at_once:
                verdicts[number] = await stepping.watch(number, self._judge(units[number]))

        await asyncio.gather(*(one(number) for number in numbers))

    async def _judge(self, unit: list[Sample]) -> list[Verdict]:
        bound, count = self.bound, len(unit)
        started = perf_counter()
        try:
            async with asyncio.timeout(bound.spec.timeout_s) as deadline:
                raw = await bound.call(unit[0] if bound.judges == "sample" else unit)
        except (KeyboardInterrupt, asyncio.CancelledError):
            raise
        except BaseException as error:  # noqa: BLE001  # one reward call: recorded as its verdict
            seconds = (perf_counter() - started) / count
            if isinstance(error, TimeoutError) and deadline.expired():
                return [timed_out(bound.spec.timeout_s, ref=bound.ref, seconds=seconds)] * count
            return [raised(error, ref=bound.ref, seconds=seconds)] * count
        return bound.settle(raw, count, perf_counter() - started)
