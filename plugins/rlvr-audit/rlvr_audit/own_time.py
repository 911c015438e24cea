"""A process's own time: the wall's, less what its threads waited for a processor of a busy machine.

A verdict that changes with the machine's load is none. Linux counts, for every thread, how long it
stood ready to run in its processor's queue (the second number of `/proc/…/schedstat`); a process
that sleeps or waits for somebody else does not stand there. Where the system does not count, own
time is the wall's.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from time import monotonic, perf_counter

LOOK_S = 0.05
"""How often a process that is waited for is looked at."""

MOST_STARVED = 10.0
"""After so many of its deadlines by the wall a process is late, however busy the machine is."""


def queued_s() -> float:
    """How long this thread has been ready to run and did not; 0 where the system doesn't say."""
    return _queued("/proc/thread-self/schedstat")


class Stopwatch:
    """This thread's own time since it was made."""

    def __init__(self) -> None:
        self.queued_before = queued_s()
        self.started = perf_counter()

    def read(self) -> dict[str, float]:
        """`seconds` of its own, and `queued_s` that it waited for a processor besides."""
        wall_s = perf_counter() - self.started
        waited_s = min(wall_s, queued_s() - self.queued_before)
        return {"seconds": wall_s - waited_s, "queued_s": waited_s}


class WorkClock:
    """An audit's clock: it stands still while the machine is busy with something else."""

    def __init__(self) -> None:
        self.started, self.queued_before = monotonic(), queued_s()
        self.starved_s = 0.0
        """What the reward's processes waited for a processor."""

    @property
    def wall_s(self) -> float:
        """Seconds since it was made."""
        return monotonic() - self.started

    @property
    def seconds(self) -> float:
        """Seconds of work since it was made."""
        return max(0.0, self.wall_s - self.starved_s - (queued_s() - self.queued_before))


class Waiting:
    """A wait for a process, which has `limit_s` of its own time."""

    def __init__(self, limit_s: float, pid: int = 0) -> None:
        self.limit_s, self.pid = limit_s, pid
        self.started = self.looked = monotonic()
        self.seen: dict[int, float] = {}
        self.starved_s = 0.0

    def left_s(self) -> float:
        """Wait at most so long, then ask again; 0 when its time is up."""
        if self.pid and self.looked + LOOK_S <= monotonic():
            self._look()
        wall_s = monotonic() - self.started
        left_s = self.limit_s - wall_s + self.starved_s
        if left_s <= 0 or wall_s >= MOST_STARVED * self.limit_s:
            return 0.0
        return min(left_s, LOOK_S) if self.pid else left_s

    def _look(self) -> None:
        """Note how long the one that waited longest for a processor did so since the last look."""
        found = dict(_queued_below(self.pid))
        more = max((now - self.seen.get(task, 0.0) for task, now in found.items()), default=0.0)
        now = monotonic()
        self.starved_s += min(now - self.looked, more)
        self.seen |= found
        self.looked = now


def _queued_below(pid: int) -> Iterator[tuple[int, float]]:
    """Each thread of a process and of all processes below it, and how long it was queued."""
    todo = [pid]
    while todo:
        tasks = Path(f"/proc/{todo.pop()}/task")
        try:
            names = os.listdir(tasks)  # noqa: PTH208  # names, as short as can be
        except OSError:  # it is gone, or the system has no such folder
            continue
        for name in names:
            yield int(name), _queued(f"{tasks}/{name}/schedstat")
            try:
                todo += map(int, (tasks / name / "children").read_text().split())
            except OSError:
                continue


def _queued(file: str) -> float:
    try:
        fd = os.open(file, os.O_RDONLY)
    except OSError:
        return 0.0
    try:
        return int(os.read(fd, 100).split()[1]) / 1e9
    except (OSError, IndexError, ValueError):
        return 0.0
    finally:
        os.close(fd)
