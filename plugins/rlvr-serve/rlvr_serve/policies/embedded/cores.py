"""How many CPU cores this process may use: a container's quota counts, not the machine's cores."""

from __future__ import annotations

import math
import os
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")


def usable_cores(cgroups: Path = CGROUPS) -> int:
    """Cores by affinity and by the quotas of cgroup v2 or v1; at least 1.

    More threads than that fight for the cores: two torch threads on one busy core took a hundred
    times as long as one.
    """
    cores = (
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    )
    quota = _quota(cgroups)
    return max(1, cores if quota is None else min(cores, math.ceil(quota)))


def _quota(cgroups: Path) -> float | None:
    try:
        given, period = (cgroups / "cpu.max").read_text().split()[:2]
        return None if given == "max" else int(given) / int(period)
    except (OSError, ValueError):
        pass
    try:
        first = int((cgroups / "cpu/cpu.cfs_quota_us").read_text())
        return first / int((cgroups / "cpu/cpu.cfs_period_us").read_text()) if first > 0 else None
    except (OSError, ValueError):
        return None
