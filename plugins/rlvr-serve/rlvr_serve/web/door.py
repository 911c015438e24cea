"""The door: every request comes through here, and so does every answer.

In this order: an id, the token, the size, a ticket (or 429, 503), the body, a place, the deadline;
then the route. On the way out: the request's id, `Connection: close` while the server drains, an
error in the form that its path speaks, a line in the access log, the metrics.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from time import perf_counter
from typing import TYPE_CHECKING, Any, TypeAlias

from rlvr_serve.web.admission import Ticket
from rlvr_serve.web.body import HungUp, Receive, read_body, replay, too_large
from rlvr_serve.web.patrol import Watch
from rlvr_serve.web.problems import Problem, problem_body, problem_headers
from rlvr_serve.web.settings import MEBIBYTE
from rlvr_serve.web.visit import Visit

if TYPE_CHECKING:
    from rlvr_serve.web.server_state import Web

Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App: TypeAlias = Callable[[Any, Receive, Send], Awaitable[None]]

OPEN_PATHS = frozenset({"/livez", "/readyz", "/startupz"})
"""What balancers ask without a token."""
CLIENT_GONE = 499
"""In logs and metrics; nobody is there to be told."""

log = logging.getLogger("rlvr.serve")


class Door:
    """The outermost layer of a server."""

    def __init__(self, app: App, web: Web) -> None:
        self.app = app
        self.web = web
        web.door = self
        self.largest = int(web.settings.max_body_mb * MEBIBYTE)

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Serve one request; lifespan messages go through as they are."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        web = self.web
        visit = Visit(scope, is_openai=scope["path"].startswith(web.openai_paths))
        scope.setdefault("state", {})["visit"] = visit
        web.metrics.begin()
        outwards = self._outwards(send, visit)
        try:
            await self._serve(scope, receive, outwards, visit)
        except HungUp:
            visit.status = CLIENT_GONE
        except Problem as problem:
            await self._refuse(problem, outwards, visit)
        except Exception as error:
            log.exception("request %s failed", visit.id)
            visit.failure = f"{type(error).__name__}: {error}"[:300]
            what = f"the server has a bug; its log has the traceback of request {visit.id}"
            await self._refuse(Problem(500, "internal_error", what), outwards, visit)
        except asyncio.CancelledError:
            visit.status = visit.status or 503
            visit.failure = "cancelled at the end of the grace period"
            raise
        finally:
            seconds = perf_counter() - visit.started
            route = visit.route or getattr(scope.get("route"), "path", "unknown")
            web.metrics.end(route, scope["method"], visit.status, seconds)
            web.access_log.write(visit, scope["method"], route, seconds)

    async def _serve(self, scope: Any, receive: Receive, send: Send, visit: Visit) -> None:
        web, path = self.web, visit.path
        if path in OPEN_PATHS:
            await self.app(scope, receive, send)
            return
        self._let_in(visit)
        length = visit.length()
        is_stream = is_lines(visit)
        if length is not None and length > self.largest and not is_stream:
            raise too_large(web.settings)
        if not path.startswith(web.admitted):
            if scope["method"] in ("GET", "HEAD"):
                await self.app(scope, receive, send)
                return
        elif scope["method"] == "POST":
            await self._serve_admitted(scope, receive, send, visit, 0 if is_stream else length or 0)
            return
        ticket = web.admission.enter(visit.client, length or 0)
        watch = Watch(web.patrol)
        try:
            body = await read_body(receive, visit, web.settings, web.admission, ticket, watch)
            watch.allow(visit.deadline, HungUp)  # which is never
            await self.app(scope, replay(body, receive), send)
        except asyncio.CancelledError:
            raise watch.error() or asyncio.CancelledError from None
        finally:
            watch.end()
            web.admission.leave(ticket)

    def _let_in(self, visit: Visit) -> None:
        tokens = self.web.tokens
        if tokens is None:
            return
        scheme, _, given = visit.headers.get(b"authorization", b"").partition(b" ")
        name = tokens.name_of(given.strip().decode("latin-1"))
        if scheme.lower() != b"bearer" or name is None:
            raise Problem(401, "invalid_token", "this server asks for a bearer token it knows")
        visit.client = name

    async def _serve_admitted(
        self, scope: Any, receive: Receive, send: Send, visit: Visit, size: int
    ) -> None:
        """Serve what needs a place: with a ticket, a deadline, and while the client is there."""
        web = self.web
        patience_s = visit.patience_s(web.settings.deadline_s)
        visit.deadline = asyncio.get_running_loop().time() + patience_s
        if not web.is_ready and not web.draining:
            raise Problem(503, "starting", "the server is still loading", 1.0)
        try:
            ticket = web.admission.enter(visit.client, size)
        except Problem as problem:
            web.metrics.reject(problem.kind)
            if visit.is_openai and problem.kind == "queue_full":
                problem.status = 429  # what OpenAI's clients know as "come again later"
            raise
        watch = Watch(web.patrol)

        def late() -> Problem:
            what = f"not done within {patience_s:g} s; nothing of it goes on"
            return Problem(504, "deadline_passed", what)

        try:
            watch.allow(visit.deadline, late)
            if is_lines(visit):
                await self._with_place(ticket)
                await self.app(scope, receive, send)
                return
            body = await read_body(receive, visit, web.settings, web.admission, ticket, watch)
            visit.text = body if web.settings.log_texts else b""
            watch.allow(visit.deadline, late)
            watch.listen(receive)
            await self._with_place(ticket)
            handler = web.direct.get(visit.path)
            if handler is None:
                await self.app(scope, replay(body, receive), send)
            else:
                visit.route = visit.path
                await answer(send, await handler(visit, body))
        except asyncio.CancelledError:
            raise watch.error() or asyncio.CancelledError from None
        finally:
            watch.end()
            web.admission.leave(ticket)

    async def _with_place(self, ticket: Ticket) -> None:
        if not self.web.admission.try_now(ticket):
            await self.web.admission.wait(ticket)

    def _outwards(self, send: Send, visit: Visit) -> Send:
        web = self.web
        identity = (b"x-request-id", visit.id.encode())
        timeout_s = web.settings.read_timeout_s

        async def outwards(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                visit.is_started = True
                visit.status = message["status"]
                headers = [*message["headers"], identity]
                if web.draining:
                    headers.append((b"connection", b"close"))
                message["headers"] = headers
                await send(message)
                return
            visit.bytes_out += len(message.get("body", b""))
            if not message.get("more_body"):
                await send(message)
                return
            try:
                async with asyncio.timeout(timeout_s):
                    await send(message)
            except TimeoutError:  # it reads too slowly: its place is for somebody else
                raise HungUp from None

        return outwards

    async def _refuse(self, problem: Problem, send: Send, visit: Visit) -> None:
        """Answer with the problem; if an answer has begun, break the connection off instead."""
        visit.failure = visit.failure or problem.kind
        if visit.is_started:
            visit.status = problem.status
            return  # without its end mark, so that the client sees a broken answer
        body = problem_body(problem, request_id=visit.id, path=visit.path, openai=visit.is_openai)
        headers = problem_headers(problem, length=len(body), openai=visit.is_openai)
        start = {"type": "http.response.start", "status": problem.status, "headers": headers}
        await send(start)
        await send({"type": "http.response.body", "body": body})


async def answer(send: Send, body: bytes) -> None:
    """Send what a direct handler made: JSON."""
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def is_lines(visit: Visit) -> bool:
    """The request is a stream of JSON lines, which its handler reads itself."""
    return visit.headers.get(b"content-type", b"").startswith(b"application/x-ndjson")
