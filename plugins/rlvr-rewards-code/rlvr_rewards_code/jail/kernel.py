"""The few Linux calls that Python has no function for, through ctypes."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import os
from collections.abc import Callable

libc = ctypes.CDLL(None, use_errno=True)
_raw = ctypes.PyDLL(None, use_errno=True)  # keeps the GIL: a forked child holds it and runs on

MACHINE = os.uname().machine
_NUMBERS = {
    # name: (x86_64, aarch64)
    "clone": (56, 220),
    "pivot_root": (155, 41),
    "capset": (126, 91),
    "seccomp": (317, 277),
    "mount_setattr": (442, 442),
    "landlock_create_ruleset": (444, 444),
    "landlock_add_rule": (445, 445),
    "landlock_restrict_self": (446, 446),
}

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_SET_SECCOMP = 22
PR_CAPBSET_DROP = 24
PR_SET_NO_NEW_PRIVS = 38

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC = 1, 2, 4, 8
MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = 32, 4096, 16384, 1 << 18
MNT_DETACH = 2


def number(name: str) -> int:
    """The number of a system call on this machine.

    Raises:
        OSError: this processor is not one we have numbers for.
    """
    try:
        return _NUMBERS[name][("x86_64", "aarch64").index(MACHINE)]
    except ValueError:
        raise OSError(f"no system call numbers for {MACHINE}") from None


def syscall(name: str, *arguments: object) -> int:
    """Make a system call by name; gives its result.

    Raises:
        OSError: it failed, with its errno.
    """
    passed = [ctypes.c_long(one) if isinstance(one, int) else one for one in arguments]
    return _checked(name, libc.syscall(ctypes.c_long(number(name)), *passed))


def prctl(option: int, value: int) -> None:
    """Set one attribute of this process."""
    zero = ctypes.c_ulong(0)
    _checked("prctl", libc.prctl(ctypes.c_int(option), ctypes.c_ulong(value), zero, zero, zero))


def filter_call(header: bytes) -> Callable[[], int]:
    """What installs a seccomp filter, a `struct sock_fprog`, when called; below 0 if it failed."""
    given = ctypes.c_int(PR_SET_SECCOMP), ctypes.c_ulong(2), ctypes.c_char_p(header)
    return functools.partial(ctypes.PyDLL(None).prctl, *given)


def mount(source: str, target: str, kind: str, flags: int, options: str = "") -> None:
    """Mount a file system, or bind one place onto another."""
    done = libc.mount(
        source.encode(), target.encode(), kind.encode(), ctypes.c_ulong(flags), options.encode()
    )
    _checked(f"mount {target}", done)


def unmount(target: str) -> None:
    """Detach whatever is mounted there."""
    _checked(f"umount {target}", libc.umount2(target.encode(), MNT_DETACH))


def sort_free_memory() -> None:
    """Have the allocator sort what was freed: it does so when next asked for much.

    Else each forked child does, and writes to the pages that the free pieces lie on.
    """
    _raw.free(_raw.malloc(_MUCH))


_MUCH = 1 << 16
_raw.malloc.restype, _raw.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
_raw.free.restype, _raw.free.argtypes = None, [ctypes.c_void_p]


def trim() -> None:
    """Give the memory back that is free now: a forked child would copy it before it writes."""
    with contextlib.suppress(AttributeError):  # another libc
        libc.malloc_trim(ctypes.c_size_t(0))


def begin_pools() -> None:
    """Have Python begin a new pool for each size of small objects.

    Else a forked child takes what is left of the old ones, here a piece and there a piece, and has
    a page copied for each.
    """
    allocate = ctypes.pythonapi.PyObject_Malloc
    allocate.restype, allocate.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
    for size in range(16, 513, 16):
        for _ in range(_MOST_BYTES // size):
            place = allocate(size) or 0
            if place % _POOL_BYTES == _POOL_HEADER_BYTES:
                break


_POOL_BYTES, _POOL_HEADER_BYTES = 1 << 14, 48  # CPython's, since 3.10
_MOST_BYTES = 1 << 17
"""For one size: enough for all that is left of old pools, little where the allocator is another."""


def fork() -> int:
    """Fork without Python's hooks, which touch 200 pages that a short-lived child never needs.

    Only for a process with one thread. As a side effect `random` is not reseeded.
    """
    return int(_raw.fork())


def clone(flags: int) -> int:
    """Fork into new namespaces: 0 in the child. Only for a process with one thread.

    Raises:
        OSError: these namespaces are not allowed here.
    """
    nothing = ctypes.c_long(0)
    pid = int(
        _raw.syscall(
            ctypes.c_long(number("clone")), ctypes.c_long(flags), nothing, nothing, nothing, nothing
        )
    )
    if pid < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"no new namespaces: {os.strerror(code)}")
    return pid


def drop_capabilities() -> None:
    """Give up every capability, for good: with no-new-privileges nothing gives them back."""
    for capability in range(64):
        try:
            prctl(PR_CAPBSET_DROP, capability)
        except OSError:
            break  # past the last one, or not ours to drop
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    syscall("capset", ctypes.byref(header), ctypes.byref((ctypes.c_uint32 * 6)()))


def _checked(what: str, result: int) -> int:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{what}: {os.strerror(code)}")
    return result
