"""What a reward does to the process it runs in: seeds, handlers, folders, files, connections."""

from __future__ import annotations

import os
import random
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

CANARY = "rlvr_audit_canary"
"""A module name that only a completion which was evaluated puts into `sys.modules`."""

CANARY_CODE = f"__import__('sys').modules.setdefault('{CANARY}', 1)"
"""An expression that leaves the canary behind if a reward evaluates what a model wrote."""

WRITE_FLAGS = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class Watch:
    """Notes what a reward does besides judging."""

    def __init__(self, *, canary_file: str = "") -> None:
        self.canary_file = canary_file
        """A file that only a completion which a shell was given has made."""
        self.events: list[str] = []
        self.active = False
        sys.addaudithook(self._hook)
        self.before: dict[str, Any] = {}

    def _hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.active:
            return
        if event == "open" and isinstance(arguments[0], str | bytes):
            flags = arguments[2] if isinstance(arguments[2], int) else 0
            path = os.fsdecode(arguments[0])
            if flags & WRITE_FLAGS and not path.startswith(("/dev/", tempfile.gettempdir())):
                self.events.append(f"writes {path}")
        elif event in ("socket.connect", "socket.getaddrinfo"):
            self.events.append(f"connects to {arguments[1:] or arguments}"[:120])
        elif event in ("os.remove", "os.rename", "shutil.rmtree"):
            path = str(arguments[0])
            is_elsewhere = isinstance(arguments[-1], int) and arguments[-1] >= 0  # by a folder's fd
            if not is_elsewhere and not path.startswith(tempfile.gettempdir()):
                self.events.append(f"{event} {path}")

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Note what happens inside the `with`."""
        unseed()  # a reward that seeds with a constant would leave the same state as before
        self.before = snapshot()
        self.active = True
        try:
            yield
        finally:
            self.active = False

    def changes(self) -> list[str]:
        """What was different afterwards, and what was done meanwhile."""
        after = snapshot()
        changed = [name for name, value in self.before.items() if after.get(name) != value]
        told = list(dict.fromkeys(self.events))
        if CANARY in sys.modules:
            told.append("evaluates what the model wrote")
        if self.canary_file and Path(self.canary_file).exists():
            told.append("evaluates what the model wrote, in a shell")
        return [*(f"changes {name}" for name in changed), *told][:20]


def snapshot() -> dict[str, Any]:
    """What a reward should leave as it was."""
    import decimal  # here, so that a host starts quickly
    import locale
    import logging
    import socket

    state: dict[str, Any] = {
        "the locale": locale.setlocale(locale.LC_ALL),
        "the precision of decimals": decimal.getcontext().prec,
        "the default timeout of sockets": socket.getdefaulttimeout(),
        "the level of logging": (logging.root.manager.disable, logging.root.level),
        "the state of random": hash(random.getstate()),
        "the working folder": str(Path.cwd()),
        "the environment": hash(frozenset(os.environ.items())),
        "the recursion limit": sys.getrecursionlimit(),
        "the limit on digits": sys.get_int_max_str_digits(),
        "the standard streams": (id(sys.stdout), id(sys.stderr)),
        "the signal handlers": tuple(
            str(signal.getsignal(number))
            for number in (signal.SIGALRM, signal.SIGINT, signal.SIGTERM)
        ),
        "the alarm timer": signal.getitimer(signal.ITIMER_REAL)[0] > 0,
    }
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        state["the state of numpy.random"] = hash(numpy.random.get_state()[1].tobytes())
    torch = sys.modules.get("torch")
    if torch is not None:
        state["the state of torch"] = hash(torch.get_rng_state().numpy().tobytes())
    return state


LASTING = (
    "the working folder",
    "the recursion limit",
    "the signal handlers",
    "the alarm timer",
    "the standard streams",
    "the locale",
    "the precision of decimals",
    "the default timeout of sockets",
    "the level of logging",
)
"""What no import changes."""


def once(before: dict[str, Any]) -> list[str]:
    """What the first call changed for good, as far as no import does it."""
    after = snapshot()
    return [f"changes {name}" for name in LASTING if after[name] != before[name]]


def unseed() -> None:
    """Bring the random generators into a state that no constant seed gives."""
    random.seed(f"rlvr-audit {os.getpid()}")
    if (numpy := sys.modules.get("numpy")) is not None:
        numpy.random.seed(os.getpid())
        numpy.random.random(3)
    if (torch := sys.modules.get("torch")) is not None:
        torch.manual_seed(os.getpid())
        torch.rand(3)


def usage() -> dict[str, int]:
    """What this process holds: bytes of memory, open files, threads, children, temporary files."""
    return {
        "bytes": resident_bytes(),
        "open files": _entries("/proc/self/fd") or _entries("/dev/fd"),
        "threads": threading.active_count(),
        "child processes": _children(),
        "temporary files": _entries(tempfile.gettempdir()),
        "files in the working folder": _entries("."),
    }


def resident_bytes() -> int:
    """Resident memory of this process; 0 where the system doesn't say."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except (OSError, ValueError, IndexError):
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return pages * os.sysconf("SC_PAGE_SIZE")


def _entries(folder: str) -> int:
    try:
        return len(os.listdir(folder))  # noqa: PTH208  # counts names, as short as can be
    except OSError:
        return 0


def _children() -> int:
    try:
        return len(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split())
    except OSError:
        return 0
