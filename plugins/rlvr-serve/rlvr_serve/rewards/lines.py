"""JSON lines out of a body that is still coming, a batch at a time."""

from __future__ import annotations

from collections.abc import AsyncIterator

from fastapi import Request

from rlvr_serve.web.body import chunks_of
from rlvr_serve.web.problems import Problem
from rlvr_serve.web.server_state import Web
from rlvr_serve.web.settings import MEBIBYTE


async def lines_of(request: Request, most: int) -> AsyncIterator[list[bytes]]:
    """Lists of at most `most` lines, without empty ones; what has come whole is not held back.

    Raises:
        Problem: 413 a line is too long, 408 the client fell silent.
        HungUp: the client is gone.
    """
    web: Web = request.app.state.web
    visit = request.scope["state"]["visit"]
    largest = int(web.settings.max_body_mb * MEBIBYTE)
    rest = b""
    async for chunk in chunks_of(request.receive, web.settings.read_timeout_s, visit):
        *lines, rest = (rest + chunk).split(b"\n")
        if len(rest) > largest or any(len(line) > largest for line in lines):
            raise Problem(413, "line_too_large", "a line is larger than a body may be")
        lines = [line for line in lines if line.strip()]
        for first in range(0, len(lines), most):
            yield lines[first : first + most]
    if rest.strip():
        yield [rest]
