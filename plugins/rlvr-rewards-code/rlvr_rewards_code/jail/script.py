"""The process of one program that reads standard input and writes standard output.

Its streams are memory files that the fork server made: reading, seeking and `open(0)` work, and
nobody waits for anybody. The fork server reads the output when the process is dead.
"""

from __future__ import annotations

import builtins
import io
import json
import os
import random
import sys
import types

from rlvr_rewards_code.jail import program, wire
from rlvr_rewards_code.jail.confine import CHANNEL, Bounds, limit_use


def main(bounds: Bounds) -> None:
    """Run the program that comes through the channel; its exit code says how it went."""
    frames = wire.Frames(CHANNEL)
    kind, payload = frames.read()
    if kind != wire.LOAD:
        return
    job = json.loads(payload)
    _, given = frames.read()
    wire.write(0, given)
    os.lseek(0, 0, os.SEEK_SET)
    room = bounds._replace(file_bytes=max(bounds.file_bytes, job["output_bytes"]))
    limit_use(room, cpu_s=job["cpu_s"], memory_mb=job["memory_mb"])
    os._exit(run(job["program"], ["solution.py", *job.get("arguments", [])]))


def run(source: str, arguments: list[str]) -> int:
    """Run a program to its end, threads included; gives the exit code Python itself would give."""
    module = types.ModuleType("__main__")
    module.__file__ = "solution.py"
    sys.modules["__main__"] = module
    sys.modules.pop(program.NAME, None)
    sys.argv = arguments
    sys.stdin = sys.__stdin__ = io.TextIOWrapper(io.FileIO(0, closefd=False), encoding="utf-8")  # type: ignore[misc]
    for number, name in ((1, "stdout"), (2, "stderr")):
        raw = io.BufferedWriter(io.FileIO(number, "w", closefd=False))
        stream = io.TextIOWrapper(raw, encoding="utf-8", errors="backslashreplace")
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)
    vars(builtins).update(exit=sys.exit, quit=sys.exit)  # `site` would have made them
    random.seed(0)
    try:
        exec(compile(source, "solution.py", "exec", dont_inherit=True), module.__dict__)  # noqa: S102  # what this process is for
        code = 0
    except SystemExit as exit_:
        code = _code(exit_.code)
    except BaseException:  # noqa: BLE001  # whatever the program raises ends it with code 1
        sys.excepthook(*sys.exc_info())
        code = 1
    return _finish(code)


def _code(given: object) -> int:
    if given is None:
        return 0
    if isinstance(given, int):
        return given & 0xFF
    print(given, file=sys.stderr)  # noqa: T201  # as Python does
    return 1


def _finish(code: int) -> int:
    """What Python does at its end: wait for threads, run atexit, flush."""
    import atexit
    import threading

    try:
        threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
    except BaseException:  # noqa: BLE001  # a full output, a broken stream
        return code or 1
    return code


def warm() -> None:
    """Nothing to do ahead: `program` has loaded what scripts need too."""
