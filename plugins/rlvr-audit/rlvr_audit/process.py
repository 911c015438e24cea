"""The audit's side of the reward's process: start it, ask, keep deadlines, kill."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from typing import Any

from rlvr_audit.host import LENGTH, send
from rlvr_audit.own_time import Waiting, WorkClock
from rlvr_audit.target import Target
from rlvr_ops_core import OptionError, PluginError, RewardLoadError

LOAD_DEADLINE_S = 120.0
HOST_DEADLINE_S = 60.0
"""The host only forks and waits: it answers at once, or not at all."""


class Ended(Exception):
    """A session ended before its work was done.

    `how` is `timeout` (we killed it at its deadline) or what the process did.
    """

    def __init__(self, how: str) -> None:
        super().__init__(how)
        self.how = how


class RewardProcess:
    """A process that has loaded the reward, and forks a child for every session."""

    def __init__(
        self,
        target: Target,
        *,
        form: str = "text",
        environment: Mapping[str, str] | None = None,
        folder: str | None = None,
        clock: WorkClock | None = None,
    ) -> None:
        self.clock = clock or WorkClock()
        ours, theirs = socket.socketpair()
        self.control = ours
        self.errors = tempfile.TemporaryFile()  # noqa: SIM115  # lives as long as the process
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "rlvr_audit.host", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self.errors,
                env={**os.environ, **_ENVIRONMENT, **(environment or {})},
                cwd=folder,
                start_new_session=True,
            )
        self.target, self.form = target, form
        self.info: dict[str, Any] = {}
        send(self.control, {"target": target.as_json(), "form": form})

    def ready(self) -> dict[str, Any]:
        """Wait until the reward is loaded; gives what is known about it.

        Raises:
            PluginError: there is no such reward.
            OptionError: its options are wrong.
            RewardLoadError: it does not load.
        """
        if self.info:
            return self.info
        try:
            told = self._wait(self.control, Waiting(LOAD_DEADLINE_S, self.process.pid))
        except TimeoutError as error:
            self.close()
            what = f"{self.target.reference} is not loaded after {LOAD_DEADLINE_S:g} s"
            raise RewardLoadError(what) from error
        if told is None:
            self.process.wait()
            what = f"the process ended with code {self.process.returncode} while it loaded"
            raise RewardLoadError(f"{self.target.reference}: {what}", hint=self.last_words())
        if not told["ready"]:
            self.close()
            raise _load_error(self.target, told)
        self.info = told
        return told

    def session(self, request: Mapping[str, Any], deadline_s: float) -> Iterator[dict[str, Any]]:
        """The replies to one request; the child has `deadline_s` of its own time for each.

        Raises:
            Ended: it was too slow and was killed, or it died.
        """
        self.ready()
        ours, theirs = socket.socketpair()
        with ours:
            with theirs:
                socket.send_fds(self.control, [b"F"], [theirs.fileno()])
            pid = (_frame(self.control, Waiting(HOST_DEADLINE_S)) or {})["pid"]
            how = ""
            try:
                _send_within(ours, request, 30)
                while True:
                    reply = self._wait(ours, Waiting(deadline_s, pid))
                    if reply is None or "end" in reply:
                        break
                    yield reply
                how = "" if reply else "died"
            except TimeoutError:
                how = "timeout"
            except OSError:
                how = "died"
            finally:
                _kill(pid)
                status = (_frame(self.control, Waiting(HOST_DEADLINE_S)) or {}).get("status", 0)
            if how:
                raise Ended("timeout" if how == "timeout" else _ending(status))

    def _wait(self, channel: socket.socket, waiting: Waiting) -> dict[str, Any] | None:
        """One frame; the audit's clock and the time of the call leave out what it was starved."""
        frame: dict[str, Any] | None = {}
        try:
            frame = _frame(channel, waiting)
        finally:
            queued_s = (frame or {}).get("queued_s", 0.0)
            starved_s = max(queued_s, waiting.starved_s)
            self.clock.starved_s += starved_s
        if frame and "seconds" in frame:  # programs below it waited, which it can't know
            frame["seconds"] = max(0.0, frame["seconds"] - (starved_s - queued_s))
        return frame

    def last_words(self) -> str:
        """The end of what the process wrote to stderr."""
        self.errors.seek(0, os.SEEK_END)
        self.errors.seek(max(0, self.errors.tell() - 2000))
        return self.errors.read().decode(errors="replace").strip()

    def close(self) -> None:
        """End the process and all it started."""
        self.control.close()
        _kill(self.process.pid)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(timeout=10)
        self.errors.close()


_ENVIRONMENT = {"TOKENIZERS_PARALLELISM": "false", "OMP_NUM_THREADS": "1"}


def _load_error(target: Target, told: Mapping[str, Any]) -> Exception:
    what, hint = told["error"], ""
    if told["kind"] in ("PluginError", "OptionError", "DataError"):
        what, _, hint = what.partition("\n  ")
        kind = OptionError if told["kind"] == "OptionError" else PluginError
        return kind(what, hint=hint)
    what = f"{target.reference} does not load: {told['kind']}: {what}"
    return RewardLoadError(what, hint=told["traceback"])


def _send_within(channel: socket.socket, request: Mapping[str, Any], seconds: float) -> None:
    channel.settimeout(seconds)
    try:
        send(channel, request)
    finally:
        channel.settimeout(None)


def _frame(channel: socket.socket, waiting: Waiting) -> dict[str, Any] | None:
    """One frame; None if the other side is gone.

    Raises:
        TimeoutError: it did not come in time.
    """
    header = _read(channel, LENGTH.size, waiting)
    if header is None:
        return None
    payload = _read(channel, LENGTH.unpack(header)[0], waiting)
    return None if payload is None else dict(json.loads(payload))


def _read(channel: socket.socket, size: int, waiting: Waiting) -> bytes | None:
    chunks: list[bytes] = []
    with selectors.DefaultSelector() as selector:
        selector.register(channel, selectors.EVENT_READ)
        while size:
            while not selector.select(left_s := waiting.left_s()):
                if not left_s:
                    raise TimeoutError
            try:
                chunk = channel.recv(min(size, 1 << 20))
            except ConnectionResetError:
                return None
            if not chunk:
                return None
            chunks.append(chunk)
            size -= len(chunk)
    return b"".join(chunks)


def _kill(pid: int) -> None:
    for kill in (os.killpg, os.kill):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            kill(pid, signal.SIGKILL)


def _ending(status: int) -> str:
    if os.WIFEXITED(status):
        return f"the process exited with code {os.WEXITSTATUS(status)}"
    return f"the process was ended by {signal.Signals(os.WTERMSIG(status)).name}"
