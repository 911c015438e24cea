"""Frames: four bytes of length, one byte that says what it is, then the payload."""

from __future__ import annotations

import os
import struct

HEADER = struct.Struct("!IB")
_HEAD = HEADER.size
_CHUNK = 1 << 16

# to the program
LOAD, PLAN, CALL, BACK = b"L", b"P", b"C", b"B"
# from the program
LOADED, RETURNED, RAISED, ASKED, REFUSED = b"l", b"r", b"e", b"a", b"x"
# to the examiner; the program's channel comes along with JOB and READY where descriptors can travel
JOB, GONE, READY = b"J", b"G", b"Y"
# from the examiner
RENEW, VERDICT, ALONE = b"N", b"V", b"1"
# what the program says and is told, around a frame, where they can't
SAID, TELL = b"S", b"T"

KINDS = {b"f": "function", b"c": "class", b"v": "value"}
"""In LOADED, before each name of the program: what it is. No JSON: writing that touches 40 pages,
which are copied for each program."""
NEEDS = struct.Struct("!dI")
"""Before a program's text: its processor time in seconds, its memory in MiB. As
little JSON as there: reading that touches 60 pages."""


class Closed(Exception):
    """The other side is gone."""


class Oversized(Exception):
    """A frame is larger than was agreed."""


def frame(kind: bytes, payload: bytes) -> bytes:
    """One frame, ready to be written."""
    return HEADER.pack(len(payload), kind[0]) + payload


def write(fd: int, data: bytes) -> None:
    """Write everything.

    Raises:
        Closed: the other side is gone.
    """
    view = memoryview(data)
    try:
        while view:
            view = view[os.write(fd, view) :]
    except (BrokenPipeError, ConnectionResetError) as error:
        raise Closed from error


class Frames:
    """The frames that come in on a descriptor: many small ones are taken in one read."""

    def __init__(self, fd: int, *, limit: int = 2**32) -> None:
        self.fd = fd
        self.limit = limit
        """Bytes of a payload at most."""
        self.held = b""
        self.at = 0

    def read(self) -> tuple[bytes, bytes]:
        """The next frame: its kind and its payload.

        Raises:
            Closed: the other side is gone.
            Oversized: it is larger than the limit.
        """
        while True:
            held, start = self.held, self.at + _HEAD
            if len(held) >= start:
                size = int.from_bytes(held[start - _HEAD : start - 1])
                if size > self.limit:
                    raise Oversized
                end = start + size
                if len(held) >= end:
                    self.at = end
                    return held[start - 1 : start], held[start:end]
                self._take(_HEAD + size)
            elif len(held) == self.at:  # nothing is left: most often a whole frame comes next
                self.held, self.at = self._receive(), 0
            else:
                self._take(_HEAD)

    def has_frame(self) -> bool:
        """A whole frame is here already."""
        start = self.at + HEADER.size
        if len(self.held) < start:
            return False
        size: int = HEADER.unpack_from(self.held, self.at)[0]
        return len(self.held) >= start + size

    def _take(self, wanted: int) -> None:
        """Hold so many bytes from where we are."""
        pieces = [self.held[self.at :]]
        count = len(pieces[0])
        while count < wanted:
            pieces.append(self._receive())
            count += len(pieces[-1])
        self.held, self.at = b"".join(pieces), 0

    def _receive(self) -> bytes:
        try:
            piece = os.read(self.fd, _CHUNK)
        except ConnectionResetError as error:
            raise Closed from error
        if not piece:
            raise Closed
        return piece
