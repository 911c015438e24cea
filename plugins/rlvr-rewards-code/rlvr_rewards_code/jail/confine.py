"""The last walls, put up in each forked process: limits, then the filter of system calls."""

from __future__ import annotations

import contextlib
import os
import resource
import signal

# By name: no child has to look them up; see `look_up`.
from os import closerange, dup2, getpid
from resource import RLIMIT_AS, RLIMIT_CPU, RLIMIT_FSIZE, setrlimit
from typing import NamedTuple

from rlvr_rewards_code.jail import kernel
from rlvr_rewards_code.jail.seccomp import Filter, Walls

OPEN_FILES = 64
CHANNEL = 3
"""The number under which a forked process has its channel."""


class Bounds(NamedTuple):
    """What a forked process may use at most; what differs per program is set later."""

    base_bytes: int
    """Address space of the fork server itself: a program's memory comes on top."""
    file_bytes: int = 0
    """Size of one file that a program may write."""
    outlived: bool = False
    """Whether children could outlive the fork server, which is no process 1: they must not."""
    tasks: int = 0
    """Threads and processes at once; 0 where the kernel can't count those of one sandbox."""


def confine_server(bounds: Bounds, walls: Walls | None) -> None:
    """The limits that never change, for the fork server and so for all that it forks."""
    limit(resource.RLIMIT_NOFILE, OPEN_FILES)
    limit(resource.RLIMIT_CORE, 0)
    limit(resource.RLIMIT_MEMLOCK, 0)
    if bounds.tasks:
        limit(resource.RLIMIT_NPROC, bounds.tasks)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # writing too much fails instead of killing
    for number in (0, 1, 2):
        os.dup2(os.open("/dev/null", os.O_RDWR), number)
    if walls is not None:
        walls.shared.install(os.getpid())


def confine_child(
    channel: int, streams: tuple[int, int, int], bounds: Bounds, walls: Filter | None
) -> None:
    """Keep only the channel and the streams, and install the filter.

    Every page that is touched here is touched once for each program: nothing superfluous.
    """
    dup2(streams[0], 0)
    dup2(streams[1], 1)
    dup2(streams[2], 2)
    dup2(channel, CHANNEL)
    closerange(CHANNEL + 1, OPEN_FILES)
    if bounds.outlived:
        kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
    if walls is not None:
        walls.install(getpid())


def limit_use(bounds: Bounds, *, cpu_s: float, memory_mb: int) -> None:
    """Set the limits of this program.

    The kernel counts processor time in whole seconds, and a little fast: rounded up, with a fifth
    of a second for what came before.
    """
    seconds = int(cpu_s + 1.2)
    room = bounds.base_bytes + memory_mb * 2**20
    setrlimit(RLIMIT_CPU, (seconds, seconds))
    setrlimit(RLIMIT_FSIZE, (bounds.file_bytes, bounds.file_bytes))
    setrlimit(RLIMIT_AS, (room, room))


def limit(kind: int, value: int) -> None:
    """Set the soft and the hard limit; one that is lower already stays."""
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(kind, (value, value))


def address_space() -> int:
    """How many bytes of address space this process uses now; needs /proc."""
    with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123  # cheap
        return int(file.read().split()[0]) * resource.getpagesize()


def look_up(*objects: object) -> None:
    """Look up every attribute once: where Python found it is noted in a table.

    A child that has to look for itself writes to four pages, which are copied for it.
    """
    for one in objects:
        for name in dir(one):
            getattr(one, name, None)
