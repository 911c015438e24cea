"""The last walls, put up in each forked process: limits, then the filter of system calls."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
from dataclasses import dataclass

from rlvr_rewards_code.jail import kernel
from rlvr_rewards_code.jail.seccomp import Filter

OPEN_FILES = 64
CHANNEL = 3
"""The number under which a forked process has its channel."""


@dataclass(frozen=True)
class Bounds:
    """What a forked process may use at most; what differs per program is set later."""

    base_bytes: int
    """Address space of the fork server itself: a program's memory comes on top."""
    file_bytes: int = 0
    """Size of one file that a program may write."""
    tasks: int = 0
    """Threads and processes at once; 0 where the kernel can't count those of one sandbox."""


def confine(
    channel: int, streams: tuple[int, int, int], bounds: Bounds, walls: Filter | None
) -> None:
    """Keep only these descriptors, set the limits that never change, and install the filter."""
    kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
    keep = os.dup(channel) if channel <= CHANNEL else channel
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    os.dup2(keep, CHANNEL)
    os.closerange(CHANNEL + 1, 256)
    limit(resource.RLIMIT_NOFILE, OPEN_FILES)
    limit(resource.RLIMIT_CORE, 0)
    limit(resource.RLIMIT_MEMLOCK, 0)
    if bounds.tasks:
        limit(resource.RLIMIT_NPROC, bounds.tasks)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # writing too much fails instead of killing
    if walls is not None:
        walls.install(os.getpid())


def limit_use(bounds: Bounds, *, cpu_s: float, memory_mb: int) -> None:
    """Set the limits of this program. The kernel counts processor time in whole seconds."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds = max(1, round(cpu_s + used.ru_utime + used.ru_stime + 0.49))
    limit(resource.RLIMIT_CPU, seconds)
    limit(resource.RLIMIT_FSIZE, bounds.file_bytes)
    limit(resource.RLIMIT_AS, bounds.base_bytes + memory_mb * 2**20)


def limit(kind: int, value: int) -> None:
    """Set the soft and the hard limit; one that is lower already stays."""
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(kind, (value, value))


def address_space() -> int:
    """How many bytes of address space this process uses now; needs /proc."""
    with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123  # cheap
        return int(file.read().split()[0]) * resource.getpagesize()
