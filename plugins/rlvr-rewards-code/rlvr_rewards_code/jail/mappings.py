"""Fewer pieces of memory for a fork server: every fork copies the kernel's notes on each of them.

A library lies in memory in five pieces, by what each allows, and the kernel makes one of neighbours
that allow the same: so what is read may be run as well, and what was written while the library was
loaded may be written again. No wall stands on this: a program could ask for the same.
"""

from __future__ import annotations

import ctypes
from itertools import pairwise
from typing import NamedTuple

from rlvr_rewards_code.jail import kernel

READ, WRITE, RUN = 1, 2, 4


class Piece(NamedTuple):
    """A line of `/proc/self/maps` about a file."""

    start: int
    end: int
    allows: str
    offset: int
    file: str

    def goes_on_in(self, after: Piece) -> bool:
        """Whether the next piece is the next part of the same file."""
        is_next = (self.file, self.end) == (after.file, after.start)
        return is_next and self.offset + self.end - self.start == after.offset


def merge() -> None:
    """Have each library in two pieces; where the kernel does not want to, it stays as it is."""
    try:
        with open("/proc/self/maps", encoding="utf-8", errors="replace") as file:  # noqa: PTH123  # nothing that a child would copy
            pieces = [_piece(line) for line in file]
    except OSError:
        return
    for run in runs_of(pieces):
        is_data = [one.allows for one in run] == ["r--p", "rw-p"]
        protection = READ | (WRITE if is_data else RUN)
        length = ctypes.c_size_t(run[-1].end - run[0].start)
        kernel.libc.mprotect(ctypes.c_void_p(run[0].start), length, protection)


def runs_of(pieces: list[Piece | None]) -> list[list[Piece]]:
    """Neighbours that may become one: code with what it reads, or data with what was data."""
    runs: list[list[Piece]] = []
    for before, this in pairwise([None, *pieces]):
        if this is None:
            continue
        is_new = before is None or not before.goes_on_in(this)
        if not is_new and this.allows == "rw-p" and len(runs[-1]) > 1:
            runs.append([runs[-1].pop()])  # the piece before is its own, and no code
        elif is_new:
            runs.append([])
        runs[-1].append(this)
    return [run for run in runs if len(run) > 1 and _is_alike(run)]


def _is_alike(run: list[Piece]) -> bool:
    allowed = [one.allows for one in run]
    return allowed == ["r--p", "rw-p"] or ("r-xp" in allowed and set(allowed) <= {"r-xp", "r--p"})


def _piece(line: str) -> Piece | None:
    fields = line.split(maxsplit=5)
    if len(fields) < 6 or not fields[5].startswith("/"):
        return None
    start, end = (int(one, 16) for one in fields[0].split("-"))
    return Piece(start, end, fields[1], int(fields[2], 16), fields[5].rstrip("\n"))
