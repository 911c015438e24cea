"""The thread that generates: takes jobs in, turns the batch, and never dies of a job."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable
from time import monotonic

from rlvr_serve.policies.embedded.batch import Batch, Row

log = logging.getLogger("rlvr.serve")


class Worker:
    """Runs a batch in a thread of its own.

    What rows tell is handed to their event loop once a turn, not once a token: a call into a loop
    wakes it up.
    """

    def __init__(self, make_batch: Callable[[], Batch], *, threads: int) -> None:
        self.progress = monotonic()
        self.batch: Batch | None = None
        self.running = 0
        self.waiting = 0
        self._make_batch = make_batch
        self._threads = threads
        self._inbox: deque[list[Row]] = deque()
        self._wake = threading.Event()
        self._closed = False
        self._told: list[tuple[asyncio.AbstractEventLoop, Callable[[], None]]] = []
        self._thread = threading.Thread(target=self._run, name="rlvr-generate", daemon=True)

    def start(self) -> None:
        """Begin; blocks until the thread is there."""
        self._thread.start()

    def add(self, rows: list[Row]) -> None:
        """Let these rows be written, together. Any thread may."""
        self._inbox.append(rows)
        self._wake.set()

    def drop(self, rows: list[Row]) -> None:
        """Nobody waits for these any more. Any thread may."""
        for row in rows:
            row.is_unwanted = True
        self._wake.set()

    def tell(self, loop: asyncio.AbstractEventLoop, call: Callable[[], None]) -> None:
        """From within a turn: let this be called in that loop, after the turn."""
        self._told.append((loop, call))

    def close(self) -> None:
        """End the thread; what is in work is dropped."""
        self._closed = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        import torch

        torch.set_num_threads(self._threads)
        batch = self.batch = self._make_batch()
        while not self._closed:
            self._wake.clear()
            while self._inbox:
                batch.add(self._inbox.popleft())
            self.running, self.waiting = len(batch.rows), sum(map(len, batch.waiting))
            try:
                is_busy = batch.turn()
            except Exception as error:  # its answers are told; the next may work
                log.exception("generation failed")
                for row in batch.clear():
                    row.fail(f"{type(error).__name__}: {error}"[:300])
                is_busy = True
            self.progress = monotonic()
            self._deliver()
            if not is_busy:
                self.running = 0
                self._wake.wait()

    def _deliver(self) -> None:
        told, self._told = self._told, []
        loops = {id(loop): loop for loop, _ in told}
        for loop in loops.values():
            calls = [call for its, call in told if its is loop]

            def deliver(calls: list[Callable[[], None]] = calls) -> None:
                for call in calls:
                    call()

            try:
                loop.call_soon_threadsafe(deliver)
            except RuntimeError:  # that loop is closed: nobody is there to be told
                continue
