"""`POST /v1/score` and `GET /v1/rewards`: our own format."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import msgspec
from fastapi import APIRouter, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from rlvr_serve.rewards.idempotency import Answers
from rlvr_serve.rewards.items import (
    Invalid,
    Item,
    Result,
    ScoreRequest,
    encode_line,
    encode_results,
    read_batch,
    read_item,
    result_of_invalid,
)
from rlvr_serve.rewards.lines import lines_of
from rlvr_serve.rewards.service import RewardService
from rlvr_serve.web.door import is_lines
from rlvr_serve.web.problems import Problem, problem_responses
from rlvr_serve.web.server_state import Handler
from rlvr_serve.web.visit import Visit

JSON = "application/json"
TYPES = (JSON.encode(), b"")
LINES = "application/x-ndjson"
STREAM_BATCH = 256
"""Lines judged together; fewer if the client sends slowly."""

_, SCHEMAS = msgspec.json.schema_components(
    [ScoreRequest, Item, Result], ref_template="#/components/schemas/{name}"
)
RESULTS_SCHEMA = {
    "type": "object",
    "required": ["reward", "results"],
    "properties": {
        "reward": {"type": "string"},
        "results": {"type": "array", "items": {"$ref": "#/components/schemas/Result"}},
    },
}


def score_router(service: RewardService, answers: Answers) -> tuple[APIRouter, Handler]:
    """The routes of our own format, and the direct handler of `/v1/score`."""
    router = APIRouter(tags=["rewards"])

    @router.get("/v1/rewards", responses=problem_responses(401))
    async def rewards() -> dict[str, Any]:
        """The rewards served here: what each judges, gives and needs."""
        return {"rewards": [describe(name, service) for name in service.names]}

    @router.post(
        "/v1/score",
        openapi_extra=SCORE_DOCUMENT,
        response_class=Response,
        responses={
            200: {
                "description": "One result an item, in order",
                "content": {JSON: {"schema": RESULTS_SCHEMA}, LINES: {}},
            },
            **problem_responses(400, 401, 404, 408, 409, 413, 415, 422, 429, 503, 504),
        },
    )
    async def score(request: Request) -> Response:
        """Judge a batch of 1 to 1,024 answers, or a stream of JSON lines."""
        visit: Visit = request.scope["state"]["visit"]
        if is_lines(visit):
            name = service.choose(request.query_params.get("reward"))
            return LinesResponse(_score_lines(request, service, name))
        return Response(await score_json(visit, await request.body()), media_type=JSON)

    async def score_json(visit: Visit, body: bytes) -> bytes:
        kind = visit.headers.get(b"content-type", JSON.encode())
        if kind != b"application/json" and kind.partition(b";")[0].strip().lower() not in TYPES:
            raise Problem(415, "unsupported_type", f"send {JSON} or {LINES}")
        key = visit.headers.get(b"idempotency-key")
        if key is None:
            return await score_batch(service, body, visit)
        return await answers.once(
            visit.client, key, body, lambda: score_batch(service, body, visit)
        )

    return router, score_json


async def score_batch(service: RewardService, body: bytes, visit: Visit) -> bytes:
    """The answer to a batch: every item its own verdict."""
    asked, items = read_batch(body)
    name = service.choose(asked)
    visit.notes["items"] = len(items)
    return encode_results(name, await judge_items(service, name, items))


async def judge_items(
    service: RewardService, name: str, items: list[Item | Invalid]
) -> list[Result]:
    """One result an item, in order; items that could not be read are not judged."""
    sound = [item for item in items if type(item) is Item]
    results = await service.results(name, sound) if sound else []
    if len(sound) == len(items):
        return results
    counts, ref = service.counts.rewards[name], service.bound[name].ref
    following = iter(results)
    found = []
    for item in items:
        if isinstance(item, Invalid):
            counts.outcomes["invalid"] += 1
            found.append(result_of_invalid(item, ref))
        else:
            found.append(next(following))
    return found


async def _score_lines(request: Request, service: RewardService, name: str) -> AsyncIterator[bytes]:
    """Verdicts as they come; a client that reads slowly makes us read slowly."""
    visit: Visit = request.scope["state"]["visit"]
    visit.notes["items"] = 0
    async for lines in lines_of(request, STREAM_BATCH):
        visit.notes["items"] += len(lines)
        results = await judge_items(service, name, [read_item(line) for line in lines])
        yield b"".join(map(encode_line, results))
        await asyncio.sleep(0)


class LinesResponse(Response):
    """Sends lines while the body still comes in; starlette's own would read that body itself."""

    media_type = LINES

    def __init__(self, lines: AsyncIterator[bytes]) -> None:
        super().__init__()
        self.lines = lines
        del self.headers["content-length"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Head, lines, end."""
        del scope, receive
        head = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        await send(head)
        async for chunk in self.lines:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def describe(name: str, service: RewardService) -> dict[str, Any]:
    """What `GET /v1/rewards` says about one reward."""
    bound = service.bound[name]
    return {
        "name": name,
        "ref": bound.ref,
        "judges": bound.judges,
        "range": list(bound.spec.range),
        "components": list(bound.spec.components),
        "needs": list(bound.spec.needs),
        "timeout_s": bound.spec.timeout_s,
    }


SCORE_DOCUMENT: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            JSON: {"schema": {"$ref": "#/components/schemas/ScoreRequest"}},
            LINES: {"schema": {"$ref": "#/components/schemas/Item"}},
        },
    },
    "parameters": [
        {
            "name": "Idempotency-Key",
            "in": "header",
            "required": False,
            "schema": {"type": "string", "pattern": "^[A-Za-z0-9._:-]{1,200}$"},
        },
        {
            "name": "X-Request-Deadline-Ms",
            "in": "header",
            "required": False,
            "schema": {"type": "integer", "minimum": 1, "maximum": 10**9},
        },
        {"name": "reward", "in": "query", "required": False, "schema": {"type": "string"}},
    ],
}
