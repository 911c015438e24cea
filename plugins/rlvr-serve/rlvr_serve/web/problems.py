"""What a request is refused with: RFC 9457's problem objects, or OpenAI's errors on its paths."""

from __future__ import annotations

import math
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import msgspec

RETRYABLE = frozenset({408, 429, 502, 503, 504})

OPENAI_TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
"""OpenAI's names; other 4xx are `invalid_request_error`, 5xx `server_error`."""


@dataclass
class Problem(Exception):
    """Why a request is not served; raise it anywhere below the door.

    `kind` is a short name for programs, such as `queue_full`; `param` the field that is wrong.
    """

    status: int
    kind: str
    detail: str
    retry_after_s: float | None = None
    param: str | None = None

    def __str__(self) -> str:
        return f"{self.status} {self.kind}: {self.detail}"


def problem_body(problem: Problem, *, request_id: str, path: str, openai: bool) -> bytes:
    """The body of the answer, as JSON."""
    if openai:
        default = "server_error" if problem.status >= 500 else "invalid_request_error"
        kind = OPENAI_TYPES.get(problem.status, default)
        error = {
            "message": problem.detail,
            "type": kind,
            "param": problem.param,
            "code": problem.kind,
        }
        return msgspec.json.encode({"error": error})
    body: dict[str, Any] = {
        "type": f"urn:rlvr:{problem.kind}",
        "title": HTTPStatus(problem.status).phrase,
        "status": problem.status,
        "detail": problem.detail,
        "instance": path,
        "request_id": request_id,
        "retryable": problem.status in RETRYABLE,
    }
    return msgspec.json.encode(body | ({"param": problem.param} if problem.param else {}))


def problem_headers(problem: Problem, *, length: int, openai: bool) -> list[tuple[bytes, bytes]]:
    """The headers of the answer; `Retry-After` in whole seconds, `Retry-After-Ms` exactly."""
    kind = b"application/json" if openai else b"application/problem+json"
    headers = [(b"content-type", kind), (b"content-length", str(length).encode())]
    if problem.retry_after_s is not None:
        seconds = max(1, math.ceil(problem.retry_after_s))
        milliseconds = max(1, math.ceil(problem.retry_after_s * 1000))
        headers.append((b"retry-after", str(seconds).encode()))
        headers.append((b"retry-after-ms", str(milliseconds).encode()))
    if problem.status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    return headers


PROBLEM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "instance", "request_id", "retryable"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "request_id": {"type": "string"},
        "retryable": {"type": "boolean"},
        "param": {"type": "string"},
    },
}


def problem_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """For FastAPI's `responses=`: the problems that a route may answer with."""
    content = {"application/problem+json": {"schema": PROBLEM_SCHEMA}}
    return {
        status: {"description": HTTPStatus(status).phrase, "content": content}
        for status in statuses
    }


OPENAI_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["message", "type", "param", "code"],
            "properties": {"message": {"type": "string"}, "type": {"type": "string"}},
        }
    },
}


def openai_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The same for routes whose errors have OpenAI's form."""
    content = {"application/json": {"schema": OPENAI_SCHEMA}}
    return {
        status: {"description": HTTPStatus(status).phrase, "content": content}
        for status in statuses
    }
