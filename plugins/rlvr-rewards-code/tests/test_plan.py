"""Calls that are sent ahead: the rehearsal finds them, and a wrong plan changes no verdict."""

# ruff: noqa: E501  # a row is one test

from __future__ import annotations

import marshal
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from conftest import load

sys.path.pop(0)
from rlvr_rewards_code.jail.names import defines_function, stored_at_top
from rlvr_rewards_code.jail.plan import fixed
from rlvr_rewards_code.jail.reading import read

from rlvr_ops_core import Task

cheats = load("cheats")

CHECKS = {
    "in a straight line": ("assert c(1) == 2\nassert c(a=[1]) != 3", [((1,), {}), ((), {"a": [1]})]),
    "in a loop": ("for i in range(3):\n    assert c(i) < i", [((0,), {}), ((1,), {}), ((2,), {})]),
    "near a number": ("assert abs(c(1) - 2.5) < 1e-6\nassert c(2)", [((1,), {}), ((2,), {})]),
    "as they were": ("x = [1]\nassert c(x) == 2\nx.append(2)\nassert c(x) == 3", [(([1],), {}), (([1, 2],), {})]),
    "by random numbers": ("import random\nassert c(random.random()) > 0", [((0.8444218515250481,), {})]),
    # more than a comparison is wanted of the answer: from there on, the text says what is certain
    "of a length": ("assert len(c(1)) == 2\nassert sorted(c([2])) == [1]", [((1,), {}), (([2],), {})]),
    "that should be false": ("assert not c(1)\nassert c(2) is False", [((1,), {}), ((2,), {})]),
    "of an answer": ("assert c(c(1)) == 2", []),
    "of a bytearray": ("assert c(bytearray(b'a')) == 2", []),
}  # fmt: skip


def reading(check, **job):
    body = "\n".join(f"    {line}" for line in check.splitlines())
    job = {"tests": f"def check(c):\n{body}\n", "entry": "f", "names": (), "setup": "", **job}
    return read({"reference": "", "module": "solution", "share": False, **job})


@pytest.mark.parametrize("check", CHECKS)
def test_the_calls_of_a_check_are_known(check):
    text, calls = CHECKS[check]
    planned = [marshal.loads(one) for one in reading(text).plan("f").calls]
    assert planned == [("f", arguments, named) for arguments, named in calls]


@pytest.mark.parametrize(
    "check",
    [
        "while c(1) == 1: pass",
        "x = c(1)\nwhile x: x = x + 1",
        "while True:\n    try:\n        c(1)\n    except Exception:\n        pass",
    ],
)
def test_no_rehearsal_is_endless(check):
    assert len(reading(check).plan("f").calls) <= 1000


def test_a_rehearsal_that_takes_long_ends():
    started = time.monotonic()
    assert reading("n = 0\nwhile n >= 0: n += 1").plan("f").calls == ()
    assert time.monotonic() - started < 5


def test_equal_calls_are_of_the_same_types():
    calls = [(1,), (True,), (1.0,), (-0.0,), (0.0,), ([1],), ((1,),), ("a",), (b"a",), ({1},)]
    assert len({fixed("f", one, {}) for one in calls}) == len(calls)
    assert fixed("f", ["a" * 3], {}) == fixed("f", (str(b"aaa", "ascii"),), {})


def test_what_code_defines_is_told_from_its_compiled_form():
    code = compile("import os\nX = 1\ndef check(c): y = X\nprint(Z)\nclass A: pass", "t", "exec")
    assert stored_at_top(code) == {"os", "X", "check", "A"}
    assert defines_function(code, "check")
    assert not defines_function(code, "A")
    many = "\n".join(f"x{i} = 1" for i in range(300))
    assert stored_at_top(compile(many, "t", "exec")) == frozenset()  # none for certain


SECRET = "def f(n, seen=[]):\n    seen.append(n)\n    return len(seen)\n"
DEPENDING = {
    "another call than was planned": "def check(c):\n    if c(1) != 1:\n        c(8)\n    assert c(9) == 2\n",
    "fewer calls than were planned": "def check(c):\n    assert c(1) == 1\n    if c(2) < 2:\n        c(3)\n    assert c(4) == 3\n",
    "a loop that ends with the answer": "def check(c):\n    n = 0\n    while c(n) < 5:\n        n += 1\n    assert n == 4\n",
}  # fmt: skip


@pytest.mark.parametrize("tests", DEPENDING)
def test_a_wrong_plan_changes_no_verdict(tests, judge, usable):
    data = {**cheats.PLAIN.data, "tests": DEPENDING[tests], "entry_point": "f", "reference": SECRET}
    task = Task(id=tests, prompt="", data={k: v for k, v in data.items() if k != "names"})
    wrong = SECRET.replace("len(seen)", "len(seen) + 1")
    right, not_right, again = judge(
        [(task, SECRET), (task, wrong), (task, SECRET)], backend=usable("namespaces")
    )
    assert (right.value, not_right.value, again.value) == (1.0, 0.0, 1.0), right.reason
