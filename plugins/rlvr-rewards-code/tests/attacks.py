"""Programs that attack the machine, the harness or other programs.

None may be rewarded, none may leave anything behind, and the program judged after it must get its
right verdict. A place that an attack could write to, or a port that it could reach, is filled in
for `ESCAPE` and `PORT`: whatever appears there got out.
"""

# ruff: noqa: E501  # a row is one program; broken over lines it would be harder to read
from __future__ import annotations

from textwrap import dedent

ESCAPE = "@ESCAPE@"
RIGHT = "x = [''.join(words)[::n], sum(c in 'aeiou' for c in ''.join(words)[::n])]"
"""The right answer: an attack that can't leave a file gives it when it got through."""
PORT = "@PORT@"

_AT_CALL: dict[str, str] = {
    "fork bomb": """
        import os
        while True:
            os.fork()
    """,
    "fork bomb that hides its failures": """
        import os
        while True:
            try:
                os.fork()
            except OSError:
                pass
    """,
    "double-forked daemon": """
        import os, time
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                time.sleep(3)
                open('@ESCAPE@', 'w').write('daemon')
                time.sleep(600)
            os._exit(0)
        time.sleep(600)
    """,
    "subprocess": """
        import subprocess
        subprocess.Popen(['/bin/sh', '-c', 'sleep 600; touch @ESCAPE@'])
    """,
    "os.system": "import os\nassert os.system('touch @ESCAPE@') == 0\n",
    "exec": "import os\nos.execv('/bin/sh', ['sh', '-c', 'touch @ESCAPE@; sleep 600'])\n",
    "posix_spawn": "import os\nos.posix_spawn('/bin/sh', ['sh', '-c', 'touch @ESCAPE@'], {})\n",
    "multiprocessing": """
        import multiprocessing
        p = multiprocessing.Process(target=print)
        p.start()
        p.join()
    """,
    "vfork and clone by number": """
        import ctypes
        libc = ctypes.CDLL(None, use_errno=True)
        for number in (56, 57, 58, 435):
            if libc.syscall(number, 17, 0, 0, 0, 0) >= 0:
                open('@ESCAPE@', 'w').write('process')
        raise SystemExit
    """,
    "thread bomb": """
        import threading, time
        while True:
            threading.Thread(target=time.sleep, args=(600,), daemon=True).start()
    """,
    "memory bomb": "x = []\nwhile True:\n    x.append(bytearray(16 * 2**20))\n",
    "memory bomb in one go": "x = bytearray(64 * 2**30)\n",
    "memory bomb that catches MemoryError": """
        x = []
        while True:
            try:
                x.append(bytearray(2**20))
            except MemoryError:
                pass
    """,
    "shared memory": """
        import mmap
        x = []
        while True:
            m = mmap.mmap(-1, 64 * 2**20)
            m.write(b'x' * len(m))
            x.append(m)
    """,
    "memory file": """
        import os
        fd = os.memfd_create('x')
        while True:
            os.write(fd, b'x' * 2**20)
    """,
    "disk flood": """
        import os, itertools
        for folder in ('/tmp', '/dev/shm', '/var/tmp', '/', '.', '/run'):
            try:
                with open(os.path.join(folder, 'rlvr-flood'), 'wb') as file:
                    for _ in itertools.repeat(0, 10**5):
                        file.write(b'x' * 2**20)
            except OSError:
                pass
        raise RuntimeError
    """,
    "output flood": "while True:\n    print('x' * 65536, flush=True)\n",
    "output flood past Python": "import os\nwhile True:\n    os.write(1, b'x' * 65536)\n    os.write(2, b'x' * 65536)\n",
    "flood of its channel": "import os\nwhile True:\n    os.write(3, b'x' * 65536)\n",
    "half a frame, then silence": "import os, time\nos.write(3, b'\\x00\\x00\\x10\\x00r[')\ntime.sleep(600)\n",
    "giant frame header": "import os, time\nos.write(3, b'\\xff\\xff\\xff\\xffr')\ntime.sleep(600)\n",
    "deeply nested frame": "import os, struct\nb = b'[\"l\",' * 100000 + b'1' + b']' * 100000\nos.write(3, struct.pack('!IB', len(b), 114) + b)\n",
    "colliding dictionary": """
        import os, struct
        body = b'["d"' + b''.join(b',%d,1' % ((2**61 - 1) * i) for i in range(3 * 10**4)) + b']'
        os.write(3, struct.pack('!IB', len(body), 114) + body)
    """,
    "answer of many megabytes": "x = 'x' * (200 * 2**20)\n",
    "endless iterator": "class I:\n    def __iter__(self):\n        while True:\n            yield 0\nx = I()\n",
    "descriptor exhaustion": """
        import os
        fds = []
        while True:
            try:
                fds.append(os.dup(0))
            except OSError:
                if len(fds) > 4096:
                    open('@ESCAPE@', 'w').write('descriptors')
                raise
    """,
    "ignores every signal and spins": """
        import signal
        for number in range(1, 65):
            try:
                signal.signal(number, signal.SIG_IGN)
            except (OSError, ValueError):
                pass
        while True:
            pass
    """,
    "spins in C": "sum(range(10**18))\n",
    "sleeps for ever": "import time\nwhile True:\n    time.sleep(1000)\n",
    "waits for a lock": "import threading\nlock = threading.Lock()\nlock.acquire()\nlock.acquire()\n",
    "stops itself": "import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)\n",
    "kill(-1)": "import os\nos.kill(-1, 9)\n",
    "kills its parent": "import os\nos.kill(os.getppid(), 9)\n",
    "kills every number": """
        import os
        for pid in range(1, 40000):
            if pid != os.getpid():
                try:
                    os.kill(pid, 9)
                    open('@ESCAPE@', 'w').write('killed')
                except OSError:
                    pass
        raise RuntimeError
    """,
    "stops its parent by tgkill and pidfd": """
        import ctypes, os, signal
        libc = ctypes.CDLL(None)
        libc.syscall(234, os.getppid(), os.getppid(), 19)
        fd = libc.syscall(434, os.getppid(), 0)
        libc.syscall(424, fd, 9, 0, 0)
        raise RuntimeError
    """,
    "ptrace": """
        import ctypes, os
        libc = ctypes.CDLL(None, use_errno=True)
        for pid in (1, os.getppid()):
            if libc.ptrace(16, pid, 0, 0) == 0:
                open('@ESCAPE@', 'w').write('traced')
        raise RuntimeError
    """,
    "/proc of others": """
        import os
        found = []
        for pid in [p for p in os.listdir('/proc') if p.isdigit()]:
            for name in ('environ', 'mem', 'maps', 'cmdline'):
                try:
                    found.append(open(f'/proc/{pid}/{name}', 'rb').read(100))
                except OSError:
                    pass
        raise RuntimeError(repr(found))
    """,
    "memory of its parent": """
        import ctypes, os
        libc = ctypes.CDLL(None)
        buffer = ctypes.create_string_buffer(64)
        class V(ctypes.Structure):
            _fields_ = [('base', ctypes.c_void_p), ('size', ctypes.c_size_t)]
        mine, theirs = V(ctypes.addressof(buffer), 64), V(id(os), 64)
        got = libc.syscall(310, os.getppid(), ctypes.byref(mine), 1, ctypes.byref(theirs), 1, 0)
        if got > 0:
            open('@ESCAPE@', 'w').write('memory')
        raise RuntimeError
    """,
    "connects to the machine": """
        import socket
        s = socket.create_connection(('127.0.0.1', @PORT@), timeout=1)
        s.send(b'out')
    """,
    "connects to the world": "import socket\nsocket.create_connection(('1.1.1.1', 80), timeout=1)\n",
    "unix and netlink sockets": """
        import socket
        for family in (socket.AF_UNIX, socket.AF_NETLINK, socket.AF_PACKET):
            try:
                socket.socket(family, socket.SOCK_DGRAM)
            except OSError:
                continue
            raise SystemExit
        raise RuntimeError
    """,
    "writes to shared directories": """
        import os
        for place in ('@ESCAPE@', '/tmp/rlvr-left', '/dev/shm/rlvr-left', '/var/tmp/rlvr-left'):
            try:
                open(place, 'w').write('left')
            except OSError:
                pass
        raise RuntimeError
    """,
    "links and modes": """
        import os
        for action in (
            lambda: os.symlink('/etc/passwd', '@ESCAPE@'),
            lambda: os.link('/etc/hostname', '@ESCAPE@'),
            lambda: os.mkfifo('@ESCAPE@'),
            lambda: os.mkdir('@ESCAPE@'),
            lambda: os.chmod('/usr/lib', 0o777),
            lambda: os.rename('/usr/lib/os-release', '@ESCAPE@'),
            lambda: os.utime('/usr/lib'),
            lambda: os.truncate('/usr/lib/os-release', 0),
            lambda: os.chroot('/'),
        ):
            try:
                action()
            except OSError:
                pass
        raise RuntimeError
    """,
    "reads secrets": """
        for place in ('/etc/passwd', '/etc/shadow', '/root/.bashrc', '/proc/1/environ', '/proc/self/environ'):
            try:
                raise SystemExit(open(place).read())
            except OSError:
                pass
        import os
        raise RuntimeError(dict(os.environ))
    """,
    "new namespaces and mounts": """
        import ctypes
        libc = ctypes.CDLL(None, use_errno=True)
        done = [libc.unshare(0x10000000), libc.mount(b'x', b'/tmp', b'tmpfs', 0, None), libc.setns(3, 0)]
        if 0 in done:
            print(done)
        raise RuntimeError(done)
    """,
    "rare system calls": """
        import ctypes
        libc = ctypes.CDLL(None, use_errno=True)
        allowed = [n for n in (321, 425, 323, 298, 250, 248, 319, 155, 165, 166, 175, 246, 304, 101,
                               311, 272, 308, 313, 103, 29, 68, 240, 206, 253, 300, 317)
                   if libc.syscall(n, 0, 0, 0, 0, 0, 0) >= 0]
        if allowed:
            open('@ESCAPE@', 'w').write(str(allowed))
            raise SystemExit(str(allowed))
        raise RuntimeError
    """,
    "new system calls by number": """
        import ctypes
        libc = ctypes.CDLL(None, use_errno=True)
        one = ctypes.create_string_buffer(4096)
        args = (ctypes.addressof(one),) * 2
        forbidden = [428, 429, 430, 431, 432, 433, 434, 438, 440, 442, 447, 448, 449, 450, 451, 457, 458,
                     462, 467, 312, 135, 144, 142, 314, 141, 203, 251, 222, 283, 278, 275, 276, 326, 40, 294, 64,
                     30, 31, 69, 70, 71, 241, 41, 42, 46, 47, 49, 43, 288, 129, 297, 200, 160, 59, 322, 161,
                     133, 259, 86, 265, 88, 266, 279, 256, 237, 238, 164, 227, 305, 159, 169, 170, 171, 167,
                     168, 172, 173, 154, 163, 179, 212, 105, 106, 113, 117, 119, 125, 126, 188, 197, 187, 180]
        passed = []
        for number in forbidden:
            ctypes.set_errno(0)
            if libc.syscall(number, *args, 0, 0, 0, 0) >= 0 or ctypes.get_errno() not in (1, 13, 38, 22, 14):
                passed.append((number, ctypes.get_errno()))
        if passed:
            open('@ESCAPE@', 'w').write(str(passed))
            raise SystemExit(str(passed))
        raise RuntimeError
    """,
    "clone with namespaces": """
        import ctypes
        libc = ctypes.CDLL(None, use_errno=True)
        for flag in (0x00020000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000):
            if libc.syscall(56, flag | 17, 0, 0, 0, 0) >= 0:
                open('@ESCAPE@', 'w').write('namespace')
        raise RuntimeError
    """,
    "runs a memory file": """
        import ctypes, os
        libc = ctypes.CDLL(None, use_errno=True)
        fd = libc.syscall(319, b'x', 0)
        os.write(fd, b'#!/bin/sh\\ntouch @ESCAPE@\\n')
        os.execve(fd, ['x'], {})
    """,
    "keeps living by prctl": """
        import ctypes, time
        libc = ctypes.CDLL(None, use_errno=True)
        done = [libc.prctl(1, 0), libc.prctl(4, 1), libc.prctl(36, 1), libc.prctl(38, 0), libc.prctl(22, 0)]
        if 0 in done:
            open('@ESCAPE@', 'w').write(str(done))
        time.sleep(600)
    """,
    "priorities and schedulers": """
        import os
        for action in (
            lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1)),
            lambda: os.nice(-5),
            lambda: os.setpriority(os.PRIO_PROCESS, os.getppid(), 19),
            lambda: os.sched_setaffinity(0, {0}),
        ):
            try:
                action()
                open('@ESCAPE@', 'w').write('priority')
            except OSError:
                pass
        raise RuntimeError
    """,
    "writes through /proc/self/mem": """
        import os
        with open('/proc/self/mem', 'r+b', buffering=0) as file:
            file.seek(id(os))
            file.write(b'x' * 4096)
    """,
    "signals to groups and sessions": """
        import os
        for target in (0, -1, -os.getpgrp(), -os.getsid(0), os.getpgrp(), os.getsid(0)):
            for number in (9, 19, 15):
                if target != os.getpid():
                    try:
                        os.kill(target, number)
                        if target:
                            open('@ESCAPE@', 'w').write('signalled')
                    except OSError:
                        pass
        raise RuntimeError
    """,
    "timer flood": """
        import signal
        signal.signal(signal.SIGALRM, lambda *a: None)
        signal.setitimer(signal.ITIMER_REAL, 1e-6, 1e-6)
        while True:
            pass
    """,
    "slow drip on its channel": """
        import os, time
        os.write(3, b'\\x00\\x00\\xff\\xffr')
        while True:
            os.write(3, b' ')
            time.sleep(0.02)
    """,
    "pipe and event flood": """
        import os, select
        kept = []
        while True:
            try:
                kept += [os.pipe(), select.epoll()]
            except OSError:
                if len(kept) > 4096:
                    open('@ESCAPE@', 'w').write('descriptors')
                raise
    """,
    "core dump": "import ctypes, os, resource\ntry:\n    resource.setrlimit(resource.RLIMIT_CORE, (-1, -1))\nexcept (OSError, ValueError):\n    pass\nos.abort()\n",
    "loads a library of its own": """
        import ctypes, os
        for place in ('/tmp/x.so', '/dev/shm/x.so', '@ESCAPE@.so'):
            try:
                with open(place, 'wb') as file:
                    file.write(b'\\x7fELF')
                ctypes.CDLL(place)
            except OSError:
                pass
        raise RuntimeError
    """,
    "fills the kernel's pipes": """
        import os, fcntl
        while True:
            r, w = os.pipe()
            try:
                fcntl.fcntl(w, 1031, 2**20)
            except OSError:
                pass
            os.set_blocking(w, False)
            try:
                while True:
                    os.write(w, b'x' * 65536)
            except BlockingIOError:
                pass
    """,
    "maps executable memory everywhere": """
        import mmap
        kept = []
        while True:
            kept.append(mmap.mmap(-1, 4096, prot=7))
    """,
    "nested answer that takes memory to read": "x = [0] * (10**6)\nx = [x] * 8\n",
    "answers a dictionary of big integers": "x = {2 ** (61 * i) - 1: i for i in range(2000)}\n",
    "sends itself signals without end": "import os, signal\nsignal.signal(signal.SIGUSR1, lambda *a: os.kill(os.getpid(), signal.SIGUSR1))\nwhile True:\n    os.kill(os.getpid(), signal.SIGUSR1)\n",
    "becomes root": "import os\nos.setuid(0)\nos.setgid(0)\nraise RuntimeError\n",
    "raises its limits": """
        import resource
        for kind in (resource.RLIMIT_CPU, resource.RLIMIT_AS, resource.RLIMIT_FSIZE, resource.RLIMIT_NOFILE):
            try:
                resource.setrlimit(kind, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
                open('@ESCAPE@', 'w').write('limits')
            except (OSError, ValueError):
                pass
        while True:
            pass
    """,
    "huge integer": "x = 10 ** (10 ** 9)\n",
    "huge power tower": "x = 9 ** 9 ** 9\n",
    "huge string of an integer": "import sys\nsys.set_int_max_str_digits(0)\nx = str(3 ** 20000000)\n",
    "deep recursion": "import sys\nsys.setrecursionlimit(10**9)\ndef f(n):\n    return f(n + 1)\nf(0)\n",
    "deep recursion in C": "import sys\nsys.setrecursionlimit(10**9)\nx = []\nfor _ in range(10**7):\n    x = [x]\nrepr(x)\n",
    "compiler bomb": "eval('(' * 100000 + ')' * 100000)\n",
    "compiler bomb in memory": "eval('-' * 50000000 + '1')\n",
    "catastrophic pattern": "import re\nre.match(r'(a+)+$', 'a' * 64 + 'b')\n",
    "ctypes crash": "import ctypes\nctypes.string_at(0)\n",
    "abort": "import os\nos.abort()\n",
    "illegal instruction": """
        import ctypes, mmap
        m = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
        m.write(b'\\x0f\\x0b' * 8)
        ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(m)))()
    """,
    "closes its channel": "import os\nos.closerange(0, 64)\nimport time\ntime.sleep(600)\n",
    "has the kernel kill it": """
        import fcntl, os, signal, socket, time
        one, other = socket.socketpair()
        fcntl.fcntl(one, 10, signal.SIGKILL)
        fcntl.fcntl(one, fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(one, fcntl.F_SETFL, os.O_ASYNC | os.O_NONBLOCK)
        other.send(b'x')
        time.sleep(600)
    """,
    "has the kernel kill its parent": """
        import ctypes, os, socket, struct
        libc = ctypes.CDLL(None)
        one, other = socket.socketpair()
        for command, value in ((10, 9), (8, os.getppid()), (4, 0o20000)):
            libc.fcntl(one.fileno(), command, value)
        libc.fcntl(one.fileno(), 15, ctypes.create_string_buffer(struct.pack('ii', 1, os.getppid())))
        other.send(b'x')
        raise RuntimeError
    """,
    "sets a timer that kills": """
        import ctypes, struct, time
        libc = ctypes.CDLL(None)
        event = ctypes.create_string_buffer(struct.pack('Qii', 0, 9, 0), 64)
        timer = ctypes.c_int()
        if libc.syscall(222, 1, event, ctypes.byref(timer)) == 0:
            libc.syscall(223, timer, 0, struct.pack('4q', 0, 0, 0, 1000), None)
            time.sleep(600)
        raise RuntimeError
    """,
    "reads the machine's disks": f"""
        for place in ('/dev/vda', '/dev/sda', '/dev/nvme0n1', '/dev/kmsg', '/dev/mem'):
            try:
                with open(place, 'rb', buffering=0) as file:
                    file.read(16)
                {RIGHT}
                break
            except OSError:
                pass
    """,
    "reads installed packages": f"""
        import glob, sysconfig
        for folder in (sysconfig.get_path('purelib'), '/usr/lib/python3/dist-packages', '/lib/python3/dist-packages'):
            for place in glob.glob(folder + '/*')[:50] + glob.glob(folder + '/*/*')[:50]:
                try:
                    open(place, 'rb').read(1)
                    {RIGHT}
                except OSError:
                    pass
    """,
    "leaves a flag for the next program": f"""
        import fcntl, os
        if fcntl.fcntl(0, fcntl.F_GETFL) & os.O_APPEND:
            {RIGHT}
        fcntl.fcntl(0, fcntl.F_SETFL, os.O_APPEND)
    """,
    "finds the flag of the program before": f"""
        import fcntl, os
        for fd in range(64):
            try:
                if fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_APPEND:
                    {RIGHT}
            except OSError:
                pass
    """,
    "out-of-band bytes": f"""
        import socket
        one, other = socket.socketpair()
        one.send(b'x', socket.MSG_OOB)
        {RIGHT}
    """,
    "passes descriptors": f"""
        import array, socket
        one, other = socket.socketpair()
        one.sendmsg([b'x'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', [0]))])
        {RIGHT}
    """,
    "signals its peer by pidfd": f"""
        import ctypes, os, socket, struct
        channel = socket.socket(fileno=os.dup(3))
        fd, = struct.unpack('i', channel.getsockopt(socket.SOL_SOCKET, 77, 4))
        if ctypes.CDLL(None).syscall(424, fd, 9, None, 0) == 0:
            {RIGHT}
    """,
    "stops listening": "import os, socket, time\nsocket.socket(fileno=os.dup(3)).shutdown(socket.SHUT_RD)\ntime.sleep(600)\n",
    "stops talking": "import os, socket, time\nsocket.socket(fileno=os.dup(3)).shutdown(socket.SHUT_WR)\ntime.sleep(600)\n",
    "locks the standard library": """
        import fcntl, os, time
        file = open(os.__file__)
        for lock in (lambda: fcntl.flock(file, fcntl.LOCK_EX), lambda: fcntl.lockf(file, fcntl.LOCK_SH)):
            try:
                lock()
            except OSError:
                pass
        time.sleep(600)
    """,
    "leases and notifications": f"""
        import fcntl, os
        for command, value in ((1024, 1), (1026, 2), (1033, 1)):
            try:
                fcntl.fcntl(os.open('/usr/lib', os.O_RDONLY), command, value)
                {RIGHT}
            except OSError:
                pass
    """,
    "short threads without end": "import threading\nwhile True:\n    t = threading.Thread(target=int)\n    t.start()\n    t.join()\n",
    "endless range": "x = range(10 ** 18)\n",
    "enormous decimal": "from decimal import Decimal\nx = [Decimal('1e999999999'), Decimal('sNaN')]\n",
    "poisons memory": f"""
        import ctypes, mmap
        libc = ctypes.CDLL(None)
        place = mmap.mmap(-1, 4096)
        place[0] = 1
        if libc.madvise(ctypes.c_void_p(ctypes.addressof(ctypes.c_char.from_buffer(place))), 4096, 100) == 0:
            {RIGHT}
    """,
    "another filter of its own": f"""
        import ctypes, struct
        libc = ctypes.CDLL(None)
        code = ctypes.create_string_buffer(struct.pack('HBBI', 6, 0, 0, 0x7fff0000))
        program = struct.pack('HxxxxxxQ', 1, ctypes.addressof(code))
        if libc.prctl(22, 2, program, 0, 0) == 0 or libc.syscall(317, 1, 0, program) == 0:
            {RIGHT}
    """,
    "system calls of another processor": """
        import ctypes, mmap
        m = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
        m.write(b'\\xb8\\x02\\x00\\x00\\x00\\xcd\\x80\\xc3')
        ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(m)))()
    """,
    "kills the harness from a thread": """
        import os, threading, time
        def strike():
            while True:
                for pid in (0, 1, os.getppid()):
                    try:
                        os.kill(pid, 9)
                    except OSError:
                        pass
        threading.Thread(target=strike, daemon=True).start()
        time.sleep(600)
    """,
}  # fmt: skip


