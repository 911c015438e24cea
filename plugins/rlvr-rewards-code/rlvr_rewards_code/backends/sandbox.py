"""The trainer's end of one sandbox: fork a process in it, talk to that, end it.

A sandbox belongs to one thread at a time. Whatever goes wrong with the sandbox itself is
`SandboxBroken`; what a program does to its own process never is.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import socket
import struct
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from time import monotonic
from typing import Protocol

from rlvr_rewards_code.jail import wire
from rlvr_rewards_code.jail.zygote import (
    END,
    ENDED,
    EXIT,
    FORK,
    LAST,
    NEW,
    NOTHING,
    NUMBER,
    ORDER,
    SCRIPT,
    SPARES,
)

START_TIMEOUT_S = 60.0
ANSWER_TIMEOUT_S = 30.0
"""A fork server answers in milliseconds; this is for a machine that is out of breath."""
_CHUNK = 1 << 16
"""Bytes taken at once: for more, the allocator maps and unmaps memory each time."""


class SandboxBroken(Exception):
    """The sandbox, not the program in it, failed: retried once, then an error, never a zero."""


@dataclass(frozen=True, kw_only=True)
class Setup:
    """What a sandbox is made for; programs with the same needs share one."""

    site: tuple[str, ...] = ()
    preload: tuple[str, ...] = ()
    disk_mb: int = 0
    file_mb: int = 0
    processes: int = 0
    threads: int = 32
    memory_mb: int = 1024

    @property
    def single_use(self) -> bool:
        """It serves one program only, since that may leave something behind in it."""
        return self.disk_mb > 0 or self.processes > 0


class Backend(Protocol):
    """A way to isolate."""

    @property
    def name(self) -> str:
        """Its name among the options of `code/tests`."""
        ...

    def unavailable(self) -> str:
        """Why it can't be used here, in one line; "" if it can."""
        ...

    def start(self, setup: Setup, use: str, processor: int | None = None) -> Sandbox:
        """Start a sandbox for `programs` or `tests`, on one processor if that is given.

        Raises:
            SandboxBroken: it does not start.
        """
        ...


@dataclass(frozen=True)
class Exit:
    """How a process ended, as the kernel reports it."""

    status: int
    cpu_s: float
    memory_mb: float
    ended_by_us: bool = False
    output: bytes = b""
    errors: bytes = b""

    @property
    def signal(self) -> int:
        """The signal that ended it, 0 if it ended by itself."""
        return os.WTERMSIG(self.status) if os.WIFSIGNALED(self.status) else 0

    @property
    def code(self) -> int:
        """Its exit code."""
        return os.WEXITSTATUS(self.status) if os.WIFEXITED(self.status) else -self.signal


class Stream:
    """A channel to one process, whole frames in and out, with a deadline for each step."""

    def __init__(self, channel: socket.socket, *, limit: int) -> None:
        self.channel = channel
        self.channel.setblocking(False)
        self.buffer = bytearray()
        self.limit = limit
        self.closed = False
        self.oversized = False

    def fileno(self) -> int:
        """For `select`."""
        return self.channel.fileno()

    def send(self, data: bytes, deadline: float) -> bool:
        """Send everything; False if the other side is gone or does not read until the deadline."""
        view = memoryview(data)
        while view:
            try:
                view = view[self.channel.send(view) :]
            except BlockingIOError:
                patience = deadline - monotonic()
                if patience <= 0 or not _writable(self.channel, patience):
                    return False
            except OSError:
                self.closed = True
                return False
        return True

    def send_with(self, data: bytes, handed: socket.socket, deadline: float) -> bool:
        """Send everything, and a descriptor with it; returns what `send` does."""
        try:
            sent = socket.send_fds(self.channel, [data], [handed.fileno()])
        except BlockingIOError:
            return _writable(self.channel, deadline - monotonic()) and self.send_with(
                data, handed, deadline
            )
        except OSError:
            self.closed = True
            return False
        return self.send(data[sent:], deadline)

    def frames(self) -> list[tuple[bytes, bytes]]:
        """Whole frames that have arrived; sets `closed` at the end or at a frame too large."""
        try:
            chunk = self.channel.recv(_CHUNK)
            self.closed = not chunk
            self.buffer += chunk
        except BlockingIOError:
            pass
        except OSError:
            self.closed = True
        found = []
        while len(self.buffer) >= wire.HEADER.size:
            size, kind = wire.HEADER.unpack_from(self.buffer)
            if size > self.limit:
                self.closed = self.oversized = True
                break
            end = wire.HEADER.size + size
            if len(self.buffer) < end:
                break
            found.append((bytes([kind]), bytes(self.buffer[wire.HEADER.size : end])))
            del self.buffer[:end]
        return found


def _writable(channel: socket.socket, patience: float) -> bool:
    poll = select.poll()
    poll.register(channel, select.POLLOUT)
    return bool(poll.poll(max(0.0, patience) * 1000))


@dataclass
class Process:
    """One forked process in a sandbox."""

    pid: int
    role: bytes
    stream: Stream
    files: tuple[int, ...] = ()
    """Where a script's output and errors are."""

    @property
    def server(self) -> int:
        """The fork server's process id, as this machine counts; 0 if it can't be told."""
        size = struct.calcsize("3i")
        credentials = self.stream.channel.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
        return int(struct.unpack("3i", credentials)[0])

    def close(self) -> None:
        """Let go of the channel and the files."""
        self.stream.channel.close()
        for fd in self.files:
            os.close(fd)


