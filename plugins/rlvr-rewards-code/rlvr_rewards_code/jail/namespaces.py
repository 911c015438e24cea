"""A world of its own: new user, process, mount, network, ipc and host-name namespaces.

The root is an empty, read-only file system with the libraries bound into it: no /proc, no /etc, no
home, nothing to write to but /dev/null. The sandbox is process 1 of its world: when it ends, the
kernel ends everything in it. Works for any user where user namespaces are allowed.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import struct
from collections.abc import Sequence

from rlvr_rewards_code.jail import kernel

_NEW = {
    "mount": 0x00020000,
    "cgroup": 0x02000000,
    "uts": 0x04000000,
    "ipc": 0x08000000,
    "user": 0x10000000,
    "pid": 0x20000000,
    "net": 0x40000000,
}
_NOBODY = 65534
DEVICES = ("null", "zero", "random", "urandom")
_ROOM = ("/mnt", "/media", "/srv", "/opt", "/sys", "/tmp")  # an empty place in our own world


def enter(readable: Sequence[str], hidden: Sequence[str], *, disk_mb: int) -> None:
    """Go on as process 1 of new namespaces; the calling process waits for that and ends with it.

    Raises:
        OSError: namespaces are not allowed here.
    """
    ready, mapped = os.pipe()
    outside = (os.getuid(), os.getgid())
    pid = kernel.clone(sum(_NEW.values()) | signal.SIGCHLD)
    if pid:
        os.close(ready)
        _map_ids(pid, outside)
        os.write(mapped, b"1")
        _wait_for(pid)
    os.close(mapped)
    if not os.read(ready, 1):
        os._exit(1)
    os.close(ready)
    _make_root(readable, hidden, disk_mb=disk_mb)
    _become_nobody()
    kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)


def _map_ids(pid: int, outside: tuple[int, int]) -> None:
    """Root's sandbox is nobody outside; everybody else's is themselves."""
    user, group = outside
    maps = {"uid_map": user, "gid_map": group}
    if user == 0:
        with contextlib.suppress(OSError):  # root of a container without that right
            for name in maps:
                _write(f"/proc/{pid}/{name}", f"0 0 1\n{_NOBODY} {_NOBODY} 1\n")
            return
    _write(f"/proc/{pid}/setgroups", "deny")
    for name, own in maps.items():
        with contextlib.suppress(FileExistsError):
            _write(f"/proc/{pid}/{name}", f"{own} {own} 1\n")


def _write(place: str, text: str) -> None:
    with open(place, "w", encoding="ascii") as file:
        file.write(text)


def _wait_for(pid: int) -> None:
    os.closerange(3, 1024)  # above all the sandbox's end of the control socket
    _, status = os.waitpid(pid, 0)
    os._exit(os.waitstatus_to_exitcode(status) & 0xFF)


def _make_root(readable: Sequence[str], hidden: Sequence[str], *, disk_mb: int) -> None:
    kernel.mount("none", "/", "", kernel.MS_REC | kernel.MS_PRIVATE)
    new = next(
        room
        for room in _ROOM
        if os.path.isdir(room) and not any(f"{one}/".startswith(f"{room}/") for one in readable)
    )
    kernel.mount("root", new, "tmpfs", kernel.MS_NOSUID, "mode=755,size=256k,nr_inodes=2k")
    if disk_mb:  # first: what is shown may lie below it
        scratch = f"{new}/tmp"
        os.mkdir(scratch)
        os.chmod(scratch, 0o1777)
        flags = kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC
        kernel.mount("tmp", scratch, "tmpfs", flags, f"mode=1777,size={disk_mb}m,nr_inodes=4k")
    for place in readable:
        _bind(place, new)
    for place in hidden:
        if os.path.isdir(new + place):
            kernel.mount("hidden", new + place, "tmpfs", kernel.MS_RDONLY, "size=4k,nr_inodes=2")
    for name in DEVICES:
        if os.path.exists(f"/dev/{name}"):
            _bind(f"/dev/{name}", new, read_only=False)
    _make_read_only(new, recursive=False)
    os.chdir(new)
    _pivot()
    os.chdir("/tmp" if disk_mb else "/")  # the sandbox's own


def _pivot() -> None:
    kernel.syscall("pivot_root", b".", b".")
    kernel.unmount(".")


def _bind(place: str, new: str, *, read_only: bool = True) -> None:
    """Show a file or folder at the same path below the new root; links stay links."""
    target = new + place
    os.makedirs(os.path.dirname(target), exist_ok=True)
    if os.path.islink(place):
        os.symlink(os.readlink(place), target)
        return
    if os.path.isdir(place):
        os.makedirs(target, exist_ok=True)
    else:
        _write(target, "")
    kernel.mount(place, target, "", kernel.MS_BIND | kernel.MS_REC)
    if read_only:
        _make_read_only(target, recursive=True)


def _make_read_only(place: str, *, recursive: bool) -> None:
    attributes = ctypes.create_string_buffer(struct.pack("=QQQQ", 1 | 2, 0, 0, 0))  # ro, nosuid
    try:
        kernel.syscall(
            "mount_setattr", -100, place.encode(), 0x8000 if recursive else 0, attributes, 32
        )
    except OSError:  # before Linux 5.12: remount, with the flags that are already there
        kept = os.statvfs(place).f_flag & (2 | 4 | 8 | 1024 | 2048)
        flags = kernel.MS_REMOUNT | kernel.MS_BIND | kernel.MS_RDONLY | kernel.MS_NOSUID
        relatime = 1 << 21 if kept & 4096 else 0
        kernel.mount("none", place, "", flags | kept | relatime)


def _become_nobody() -> None:
    with contextlib.suppress(OSError):  # only a root that could map more than itself
        os.setgroups([])
        os.setresgid(_NOBODY, _NOBODY, _NOBODY)
        os.setresuid(_NOBODY, _NOBODY, _NOBODY)
