"""Frames: four bytes of length, one byte that says what it is, then the payload."""

from __future__ import annotations

import os
import struct

HEADER = struct.Struct("!IB")

# to the program
LOAD, PLAN, CALL, BACK = b"L", b"P", b"C", b"B"
# from the program
LOADED, RETURNED, RAISED, ASKED, REFUSED = b"l", b"r", b"e", b"a", b"x"
# to the examiner
JOB, SAID, GONE, READY = b"J", b"S", b"G", b"Y"
# from the examiner
TELL, RENEW, VERDICT, ALONE = b"T", b"N", b"V", b"1"


NEEDS = struct.Struct("!dI")
"""Before a program's text: its processor time in seconds, its memory in MiB. No JSON: reading that
touches 60 pages, which are copied for each program."""


class Closed(Exception):
    """The other side is gone."""


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


def read(fd: int) -> tuple[bytes, bytes]:
    """One frame: its kind and its payload.

    Raises:
        Closed: the other side is gone.
    """
    size, kind = HEADER.unpack(_exactly(fd, HEADER.size))
    return bytes([kind]), _exactly(fd, size)


def _exactly(fd: int, size: int) -> bytes:
    chunks = []
    while size:
        try:
            chunk = os.read(fd, min(size, 1 << 20))
        except ConnectionResetError as error:
            raise Closed from error
        if not chunk:
            raise Closed
        chunks.append(chunk)
        size -= len(chunk)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)
