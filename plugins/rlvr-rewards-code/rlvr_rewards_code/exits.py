"""Why a program's process ended, in words; and how loaded this machine is."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from rlvr_rewards_code.backends.sandbox import Exit
from rlvr_rewards_code.limits import Limits

_MOST = 8.0


def explain(found: Exit, limits: Limits) -> tuple[str, str]:
    """Which limit it hit ("" for none), and what happened."""
    if found.signal in (signal.SIGKILL, signal.SIGXCPU) and found.cpu_s >= limits.cpu_s * 0.98:
        return "cpu", f"over its processor time of {limits.cpu_s:g} s"
    if found.signal:
        try:
            name = signal.Signals(found.signal).name
        except ValueError:
            name = f"signal {found.signal}"
        return "", f"its process was ended by {name}"
    return "", f"its process ended itself with exit code {found.code}"


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
