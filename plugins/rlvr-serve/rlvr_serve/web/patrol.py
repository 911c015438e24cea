"""One clock for all requests: it ends those that are late, and those whose client hung up.

A timer for every request would cost more than judging a small batch does; so one timer looks at all
of them, fifty times a second while there are any. A limit is kept to that.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from rlvr_serve.web.body import HungUp, Receive, until_gone

LOOK_EVERY_S = 0.02


class Patrol:
    """All requests of one server that are being served. For one event loop at a time."""

    def __init__(self) -> None:
        self.watches: set[Watch] = set()
        self.looks_in: asyncio.AbstractEventLoop | None = None
        """Where the next look is due; a loop that was closed since never comes to it."""

    def add(self, watch: Watch) -> None:
        """Look at it from now on."""
        self.watches.add(watch)
        loop = asyncio.get_running_loop()
        if self.looks_in is not loop:
            self.looks_in = loop
            loop.call_later(LOOK_EVERY_S, self._look)

    def _look(self) -> None:
        if not self.watches:
            self.looks_in = None
            return
        loop = asyncio.get_running_loop()
        now = loop.time()
        for watch in list(self.watches):
            watch.look(now)
        loop.call_later(LOOK_EVERY_S, self._look)


class Watch:
    """One request: cancels the task it was made in when its time is up or its client is gone."""

    __slots__ = ("_listener", "_receive", "_until", "_why", "ended_by", "patrol", "task")

    def __init__(self, patrol: Patrol) -> None:
        self.patrol = patrol
        self.task = asyncio.current_task()
        self.ended_by: Callable[[], Exception] | None = None
        self._until = float("inf")
        self._why: Callable[[], Exception] = HungUp
        self._receive: Receive | None = None
        self._listener: asyncio.Task[None] | None = None
        patrol.add(self)

    def allow(self, until: float, why: Callable[[], Exception]) -> None:
        """Until then, in the event loop's time, instead of what was allowed before."""
        self._until = until
        self._why = why

    def listen(self, receive: Receive) -> None:
        """The body has been read: whether the client hangs up is heard from the next look on."""
        self._receive = receive

    def error(self) -> Exception | None:
        """What ended the request, after its task was cancelled; None if somebody else did that."""
        if self.ended_by is None or self.task is None or self.task.uncancel():
            return None
        return self.ended_by()

    def end(self) -> None:
        """The request is over."""
        self.patrol.watches.discard(self)
        if self._listener is not None:
            self._listener.cancel()
            self._listener = None  # else the two keep each other, for the garbage collector to find

    def look(self, now: float) -> None:
        """End it if it is late; listen for its client if it takes longer than a moment."""
        if self.ended_by is not None:
            return
        if now >= self._until:
            self._cancel(self._why)
        elif self._receive is not None:
            receive, self._receive = self._receive, None
            self._listener = asyncio.get_running_loop().create_task(self._listen(receive))

    async def _listen(self, receive: Receive) -> None:
        await until_gone(receive)
        if self.ended_by is None:
            self._cancel(HungUp)

    def _cancel(self, why: Callable[[], Exception]) -> None:
        self.ended_by = why
        if self.task is not None:
            self.task.cancel()
