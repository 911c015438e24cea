"""All slots of this process: one thread and one pair of sandboxes each, started when needed.

Works from any thread and any event loop: what is handed in comes back through a future. A forked
child starts its own; when this process ends, however it ends, the sandboxes see their control
sockets close and end too.
"""

from __future__ import annotations

import atexit
import os
import threading
from collections import OrderedDict
from concurrent.futures import Future
from functools import partial
from queue import SimpleQueue

from rlvr_rewards_code.backends.sandbox import Backend, SandboxBroken
from rlvr_rewards_code.job import Job, Outcome
from rlvr_rewards_code.reference import Measured, with_reference
from rlvr_rewards_code.slot import Slot

Work = tuple[Job, "Future[Outcome]"]
_REMEMBERED = 4096


class SandboxError(RuntimeError):
    """No verdict: the sandbox broke twice."""


class Pool:
    """Judges programs, as many at once as there are slots; the rest waits."""

    def __init__(self, backend: Backend, *, size: int | None = None) -> None:
        self.backend = backend
        processors = available()
        self.size = size or len(processors)
        self.processors = processors if self.size == len(processors) else (None,) * self.size
        """One for each slot, so that what a slot does one after the other stays where its memory
        is, and no two slots wait for one while another is idle. Not for fewer slots than
        processors, nor where fewer are busy when a sandbox starts: those of several processes would
        meet on the same ones."""
        self.lock = threading.Lock()
        self.queue: SimpleQueue[Work | None] = SimpleQueue()
        self.threads: list[threading.Thread] = []
        self.slots: list[Slot] = []
        self.waiting = 0
        self.closed = False
        self.known: OrderedDict[Job, Future[Outcome]] = OrderedDict()
        self.measured = Measured()

    def submit(self, job: Job, *, remember: bool = True) -> Future[Outcome]:
        """Have a program judged. Equal jobs share one outcome, also while it is being found."""
        with self.lock:
            if self.closed:
                raise SandboxError("the pool of sandboxes is closed")
            known = self.known.get(job) if remember else None
            if known is not None:
                self.known.move_to_end(job)
                return known
            future: Future[Outcome] = Future()
            if remember:
                self.known[job] = future
                while len(self.known) > _REMEMBERED:
                    self.known.popitem(last=False)
            self.waiting += 1
            if self.waiting > len(self.threads) and len(self.threads) < self.size:
                self._add_slot()
        self.queue.put((job, future))
        return future

    def _add_slot(self) -> None:
        slot = Slot(self.backend, partial(self._processor, len(self.slots)))
        thread = threading.Thread(
            target=self._work, args=(slot,), name="rlvr-code-slot", daemon=True
        )
        self.slots.append(slot)
        self.threads.append(thread)
        thread.start()

    def _processor(self, slot: int) -> int | None:
        """The one for this slot; none as long as not all slots have work."""
        return self.processors[slot] if self.waiting >= self.size else None

    def _work(self, slot: Slot) -> None:
        while (work := self.queue.get()) is not None:
            job, future = work
            try:
                outcome = self._judge(slot, job)
            except BaseException as error:  # noqa: BLE001  # handed to whoever waits for it
                self._forget(job)
                future.set_exception(error)
            else:
                if outcome.limit in ("cpu", "wall"):
                    self._forget(job)  # time is the one thing that may come out otherwise
                future.set_result(outcome)
            with self.lock:
                self.waiting -= 1
        slot.close()

    def _judge(self, slot: Slot, job: Job) -> Outcome:
        try:
            return with_reference(slot, job, self.measured)
        except (SandboxBroken, OSError):
            slot.close()
        try:
            return with_reference(slot, job, self.measured)
        except (SandboxBroken, OSError) as error:
            slot.close()
            raise SandboxError(f"{self.backend.name}: {error}") from error

    def _forget(self, job: Job) -> None:
        with self.lock:
            self.known.pop(job, None)

    def close(self) -> None:
        """End every sandbox; what is under way gets its outcome first, what waits is cancelled."""
        with self.lock:
            self.closed = True
            threads = list(self.threads)
        while not self.queue.empty():
            work = self.queue.get()
            if work is not None:
                work[1].cancel()
        for _ in threads:
            self.queue.put(None)
        for thread in threads:
            thread.join(timeout=5)
        for slot in self.slots:
            slot.close()


def available() -> tuple[int, ...]:
    """The processors that this process may use; their numbers mean something on Linux only."""
    if hasattr(os, "sched_getaffinity"):
        return tuple(sorted(os.sched_getaffinity(0)))
    return tuple(range(os.cpu_count() or 1))


_pools: dict[tuple[Backend, int | None], Pool] = {}
_lock = threading.Lock()


def shared_pool(backend: Backend, size: int | None) -> Pool:
    """The pool of this process for a backend."""
    with _lock:
        key = (backend, size)
        if key not in _pools:
            _pools[key] = Pool(backend, size=size)
        return _pools[key]


@atexit.register
def close_pools() -> None:
    """End every sandbox of this process."""
    with _lock:
        pools = list(_pools.values())
        _pools.clear()
    for pool in pools:
        pool.close()


def _leave_to_parent() -> None:
    """In a forked child: the parent's sandboxes must not live as long as we do."""
    global _lock
    for pool in _pools.values():
        for slot in pool.slots:
            for _, sandbox in slot.sandboxes.values():
                sandbox.abandon()
    _pools.clear()
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leave_to_parent)
