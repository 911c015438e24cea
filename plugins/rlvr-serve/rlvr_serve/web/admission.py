"""Who runs now, who waits, who is sent away: limits on requests, bytes and each client's share."""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict
from contextlib import suppress
from time import monotonic

from rlvr_serve.web.problems import Problem
from rlvr_serve.web.settings import MEBIBYTE, WebSettings

FIRST_GUESS_S = 0.05
NEWEST_COUNTS = 0.1
"""Weight of the newest service time in the running mean."""


class Ticket:
    """One request's claim: it waits until `place` is granted, and is given back in the end."""

    __slots__ = ("client", "granted_at", "place", "size")

    def __init__(self, client: str, size: int) -> None:
        self.client = client
        self.size = size
        self.place: asyncio.Future[None] | None = None
        self.granted_at = 0.0


class Admission:
    """First come, first served, within limits. For one event loop."""

    def __init__(self, settings: WebSettings) -> None:
        self.at_once = settings.at_once
        self.queue = settings.queue
        self.share = max(1, int(settings.client_share * (self.at_once + self.queue)))
        self.max_bytes = int(settings.buffer_mb * MEBIBYTE)
        self.running = 0
        self.bytes = 0
        self.held: Counter[str] = Counter()
        self.tickets = 0
        self.service_s = FIRST_GUESS_S
        self.waiting: OrderedDict[Ticket, None] = OrderedDict()

    def enter(self, client: str, size: int) -> Ticket:
        """A ticket for a request whose body has `size` bytes, as far as is known.

        Raises:
            Problem: 429 if the client holds its share, 503 if the server is full.
        """
        if self.tickets >= self.at_once + self.queue:
            what = f"{self.running} requests run and {self.tickets - self.running} wait"
            raise Problem(503, "queue_full", what, self.patience_s())
        if self.held[client] >= self.share:
            what = f"this client holds {self.share} places, which is its share"
            raise Problem(429, "share_used_up", what, self.patience_s())
        if self.bytes + size > self.max_bytes:
            raise Problem(503, "buffer_full", "too many bytes are waiting", self.patience_s())
        self.tickets += 1
        self.held[client] += 1
        self.bytes += size
        return Ticket(client, size)

    def grow(self, ticket: Ticket, size: int) -> None:
        """Count bytes of a body whose length was not known beforehand.

        Raises:
            Problem: 503 if all bodies together are too many bytes.
        """
        if size <= ticket.size:
            return
        if self.bytes + size - ticket.size > self.max_bytes:
            raise Problem(503, "buffer_full", "too many bytes are waiting", self.patience_s())
        self.bytes += size - ticket.size
        ticket.size = size

    def try_now(self, ticket: Ticket) -> bool:
        """Take a place at once, if one is free and nobody waits for it."""
        if self.running >= self.at_once or self.waiting:
            return False
        self._grant(ticket)
        return True

    async def wait(self, ticket: Ticket) -> None:
        """Wait for a place; cancel the wait to give it up."""
        ticket.place = asyncio.get_running_loop().create_future()
        self.waiting[ticket] = None
        await ticket.place

    def leave(self, ticket: Ticket) -> None:
        """Give the ticket back, and the place with it if there was one."""
        self.tickets -= 1
        self.bytes -= ticket.size
        self.held[ticket.client] -= 1
        if not self.held[ticket.client]:
            del self.held[ticket.client]
        self.waiting.pop(ticket, None)
        if ticket.granted_at:
            self.running -= 1
            spent = monotonic() - ticket.granted_at
            self.service_s += NEWEST_COUNTS * (spent - self.service_s)
        while self.waiting and self.running < self.at_once:
            following, _ = self.waiting.popitem(last=False)
            if following.place is not None and not following.place.done():
                self._grant(following)
                with suppress(asyncio.InvalidStateError):
                    following.place.set_result(None)

    def patience_s(self) -> float:
        """When to come again: the time in which those that wait will have been served."""
        waiting = self.tickets - self.running + 1
        return max(0.05, waiting * self.service_s / self.at_once)

    def _grant(self, ticket: Ticket) -> None:
        self.running += 1
        ticket.granted_at = monotonic()
