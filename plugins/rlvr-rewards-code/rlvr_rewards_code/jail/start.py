"""The first thing that runs in a sandbox: put up the walls, then become its fork server.

Called with one argument, the orders as JSON; see `Orders`. Says `ready` and which walls stand, or
what failed, as the first message on the control socket.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import signal
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rlvr_rewards_code.jail import confine, kernel, landlock, mux, namespaces, seccomp, zygote
from rlvr_rewards_code.jail.view import View, view_of


@dataclass(frozen=True, kw_only=True)
class Orders:
    """How a sandbox is to be set up."""

    walls: str
    """`namespaces`, `seccomp` (no world of its own), `container` (which is the world already),
    or `restricted` (limits only, for programs in a language subset)."""
    use: str
    """`programs`, `tests`, or `subset` for programs in the language subset."""
    control: int
    """The descriptor of the control socket; -1 in a container."""
    meeting: str = ""
    """In a container: the control socket's path; "" to talk over standard input and output."""
    site: tuple[str, ...] = ()
    """Folders with packages that programs may import."""
    preload: tuple[str, ...] = ()
    """Modules to import once, before the first fork."""
    disk_mb: int = 0
    processes: int = 0
    threads: int = 32
    file_mb: int = 0
    notes: list[str] = field(default_factory=list)
    """Filled in: the walls that stand."""


def main() -> None:
    """Set up the sandbox and serve until the control socket closes."""
    orders = Orders(**json.loads(sys.argv[1]))
    say, attend = _connected(orders)
    try:
        server = prepare(orders)
    except BaseException as error:  # noqa: BLE001  # whatever it is, the trainer's side must hear it
        say({"failed": f"{type(error).__name__}: {error}"[:500]})
        os._exit(1)
    say({"walls": orders.notes, "python": sys.version.split()[0]})
    attend(server)
    os._exit(0)


def _connected(
    orders: Orders,
) -> tuple[Callable[[dict[str, Any]], object], Callable[[zygote.Zygote], None]]:
    """How to talk to the trainer's side: the first message, and then all that follows."""
    if orders.control < 0 and not orders.meeting:
        streams = os.dup(0), os.dup(1)

        def write(report: dict[str, Any]) -> None:
            payload = json.dumps(report).encode()
            os.write(streams[1], mux.HEAD.pack(0, len(payload)) + payload)

        return write, lambda server: mux.Mux(server, *streams).attend()
    if orders.meeting:
        control = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        control.connect(orders.meeting)
    else:
        control = socket.socket(fileno=orders.control)
    return (
        lambda report: control.send(json.dumps(report).encode()),
        lambda server: zygote.attend(server, control),
    )


def prepare(orders: Orders) -> zygote.Zygote:
    """Put up every wall that the orders ask for.

    Raises:
        OSError: one of them can't be had here.
        ImportError: a module to preload is not there.
    """
    sys.path[:] = [str(Path(place).resolve()) for place in sys.path if place] + list(orders.site)
    for name in (*STANDARD, *(TESTING if orders.use == "tests" else ()), *orders.preload):
        importlib.import_module(name)
    roles = {
        role: importlib.import_module(f"rlvr_rewards_code.jail.{module}")
        for role, module in zygote.ROLES[orders.use].items()
    }
    view = view_of(orders.site)
    bounds = confine.Bounds(
        base_bytes=confine.address_space(),
        file_bytes=orders.file_mb * 2**20,
        outlived=orders.walls in ("seccomp", "restricted"),
        tasks=6 + zygote.SPARES + orders.threads + orders.processes
        if orders.walls == "namespaces"
        else 0,
    )
    if orders.walls == "namespaces":
        namespaces.enter(view.readable, view.hidden, disk_mb=orders.disk_mb)
        orders.notes.append("user, pid, mount, network and ipc namespaces")
    try:
        walls = _own_walls(orders, view)
    except OSError:
        if orders.walls != "restricted":
            raise
        walls = None  # it promises none, and says so
    return zygote.Zygote(bounds, walls, roles)


def _own_walls(orders: Orders, view: View) -> seccomp.Filter | None:
    """The walls that need no privilege."""
    for handled in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(handled, signal.SIG_IGN)  # it ends when its control socket closes
    confine.limit(resource.RLIMIT_CORE, 0)
    kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
    kernel.drop_capabilities()
    kernel.prctl(kernel.PR_SET_DUMPABLE, 0)
    locked = bool(landlock.version())
    if locked:
        writable = ["/dev/null", *(["/tmp"] if orders.disk_mb else [])]  # its own
        landlock.restrict([*view.readable, "/dev"], writable)
        orders.notes.append(f"Landlock {landlock.version()}")
    elif orders.walls == "seccomp":
        raise OSError("there is no Landlock here, which must keep programs from the files")
    orders.notes.append("seccomp")
    read_only_root = orders.walls in ("namespaces", "container")
    return seccomp.build(may_write=locked or read_only_root, may_fork=orders.processes > 0)


STANDARD = (
    "bisect", "cmath", "collections", "contextlib", "copy", "dataclasses", "datetime", "decimal",
    "enum", "fractions", "functools", "heapq", "itertools", "json", "math", "numbers", "operator",
    "random", "re", "statistics", "string", "struct", "threading", "time", "types", "typing",
)  # fmt: skip
"""What programs import most: loaded once, so that no program waits for it."""
TESTING = ("ast", "inspect", "unittest", "traceback", "hashlib")

if __name__ == "__main__":
    main()
