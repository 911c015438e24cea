"""Sandboxes on this machine without a daemon: `namespaces` and `seccomp`.

Both start one clean Python process (never a fork of the trainer) that puts up its own walls.
"""

from __future__ import annotations

import errno
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from rlvr_ops_core import RewardLoadError
from rlvr_rewards_code.backends.sandbox import Sandbox, SandboxBroken, Setup
from rlvr_rewards_code.jail.view import view_of

PACKAGE = Path(__file__).resolve().parent.parent
# The package's own __init__ imports the core, which has no business in a sandbox: put an empty
# module of its name in the way, and only `jail` is ever found.
START = (
    "import sys,types;p=types.ModuleType('rlvr_rewards_code');p.__path__=[sys.argv.pop()];"
    "sys.modules[p.__name__]=p;from rlvr_rewards_code.jail.start import main;main()"
)
ENVIRONMENT = {
    "PYTHONHASHSEED": "0",
    "LANG": "C.UTF-8",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "1",
    "LD_BIND_NOW": "1",  # else each program looks up the functions of libc for itself
}
STACK_BYTES = 32 * 2**20

MOMENTARY = frozenset({errno.ENOMEM, errno.EAGAIN, errno.EMFILE, errno.ENFILE})
"""What a full machine answers: it says nothing of which sandboxes work here."""


@dataclass(frozen=True)
class Local:
    """A sandbox that is a child process of this one."""

    name: str
    """`namespaces`, `seccomp` or `restricted`: which walls it puts up."""

    def unavailable(self) -> str:
        """Why it can't be used here; found out by starting one, once a process."""
        return _trial(self.name)

    def start(self, setup: Setup, use: str, processor: int | None = None) -> Sandbox:
        """Start a sandbox for `programs` or `tests`, on one processor if that is given.

        Raises:
            SandboxBroken: it does not start.
        """
        if setup.single_use and self.name != "namespaces":
            raise SandboxBroken(f"{self.name} gives programs neither a disk nor processes")
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        subset = self.name == "restricted"
        site = (*setup.site, *(_home_of("RestrictedPython") if subset else ()))
        view = view_of(site)
        orders = {
            "walls": self.name,
            "use": "subset" if subset and use == "programs" else use,
            "control": theirs.fileno(),
            "site": site,
            "readable": view.readable,
            "hidden": view.hidden,
            "preload": setup.preload,
            "disk_mb": setup.disk_mb,
            "file_mb": setup.file_mb,
            "processes": setup.processes,
            "threads": setup.threads,
            "processor": processor,
        }
        with theirs:
            process = launch(orders, theirs.fileno())
        sandbox = Sandbox(ours, lambda: stop(process))
        try:
            sandbox.wait_until_ready()
        except SandboxBroken:
            sandbox.close()
            raise
        return sandbox


def launch(orders: dict[str, object], fd: int) -> subprocess.Popen[bytes]:
    """Start the process that becomes the sandbox."""
    command = [sys.executable, "-sSP", "-c", START, json.dumps(orders), str(PACKAGE)]
    return subprocess.Popen(
        command,
        pass_fds=[fd],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=ENVIRONMENT,
        cwd="/",
        start_new_session=True,  # Ctrl-C is for the trainer
    )


def stop(process: subprocess.Popen[bytes]) -> None:
    """Kill the sandbox's first process: the kernel ends the rest with it."""
    if process.poll() is None:
        process.send_signal(signal.SIGKILL)
        process.wait()


def _home_of(package: str) -> tuple[str, ...]:
    """The folder that a package is imported from; empty if it is not installed."""
    found = find_spec(package)
    return (str(Path(found.origin).resolve().parent.parent),) if found and found.origin else ()


@cache
def _trial(name: str) -> str:
    if sys.platform != "linux":
        return f"{name} needs Linux, this is {sys.platform}"
    if name == "restricted" and not _home_of("RestrictedPython"):
        return "restricted: the package RestrictedPython is not installed"
    try:
        Local(name).start(Setup(), "programs").close()
    except (SandboxBroken, OSError) as error:
        if isinstance(error, OSError) and error.errno in MOMENTARY:
            raise RewardLoadError(
                f"the code sandbox {name} could not be tried: {error.strerror}",
                hint="free memory, processes or open files; no other sandbox is taken instead",
            ) from error
        return f"{name}: {error}"
    return ""


def readable_site(folders: Sequence[str]) -> tuple[str, ...]:
    """Package folders as absolute paths that exist."""
    return tuple(str(Path(one).resolve()) for one in folders if os.path.isdir(one))  # noqa: PTH112
