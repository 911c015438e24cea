"""Why a program's process ended, in words; and whether a late one works, waits, or sleeps."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from rlvr_rewards_code.backends.sandbox import Exit, SandboxBroken
from rlvr_rewards_code.limits import Limits

_MOST = 8.0


def explain(found: Exit, limits: Limits) -> tuple[str, str]:
    """Which limit a process hit ("" for none), and what happened, when it ended before its time.

    Raises:
        SandboxBroken: it was killed from outside. A program can't do that to itself, so it was
            the machine that ran out of memory, or a person.
    """
    killed = found.signal in (signal.SIGKILL, signal.SIGXCPU)
    if killed and found.cpu_s > limits.cpu_s * 0.8:
        return "cpu", f"over its processor time of {limits.cpu_s:g} s"
    if killed and found.ended_by_us:
        return "", "it closed its channel and went on"
    if killed:
        raise SandboxBroken("its process was killed from outside; is the machine out of memory?")
    if found.signal:
        try:
            name = signal.Signals(found.signal).name
        except ValueError:
            name = f"signal {found.signal}"
        return "", f"its process was ended by {name}"
    return "", f"its process ended itself with exit code {found.code}"


def patience_factor(server: int) -> float:
    """How much longer than planned to wait for a sandbox's program; 1 for one that sleeps.

    `server` is the process id of the sandbox's fork server; 0 where that can't be told.
    """
    states = _states_below(server)
    if states and "R" not in states:
        return 1.0
    return load_factor()


def _states_below(server: int) -> set[str]:
    """The states of all threads of a process's children; empty if they can't be seen."""
    try:
        children = Path(f"/proc/{server}/task/{server}/children").read_text(encoding="ascii")
        stats = [
            (task / "stat").read_text(encoding="ascii", errors="replace")
            for child in children.split()
            for task in Path(f"/proc/{child}/task").iterdir()
        ]
        return {stat.rpartition(")")[2].split()[0] for stat in stats}
    except (OSError, IndexError):
        return set()


def load_factor() -> float:
    """How many runnable processes there are for each processor; between 1 and 8."""
    cores = (
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    )
    try:
        fields = Path("/proc/loadavg").read_text(encoding="ascii").split()
        busy = max(float(fields[0]), float(fields[3].partition("/")[0]))
    except (OSError, ValueError, IndexError):
        return 2.0
    return min(_MOST, max(1.0, busy / cores))
