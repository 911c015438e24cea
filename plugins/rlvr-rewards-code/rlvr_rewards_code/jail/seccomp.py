"""The system calls that a program may make: an allow list, as a filter that the kernel enforces.

Whatever is not listed fails with EPERM: no process, signal to others, socket, mount, ptrace, …
Needs no privilege and no library. There are two filters, and a call has to pass both: a long one,
which the fork server binds itself to and all its children with it, and a short one on top, that
takes from each child what only the fork server needs. Installing a filter takes the kernel time
with its length, so that no program pays for the long one; only a process id is patched in.
"""

from __future__ import annotations

import ctypes
import struct
from typing import NamedTuple

from rlvr_rewards_code.jail import kernel

_ALLOW, _KILL, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_EPERM, _EAGAIN, _EACCES, _ENOSYS = 1, 11, 13, 38
_LOAD, _EQUAL, _ANY_BIT, _AT_LEAST, _JUMP, _RETURN = 0x20, 0x15, 0x45, 0x35, 0x05, 0x06
_NUMBER_AT, _ARCH_AT = 0, 4
_ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_OWN_PID = 0xFFFFFFF0
"""Stands for the process id until the filter is installed."""
_CLONE_THREAD = 0x10000
_WRITING = 0o1 | 0o2 | 0o100 | 0o1000 | 0o2000 | 0o20000000
"""O_WRONLY, O_RDWR, O_CREAT, O_TRUNC, O_APPEND, __O_TMPFILE."""
_NAMING = (15, 16, 0x53564D41)
"""Options of prctl: names of threads and of memory areas."""
_DESCRIPTORS = (0, 1, 2, 3, 4, 5, 6, 7, 36, 37, 38, 1030, 1031, 1032)
"""Commands of fcntl: duplicates, flags, locks, sizes of pipes. Not who is sent which signal when
there is something to read: a program could have the kernel kill itself, or others."""
_OUT_OF_BAND = 1
"""MSG_OOB: nobody needs it, and it has opened ways into kernels (CVE-2025-38236)."""
_CONFINING = (kernel.PR_SET_PDEATHSIG, kernel.PR_SET_SECCOMP)

