"""The process that reward workers are forked from.

It is started clean (never forked from the trainer, which has threads and a GPU), loads the reward
once, and forks a worker in milliseconds whenever one is asked for. It has one thread and no signal
handlers. When the engine's process ends, however it ends, the control socket closes and the zygote
kills every worker and exits.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import pickle
import signal
import socket
import struct
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rlvr_ops_core.scoring.bound import BoundReward
from rlvr_ops_core.types import Sample, Verdict

LENGTH = struct.Struct("!I")
NUMBER = struct.Struct("!q")
FORK, END = b"F", b"E"
LOADING = "RLVR_LOADING_REWARD"
"""Environment variable, set while a zygote loads a reward: whoever scores then would go round."""
PR_SET_PDEATHSIG = 1


def main() -> None:
    """Load the reward that comes through the control socket, then attend to the socket."""
    control = socket.socket(fileno=int(sys.argv[1]))
    try:
        payload = receive(control)
        if payload is None:
            return
        bound = pickle.loads(payload)  # from the engine, which started us; makes the reward
        for module in bound.spec.preload:
            importlib.import_module(module)
        os.environ.pop(LOADING, None)
        send(control, json.dumps({"ready": True}).encode())
    except BaseException as error:  # noqa: BLE001  # a plugin's import: record and report
        import traceback

        report = {"ready": False, "error": f"{type(error).__name__}: {error}"}
        send(control, json.dumps(report | {"traceback": traceback.format_exc()}).encode())
        return
    gc.freeze()  # shared pages stay shared: the workers' collector leaves these objects alone
    attend(control, bound)


def attend(control: socket.socket, bound: BoundReward) -> None:
    """Fork and end workers as told, until the engine's process is gone; then end them all."""
    workers: set[int] = set()
    try:
        while True:
            command, fds, _, _ = socket.recv_fds(control, 1, 1)
            if command == FORK:
                pid = fork_worker(control, socket.socket(fileno=fds[0]), bound)
                workers.add(pid)
                control.sendall(NUMBER.pack(pid))
            elif command == END:
                (pid,) = NUMBER.unpack(read(control, NUMBER.size) or NUMBER.pack(0))
                workers.discard(pid)
                control.sendall(NUMBER.pack(end_worker(pid)))
            else:
                return
    finally:
        for pid in workers:
            end_worker(pid)


def fork_worker(control: socket.socket, channel: socket.socket, bound: BoundReward) -> int:
    """Fork one worker that judges what comes through `channel`; gives its process id."""
    zygote = os.getpid()
    pid = os.fork()
    if pid:
        channel.close()
        return pid
    try:
        control.close()
        os.setsid()  # a group of its own: what the reward starts is ended with it
        die_with(zygote)
        limit_memory(bound.spec.memory_mb)
        judge_all(channel, bound)
    finally:
        os._exit(0)


def end_worker(pid: int) -> int:
    """Kill a worker and all that it started; gives its wait status."""
    for kill in (os.killpg, os.kill):
        with contextlib.suppress(ProcessLookupError):  # ended, or has not made its group yet
            kill(pid, signal.SIGKILL)
    try:
        return os.waitpid(pid, 0)[1]
    except ChildProcessError:
        return 0


def die_with(parent: int) -> None:
    """Have the kernel end this process when its parent ends (Linux; elsewhere nothing)."""
    if sys.platform != "linux":
        return
    import ctypes

    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(0)  # it ended before we asked


def limit_memory(memory_mb: int | None) -> None:
    """Bound the address space of this process."""
    if memory_mb is None:
        return
    import resource

    limit = memory_mb * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def judge_all(channel: socket.socket, bound: BoundReward) -> None:
    """Judge unit after unit; each answer goes back at once, so that its deadline can be kept."""
    while (frame := receive(channel)) is not None:
        units: Sequence[list[Sample]] = pickle.loads(frame)
        for samples in units:
            send(channel, encode(bound.judge(samples)))


def encode(verdicts: list[Verdict]) -> bytes:
    """Verdicts as JSON: what comes from a worker is never unpickled by the engine."""
    rows = [asdict(verdict) for verdict in verdicts]
    return json.dumps(rows, default=repr, allow_nan=True).encode(errors="replace")


def send(channel: socket.socket, payload: bytes) -> None:
    """Send one frame: its length, then its bytes."""
    channel.sendall(LENGTH.pack(len(payload)) + payload)


def receive(channel: socket.socket) -> bytes | None:
    """Receive one frame; None if the other side is gone."""
    header = read(channel, LENGTH.size)
    return None if header is None else read(channel, LENGTH.unpack(header)[0])


def read(channel: socket.socket, size: int) -> bytes | None:
    """Exactly `size` bytes; None if the other side is gone."""
    chunks: list[Any] = []
    while size:
        chunk = channel.recv(min(size, 1 << 20))
        if not chunk:
            return None
        chunks.append(chunk)
        size -= len(chunk)
    return b"".join(chunks)
