"""uvicorn, taught to stop without losing a request.

On the first signal: not ready and `Connection: close`, but new connections are still taken for
`drain_delay_s`, because balancers learn late; then the socket closes and what runs may finish
within `grace_s`. uvicorn alone closes the socket at once. The second signal means now.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import threading
from collections.abc import Iterator
from time import monotonic
from types import FrameType
from typing import Any

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from rlvr_serve.web.server_state import Web
from rlvr_serve.web.settings import WebSettings

KEEP_ALIVE_S = 75
"""Longer than balancers keep an idle connection, so that they close it and never use a dead one."""
LARGEST_HEAD = 64 * 1024
SIGNALS = (signal.SIGINT, signal.SIGTERM)


class DrainingServer(uvicorn.Server):
    """A uvicorn server for one of our apps."""

    def __init__(self, app: FastAPI, settings: WebSettings) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=PatientProtocol,
                ws="none",
                log_level="warning",
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_keep_alive=KEEP_ALIVE_S,
                timeout_graceful_shutdown=max(1, round(settings.grace_s)),
                ssl_certfile=settings.tls_cert,
                ssl_keyfile=settings.tls_key,
            )
        )
        self.config.read_timeout_s = settings.read_timeout_s  # type: ignore[attr-defined]
        self.settings = settings
        self.web: Web = app.state.web
        self.cut = False
        """Requests were cut off: a second signal came, or the grace period ended."""
        self._stop_at = float("inf")

    def begin_to_drain(self) -> None:
        """The first signal does this; any thread may."""
        if not self.web.draining:
            self.web.draining = True
            self._stop_at = monotonic() + self.settings.drain_delay_s

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Drain at the first signal, end at the second."""
        del sig, frame
        if self.web.draining:
            self.cut = self.cut or self.web.metrics.in_flight > 0
            self.should_exit = self.force_exit = True
        self.begin_to_drain()

    async def on_tick(self, counter: int) -> bool:
        """Ten times a second: whether it is time to close the socket."""
        is_over = await super().on_tick(counter)
        return is_over or monotonic() >= self._stop_at or self.web.failure is not None

    async def shutdown(self, sockets: list[Any] | None = None) -> None:
        """Close the socket, wait for what runs, and note whether all of it was finished."""
        self.web.draining = True
        await super().shutdown(sockets)
        self.cut = self.cut or self.web.metrics.in_flight > 0
        if self.force_exit:  # uvicorn leaves now; workers must be ended all the same
            for task in list(self.server_state.tasks):
                task.cancel()
            await self.lifespan.shutdown()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """As uvicorn's, but a drained server exits with 0 instead of by the signal again."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self.handle_exit) for number in SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


class PatientProtocol(HttpToolsProtocol):
    """uvicorn's HTTP, with an end to patience: a head must come whole, soon, and not too large."""

    _head_timer: asyncio.TimerHandle | None = None
    _head_size = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """The time for the first head starts."""
        super().connection_made(transport)
        self._await_head()

    def on_message_begin(self) -> None:
        """A head begins: on a connection that was idle, its time starts now."""
        super().on_message_begin()
        self._head_size = 0
        if self._head_timer is None:
            self._await_head()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Count what a client says before it asks for anything."""
        super().on_header(name, value)
        self._count(len(name) + len(value))

    def on_url(self, url: bytes) -> None:
        """The path counts too."""
        super().on_url(url)
        self._count(len(url))

    def on_headers_complete(self) -> None:
        """The head is whole."""
        self._head_done()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing more is awaited."""
        self._head_done()
        super().connection_lost(exc)

    def _count(self, size: int) -> None:
        self._head_size += size
        if self._head_size > LARGEST_HEAD:
            self.transport.close()

    def _await_head(self) -> None:
        timeout_s = getattr(self.config, "read_timeout_s", 20.0)
        self._head_timer = self.loop.call_later(timeout_s, self._no_head)

    def _head_done(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _no_head(self) -> None:
        self._head_timer = None
        if not self.transport.is_closing():
            self.transport.close()
