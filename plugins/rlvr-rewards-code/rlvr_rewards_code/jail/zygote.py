"""The fork server of a sandbox: one process, warmed up, that forks one child a program.

It takes orders from the trainer's side only, over the control socket, and never reads a byte that a
program wrote. When the control socket closes, it ends, and with it everything in the sandbox.
"""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass

from rlvr_rewards_code.jail import examiner, kernel, program, script
from rlvr_rewards_code.jail.confine import Bounds, confine
from rlvr_rewards_code.jail.seccomp import Filter

NUMBER = struct.Struct("!cI")
"""An order or an answer: what, and the process it is about."""
EXIT = struct.Struct("!cIiII")
"""How a process ended: what, its id, wait status, processor time in ms, peak memory in KiB."""
PROGRAM, SCRIPT, EXAMINER, END = b"p", b"s", b"t", b"k"
NEW, ENDED = b"n", b"x"
MAX_ORDER = 64

ROLES: dict[bytes, Callable[[Bounds], None]] = {
    PROGRAM: program.main,
    SCRIPT: script.main,
    EXAMINER: examiner.main,
}


@dataclass(frozen=True)
class Child:
    """A forked process: its id, our end of its channel, and a script's output streams."""

    pid: int
    channel: int
    streams: tuple[int, ...] = ()

    def close(self) -> None:
        """Let go of the descriptors."""
        for fd in (self.channel, *self.streams):
            os.close(fd)


class Zygote:
    """Forks and ends children."""

    def __init__(self, bounds: Bounds, walls: Filter | None) -> None:
        self.bounds = bounds
        self.walls = walls
        self.nothing = os.open("/dev/null", os.O_RDWR)

    def warm(self) -> None:
        """Load everything that children need, and leave it out of garbage collection."""
        program.warm()
        examiner.warm()
        gc.collect()
        gc.freeze()
        gc.disable()

    def fork(self, role: bytes, control: int) -> Child:
        """A new process that waits for its program; `control` is ours alone and closed in it."""
        ours, theirs = socket.socketpair()
        streams = _memory_files() if role == SCRIPT else ()
        pid = kernel.fork()
        if pid == 0:
            try:
                os.close(control)
                inner = streams or (self.nothing, self.nothing, self.nothing)
                confine(theirs.detach(), inner, self.bounds, self.walls)
                gc.enable()
                ROLES[role](self.bounds)
            finally:
                os._exit(0)
        theirs.close()
        if streams:
            os.close(streams[0])
        return Child(pid, ours.detach(), streams[1:])

    def end(self, pid: int) -> bytes:
        """Kill a process and wait for it; gives the report of how it ended."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        try:
            _, status, used = os.wait4(pid, 0)
        except ChildProcessError:
            return EXIT.pack(ENDED, pid, 0, 0, 0)
        cpu_ms = min(2**32 - 1, round((used.ru_utime + used.ru_stime) * 1000))
        return EXIT.pack(ENDED, pid, status, cpu_ms, used.ru_maxrss)


def attend(zygote: Zygote, control: socket.socket) -> None:
    """Do as told until the other side is gone; descriptors travel with the answers."""
    while order := control.recv(MAX_ORDER):
        what, pid = NUMBER.unpack(order)
        if what == END:
            control.send(zygote.end(pid))
        else:
            child = zygote.fork(what, control.fileno())
            fds = [child.channel, *child.streams]
            socket.send_fds(control, [NUMBER.pack(NEW, child.pid)], fds)
            child.close()


def _memory_files() -> tuple[int, int, int]:
    standard_input, output, errors = (os.memfd_create(name) for name in ("in", "out", "err"))
    return standard_input, output, errors
