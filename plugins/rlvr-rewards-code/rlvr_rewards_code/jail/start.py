"""The first thing that runs in a sandbox: put up the walls, then become its fork server.

Called with one argument, the orders as JSON; see `Orders`. Says `ready` and which walls stand, or
what failed, as the first message on the control socket.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import resource
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from rlvr_rewards_code.jail import (
    confine,
    kernel,
    landlock,
    mappings,
    mux,
    namespaces,
    seccomp,
    zygote,
)


class Orders(NamedTuple):
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
    readable: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    """What it may see of the file system; empty: what `view_of` finds there."""
    preload: tuple[str, ...] = ()
    """Modules to import once, before the first fork."""
    disk_mb: int = 0
    processes: int = 0
    threads: int = 32
    file_mb: int = 0
    processor: int | None = None
    """The processor that everything in it runs on; none: any."""


def main() -> None:
    """Set up the sandbox and serve until the control socket closes."""
    orders = Orders(**json.loads(sys.argv[1]))
    say, attend = _connected(orders)
    notes: list[str] = []
    try:
        server = prepare(orders, notes)
    except BaseException as error:  # noqa: BLE001  # whatever it is, the trainer's side must hear it
        say({"failed": f"{type(error).__name__}: {error}"[:500]})
        os._exit(1)
    say({"walls": notes, "python": sys.version.split()[0]})
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


def prepare(orders: Orders, notes: list[str]) -> zygote.Zygote:
    """Put up every wall that the orders ask for, and note which stand.

    Raises:
        OSError: one of them can't be had here.
        ImportError: a module to preload is not there.
    """
    if orders.processor is not None:
        with contextlib.suppress(OSError):  # no longer ours: then on any
            os.sched_setaffinity(0, {orders.processor})
    sys.path[:] = [os.path.realpath(place) for place in sys.path if place] + list(orders.site)
    for name in (*STANDARD, *(TESTING if orders.use == "tests" else ()), *orders.preload):
        importlib.import_module(name)
    roles = {
        role: importlib.import_module(f"rlvr_rewards_code.jail.{module}")
        for role, module in zygote.ROLES[orders.use].items()
    }
    mappings.merge()
    readable, hidden = _view(orders)
    bounds = confine.Bounds(
        base_bytes=confine.address_space(),
        file_bytes=orders.file_mb * 2**20,
        outlived=orders.walls in ("seccomp", "restricted"),
        tasks=6 + zygote.SPARES + orders.threads + orders.processes
        if orders.walls == "namespaces"
        else 0,
    )
    if orders.walls == "namespaces":
        namespaces.enter(readable, hidden, disk_mb=orders.disk_mb)
        notes.append("user, pid, mount, network and ipc namespaces")
    try:
        walls = _own_walls(orders, readable, hidden, notes)
    except OSError:
        if orders.walls != "restricted":
            raise
        walls = None  # it promises none, and says so
    return zygote.Zygote(bounds, walls, roles)


def _view(orders: Orders) -> tuple[Sequence[str], Sequence[str]]:
    """What is to be seen of the file system, and what below that is not."""
    if orders.readable:
        return orders.readable, orders.hidden
    from rlvr_rewards_code.jail.view import view_of  # loads much that no program needs

    view = view_of(orders.site)
    return view.readable, view.hidden


def _own_walls(
    orders: Orders, readable: Sequence[str], hidden: Sequence[str], notes: list[str]
) -> seccomp.Walls:
    """The walls that need no privilege."""
    sys.dont_write_bytecode = True  # from here on it can't
    for handled in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(handled, signal.SIG_IGN)  # it ends when its control socket closes
    confine.limit(resource.RLIMIT_CORE, 0)
    kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
    kernel.drop_capabilities()
    kernel.prctl(kernel.PR_SET_DUMPABLE, 0)
    locked = bool(landlock.version())
    if locked:
        writable = ["/dev/null", *(["/tmp"] if orders.disk_mb else [])]  # its own
        # where it has no file system of its own, the machine's disks are in /dev as well
        devices = [f"/dev/{name}" for name in namespaces.DEVICES]
        covered = () if orders.walls == "namespaces" else hidden  # there it is not even mounted
        landlock.restrict([*readable, *devices], covered, writable)
        notes.append(f"Landlock {landlock.version()}")
    elif orders.walls == "seccomp":
        raise OSError("there is no Landlock here, which must keep programs from the files")
    notes.append("seccomp")
    read_only_root = orders.walls in ("namespaces", "container")
    return seccomp.build(
        may_write=locked or read_only_root,
        may_fork=orders.processes > 0,
        may_receive=orders.use == "tests",
    )


STANDARD = (
    "bisect", "cmath", "collections", "contextlib", "copy", "enum", "functools", "heapq",
    "itertools", "json", "math", "operator", "random", "re", "string", "struct", "threading",
    "time", "types", "typing",
)  # fmt: skip
"""What programs import most: loaded once, so that no program waits for it. No more than that: each
page in memory costs every fork, and `dataclasses` alone is 400 of them."""
TESTING = (
    "ast", "dataclasses", "datetime", "decimal", "fractions", "hashlib", "inspect", "statistics",
    "traceback", "unittest",
)  # fmt: skip

if __name__ == "__main__":
    main()
