"""A stream of server-sent events, as OpenAI's clients read them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import msgspec
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from rlvr_serve.web.problems import Problem, problem_body
from rlvr_serve.web.visit import Visit

DONE = b"data: [DONE]\n\n"
MARGIN_S = 0.1
"""Before the deadline, so that there is time to say that it has passed."""


class EventStream(Response):
    """Sends chunks as they come. An error in the middle is an event of its own, and the last.

    Args:
        chunks: of the answer; the last has no choices and the `usage`.
        first: the first of them, taken before so that an error there is an answer with a status.
        visit: the request.
        with_usage: whether the client wants the last chunk.
    """

    media_type = "text/event-stream"

    def __init__(
        self, chunks: AsyncGenerator[Any, None], first: Any, visit: Visit, *, with_usage: bool
    ) -> None:
        super().__init__(headers={"cache-control": "no-cache", "x-accel-buffering": "no"})
        self.chunks = chunks
        self.first = first
        self.visit = visit
        self.with_usage = with_usage
        del self.headers["content-length"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Head, events, end. What breaks it off stops the generation."""
        del scope, receive
        async with aclosing(self.chunks) as chunks:
            head = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
            await send(head)
            await self._send(send, self.first)
            try:
                async with asyncio.timeout_at(self.visit.deadline - MARGIN_S):
                    async for chunk in chunks:
                        await self._send(send, chunk)
                last = DONE
            except TimeoutError:
                last = self._error(Problem(504, "deadline_passed", "the deadline has passed"))
            except Problem as problem:
                last = self._error(problem)
        await send({"type": "http.response.body", "body": last, "more_body": False})

    async def _send(self, send: Send, chunk: dict[str, Any]) -> None:
        if not chunk.get("choices"):
            note_usage(self.visit, chunk)
            if not self.with_usage:
                return
        body = b"data: " + msgspec.json.encode(chunk) + b"\n\n"
        await send({"type": "http.response.body", "body": body, "more_body": True})

    def _error(self, problem: Problem) -> bytes:
        self.visit.failure = problem.kind
        body = problem_body(problem, request_id=self.visit.id, path=self.visit.path, openai=True)
        return b"data: " + body + b"\n\n"


def note_usage(visit: Visit, answer: dict[str, Any]) -> None:
    """Put the counts of tokens into the access log."""
    for name, count in (answer.get("usage") or {}).items():
        if name in ("prompt_tokens", "completion_tokens"):
            visit.notes[name] = count
