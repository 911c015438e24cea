"""One request as the server sees it: who, since when, until when, and what came of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from random import getrandbits
from time import perf_counter
from typing import Any

from rlvr_serve.web.problems import Problem

REQUEST_ID = re.compile(rb"[A-Za-z0-9._:-]{1,80}")


class Visit:
    """What the door notes about a request; handlers find it at `scope["state"]["visit"]`."""

    __slots__ = (
        "bytes_in",
        "bytes_out",
        "client",
        "deadline",
        "failure",
        "headers",
        "id",
        "is_openai",
        "is_started",
        "notes",
        "path",
        "route",
        "started",
        "status",
        "text",
    )

    def __init__(self, scope: Mapping[str, Any], *, is_openai: bool) -> None:
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        given = self.headers.get(b"x-request-id", b"")
        valid = REQUEST_ID.fullmatch(given)
        self.id = given.decode("ascii") if valid else f"{getrandbits(64):016x}"
        self.path: str = scope["path"]
        self.route = ""
        """The path of the handler, where no route was searched for it."""
        self.client = scope["client"][0] if scope.get("client") else "local"
        """The name of the token that let the request in, or the peer's address."""
        self.is_openai = is_openai
        self.started = perf_counter()
        self.deadline = float("inf")
        """In the time of the event loop."""
        self.is_started = False
        """The head of the answer is out."""
        self.status = 0
        self.bytes_in = 0
        self.bytes_out = 0
        self.failure = ""
        self.notes: dict[str, Any] = {}
        """Numbers for the access log; never texts."""
        self.text = b""
        """The body, kept only when texts are logged."""

    def length(self) -> int | None:
        """`Content-Length`, None if the request has none.

        Raises:
            Problem: it is no number.
        """
        given = self.headers.get(b"content-length")
        if given is None:
            return None
        if not given.isdigit() or len(given) > 15:
            raise Problem(400, "bad_length", "Content-Length is no number")
        return int(given)

    def patience_s(self, longest_s: float) -> float:
        """Seconds that the client gives us: `X-Request-Deadline-Ms`, at most `longest_s`.

        Raises:
            Problem: the header is no number above 0.
        """
        given = self.headers.get(b"x-request-deadline-ms")
        if given is None:
            return longest_s
        if not given.isdigit() or len(given) > 12 or int(given) == 0:
            what = "X-Request-Deadline-Ms must be a whole number of milliseconds above 0"
            raise Problem(400, "bad_deadline", what)
        return min(longest_s, int(given) / 1000)
