"""Worker processes that judge, with a deadline each: the only place that kills anything.

A unit is what one call of a reward judges: a sample, a batch or a group. Its clock starts when a
worker takes it up, not while it queues and not while the worker loads. A unit that is too slow, or
that takes its worker down, loses its own verdict; what else the worker had goes to another.
"""

from __future__ import annotations

import atexit
import math
import os
import selectors
import threading
import weakref
from collections import deque
from collections.abc import Sequence
from time import monotonic

from rlvr_ops_core.scoring.bound import BoundReward
from rlvr_ops_core.scoring.replies import decode, ending
from rlvr_ops_core.scoring.verdicts import STOPPED, failure, timed_out
from rlvr_ops_core.scoring.workers import Unit, Worker, Zygote
from rlvr_ops_core.types import Verdict

UNITS_BEFORE_RENEWAL = 20_000
"""A worker is replaced after this many units, so that what a reward leaks stays bounded."""
MAX_CHUNK = 64
LOOK_EVERY_S = 0.05
"""How often a call that can be stopped looks whether it is."""


class Pool:
    """Workers for one reward. Threads may share it: each call leases some and gives them back."""

    def __init__(self, bound: BoundReward, *, size: int | None = None) -> None:
        self.bound = bound
        self.size = size or max(1, min(len(os.sched_getaffinity(0)), 32))
        self._zygote: Zygote | None = None
        self._idle: list[Worker] = []
        self._leased = 0
        self._owner = os.getpid()
        self._state = threading.Condition()
        _open_pools.add(self)

    def run(
        self, units: Sequence[Unit], *, stop: threading.Event | None = None
    ) -> list[list[Verdict]]:
        """The verdicts of every unit, in order; an error for those without one once `stop` is set.

        Raises:
            RewardLoadError: the reward does not load in a worker.
        """
        if not units:
            return []
        workers = self._lease(len(units), stop)
        shift = Shift(self, units, workers, stop)
        try:
            return shift.work() if workers else shift.give_up()
        finally:
            self._give_back(shift.workers)

    def start(self) -> None:
        """Load the reward and fork one worker now, so that the first samples need not wait."""
        self._give_back(self._lease(1))

    def new_worker(self) -> Worker:
        """A fresh worker; a zygote that was killed (out of memory, say) is started again."""
        with self._state:
            if self._zygote is not None:
                try:
                    return Worker(self._zygote)
                except OSError:
                    self._zygote.close()
            self._zygote = Zygote(self.bound)
            return Worker(self._zygote)

    def close(self) -> None:
        """End every worker and the zygote. The pool may be used again."""
        with self._state:
            idle, self._idle = self._idle, []
            zygote, self._zygote = self._zygote, None
        for worker in idle:
            worker.channel.close()
        if zygote is not None:
            zygote.close()

    def _lease(self, wanted: int, stop: threading.Event | None = None) -> list[Worker]:
        """Some workers; none if `stop` was set before one was free."""
        with self._state:
            if self._owner != os.getpid():  # forked: the workers are our parent's, not ours
                self._owner, self._zygote, self._idle, self._leased = os.getpid(), None, [], 0
            while self._leased >= self.size:
                if stop is not None and stop.is_set():
                    return []
                self._state.wait(None if stop is None else LOOK_EVERY_S)
            count = min(wanted, self.size - self._leased)
            workers, self._idle = self._idle[:count], self._idle[count:]
            self._leased += count
        for worker in [worker for worker in workers if not worker.is_alive()]:
            workers.remove(worker)
            worker.end()
        try:
            while len(workers) < count:
                workers.append(self.new_worker())
        except BaseException:
            self._give_back(workers, leased=count)
            raise
        return workers

    def _give_back(self, workers: list[Worker], *, leased: int | None = None) -> None:
        fresh = [worker for worker in workers if not worker.todo]
        for worker in [worker for worker in workers if worker.todo]:
            worker.end()  # interrupted in the middle (Ctrl-C): what it still says is not wanted
        with self._state:
            self._idle += [worker for worker in fresh if worker.done < UNITS_BEFORE_RENEWAL]
            self._leased -= len(workers) if leased is None else leased
            self._state.notify_all()
        for worker in fresh:
            if worker.done >= UNITS_BEFORE_RENEWAL:
                worker.end()


