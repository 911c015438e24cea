"""Every attack ends without a reward, without a trace, and without harm to the next program."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from conftest import ISOLATING, load

sys.path.pop(0)
cheats, attacks = load("cheats"), load("attacks")
QUICK = (
    "fork bomb", "double-forked daemon", "memory bomb in one go", "disk flood",
    "giant frame header",
    "kills every number", "ptrace", "/proc of others", "connects to the machine", "links and modes",
    "reads secrets", "rare system calls", "ctypes crash", "compiler bomb", "becomes root",
)  # fmt: skip
PLACES = ("/tmp/rlvr-left", "/dev/shm/rlvr-left", "/var/tmp/rlvr-left", "/tmp/rlvr-flood")
RIGHT = (cheats.PLAIN, cheats.PROMPT + cheats.SOLUTION)
ALL = (
    [(cheats.PLAIN, name, one) for name, one in attacks.FUNCTIONS.items()]
    + [(cheats.PLAIN, f"import: {name}", one) for name, one in attacks.AT_IMPORT.items()]
    + [(cheats.SUM, f"script: {name}", one) for name, one in attacks.SCRIPTS.items()]
)


def run(table, backend, judge, listener, tmp_path):
    """Judge attacks and a right program in turn, on two slots; gives what went wrong."""
    tmp_path.chmod(0o777)
    port = listener.getsockname()[1]
    pairs, names = [], []
    for number, (task, name, program) in enumerate(table):
        escape = str(tmp_path / f"escape-{number}")
        pairs += [(task, attacks.filled(program, escape=escape, port=port)), RIGHT]
        names += [name, f"the program after: {name}"]
    verdicts = judge(pairs, backend=backend, cpu_s=1, wall_s=1.5, slots=2)
    wrong = [
        (name, verdict.status, verdict.value, verdict.reason[:200])
        for index, (name, verdict) in enumerate(zip(names, verdicts, strict=True))
        if verdict.value != float(index % 2)
    ]
    wrong += [("left", str(place)) for place in tmp_path.iterdir()]
    wrong += [("left", place) for place in PLACES if Path(place).exists()]
    try:
        listener.accept()
    except TimeoutError:
        return wrong
    return [*wrong, ("reached", "the machine's network")]


@pytest.mark.parametrize("backend", ISOLATING)
def test_quick_attacks_are_stopped(backend, judge, usable, listener, tmp_path):
    table = [one for one in ALL if one[1] in QUICK]
    assert run(table, usable(backend), judge, listener, tmp_path) == []


@pytest.mark.slow
@pytest.mark.parametrize("backend", ISOLATING[:3])
def test_every_attack_is_stopped(backend, judge, usable, listener, tmp_path):
    assert len(ALL) >= 38
    assert run(ALL, usable(backend), judge, listener, tmp_path) == []


def test_a_sleeper_is_stopped_at_its_time(judge, usable):
    usable("namespaces")
    started = time.monotonic()
    program = attacks.FUNCTIONS["sleeps for ever"]
    (verdict,) = judge([(cheats.PLAIN, program)], backend="namespaces", wall_s=1.0, slots=1)
    assert verdict.value == 0.0
    assert verdict.info["limit"] == "wall"
    assert time.monotonic() - started < 5.0
