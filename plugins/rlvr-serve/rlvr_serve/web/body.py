"""Take a body in: within its size, within the client's patience, and watch whether it is there."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import TYPE_CHECKING, Any, TypeAlias

from rlvr_serve.web.admission import Admission, Ticket
from rlvr_serve.web.problems import Problem
from rlvr_serve.web.settings import MEBIBYTE, WebSettings
from rlvr_serve.web.visit import Visit

if TYPE_CHECKING:
    from rlvr_serve.web.patrol import Watch

Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]


class HungUp(Exception):  # it says what happened; nobody is told
    """The client is gone; there is nobody to answer."""


async def read_body(
    receive: Receive,
    visit: Visit,
    settings: WebSettings,
    admission: Admission,
    ticket: Ticket,
    watch: Watch,
) -> bytes:
    """The whole body; the watch ends the request if nothing comes for `read_timeout_s`.

    Raises:
        Problem: 413 too large, 503 too many bytes in all.
        HungUp: the client is gone.
    """
    largest = int(settings.max_body_mb * MEBIBYTE)
    timeout_s = settings.read_timeout_s
    now = asyncio.get_running_loop().time
    chunks: list[bytes] = []
    size = 0
    while True:
        if (until := now() + timeout_s) < visit.deadline:
            watch.allow(until, lambda: too_slow(timeout_s))
        message = await receive()
        if message["type"] == "http.disconnect":
            raise HungUp
        chunk = message.get("body", b"")
        size += len(chunk)
        visit.bytes_in = size
        if size > largest:
            raise too_large(settings)
        admission.grow(ticket, size)
        chunks.append(chunk)
        if not message.get("more_body"):
            return chunks[0] if len(chunks) == 1 else b"".join(chunks)


async def chunks_of(receive: Receive, timeout_s: float, visit: Visit) -> Any:
    """The pieces of a body as they come.

    Raises:
        Problem: 408, nothing came for `timeout_s`.
        HungUp: the client is gone.
    """
    while True:
        try:
            async with asyncio.timeout(timeout_s):
                message = await receive()
        except TimeoutError:
            raise too_slow(timeout_s) from None
        if message["type"] == "http.disconnect":
            raise HungUp
        chunk = message.get("body", b"")
        visit.bytes_in += len(chunk)
        if chunk:
            yield chunk
        if not message.get("more_body"):
            return


def too_slow(timeout_s: float) -> Problem:
    """The refusal of a body that does not come."""
    return Problem(408, "body_too_slow", f"no byte came for {timeout_s:g} s")


def too_large(settings: WebSettings) -> Problem:
    """The refusal of a body beyond `max_body_mb`."""
    what = f"a body has at most {settings.max_body_mb:g} MiB; send smaller batches, or stream"
    return Problem(413, "body_too_large", what)


def replay(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives the body read before, then what comes after it."""
    is_given = False

    async def again() -> MutableMapping[str, Any]:
        nonlocal is_given
        if is_given:
            return await receive()
        is_given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


async def until_gone(receive: Receive) -> None:
    """Return when the client hangs up."""
    while (await receive())["type"] != "http.disconnect":
        pass
