"""Every limit is a verdict with its reason; limits follow the reference, not the machine."""

# ruff: noqa: E501  # a row is one program
from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from conftest import load

sys.path.pop(0)
from rlvr_ops_core import Task

cheats = load("cheats")

HIT = {
    "cpu": ("while True: pass", {"cpu_s": 1, "wall_s": 20}, "processor time"),
    "wall": ("import time\n    time.sleep(60)", {"wall_s": 1}, "over its time"),
    "memory": ("return bytearray(10**9)", {"memory_mb": 64}, "MemoryError"),
    "answer": ("return 'x' * 10**6", {"answer_kb": 100}, "more than 100 KB"),
}


@pytest.mark.parametrize("limit", HIT)
def test_a_limit_that_is_hit_fails_with_its_reason(limit, judge, usable):
    body, options, words = HIT[limit]
    program = f"def weave(words, n):\n    {body}\n"
    (verdict,) = judge([(cheats.PLAIN, program)], backend=usable("namespaces"), **options)
    assert (verdict.status, verdict.value) == ("ok", 0.0)
    assert verdict.info["limit"] == limit
    assert words in verdict.reason


def test_a_script_that_prints_too_much_fails(judge, usable):
    flood = (cheats.SUM, "print('x' * 10**6)\n")
    (verdict,) = judge([flood], backend=usable("namespaces"), output_kb=100)
    assert verdict.info["limit"] == "output"


def test_threads_are_bounded(judge, usable):
    program = "import threading\ndef weave(w, n):\n    e = threading.Event()\n    [threading.Thread(target=e.wait, daemon=True).start() for _ in range(200)]\n"
    (verdict,) = judge([(cheats.PLAIN, program)], backend=usable("namespaces"), threads=8)
    assert "can't start new thread" in verdict.reason


def test_a_slow_reference_gives_programs_more_time(judge, usable):
    slow = "def weave(words, n):\n    for _ in range({}): pass\n    text = ''.join(words)[::n]\n    return [text, sum(c in 'aeiou' for c in text)]\n"
    data = {**cheats.PLAIN.data, "reference": slow.format(10**7)}
    task = Task(id="slow", prompt="", data=data)
    options = {"backend": usable("namespaces"), "cpu_s": 1, "wall_s": 30}
    first, second = judge(
        [(task, slow.format(3 * 10**7)), (cheats.PLAIN, slow.format(10**9))], **options
    )
    assert first.value == 1.0
    assert second.info["limit"] == "cpu"


def test_one_slow_test_fails_alone_with_partial_credit(judge, usable):
    data = {"tests": ["assert f(1) == 1", "assert f(2) == 2", "assert f(3) == 3"], "names": ["f"]}
    program = "def f(x):\n    while x == 2: pass\n    return x\n"
    options = {"backend": usable("namespaces"), "credit": "share", "test_s": 0.5}
    (verdict,) = judge([(Task(id="t", prompt="", data=data), program)], **options)
    assert verdict.value == pytest.approx(2 / 3)
    assert [row["share"] for row in verdict.info["tests"]] == [1.0, 0.0, 1.0]


def test_a_crash_in_one_test_leaves_credit_for_the_others(judge, usable):
    data = {"tests": ["assert f(1) == 1", "assert f(2) == 2", "assert f(3) == 3"], "names": ["f"]}
    program = "import os\ndef f(x):\n    if x == 1: os._exit(0)\n    return x\n"
    (verdict,) = judge(
        [(Task(id="t", prompt="", data=data), program)],
        backend=usable("namespaces"),
        credit="share",
    )
    assert verdict.value == pytest.approx(2 / 3)
    assert "exit code 0" in verdict.info["tests"][0]["reason"]


def test_a_disk_is_given_on_request_and_is_empty_for_the_next(judge, usable):
    program = "import os\nassert 'x' not in os.listdir('/tmp')\ndef weave(words, n):\n    open('/tmp/x', 'w').write('kept')\n    assert open('/tmp/x').read() == 'kept'\n    text = ''.join(words)[::n]\n    return [text, sum(c in 'aeiou' for c in text)]\n"
    pairs = [(cheats.PLAIN, program)] * 3
    verdicts = judge(pairs, backend=usable("namespaces"), disk_mb=4, slots=1)
    assert [(verdict.value, verdict.info.get("error")) for verdict in verdicts] == [(1.0, None)] * 3


def test_processes_are_allowed_on_request_and_gone_after(judge, usable):
    program = "import os\ndef weave(words, n):\n    r, w = os.pipe()\n    if os.fork() == 0:\n        text = ''.join(words)[::n]\n        os.write(w, repr([text, sum(c in 'aeiou' for c in text)]).encode())\n        os._exit(0)\n    os.wait()\n    return eval(os.read(r, 1000))\n"
    verdicts = judge([(cheats.PLAIN, program)] * 2, backend=usable("namespaces"), processes=4)
    assert [verdict.value for verdict in verdicts] == [1.0] * 2
    (refused,) = judge([(cheats.PLAIN, program)], backend="namespaces")
    assert refused.value == 0.0


SHARES = {
    "a loop that is drawn out earns no more": (
        "    for x in candidate(3):\n        assert isinstance(x, int)\n    assert candidate(3) == [3, 2, 1]\n    assert candidate(0) == []\n",
        "def f(n):\n    return [0] * 1000\n",
        1 / 3,
    ),
    "each round of a loop counts": (
        "    for n, m in ((1, 1), (2, 4), (3, 9), (4, 16)):\n        assert candidate(n) == m\n    assert candidate(0) == 0\n",
        "def f(n):\n    return n * n if n < 3 else 0\n",
        (2 / 4 + 1) / 2,
    ),
    "what a right program does not reach is no loss": (
        "    assert True, 'always'\n    if candidate(1) == 1:\n        assert candidate(2) == 2\n    else:\n        assert candidate(2) == 3\n",
        "def f(n):\n    return n\n",
        1.0,
    ),
    "what comes after a crash is a loss": (
        "    assert candidate(1) == 1\n    assert candidate(2) == 2\n    assert candidate(3) == 3\n",
        "import os\ndef f(n):\n    if n > 1: os._exit(0)\n    return n\n",
        1 / 3,
    ),
}


@pytest.mark.parametrize("case", SHARES)
def test_partial_credit_is_the_share_of_the_assertions(case, judge, usable):
    body, program, share = SHARES[case]
    task = Task(
        id="t", prompt="", data={"tests": f"def check(candidate):\n{body}", "entry_point": "f"}
    )
    (verdict,) = judge([(task, program)], backend=usable("namespaces"), credit="share")
    assert verdict.value == pytest.approx(share)
    assert verdict.components["passed"].value == float(share == 1.0)
