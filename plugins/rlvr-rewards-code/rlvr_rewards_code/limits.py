"""What one program may use."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Bounds of one program; of one case, where a program is run once a case."""

    cpu_s: float = 4.0
    """Processor time. Raised to `reference_factor` times what the task's reference needs."""
    wall_s: float = 12.0
    """Time by the clock, for a program that waits instead of working. A program that only has to
    wait for a processor (a loaded machine) gets more."""
    test_s: float | None = None
    """Time by the clock of each single test of a function; None sets no limit of its own."""
    memory_mb: int = 1024
    """Address space, on top of what the interpreter needs itself."""
    output_kb: int = 4096
    """What a script may print; a function's prints are dropped, however many they are."""
    answer_kb: int = 8192
    """Size of one value that a function gives back."""
    disk_mb: int = 0
    """Room in /tmp, empty at each start; 0: there is nowhere to write."""
    file_mb: int | None = None
    """Size of one file; None: as much as there is room."""
    processes: int = 0
    """Processes that a program may start; 0: none."""
    threads: int = 32
    """Threads that a program may start."""