class Shift:
    """One call of a pool: hands out units, collects verdicts, keeps deadlines."""

    def __init__(
        self,
        pool: Pool,
        units: Sequence[Unit],
        workers: list[Worker],
        stop: threading.Event | None = None,
    ) -> None:
        self.pool = pool
        self.bound = pool.bound
        self.timeout_s = pool.bound.spec.timeout_s
        self.units = units
        self.workers = workers
        self.waiting = deque(range(len(units)))
        self.verdicts: list[list[Verdict]] = [[] for _ in units]
        # small enough that the workers finish together, large enough to spare round trips
        self.chunk = max(1, min(MAX_CHUNK, len(units) // (4 * max(1, len(workers)))))
        self.stop = stop

    def work(self) -> list[list[Verdict]]:
        """Run until every unit has its verdicts."""
        with selectors.DefaultSelector() as selector:
            for worker in self.workers:
                selector.register(worker.channel, selectors.EVENT_READ, worker)
            while self.waiting or any(worker.todo for worker in self.workers):
                if self.stop is not None and self.stop.is_set():
                    return self.give_up()
                for worker in self.workers:
                    if not worker.todo and self.waiting:
                        self._hand_out(worker)
                patience = min(worker.deadline for worker in self.workers if worker.todo)
                remaining = max(0.0, patience - monotonic())
                if self.stop is not None:
                    remaining = min(remaining, LOOK_EVERY_S)
                for key, _ in selector.select(remaining):
                    self._read(key.data, selector)
                for worker in list(self.workers):
                    if worker.todo and monotonic() >= worker.deadline:
                        self._stop_late(worker, selector)
        return self.verdicts

    def give_up(self) -> list[list[Verdict]]:
        """Leave the rest without a verdict; who still judges is ended when given back."""
        verdict = failure(STOPPED, ref=self.bound.ref)
        pairs = zip(self.verdicts, self.units, strict=True)
        return [found or [verdict] * len(unit) for found, unit in pairs]

    def _hand_out(self, worker: Worker) -> None:
        count = min(self.chunk, len(self.waiting))
        numbers = [self.waiting.popleft() for _ in range(count)]
        worker.take(numbers, self.units, self.timeout_s)

    def _read(self, worker: Worker, selector: selectors.BaseSelector) -> None:
        replies = worker.replies()
        if replies is None:
            self._replace_dead(worker, selector)
            return
        for reply in replies:
            number = worker.todo.popleft()
            self.verdicts[number] = decode(reply, len(self.units[number]), self.bound)
            worker.done += 1
            worker.deadline = monotonic() + self.timeout_s
        if not worker.todo:
            worker.deadline = math.inf

    def _stop_late(self, worker: Worker, selector: selectors.BaseSelector) -> None:
        number = worker.todo.popleft()
        count = len(self.units[number])
        verdict = timed_out(self.timeout_s, ref=self.bound.ref, seconds=self.timeout_s / count)
        self.verdicts[number] = [verdict] * count
        self._replace(worker, selector)

    def _replace_dead(self, worker: Worker, selector: selectors.BaseSelector) -> None:
        number = worker.todo.popleft() if worker.todo else None
        status = self._replace(worker, selector)
        if number is not None:
            what = f"the worker process {ending(status)} while it judged this"
            self.verdicts[number] = [failure(what, ref=self.bound.ref)] * len(self.units[number])

    def _replace(self, worker: Worker, selector: selectors.BaseSelector) -> int:
        """End a worker, put what it had not begun back in the queue, and start another."""
        selector.unregister(worker.channel)
        self.waiting.extendleft(reversed(worker.todo))
        worker.todo.clear()
        status = worker.end()
        place = self.workers.index(worker)
        self.workers[place] = fresh = self.pool.new_worker()
        selector.register(fresh.channel, selectors.EVENT_READ, fresh)
        return status


_open_pools: weakref.WeakSet[Pool] = weakref.WeakSet()


@atexit.register
def _close_all() -> None:
    for pool in list(_open_pools):
        if pool._owner == os.getpid():
            pool.close()