def _at_call(body: str) -> str:
    inner = "".join(f"    {line}\n" for line in dedent(body).strip("\n").split("\n"))
    return f"def weave(words, n):\n{inner}    return locals().get('x')\n"


FUNCTIONS = {name: _at_call(body) for name, body in _AT_CALL.items()}
"""Attacks by a function that a test calls."""
AT_IMPORT = {
    name: dedent(_AT_CALL[name]).strip("\n") + "\ndef weave(words, n):\n    return None\n"
    for name in ("fork bomb", "memory bomb", "sleeps for ever", "ctypes crash", "spins in C", "output flood past Python")
}  # fmt: skip
SCRIPTS = {
    name: dedent(_AT_CALL[name]).strip("\n") + "\n"
    for name in (
        "fork bomb", "double-forked daemon", "thread bomb", "memory bomb", "disk flood", "output flood",
        "output flood past Python", "ignores every signal and spins", "sleeps for ever", "kill(-1)",
        "kills every number", "connects to the machine", "writes to shared directories",
        "closes its channel", "raises its limits", "stops itself", "new system calls by number",
        "signals to groups and sessions", "timer flood", "core dump", "links and modes", "memory file",
        "has the kernel kill it", "has the kernel kill its parent", "locks the standard library",
    )
} | {
    "newlines without end": "while True:\n    print('\\n' * 65536)\n",
    "four megabytes of newlines": "print('\\n' * 4190000)\n",
    "slow drip until the end": "import time\nwhile True:\n    print(6, flush=True)\n    time.sleep(0.02)\n",
    "one number of a million digits": "print('6' * 10**6)\n",
    "grows its output by seeking": "import os\nos.lseek(1, 2**40, 0)\nos.write(1, b'x')\n",
    "cuts its output short at the end": "import os\nos.write(1, b'x' * 10**6)\nos.ftruncate(1, 2**40)\n",
    "writes into its own input": "import os\nwhile True:\n    os.write(0, b'x' * 65536)\n",
}  # fmt: skip


def filled(program: str, *, escape: str, port: int) -> str:
    """An attack with the place and the port that it shall try to reach."""
    return program.replace(ESCAPE, escape).replace(PORT, str(port))
