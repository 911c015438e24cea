"""The tests' line to the trainer's side, which hands them jobs and takes their verdicts."""

from __future__ import annotations

import os
import socket
from collections import deque

from rlvr_rewards_code.jail import wire

_CHUNK = 1 << 16


class Trainer(wire.Frames):
    """Frames in and out; the descriptors that come with them wait in `handed`."""

    def __init__(self, fd: int) -> None:
        super().__init__(fd)
        self.socket = socket.socket(fileno=fd)
        self.handed: deque[int] = deque()

    def say(self, kind: bytes, payload: bytes) -> None:
        """Send one frame."""
        wire.write(self.fd, wire.frame(kind, payload))

    def program(self) -> int | None:
        """The channel of the program that came with the last frame; None if none did."""
        if not self.handed:
            return None
        fd = self.handed.popleft()
        os.set_blocking(fd, True)
        return fd

    def forget(self) -> None:
        """Let go of programs that nobody asked for."""
        while self.handed:
            os.close(self.handed.popleft())

    def _receive(self) -> bytes:
        piece, handed, _, _ = socket.recv_fds(self.socket, _CHUNK, 1)
        self.handed.extend(handed)
        if not piece:
            raise wire.Closed
        return piece
