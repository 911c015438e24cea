"""Run a server: until a signal, or while a `with` lasts; stop it without cutting anybody off."""

from __future__ import annotations

import contextlib
import gc
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from time import monotonic, sleep

from fastapi import FastAPI

from rlvr_ops_core import OptionError, RlvrError
from rlvr_serve.web.draining import DrainingServer
from rlvr_serve.web.settings import WebSettings

SECONDS_TO_LISTEN = 30.0
NEW_OBJECTS = 100_000
"""Python looks for garbage in cycles after so many; a batch makes thousands that are in none."""


def serve_app(
    app: FastAPI, settings: WebSettings, *, on_listening: Callable[[str], None] | None = None
) -> bool:
    """Serve until SIGTERM or Ctrl-C, then drain. False if requests were cut off.

    A second signal ends it at once. `on_listening` is told the URL, before loading is done.

    Raises:
        OptionError: the address can't be had.
        RlvrError: what was to be served did not load.
    """
    with _listening(settings) as sock:
        server = DrainingServer(app, settings)
        if on_listening is not None:
            on_listening(url_of(settings, sock))
        _collect_seldom()
        server.run(sockets=[sock])
        _raise_failure(app)
        return not server.cut


@contextlib.contextmanager
def serving(app: FastAPI, settings: WebSettings, *, load_timeout_s: float = 600.0) -> Iterator[str]:
    """Serve in a thread while the `with` lasts; gives the base URL once everything is loaded.

    In the main thread SIGTERM ends the `with` as Ctrl-C does. Leaving it drains.

    Raises:
        OptionError: the address can't be had.
        RlvrError: what was to be served did not load.
    """
    with _listening(settings) as sock:
        server = DrainingServer(app, settings)
        thread = threading.Thread(
            target=server.run, kwargs={"sockets": [sock]}, name="rlvr-serve", daemon=True
        )
        thread.start()
        try:
            with _terminate_as_interrupt():
                _wait_until_ready(app, server, thread, load_timeout_s)
                yield url_of(settings, sock)
        finally:
            server.begin_to_drain()
            thread.join(settings.drain_delay_s + settings.grace_s + 30)
        _raise_failure(app)


def url_of(settings: WebSettings, sock: socket.socket) -> str:
    """The address that a client on this machine uses."""
    host, port = sock.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # of a client
    scheme = "https" if settings.tls_cert else "http"
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def _collect_seldom() -> None:
    """For a process that only serves: what is loaded by now stays, so it need not be looked at."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(NEW_OBJECTS, 10, 10)


@contextlib.contextmanager
def _listening(settings: WebSettings) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        sock = socket.create_server(
            (settings.host.strip("[]"), settings.port), family=family, backlog=2048
        )
    except OSError as error:
        where = f"{settings.host}:{settings.port}"
        hint = "take another: --port 0 finds a free one"
        raise OptionError(f"can't listen on {where}: {error.strerror}", hint=hint) from error
    with sock:
        yield sock


def _wait_until_ready(
    app: FastAPI, server: DrainingServer, thread: threading.Thread, timeout_s: float
) -> None:
    until = monotonic() + timeout_s
    while not (server.started and app.state.web.is_ready):
        if app.state.web.failure is not None or not thread.is_alive():
            raise app.state.web.failure or RlvrError("the server ended before it was ready")
        if monotonic() > until:
            raise RlvrError(f"not loaded within {timeout_s:g} s")
        sleep(0.02)


@contextlib.contextmanager
def _terminate_as_interrupt() -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _raise_failure(app: FastAPI) -> None:
    if app.state.web.failure is not None:
        raise app.state.web.failure
