"""Reads a growing file of JSON lines from where it was left, and notices that it was taken back.

A trainer that goes back to a checkpoint rewrites its series without the steps after it. So what was
read is remembered as blocks with a checksum each: the blocks that still are what they were stay.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any
from zlib import crc32

LINES_PER_BLOCK = 512
BYTES_PER_BLOCK = 2**20
LONGEST_LINE = 2**25
"""A longer line (32 MiB) is left out as unreadable: it would be held in memory several times."""


@dataclass(frozen=True, slots=True)
class Mark:
    """The end of a block that was read: lines and bytes up to there, and the block's checksum."""

    lines: int = 0
    start: int = 0
    """Where the block began."""
    stop: int = 0
    checksum: int = 0


@dataclass(slots=True)
class Block:
    """Whole lines that stand one after the other in a file."""

    first: int
    """The number of its first line, counted from 1."""
    start: int
    lines: list[bytes | None] = field(default_factory=list)
    """None: a line that is too long."""
    stop: int = 0
    checksum: int = 0

    @property
    def mark(self) -> Mark:
        """What to remember of it."""
        return Mark(self.first - 1 + len(self.lines), self.start, self.stop, self.checksum)

    def rows(self) -> Iterator[tuple[int, dict[str, Any] | None]]:
        """Each line's number and its JSON object; None where there is none."""
        for number, line in enumerate(self.lines, start=self.first):
            yield number, None if line is None else parse_object(line)


def parse_object(line: bytes) -> dict[str, Any] | None:
    """The JSON object on a line; None if there is none."""
    try:
        value = json.loads(line.decode("utf-8", errors="replace"))
    except (ValueError, RecursionError):  # also a number of 5,000 digits, and 2,000 nested lists
        return None
    return value if isinstance(value, dict) else None


def blocks_after(file: Path, mark: Mark) -> Iterator[Block]:
    """The whole lines after a mark, in blocks. A last line without its line end is left for later.

    Raises:
        OSError: the file can't be read.
    """
    with file.open("rb") as stream:
        stream.seek(mark.stop)
        block = Block(mark.lines + 1, mark.stop, stop=mark.stop)
        while (read := _line(stream)) is not None:
            line, size, checksum = read
            block.lines.append(line)
            block.stop += size
            block.checksum = _join(block.checksum, checksum, line)
            if len(block.lines) >= LINES_PER_BLOCK or block.stop - block.start >= BYTES_PER_BLOCK:
                yield block
                block = Block(block.first + len(block.lines), block.stop, stop=block.stop)
        if block.lines:
            yield block


def _join(before: int, checksum: int, line: bytes | None) -> int:
    return crc32(checksum.to_bytes(4, "big") if line is None else line, before)


def _line(stream: IO[bytes]) -> tuple[bytes | None, int, int] | None:
    """The next whole line, its size, and a checksum for one that is too long; None at the end."""
    line = stream.readline(LONGEST_LINE)
    if line.endswith(b"\n"):
        return line, len(line), 0
    if len(line) < LONGEST_LINE:
        return None
    size, checksum = len(line), crc32(line)
    while more := stream.readline(LONGEST_LINE):
        size, checksum = size + len(more), crc32(more, checksum)
        if more.endswith(b"\n"):
            return None, size, checksum
    return None


def still_true(file: Path, marks: Sequence[Mark]) -> int:
    """How many of the marks, from the first on, still describe the file.

    The last one is tried first: as a rule the file has only grown. Then the place where it changed
    is searched by halves.

    Raises:
        OSError: the file can't be read.
    """
    size = file.stat().st_size
    with file.open("rb") as stream:
        if not marks or _fits(stream, size, marks[-1]):
            return len(marks)
        low, high = 0, len(marks) - 1
        while low < high:
            middle = (low + high) // 2
            if _fits(stream, size, marks[middle]):
                low = middle + 1
            else:
                high = middle
        return low


def _fits(stream: IO[bytes], size: int, mark: Mark) -> bool:
    if size < mark.stop:
        return False
    stream.seek(mark.start)
    checksum = 0
    left = mark.stop - mark.start
    while left > 0:
        read = _line(stream)
        if read is None or read[1] > left:
            return False
        line, length, whole = read
        left -= length
        checksum = _join(checksum, whole, line)
    return checksum == mark.checksum
