"""OpenAI's routes, and the one by which a policy is replaced."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from fastapi import APIRouter, Request
from starlette.responses import Response

from rlvr_ops_core import RlvrError
from rlvr_serve.policies.events import EventStream, note_usage
from rlvr_serve.policies.host import PolicyHost
from rlvr_serve.policies.schemas import ANSWER, MODEL, MODELS, body_of
from rlvr_serve.policies.verified import verified_answer
from rlvr_serve.policies.wire import Ask, read_ask
from rlvr_serve.rewards.service import RewardService
from rlvr_serve.web.problems import Problem, openai_responses, problem_responses
from rlvr_serve.web.server_state import Web
from rlvr_serve.web.visit import Visit

JSON = "application/json"
ADMIN = "admin"
"""Tokens of this name, or whose names begin with it and a dash, may replace the policy."""
PROBLEMS = openai_responses(400, 401, 404, 408, 413, 429, 502, 503, 504)


class NewPolicy(msgspec.Struct, forbid_unknown_fields=True):
    """What to serve from now on; without `policy` the same target is looked at again."""

    policy: str | None = None


def policy_router(host: PolicyHost, service: RewardService | None) -> APIRouter:
    """The routes of a policy server."""
    router = APIRouter(tags=["policy"])

    @router.get("/v1/models", responses={200: MODELS, **openai_responses(401, 503)})
    async def models() -> dict[str, Any]:
        """The policy that is served."""
        return {"object": "list", "data": [describe(host)]}

    @router.get(
        "/v1/models/{model:path}", responses={200: MODEL, **openai_responses(401, 404, 503)}
    )
    async def model(model: str) -> dict[str, Any]:
        """The policy, if it has this name."""
        check_model(host, model)
        return describe(host)

    @router.post(
        "/v1/chat/completions",
        response_class=Response,
        responses={200: ANSWER, **PROBLEMS},
        openapi_extra=body_of("ChatRequest"),
    )
    async def chat(request: Request) -> Response:
        """Answer messages."""
        return await respond(request, "chat", host, service)

    @router.post(
        "/v1/completions",
        response_class=Response,
        responses={200: ANSWER, **PROBLEMS},
        openapi_extra=body_of("CompletionRequest"),
    )
    async def completions(request: Request) -> Response:
        """Go on with a text."""
        return await respond(request, "text", host, service)

    @router.post(
        "/admin/policy",
        responses=problem_responses(400, 401, 403, 408, 413, 422, 429, 503),
        openapi_extra=body_of("NewPolicy"),
    )
    async def replace(request: Request) -> dict[str, Any]:
        """Serve another policy, or a newer checkpoint, without losing a request."""
        check_admin(request)
        try:
            asked = msgspec.json.decode(await request.body() or b"{}", type=NewPolicy)
        except msgspec.ValidationError as error:
            raise Problem(422, "invalid_request", str(error)) from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise Problem(400, "bad_json", f"the body is no JSON: {error}") from None
        try:
            is_new = await host.swap(asked.policy or host.target)
        except RlvrError as error:
            what = f"{error}; what was served before still is"
            raise Problem(422, "policy_does_not_load", what, param="policy") from error
        return {"swapped": is_new, **describe(host)}

    return router


async def respond(
    request: Request, kind: Literal["chat", "text"], host: PolicyHost, service: RewardService | None
) -> Response:
    """The answer to a request for one: whole, streamed or verified.

    Raises:
        Problem: it is not asked for in the right way, or can't be had.
    """
    visit: Visit = request.scope["state"]["visit"]
    ask = read_ask(kind, await request.body())
    check_model(host, ask.body.model)
    if ask.body.reward is not None:
        answer = await verified_answer(host, served(service), ask)
    elif ask.body.stream:
        return await begin_stream(host, ask, visit)
    else:
        answer = await host.answer(ask)
    note_usage(visit, answer)
    return Response(msgspec.json.encode(answer), media_type=JSON)


async def begin_stream(host: PolicyHost, ask: Ask, visit: Visit) -> EventStream:
    """The stream once its first chunk is there: what goes wrong before is an ordinary error."""
    chunks = host.stream(ask)
    first = await anext(chunks)
    return EventStream(chunks, first, visit, with_usage=ask.wants_usage)


def served(service: RewardService | None) -> RewardService:
    """The rewards of this server.

    Raises:
        Problem: 400, it has none.
    """
    if service is None:
        what = "this server verifies nothing: start it with --reward math/equal"
        raise Problem(400, "unknown_reward", what, param="reward")
    return service


def check_model(host: PolicyHost, name: str | None) -> None:
    """Refuse a request for another model.

    Raises:
        Problem: 404.
    """
    if name and name != host.engine.name:
        what = f"the model {name[:200]!r} is not served here; {host.engine.name!r} is"
        raise Problem(404, "model_not_found", what, param="model")


def check_admin(request: Request) -> None:
    """Let in whoever holds an admin's token.

    Raises:
        Problem: 403.
    """
    web: Web = request.app.state.web
    visit: Visit = request.scope["state"]["visit"]
    if web.tokens is None or not (visit.client == ADMIN or visit.client.startswith(f"{ADMIN}-")):
        what = f"only a token named {ADMIN}, or {ADMIN}-…, may do this: see --token-file"
        raise Problem(403, "not_admin", what)


def describe(host: PolicyHost) -> dict[str, Any]:
    """OpenAI's model object, with the version and place of the weights."""
    engine = host.engine
    return {
        "id": engine.name,
        "object": "model",
        "created": host.created,
        "owned_by": "rlvr-ops",
        "version": engine.version,
        "root": engine.root,
    }
