"""What balancers and Prometheus ask: alive, started, ready, and the numbers.

`/livez` answers while the event loop turns, whatever the load. `/readyz` says no before loading is
done and from the first signal to stop; a full queue leaves it ready, because taking every loaded
replica out of a balancer makes an overload an outage.
"""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse, Response

from rlvr_serve.web.server_state import Web

METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"

router = APIRouter(tags=["health"])

NOT_YET: dict[int | str, dict[str, Any]] = {
    503: {"description": "Service Unavailable", "content": {"text/plain": {}}}
}


@router.get("/livez", response_class=PlainTextResponse)
async def livez() -> str:
    """The event loop turns."""
    return "alive\n"


@router.get("/startupz", response_class=PlainTextResponse, responses=NOT_YET)
async def startupz(request: Request) -> Response:
    """Loading is done."""
    web: Web = request.app.state.web
    return _say(web.is_ready, "started", "loading")


@router.get("/readyz", response_class=PlainTextResponse, responses=NOT_YET)
async def readyz(request: Request) -> Response:
    """New requests are welcome."""
    web: Web = request.app.state.web
    return _say(web.is_welcoming, "ready", _why_not(web))


@router.get(
    "/metrics",
    response_class=PlainTextResponse,
    responses={200: {"content": {METRICS_TYPE: {"schema": {"type": "string"}}}}},
)
async def metrics(request: Request) -> Response:
    """Everything that is counted, in Prometheus' text format."""
    web: Web = request.app.state.web
    return Response(web.metrics.text(), media_type=METRICS_TYPE)


def _say(is_so: bool, yes: str, no: str) -> Response:
    return PlainTextResponse(f"{yes if is_so else no}\n", status_code=200 if is_so else 503)


def _why_not(web: Web) -> str:
    if web.draining:
        return "draining"
    return web.trouble if web.is_ready else "loading"
