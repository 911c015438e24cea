"""The process that loads a reward once and forks a child for every session of calls.

The child calls the reward raw, as it would run elsewhere, and whatever it does (hang, crash, leak,
exit) ends with it. The audit kills a child at a deadline by its process group. The host itself runs
nothing of the reward but its import, and ends all that a child left behind.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import struct
import sys
import traceback
from pathlib import Path
from typing import Any

LENGTH = struct.Struct("!I")
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36


def main() -> None:
    """Load the target named by the first frame, then fork a child a request."""
    control = socket.socket(fileno=int(sys.argv[1]))
    _prctl(PR_SET_CHILD_SUBREAPER, 1)
    first = receive(control)
    if first is None:
        return
    # What a reward prints must not get into our frames; both streams are files of the audit.
    try:
        from rlvr_audit.own_time import Stopwatch
        from rlvr_audit.sessions import load

        watch = Stopwatch()
        session = load(json.loads(first))
        session.info["load_s"] = watch.read()["seconds"]
        send(control, {"ready": True, **session.info})
    except BaseException as error:  # noqa: BLE001  # a reward's import: record and report
        told = {"ready": False, "kind": type(error).__name__, "error": str(error)[:2000]}
        send(control, {**told, "traceback": traceback.format_exc()[-6000:]})
        return
    attend(control, session)


def attend(control: socket.socket, session: Any) -> None:
    """Fork a child for each request that comes with a socket, until the audit is gone."""
    host = os.getpid()
    while True:
        header, fds, _, _ = socket.recv_fds(control, 1, 1)
        if not header:
            return
        channel = socket.socket(fileno=fds[0])
        pid = os.fork()
        if pid == 0:
            try:
                control.close()
                os.setsid()
                _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
                if os.getppid() == host:
                    _serve(channel, session)
            except BaseException:  # noqa: BLE001  # seen by the audit in the child's stderr
                traceback.print_exc()
                os._exit(70)
            finally:
                os._exit(0)
        channel.close()
        send(control, {"pid": pid})
        is_heard = _wait(pid, control)
        _, status = os.waitpid(pid, 0)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
        _reap_orphans()
        if not is_heard:
            return
        send(control, {"status": status})


def _wait(pid: int, control: socket.socket) -> bool:
    """Wait for a child's end; False if the audit ended first, in whatever way: then so does it."""
    if not hasattr(os, "pidfd_open"):  # no Linux: the audit's deadlines alone end a child
        return True
    ended = os.pidfd_open(pid)
    try:
        poll = select.poll()
        poll.register(ended, select.POLLIN)
        poll.register(control, select.POLLRDHUP)
        if ended in [fd for fd, _ in poll.poll()]:
            return True
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        return False
    finally:
        os.close(ended)


def _serve(channel: socket.socket, session: Any) -> None:
    request = receive(channel)
    if request is None:
        return
    for reply in session.run(json.loads(request)):
        send(channel, reply)
    send(channel, {"end": True})


def _reap_orphans() -> None:
    """End what a child started in sessions of its own: as a subreaper we are its parent now."""
    children = Path(f"/proc/self/task/{os.getpid()}/children")
    for _ in range(20):
        try:
            pids = [int(pid) for pid in children.read_text().split()]
        except OSError:  # no Linux: nothing came to us
            return
        if not pids:
            return
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(option, value)


def send(channel: socket.socket, reply: Any) -> None:
    """Send one frame of JSON."""
    payload = json.dumps(reply, default=repr).encode()
    channel.sendall(LENGTH.pack(len(payload)) + payload)


def receive(channel: socket.socket) -> bytes | None:
    """Receive one frame; None if the other side is gone."""
    header = _read(channel, LENGTH.size)
    return None if header is None else _read(channel, LENGTH.unpack(header)[0])


def _read(channel: socket.socket, size: int) -> bytes | None:
    chunks: list[bytes] = []
    while size:
        chunk = channel.recv(min(size, 1 << 20))
        if not chunk:
            return None
        chunks.append(chunk)
        size -= len(chunk)
    return b"".join(chunks)


if __name__ == "__main__":
    main()
