"""The fork server's other way to talk: everything over one stream, where descriptors can't travel.

That is the case under gVisor, and with a docker daemon on another machine. A message is the number
of its channel, its length, its bytes: channel 0 carries orders and answers, any other one the bytes
of the process with that id; an empty message says that this process let go of its channel.
"""

from __future__ import annotations

import contextlib
import os
import select
import struct

from rlvr_rewards_code.jail.zygote import (
    DYING_S,
    FORK,
    LAST,
    NEW,
    NUMBER,
    ORDER,
    Child,
    Zygote,
)

HEAD = struct.Struct("!II")
LENGTHS = struct.Struct("!II")
"""Behind a report of an end: how many bytes of output and of errors follow."""
MOST_OUTPUT = 64 * 2**20
_CHUNK = 1 << 16


class Mux:
    """Attends to one stream in, one stream out, and the children's channels."""

    def __init__(self, zygote: Zygote, stream_in: int, stream_out: int) -> None:
        self.zygote = zygote
        self.stream_in, self.stream_out = stream_in, stream_out
        self.buffer = bytearray()
        self.children: dict[int, Child] = {}
        self.open: dict[int, int] = {}
        """Channel to process id, of the channels that are still open."""

    def attend(self) -> None:
        """Do as told until the stream closes."""
        while True:
            ready, _, _ = select.select([self.stream_in, *self.open], [], [])
            for fd in ready:
                if fd == self.stream_in:
                    if not self._from_outside():
                        return
                elif fd in self.open:  # an order just obeyed may have closed it
                    self._from_child(fd)

    def _from_outside(self) -> bool:
        chunk = os.read(self.stream_in, _CHUNK)
        self.buffer += chunk
        while len(self.buffer) >= HEAD.size:
            channel, size = HEAD.unpack_from(self.buffer)
            end = HEAD.size + size
            if len(self.buffer) < end:
                break
            payload = bytes(self.buffer[HEAD.size : end])
            del self.buffer[:end]
            if channel == 0:
                self._obey(payload)
            elif channel in self.children:
                self._to_child(self.children[channel], payload)
        return bool(chunk)

    def _obey(self, order: bytes) -> None:
        what, pid, role, count = ORDER.unpack(order)
        if what != FORK:
            self._say(0, self._end(pid, DYING_S if what == LAST else 0.0))
        for child in self.zygote.fork(role, count) if count else ():
            self.children[child.pid] = child
            self.open[child.channel] = child.pid
            os.set_blocking(child.channel, False)
            self._say(0, NUMBER.pack(NEW, child.pid) + role)

    def _end(self, pid: int, patience_s: float) -> bytes:
        report = self.zygote.end(pid, patience_s)
        child = self.children.pop(pid, None)
        if child is None:
            return report + LENGTHS.pack(0, 0)
        self.open.pop(child.channel, None)
        texts = [os.pread(fd, MOST_OUTPUT, 0) for fd in child.streams] or [b"", b""]
        child.close()
        return report + LENGTHS.pack(*map(len, texts)) + b"".join(texts)

    def _from_child(self, fd: int) -> None:
        pid = self.open[fd]
        try:
            data = os.read(fd, _CHUNK)
        except OSError:
            data = b""
        if not data:
            del self.open[fd]
        self._say(pid, data)

    def _to_child(self, child: Child, data: bytes) -> None:
        """Hand bytes on; a child that does not take them for ten seconds has to do without."""
        view = memoryview(data)
        with contextlib.suppress(OSError):
            while view:
                try:
                    view = view[os.write(child.channel, view) :]
                except BlockingIOError:
                    if not select.select([], [child.channel], [], 10)[1]:
                        return

    def _say(self, channel: int, payload: bytes) -> None:
        view = memoryview(HEAD.pack(channel, len(payload)) + payload)
        while view:
            view = view[os.write(self.stream_out, view) :]
