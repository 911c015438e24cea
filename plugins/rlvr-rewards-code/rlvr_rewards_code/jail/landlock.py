"""Landlock: the files that a sandbox may read, enforced by the kernel, without any privilege."""

from __future__ import annotations

import contextlib
import ctypes
import os
import struct
from collections.abc import Sequence

from rlvr_rewards_code.jail import kernel

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1, 2, 4, 8
_HANDLED = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1}
"""What each version of Landlock can forbid: reading, writing, making, removing, moving, …"""
_ALL = (1 << 16) - 1
_FILE_RIGHTS = _EXECUTE | _WRITE_FILE | _READ_FILE | 1 << 14


def version() -> int:
    """The version of Landlock that this kernel offers; 0 if none."""
    try:
        return kernel.syscall("landlock_create_ruleset", 0, 0, 1)
    except OSError:
        return 0


def restrict(readable: Sequence[str], hidden: Sequence[str], writable: Sequence[str]) -> None:
    """From here on this process and its children see only these files and folders.

    What is hidden lies below something readable: its names can be listed, and that is all.

    Raises:
        OSError: there is no Landlock here.
    """
    abi = version()
    files = _HANDLED.get(abi, _ALL)
    network = 3 if abi >= 4 else 0  # TCP: bind, connect
    scope = 3 if abi >= 6 else 0  # abstract sockets and signals stay inside
    attributes = struct.pack("=QQQ", files, network, scope)[
        : 24 if abi >= 6 else 16 if abi >= 4 else 8
    ]
    ruleset = kernel.syscall("landlock_create_ruleset", attributes, len(attributes), 0)
    try:
        # A rule on a link is one on what it leads to, hidden parts and all.
        hidden = [os.path.realpath(one) for one in hidden]
        for place in sorted({os.path.realpath(one) for one in readable}):
            _allow_around(ruleset, place, hidden, (_READ_FILE | _READ_DIR) & files)
        for place in writable:
            _allow(ruleset, place, files & ~_EXECUTE)
        kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
        kernel.syscall("landlock_restrict_self", ruleset, 0)
    finally:
        os.close(ruleset)


def _allow_around(ruleset: int, place: str, hidden: Sequence[str], rights: int) -> None:
    """Allow a folder except for what is hidden in it: rules only ever add, for all below."""
    if place in hidden:
        return
    if not any(one.startswith(f"{place}/") for one in hidden):
        _allow(ruleset, place, rights)
        return
    _allow(ruleset, place, _READ_DIR)
    for entry in os.scandir(place):
        if not entry.is_symlink():
            _allow_around(ruleset, entry.path, hidden, rights)


def _allow(ruleset: int, place: str, rights: int) -> None:
    with contextlib.suppress(FileNotFoundError):
        handle = os.open(place, os.O_PATH | os.O_CLOEXEC)
        try:
            if not os.path.isdir(place):
                rights &= _FILE_RIGHTS
            rule = ctypes.create_string_buffer(struct.pack("=Qi", rights, handle))
            kernel.syscall("landlock_add_rule", ruleset, 1, rule, 0)
        finally:
            os.close(handle)
