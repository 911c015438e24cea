"""Who may look: this machine alone, or who has the token; and what a page may do in a browser."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from fastapi import Request, Response
from fastapi.responses import PlainTextResponse, RedirectResponse

LOOPBACK = {"127.0.0.1", "localhost", "::1"}
COOKIE = "rlvr_monitor"

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self';"
    " img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none';"
    " frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""Nothing is loaded from elsewhere, no script stands in a page, nobody frames it."""

Next = Callable[[Request], Awaitable[Response]]


class Guard:
    """Lets a request through, or answers it.

    Without a token only requests to this machine's own names get through: a page elsewhere that
    renames itself to 127.0.0.1 does not.
    """

    def __init__(self, token: str | None) -> None:
        self.token = token

    async def __call__(self, request: Request, call_next: Next) -> Response:
        """Let through or answer, and add the headers."""
        response = self._refusal(request) or await call_next(request)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        response.headers.setdefault("Cache-Control", "no-store")
        return response

    def _refusal(self, request: Request) -> Response | None:
        if self.token is None:
            if request.url.hostname not in LOOPBACK:
                return PlainTextResponse("this page is for this machine alone\n", 403)
        elif not self._knows_token(request):
            return self._welcome(request)
        if request.method not in ("GET", "HEAD") and not _same_origin(request):
            return PlainTextResponse("this came from another page\n", 403)
        return None

    def _knows_token(self, request: Request) -> bool:
        given = request.cookies.get(COOKIE, "")
        kind, _, value = request.headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer":
            given = value
        return self._is_token(given)

    def _is_token(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(), (self.token or "").encode())

    def _welcome(self, request: Request) -> Response:
        """A token in the address becomes a cookie; the address is left without it."""
        if self._is_token(request.query_params.get("token", "")):
            response = RedirectResponse(request.url.path, 303)
            secure = request.url.scheme == "https"
            response.set_cookie(
                COOKIE, self.token or "", httponly=True, samesite="strict", secure=secure
            )
            return response
        return PlainTextResponse(
            "a token is needed: open the address that `rlvr monitor` printed,"
            " or send it as a bearer token\n",
            401,
            {"WWW-Authenticate": "Bearer"},
        )


def _same_origin(request: Request) -> bool:
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host")
