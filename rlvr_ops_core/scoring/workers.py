"""The engine's end of its processes: the zygote that forks workers, and each worker."""

from __future__ import annotations

import contextlib
import json
import math
import os
import pickle
import socket
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Sequence
from time import monotonic

from rlvr_ops_core.errors import RewardLoadError
from rlvr_ops_core.scoring.bound import BoundReward
from rlvr_ops_core.scoring.zygote import END, FORK, LENGTH, LOADING, NUMBER, read, receive, send
from rlvr_ops_core.types import Sample

LOAD_TIMEOUT_S = 120.0
MAX_REPLY_BYTES = 64 * 2**20
START_ZYGOTE = "from rlvr_ops_core.scoring.zygote import main; main()"

Unit = list[Sample]
"""What one call of a reward judges: one sample, a batch or a group."""


class Zygote:
    """The engine's end of the process that workers are forked from."""

    def __init__(self, bound: BoundReward) -> None:
        if os.environ.get(LOADING):
            raise RewardLoadError(
                f"{bound.name} is scored while a worker loads its file",
                hint='let the script score only under: if __name__ == "__main__":',
            )
        self.control, theirs = socket.socketpair()
        paths = os.pathsep.join(filter(None, sys.path))
        environment = os.environ | {LOADING: "1", "PYTHONPATH": paths}
        environment.setdefault("OMP_NUM_THREADS", "1")
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-c", START_ZYGOTE, str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=2,  # what a reward prints must not mix with what a command prints
            env=environment,
        )
        theirs.close()
        self.lock = threading.Lock()
        try:
            self._load(bound)
        except BaseException:
            self.close()
            raise

    def _load(self, bound: BoundReward) -> None:
        self.control.settimeout(LOAD_TIMEOUT_S)
        try:
            send(self.control, pickle.dumps(bound))
            reply = receive(self.control)
        except TimeoutError:
            raise RewardLoadError(
                f"{bound.name} did not load within {LOAD_TIMEOUT_S:g} s"
            ) from None
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            raise RewardLoadError(f"the options of {bound.name} do not pickle: {error}") from error
        if reply is None:
            raise RewardLoadError(f"the process that loads {bound.name} ended before it was ready")
        report = json.loads(reply)
        if not report["ready"]:
            hint = report["traceback"].strip()
            raise RewardLoadError(f"{bound.name} does not load: {report['error']}", hint=hint)
        self.control.settimeout(None)

    def fork(self) -> tuple[int, socket.socket]:
        """A new worker: its process id, and the channel to it."""
        ours, theirs = socket.socketpair()
        try:
            with self.lock, theirs:
                socket.send_fds(self.control, [FORK], [theirs.fileno()])
                reply = read(self.control, NUMBER.size)
            if reply is None:
                raise ConnectionResetError("the zygote is gone")
        except OSError:
            ours.close()
            raise
        return NUMBER.unpack(reply)[0], ours

    def end(self, pid: int) -> int:
        """Kill a worker and wait for it; gives its wait status, 0 if the zygote is gone too."""
        try:
            with self.lock:
                self.control.sendall(END + NUMBER.pack(pid))
                reply = read(self.control, NUMBER.size)
        except OSError:
            return 0
        return NUMBER.unpack(reply)[0] if reply else 0

    def close(self) -> None:
        """End the zygote and with it every worker."""
        self.control.close()
        try:
            self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Worker:
    """One worker process: what it was given, and how far it is."""

    def __init__(self, zygote: Zygote) -> None:
        self.zygote = zygote
        self.pid, self.channel = zygote.fork()
        self.received = bytearray()
        self.todo: deque[int] = deque()
        self.deadline = math.inf
        self.done = 0

    def take(self, numbers: Sequence[int], units: Sequence[Unit], timeout_s: float) -> None:
        """Give the worker a chunk of units; the clock of the first one starts."""
        self.todo.extend(numbers)
        self.deadline = monotonic() + timeout_s
        with contextlib.suppress(OSError):  # it is gone: reading from it will say so
            send(self.channel, pickle.dumps([units[number] for number in numbers]))

    def is_alive(self) -> bool:
        """An idle worker says nothing; a closed channel means that it is gone."""
        try:
            return self.channel.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) != b""
        except BlockingIOError:
            return True
        except OSError:
            return False

    def replies(self) -> list[bytes] | None:
        """The replies that have arrived whole; None if the worker is gone."""
        try:
            chunk = self.channel.recv(1 << 20)
        except OSError:
            return None
        if not chunk:
            return None
        self.received += chunk
        frames = []
        while len(self.received) >= LENGTH.size:
            (size,) = LENGTH.unpack_from(self.received)
            if size > MAX_REPLY_BYTES:
                return None
            if len(self.received) < LENGTH.size + size:
                break
            frames.append(bytes(self.received[LENGTH.size : LENGTH.size + size]))
            del self.received[: LENGTH.size + size]
        return frames

    def end(self) -> int:
        """Kill the process; gives its wait status."""
        self.channel.close()
        return self.zygote.end(self.pid)
