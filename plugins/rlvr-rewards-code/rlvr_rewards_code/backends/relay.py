"""The trainer's end of `jail/mux.py`: makes one stream look like a local sandbox.

A thread answers a sandbox's control socket as a fork server would, and hands the bytes of each
process through a socket pair; a script's output arrives with the report of its end.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
import struct
import threading
from dataclasses import dataclass, field
from typing import Protocol

from rlvr_rewards_code.jail.mux import HEAD, LENGTHS
from rlvr_rewards_code.jail.zygote import ENDED, EXIT, NEW, NUMBER, ORDER, SCRIPT

_CHUNK = 1 << 16
_MOST_BUFFERED = 64 * 2**20


class Wire(Protocol):
    """The stream to a container."""

    def fileno(self) -> int:
        """For `select`."""
        ...

    def receive(self) -> bytes:
        """What has arrived; empty at the end."""
        ...

    def send(self, data: bytes) -> None:
        """Send everything."""
        ...

    def close(self) -> None:
        """Let go of it; the other side sees the end of its input."""
        ...


@dataclass
class Lane:
    """One process: our end of its socket pair, and what it has not taken yet."""

    channel: socket.socket
    files: tuple[int, ...] = ()
    buffer: bytearray = field(default_factory=bytearray)
    done: bool = False


class Relay:
    """Moves bytes between a stream and the sockets of one sandbox, in a thread of its own."""

    def __init__(self, wire: Wire, control: socket.socket) -> None:
        self.wire, self.control = wire, control
        self.buffer = bytearray()
        self.lanes: dict[int, Lane] = {}
        self.thread = threading.Thread(target=self._run, name="rlvr-code-relay", daemon=True)
        self.thread.start()

    def _run(self) -> None:
        with contextlib.suppress(OSError, struct.error):
            while self._step():
                pass
        self.control.close()
        self.wire.close()
        for pid in list(self.lanes):
            self._drop(pid)

    def _step(self) -> bool:
        poll = select.poll()
        poll.register(self.control, select.POLLIN)
        poll.register(self.wire.fileno(), select.POLLIN)
        lanes = {lane.channel.fileno(): pid for pid, lane in self.lanes.items() if not lane.done}
        for fd, pid in lanes.items():
            poll.register(fd, select.POLLIN | (select.POLLOUT if self.lanes[pid].buffer else 0))
        for fd, events in poll.poll():
            if fd == self.control.fileno():
                order = self.control.recv(ORDER.size)
                if not order:
                    return False
                self._pass_on(0, order)
            elif fd == self.wire.fileno():
                data = self.wire.receive()
                if not data:
                    return False
                self._take_in(data)
            elif fd in lanes and lanes[fd] in self.lanes:
                self._serve(lanes[fd], events)
        return True

    def _pass_on(self, channel: int, data: bytes) -> None:
        self.wire.send(HEAD.pack(channel, len(data)) + data)

    def _serve(self, pid: int, events: int) -> None:
        lane = self.lanes[pid]
        if events & select.POLLOUT:
            self._flush(lane)
        if events & (select.POLLIN | select.POLLHUP | select.POLLERR):
            try:
                data = lane.channel.recv(_CHUNK)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            if data:
                self._pass_on(pid, data)
            else:
                lane.done = True

    def _take_in(self, data: bytes) -> None:
        self.buffer += data
        while len(self.buffer) >= HEAD.size:
            channel, size = HEAD.unpack_from(self.buffer)
            end = HEAD.size + size
            if len(self.buffer) < end:
                return
            payload = bytes(self.buffer[HEAD.size : end])
            del self.buffer[:end]
            if channel:
                self._give(channel, payload)
            else:
                self._answer(payload)

    def _give(self, pid: int, payload: bytes) -> None:
        lane = self.lanes.get(pid)
        if lane is None or lane.done:
            return
        lane.buffer += payload
        self._flush(lane)
        if not payload or len(lane.buffer) > _MOST_BUFFERED:
            with contextlib.suppress(OSError):
                lane.channel.shutdown(socket.SHUT_WR)

    def _flush(self, lane: Lane) -> None:
        try:
            sent = lane.channel.send(lane.buffer)
            del lane.buffer[:sent]
        except BlockingIOError:
            return
        except OSError:
            lane.done = True

    def _answer(self, payload: bytes) -> None:
        if payload[:1] == NEW:
            _, pid = NUMBER.unpack_from(payload)
            self._open(pid, payload[NUMBER.size :])
        elif payload[:1] == ENDED:
            pid = EXIT.unpack_from(payload)[1]
            self._write_output(pid, payload[EXIT.size :])
            self._drop(pid)
            self.control.send(payload[: EXIT.size])
        else:
            self.control.send(payload)  # the first message

    def _open(self, pid: int, role: bytes) -> None:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        files = (os.memfd_create("out"), os.memfd_create("err")) if role == SCRIPT else ()
        self.lanes[pid] = Lane(ours, files)
        with theirs:
            message = NUMBER.pack(NEW, pid)
            socket.send_fds(self.control, [message], [theirs.fileno(), *files])

    def _write_output(self, pid: int, behind: bytes) -> None:
        lane = self.lanes.get(pid)
        if lane is None or not lane.files:
            return
        size, _ = LENGTHS.unpack_from(behind)
        texts = behind[LENGTHS.size :]
        for fd, text in zip(lane.files, (texts[:size], texts[size:]), strict=True):
            os.pwrite(fd, text, 0)

    def _drop(self, pid: int) -> None:
        lane = self.lanes.pop(pid, None)
        if lane is not None:
            lane.channel.close()
            for fd in lane.files:
                os.close(fd)
