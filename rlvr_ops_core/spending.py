"""What this process spends from here on: wall and CPU time, and its greatest memory."""

from __future__ import annotations

import resource
import time
from pathlib import Path

GIGABYTE = 1e9


class Meter:
    """Starts counting when it is made."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.monotonic(), time.process_time()
        _forget_peak()

    @property
    def seconds(self) -> float:
        """Wall time so far."""
        return time.monotonic() - self._wall

    @property
    def cpu_seconds(self) -> float:
        """CPU time of this process so far, all threads; worker processes are not in it."""
        return time.process_time() - self._cpu

    @property
    def peak_memory_gb(self) -> float:
        """The most memory that was resident at once, in units of 10^9 bytes.

        Where the system does not let go of an earlier peak (only Linux does), it counts too.
        """
        for line in _status():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024 / GIGABYTE
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / GIGABYTE


def _forget_peak() -> None:
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return


def _status() -> list[str]:
    try:
        return Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return []