@dataclass
class Sandbox:
    """One sandbox, with its fork server at the other end of `control`."""

    control: socket.socket
    stop: Callable[[], None]
    """Ends whatever was started for it; must be safe to call twice."""
    walls: tuple[str, ...] = ()
    frame_limit: int = 8 * 2**20
    passes_descriptors: bool = True
    """Its processes can be handed descriptors; not so where everything goes over one stream."""
    ahead: deque[bytes] = field(default_factory=deque)
    ready: deque[Process] = field(default_factory=deque)
    ended: dict[int, Exit] = field(default_factory=dict)
    live: dict[int, Process] = field(default_factory=dict)
    served: int = 0

    def wait_until_ready(self) -> None:
        """Read the first message: which walls stand.

        Raises:
            SandboxBroken: the sandbox could not be set up.
        """
        message, _ = self._receive(START_TIMEOUT_S, size=4096)
        try:
            report = json.loads(message)
        except ValueError:
            raise SandboxBroken(f"the sandbox said {message[:80]!r} at its start") from None
        if "failed" in report:
            raise SandboxBroken(f"the sandbox can't be set up: {report['failed']}")
        self.walls = tuple(report["walls"])

    def prepare(self, role: bytes) -> None:
        """Ask for a process ahead of its use; forking it takes place meanwhile."""
        self._order(FORK, 0, role, 1)

    def take(self, role: bytes) -> Process:
        """A process that waits for its work.

        Raises:
            SandboxBroken: the sandbox does not answer.
        """
        for process in list(self.ready):
            if process.role == role:
                self.ready.remove(process)
                return process
        if role not in self.ahead:
            self.prepare(role)
        while True:
            self._answer()
            for process in list(self.ready):
                if process.role == role:
                    self.ready.remove(process)
                    return process

    def end(self, process: Process, *, output_limit: int = 0, again: bool = False) -> Exit:
        """Kill a process, and how it ended; up to so many bytes of what it printed.

        `again` keeps some of the kind waiting: they are forked while we do other things.

        Raises:
            SandboxBroken: the sandbox does not answer.
        """
        what = LAST if process.stream.closed and not process.stream.oversized else END
        more = self._wanted(process.role) if again else 0
        self._order(what, process.pid, process.role if more else NOTHING, more)
        while process.pid not in self.ended:
            self._answer()
        found = self.ended.pop(process.pid)
        if process.files and output_limit:
            output, errors = (os.pread(fd, output_limit + 1, 0) for fd in process.files)
            found = replace(found, output=output, errors=errors)
        self.live.pop(process.pid).close()
        self.served += 1
        return found

    def close(self) -> None:
        """End the sandbox and everything in it."""
        self.abandon()
        self.stop()

    def abandon(self) -> None:
        """Let go of it without ending it: it belongs to the process that we were forked from."""
        self.control.close()
        for process in self.live.values():
            process.close()
        self.live.clear()
        self.ready.clear()

    def _wanted(self, role: bytes) -> int:
        """How many more to fork ahead: none as long as one waits, then all at once."""
        waiting = self.ahead.count(role) + sum(one.role == role for one in self.ready)
        return 0 if waiting > 1 else max(0, (1 if role == SCRIPT else SPARES) - waiting)

    def _order(self, what: bytes, pid: int, role: bytes, count: int = 0) -> None:
        try:
            self.control.settimeout(ANSWER_TIMEOUT_S)
            self.control.send(ORDER.pack(what, pid, role, count))
        except OSError as error:
            raise SandboxBroken(f"the sandbox is gone: {error}") from error
        self.ahead.extend([role] * count)

    def _answer(self) -> None:
        message, fds = self._receive(ANSWER_TIMEOUT_S, size=EXIT.size)
        try:
            if message[:1] == NEW:
                self._add(NUMBER.unpack(message)[1], fds)
            elif message[:1] == ENDED:
                _, pid, status, cpu_ms, peak_kib, ended_by_us = EXIT.unpack(message)
                self.ended[pid] = Exit(status, cpu_ms / 1000, peak_kib / 1024, ended_by_us)
            else:
                raise SandboxBroken(f"the sandbox said {message[:40]!r}")
        except struct.error:
            raise SandboxBroken(f"the sandbox said {message[:40]!r}") from None

    def _add(self, pid: int, fds: Sequence[int]) -> None:
        channel = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, 0, fileno=fds[0])
        stream = Stream(channel, limit=self.frame_limit)
        process = Process(pid, self.ahead.popleft(), stream, tuple(fds[1:]))
        self.live[pid] = process
        self.ready.append(process)

    def _receive(self, patience: float, *, size: int) -> tuple[bytes, list[int]]:
        try:
            self.control.settimeout(patience)
            message, fds, _, _ = socket.recv_fds(self.control, size, 4)
        except TimeoutError:
            raise SandboxBroken(f"the sandbox did not answer for {patience:g} s") from None
        except OSError as error:
            raise SandboxBroken(f"the sandbox is gone: {error}") from error
        if not message:
            raise SandboxBroken("the sandbox ended")
        return message, fds


def suppress_broken() -> contextlib.AbstractContextManager[None]:
    """For steps whose failure changes nothing any more."""
    return contextlib.suppress(SandboxBroken, OSError)
