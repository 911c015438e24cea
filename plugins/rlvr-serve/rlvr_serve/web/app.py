"""Put a server together: the door, the health routes, the service's own routes."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from rlvr_serve.web import health
from rlvr_serve.web.door import Door
from rlvr_serve.web.problems import Problem, problem_body, problem_headers
from rlvr_serve.web.server_state import Handler, Web
from rlvr_serve.web.settings import WebSettings
from rlvr_serve.web.visit import Visit

log = logging.getLogger("rlvr.serve")

Step: TypeAlias = Callable[[], None] | Callable[[], Coroutine[Any, Any, None]]
"""Something to do once: a function that blocks, or an async one."""

KINDS = {404: "not_found", 405: "method_not_allowed"}


class ServerApp(FastAPI):
    """FastAPI whose requests go straight to the door: what stands before it does nothing for us."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, or the lifespan."""
        door = self.state.web.door
        if scope["type"] != "http" or door is None:
            await super().__call__(scope, receive, send)
            return
        scope["app"] = self
        await door(scope, receive, send)


def make_app(
    title: str,
    settings: WebSettings,
    *,
    routers: Sequence[APIRouter],
    admitted: Sequence[str],
    openai_paths: Sequence[str] = (),
    direct: Mapping[str, Handler] | None = None,
    load: Step | None = None,
    watch: Callable[[Web], Coroutine[Any, Any, None]] | None = None,
    close: Step | None = None,
) -> FastAPI:
    """A server with the routes of `routers`, ready for `serve_app` and `serving`.

    Args:
        title: of the OpenAPI document.
        settings: limits, tokens, deadlines.
        routers: the service.
        admitted: path prefixes whose POST requests need a place and have a deadline.
        openai_paths: path prefixes on which errors have OpenAI's form.
        direct: handlers of POST requests by path, called without a search for their route, which
            costs more than a small batch; they stand in routes too, for the OpenAPI document.
        load: runs once the server listens; until it is done nothing is ready. What blocks runs in a
            thread, what is async on the event loop.
        watch: runs from then on, and may set `trouble`.
        close: as `load`, after the last request.

    Raises:
        OptionError: the settings would do harm, or the token file can't be read.
    """
    web = Web(settings, tuple(admitted), tuple(openai_paths), direct or {})

    @asynccontextmanager
    async def life(_app: FastAPI) -> AsyncIterator[None]:
        loading = asyncio.create_task(_load(web, load, watch))
        yield
        loading.cancel()
        web.is_ready = False
        if close is not None:
            await _run(close)
        web.access_log.close()

    app = ServerApp(title=title, version="1", docs_url=None, redoc_url=None, lifespan=life)
    app.state.web = web
    app.include_router(health.router)
    for router in routers:
        app.include_router(router)
    app.add_exception_handler(RequestValidationError, _on_validation)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(Problem, _on_problem)
    app.add_middleware(Door, web=web)
    return app


async def _load(
    web: Web, load: Step | None, watch: Callable[[Web], Coroutine[Any, Any, None]] | None
) -> None:
    try:
        if load is not None:
            await _run(load)
        web.is_ready = True
    except Exception as error:  # noqa: BLE001  # kept: the runner raises it where the user sees it
        web.failure = error
    else:
        if watch is not None:
            await watch(web)


async def _run(step: Step) -> None:
    if inspect.iscoroutinefunction(step):
        await step()
    else:
        await asyncio.to_thread(step)


async def _on_validation(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"] if part not in ("body", "query"))
    is_json = first["type"] != "json_invalid"
    what = f"{place}: {first['msg']}" if place and is_json else str(first["msg"])
    visit: Visit = request.scope["state"]["visit"]
    status = 422 if is_json and not visit.is_openai else 400
    kind = "invalid_request" if is_json else "bad_json"
    return _answer(request, Problem(status, kind, what, param=place if is_json else None))


async def _on_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    kind = KINDS.get(error.status_code, f"status_{error.status_code}")
    response = _answer(request, Problem(error.status_code, kind, str(error.detail)))
    for name, value in (error.headers or {}).items():  # Allow, after a 405
        response.headers[name] = value
    return response


async def _on_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return _answer(request, error)


def _answer(request: Request, problem: Problem) -> Response:
    visit: Visit = request.scope["state"]["visit"]
    visit.failure = problem.kind
    body = problem_body(problem, request_id=visit.id, path=visit.path, openai=visit.is_openai)
    response = Response(body, status_code=problem.status)
    response.raw_headers = problem_headers(problem, length=len(body), openai=visit.is_openai)
    return response


def document(app: FastAPI, schemas: Mapping[str, Any]) -> None:
    """Let the OpenAPI document name the bodies that msgspec reads."""
    plain = app.openapi

    def openapi() -> dict[str, Any]:
        found = plain()
        found.setdefault("components", {}).setdefault("schemas", {}).update(schemas)
        return found

    app.openapi = openapi  # type: ignore[method-assign]