# name: (x86_64, aarch64); None where the processor has no such call
_PLAIN: dict[str, tuple[int | None, int | None]] = {
    "read": (0, 63), "write": (1, 64), "readv": (19, 65), "writev": (20, 66),
    "pread64": (17, 67), "pwrite64": (18, 68), "lseek": (8, 62), "close": (3, 57),
    "fstat": (5, 80), "newfstatat": (262, 79), "stat": (4, None), "lstat": (6, None),
    "statx": (332, 291), "statfs": (137, 43), "fstatfs": (138, 44), "access": (21, None),
    "faccessat": (269, 48), "faccessat2": (439, 439), "readlink": (89, None),
    "readlinkat": (267, 78), "getdents64": (217, 61), "getcwd": (79, 17), "chdir": (80, 49),
    "umask": (95, 166), "ftruncate": (77, 46), "mmap": (9, 222), "mprotect": (10, 226),
    "munmap": (11, 215), "mremap": (25, 216), "madvise": (28, 233), "brk": (12, 214),
    "rt_sigaction": (13, 134), "rt_sigprocmask": (14, 135), "rt_sigreturn": (15, 139),
    "rt_sigtimedwait": (128, 137), "rt_sigpending": (127, 136), "sigaltstack": (131, 132),
    "dup": (32, 23), "dup2": (33, None), "dup3": (292, 24), "poll": (7, None),
    "ppoll": (271, 73), "select": (23, None), "pselect6": (270, 72), "epoll_create1": (291, 20),
    "epoll_ctl": (233, 21), "epoll_wait": (232, None), "epoll_pwait": (281, 22),
    "eventfd2": (290, 19), "pipe": (22, None), "pipe2": (293, 59), "getpid": (39, 172),
    "gettid": (186, 178), "getppid": (110, 173), "getuid": (102, 174), "geteuid": (107, 175),
    "getgid": (104, 176), "getegid": (108, 177), "getgroups": (115, 158), "getpgrp": (111, None),
    "getpgid": (121, 155), "getsid": (124, 156), "uname": (63, 160), "getrlimit": (97, 163),
    "getrusage": (98, 165), "times": (100, 153), "sysinfo": (99, 179), "getpriority": (140, 141),
    "sched_yield": (24, 124), "sched_getaffinity": (204, 123), "futex": (202, 98),
    "set_robust_list": (273, 99), "get_robust_list": (274, 100), "rseq": (334, 293),
    "set_tid_address": (218, 96), "membarrier": (324, 283), "exit": (60, 93),
    "exit_group": (231, 94), "nanosleep": (35, 101), "clock_nanosleep": (230, 115),
    "clock_gettime": (228, 113), "clock_getres": (229, 114), "gettimeofday": (96, 169),
    "time": (201, None), "alarm": (37, None), "pause": (34, None), "setitimer": (38, 103),
    "getitimer": (36, 102), "getrandom": (318, 278), "restart_syscall": (219, 128),
    "shutdown": (48, 210), "getsockopt": (55, 209), "getsockname": (51, 204),
}  # fmt: skip
_CREATE_PROCESSES: dict[str, tuple[int | None, int | None]] = {
    "fork": (57, None), "vfork": (58, None), "wait4": (61, 260), "waitid": (247, 95),
    "setpgid": (109, 154), "setsid": (112, 157), "clone": (56, 220),
}  # fmt: skip
_WRITE_FILES: dict[str, tuple[int | None, int | None]] = {
    "unlink": (87, None), "unlinkat": (263, 35), "mkdir": (83, None), "mkdirat": (258, 34),
    "rmdir": (84, None), "rename": (82, None), "renameat": (264, 38), "renameat2": (316, 276),
    "fsync": (74, 82), "fdatasync": (75, 83), "truncate": (76, 45), "utimensat": (280, 88),
    "flock": (73, 32), "fallocate": (285, 47), "fchmod": (91, 52), "chmod": (90, None),
}  # fmt: skip
_SERVER: dict[str, tuple[int | None, int | None]] = {
    "clone": (56, 220), "wait4": (61, 260), "kill": (62, 129), "tgkill": (234, 131),
    "sendmsg": (46, 211), "recvmsg": (47, 212), "memfd_create": (319, 279),
    "close_range": (436, 436),
}  # fmt: skip
"""What the fork server needs and no program has; `_CHECKED` has some of them in part."""
_CHECKED: dict[str, tuple[int | None, int | None]] = {
    "open": (2, None), "openat": (257, 56), "clone": (56, 220), "clone3": (435, 435),
    "tgkill": (234, 131), "kill": (62, 129), "prlimit64": (302, 261), "ioctl": (16, 29),
    "prctl": (157, 167), "socketpair": (53, 199), "sendto": (44, 206), "recvfrom": (45, 207),
    "arch_prctl": (158, None), "fcntl": (72, 25),
}  # fmt: skip


Instruction = tuple[int, int, int, int]


