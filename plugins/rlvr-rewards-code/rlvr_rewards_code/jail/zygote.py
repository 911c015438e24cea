"""The fork server of a sandbox: one process, warmed up, that forks one child a program.

It takes orders from the trainer's side only, over the control socket, and never reads a byte that a
program wrote. When the control socket closes, it ends, and with it everything in the sandbox.
"""

from __future__ import annotations

import _socket
import gc
import os
import signal
import socket
import struct
import time
import types
from collections.abc import Callable, Mapping
from typing import NamedTuple

from rlvr_rewards_code.jail import kernel
from rlvr_rewards_code.jail.confine import Bounds, confine_child, confine_server, look_up
from rlvr_rewards_code.jail.seccomp import Walls

ORDER = struct.Struct("!cIcB")
"""What to do, the process it is about, and after its end the role and number of more to fork."""
NUMBER = struct.Struct("!cI")
"""An answer: what, and the process it is about."""
EXIT = struct.Struct("!cIiII?")
"""How a process ended: what, its id, wait status, processor time in ms, peak memory in KiB, and
whether we had to end it."""
PROGRAM, SCRIPT, EXAMINER = b"p", b"s", b"t"
FORK, END, LAST = b"f", b"k", b"l"
"""Orders: fork one; end one; take leave of one that has closed its channel and should be dead."""
DYING_S = 2.0
"""The end of a process shows on its channel first: on a busy machine the rest takes its time."""
NEW, ENDED = b"n", b"x"
NOTHING = b"-"
SPARES = 6
"""How many processes may wait for their program at most, beside the one that has one."""

ROLES = {
    "programs": {PROGRAM: "program", SCRIPT: "script"},
    "subset": {PROGRAM: "restricted"},
    "tests": {EXAMINER: "examiner"},
}
"""What a sandbox is for, and the modules it needs: every page less is less to copy for a child."""
Role = Callable[[Bounds], None]


class Ends(NamedTuple):
    """What a process has to talk: the two ends of its channel, and its standard streams."""

    ours: int
    theirs: int
    streams: tuple[int, int, int]
    shared: tuple[int, ...]
    """Those of the streams that the trainer's side reads."""


class Child(NamedTuple):
    """A forked process: its id, our end of its channel, and a script's output streams."""

    pid: int
    channel: int
    streams: tuple[int, ...] = ()

    def close(self) -> None:
        """Let go of the descriptors."""
        for fd in (self.channel, *self.streams):
            os.close(fd)


class Zygote:
    """Forks and ends children, each in one of the roles it was made for."""

    def __init__(
        self, bounds: Bounds, walls: Walls | None, roles: Mapping[bytes, types.ModuleType]
    ) -> None:
        self.bounds = bounds
        self.walls = walls.own if walls is not None else None
        self.roles: dict[bytes, Role] = {name: module.main for name, module in roles.items()}
        confine_server(bounds, walls)
        look_up(bounds, *((self.walls, *self.walls.pids) if self.walls is not None else ()))
        for module in roles.values():
            module.warm()
        gc.collect()
        kernel.begin_pools()
        kernel.trim()
        gc.freeze()
        gc.set_threshold(20_000, 20, 50)  # a collection touches pages: not for a few lists

    def fork(self, role: bytes, count: int) -> list[Child]:
        """New processes that wait for their programs.

        Several in a row, and next to nothing between two forks: after each of them, every page
        that we write to has to be copied for us.
        """
        main = self.roles[role]
        ends = [_ends(role) for _ in range(count)]
        pids = [0] * count
        kernel.sort_free_memory()
        for index in range(count):
            pid = kernel.fork()
            if pid == 0:
                try:
                    confine_child(ends[index].theirs, ends[index].streams, self.bounds, self.walls)
                    main(self.bounds)
                finally:
                    os._exit(0)
            pids[index] = pid
        for one in ends:
            for fd in {one.theirs, *one.streams}.difference(one.shared):
                os.close(fd)
        return [Child(pid, one.ours, one.shared) for pid, one in zip(pids, ends, strict=True)]

    def end(self, pid: int, patience_s: float = 0.0) -> bytes:
        """Kill a process and wait for it; gives the report of how it ended."""
        deadline = time.monotonic() + patience_s
        try:
            found, status, used = os.wait4(pid, os.WNOHANG)
            while not found and time.monotonic() < deadline:
                time.sleep(0.001)
                found, status, used = os.wait4(pid, os.WNOHANG)
            if not found:
                os.kill(pid, signal.SIGKILL)
                _, status, used = os.wait4(pid, 0)
        except ChildProcessError:
            return EXIT.pack(ENDED, pid, 0, 0, 0, True)
        cpu_ms = min(2**32 - 1, round((used.ru_utime + used.ru_stime) * 1000))
        return EXIT.pack(ENDED, pid, status, cpu_ms, used.ru_maxrss, not found)


def attend(zygote: Zygote, control: socket.socket) -> None:
    """Do as told until the other side is gone; descriptors travel with the answers."""
    while order := control.recv(ORDER.size):
        what, pid, role, count = ORDER.unpack(order)
        if what != FORK:
            control.send(zygote.end(pid, DYING_S if what == LAST else 0.0))
        for child in zygote.fork(role, count) if count else ():
            fds = [child.channel, *child.streams]
            socket.send_fds(control, [NUMBER.pack(NEW, child.pid)], fds)
            child.close()


def _ends(role: bytes) -> Ends:
    ours, theirs = _socket.socketpair()  # without the class around it, which is slow to make
    if role == SCRIPT:
        streams = os.memfd_create("in"), os.memfd_create("out"), os.memfd_create("err")
        return Ends(ours.detach(), theirs.detach(), streams, streams[1:])
    # Opened anew for each: flags of one that all of them have would outlive the program.
    nothing = os.open("/dev/null", os.O_RDWR)
    return Ends(ours.detach(), theirs.detach(), (nothing, nothing, nothing), ())