class Filter:
    """A filter program, ready for any process: installing it is one call."""

    def __init__(self, program: bytes, pid_places: tuple[int, ...]) -> None:
        self.program = program
        self.pid_places = pid_places
        self.buffer = ctypes.create_string_buffer(program, len(program))
        self.header = struct.pack("=HxxxxxxQ", len(program) // 8, ctypes.addressof(self.buffer))
        # Made ahead, as all that a forked child needs: each page it touches is copied for it.
        self.pids = [ctypes.c_uint32.from_buffer(self.buffer, place) for place in pid_places]
        self.call = kernel.filter_call(self.header)

    def install(self, pid: int) -> None:
        """Bind this process to the filter, for good.

        Raises:
            OSError: the kernel has no seccomp filters, or something here forbids them.
        """
        for place in self.pids:
            place.value = pid
        if self.call() < 0:
            raise OSError("seccomp: the filter was not accepted")


class Walls(NamedTuple):
    """The two filters."""

    shared: Filter
    """For the fork server, and with it for all that it forks."""
    own: Filter
    """For each child, on top of that."""


def build(*, may_write: bool, may_fork: bool, may_receive: bool = False) -> Walls:
    """The filters of one sandbox.

    `may_write` where other walls bound what opening for writing does, `may_fork` for programs
    that may have processes, `may_receive` for tests, which are handed the program's channel.

    Raises:
        OSError: this processor is not one we have numbers for.
    """
    column = 0 if kernel.number("seccomp") == 317 else 1
    return Walls(
        _shared(column, may_write=may_write, may_fork=may_fork),
        _own(column, may_fork=may_fork, may_receive=may_receive),
    )


def _shared(column: int, *, may_write: bool, may_fork: bool) -> Filter:
    rules = _Rules(column, otherwise=_ERRNO | _EPERM)
    plain = _PLAIN | _SERVER
    if may_write:
        plain |= _WRITE_FILES | {name: _CHECKED[name] for name in ("open", "openat")}
    if may_fork:
        plain |= _CREATE_PROCESSES
    for name in plain:
        rules.allow(plain[name][column])
    if not may_write:
        fails = _ERRNO | _EACCES
        rules.when_bits("open", argument=1, bits=_WRITING, then=fails, otherwise=_ALLOW)
        rules.when_bits("openat", argument=2, bits=_WRITING, then=fails, otherwise=_ALLOW)
    rules.always("clone3", _ERRNO | _ENOSYS)  # its flags lie in memory; libc falls back to clone
    rules.when_equal("prlimit64", argument=0, values=(0,))
    rules.when_equal("ioctl", argument=1, values=(0x5401, 0x541B, 0x5451, 0x5450, 0x5421))
    rules.when_equal("prctl", argument=0, values=(*_NAMING, *_CONFINING))
    rules.when_equal("socketpair", argument=0, values=(1,))  # AF_UNIX: asyncio wakes itself so
    rules.when_null("sendto", argument=4, without=(3, _OUT_OF_BAND))  # without an address
    rules.when_bits(
        "recvfrom", argument=3, bits=_OUT_OF_BAND, then=_ERRNO | _EPERM, otherwise=_ALLOW
    )
    rules.when_equal("fcntl", argument=1, values=_DESCRIPTORS)
    rules.when_equal("arch_prctl", argument=0, values=(0x1001, 0x1002, 0x1003, 0x1004, 0x3001))
    return rules.finish(_ARCHITECTURES[kernel.MACHINE])


def _own(column: int, *, may_fork: bool, may_receive: bool) -> Filter:
    rules = _Rules(column, otherwise=_ALLOW)
    refused = {"wait4", "sendmsg", "memfd_create", "close_range"}
    if not may_receive:
        refused.add("recvmsg")
    if may_fork:
        refused.discard("wait4")
    for name in refused:
        rules.always(name, _ERRNO | _EPERM)
    if not may_fork:
        fails = _ERRNO | _EAGAIN
        rules.when_bits("clone", argument=0, bits=_CLONE_THREAD, then=_ALLOW, otherwise=fails)
    # to itself, and not SIGKILL: who finds a program killed by that knows it was from outside
    rules.when_own_process("tgkill", signal_argument=2)
    rules.when_own_process("kill", signal_argument=1)
    rules.when_equal("prctl", argument=0, values=_NAMING)
    return rules.finish(_ARCHITECTURES[kernel.MACHINE])


class _Rules:
    """Puts the filter together: a search tree over the numbers of the system calls.

    A tree and not a list, because the kernel walks the filter for every number that there is each
    time a process installs it: 0.6 ms for a list, a tenth of that for a tree.
    """

    def __init__(self, column: int, *, otherwise: int) -> None:
        self.column = column
        self.otherwise: list[Instruction] = [(_RETURN, 0, 0, otherwise)]
        self.verdicts: dict[int, list[Instruction]] = {}

    def allow(self, number: int | None) -> None:
        """Allow a system call, whatever its arguments."""
        if number is not None:
            self.verdicts[number] = [(_RETURN, 0, 0, _ALLOW)]

    def always(self, name: str, result: int) -> None:
        """Answer a system call with this, whatever its arguments."""
        self._decide(name, [(_RETURN, 0, 0, result)])

    def when_bits(self, name: str, *, argument: int, bits: int, then: int, otherwise: int) -> None:
        """Answer by whether an argument has any of these bits."""
        self._decide(
            name,
            [
                (_LOAD, 0, 0, 16 + 8 * argument),
                (_ANY_BIT, 0, 1, bits),
                (_RETURN, 0, 0, then),
                (_RETURN, 0, 0, otherwise),
            ],
        )

    def when_equal(self, name: str, *, argument: int, values: tuple[int, ...]) -> None:
        """Allow it if the lower half of an argument is one of these, fail with EPERM if not."""
        tests = [(_EQUAL, len(values) - index, 0, value) for index, value in enumerate(values)]
        ends = [(_RETURN, 0, 0, _ERRNO | _EPERM), (_RETURN, 0, 0, _ALLOW)]
        self._decide(name, [(_LOAD, 0, 0, 16 + 8 * argument), *tests, *ends])

    def when_own_process(self, name: str, *, signal_argument: int) -> None:
        """Allow a signal to the process itself, except SIGKILL."""
        self._decide(
            name,
            [
                (_LOAD, 0, 0, 16 + 8 * signal_argument),
                (_EQUAL, 2, 0, 9),
                (_LOAD, 0, 0, 16),
                (_EQUAL, 1, 0, _OWN_PID),
                (_RETURN, 0, 0, _ERRNO | _EPERM),
                (_RETURN, 0, 0, _ALLOW),
            ],
        )

    def when_null(self, name: str, *, argument: int, without: tuple[int, int]) -> None:
        """Allow it if a pointer is null, both halves of it, and another argument lacks some bits.

        Fails with EPERM if not.
        """
        other, bits = without
        self._decide(
            name,
            [
                (_LOAD, 0, 0, 16 + 8 * other),
                (_ANY_BIT, 4, 0, bits),
                (_LOAD, 0, 0, 16 + 8 * argument),
                (_EQUAL, 0, 2, 0),
                (_LOAD, 0, 0, 20 + 8 * argument),
                (_EQUAL, 1, 0, 0),
                (_RETURN, 0, 0, _ERRNO | _EPERM),
                (_RETURN, 0, 0, _ALLOW),
            ],
        )

    def finish(self, architecture: int) -> Filter:
        """The whole filter."""
        code: list[Instruction] = [
            (_LOAD, 0, 0, _ARCH_AT),
            (_EQUAL, 1, 0, architecture),
            (_RETURN, 0, 0, _KILL),
            (_LOAD, 0, 0, _NUMBER_AT),  # x32 calls have numbers that no branch knows
            *_tree(self._ranges()),
        ]
        places = tuple(i * 8 + 4 for i, one in enumerate(code) if one[3] == _OWN_PID)
        return Filter(b"".join(struct.pack("=HBBI", *one) for one in code), places)

    def _ranges(self) -> list[tuple[int, list[Instruction]]]:
        """Where the answer changes, going up through the numbers: the first of each range."""
        ranges = [(0, self.otherwise)]
        for number in sorted({one for known in self.verdicts for one in (known, known + 1)}):
            answer = self.verdicts.get(number, self.otherwise)
            if answer != ranges[-1][1]:
                ranges.append((number, answer))
        return ranges

    def _decide(self, name: str, code: list[Instruction]) -> None:
        number = (_SERVER | _CHECKED)[name][self.column]
        if number is not None:
            self.verdicts[number] = code


def _tree(ranges: list[tuple[int, list[Instruction]]]) -> list[Instruction]:
    if len(ranges) == 1:
        return ranges[0][1]
    middle = len(ranges) // 2
    below, above = _tree(ranges[:middle]), _tree(ranges[middle:])
    first = ranges[middle][0]
    if len(below) < 256:
        return [(_AT_LEAST, len(below), 0, first), *below, *above]
    return [(_AT_LEAST, 0, 1, first), (_JUMP, 0, 0, len(below)), *below, *above]
