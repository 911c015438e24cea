"""Twenty texts that hang a reward: stopped at the deadline, from anywhere."""

import asyncio
import subprocess
import sys
import threading
import time
from pathlib import Path
from time import perf_counter

import pytest
from rlvr_audit.bench import Ask, Bench
from rlvr_audit.cases import Case
from rlvr_audit.process import RewardProcess
from rlvr_audit.target import Target

REWARD = r"""
import math, re, itertools

def reward(sample):
    kind, _, text = sample.text.partition(" :: ")
    if kind == "eval":
        return float(eval(text) == 1)
    if kind == "loop":
        while True:
            pass
    if kind == "wait":
        import time
        time.sleep(3600)
    return float(re.fullmatch(kind, text) is not None)
"""
STRINGS = {
    "power tower": "eval :: 9**9**9**9",
    "power of ten": "eval :: 10**10**10",
    "factorial": "eval :: math.factorial(10**8)",
    "range": "eval :: sum(range(10**12))",
    "digits": "eval :: len(str(7**(10**8)))",
    "all tuples": "eval :: sum(1 for _ in itertools.product(range(99), repeat=9))",
    "permutations": "eval :: max(itertools.permutations(range(14)))",
    "any": "eval :: any(x < 0 for x in itertools.count())",
    "shift": "eval :: (1 << 10**9) % 7 ** (10**7)",
    "comb": "eval :: math.comb(10**7, 5 * 10**6)",
    "(a+)+": r"(a+)+$ :: " + "a" * 40 + "!",
    "(a|a)*": r"(a|a)*$ :: " + "a" * 40 + "!",
    "(a|aa)+": r"(a|aa)+$ :: " + "a" * 60 + "!",
    "digits in groups": r"(\d+,?)+$ :: " + "1" * 40 + "x",
    "words": r"(\w+\s?)+$ :: " + "word" * 12 + "!",
    "(.*)*": r"(.*)*b :: " + "a" * 40,
    "boxes": r"(\\boxed\{.*?\}\s*)*(?:\\boxed\{.*?\}\s*)*(?:\\boxed\{.*?\}\s*)*(?:\\boxed\{.*?\}\s*)*end :: "
    + "\\boxed{1} " * 400,
    "tags": r"(<\w+>.*?)*(<\w+>.*?)*(<\w+>.*?)*end :: " + "<a>b" * 300,
    "a loop": "loop :: ",
    "a wait": "wait :: ",
}
DEADLINE_S = 0.2
SLACK_S = 5.0
"""For a machine that is busy; `make bench-audit` measures how late it is on an idle one."""


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    file = tmp_path_factory.mktemp("hostile") / "hangs.py"
    file.write_text(REWARD)
    process = RewardProcess(Target(reference=f"{file}:reward"))
    process.ready()
    case = Case(id="1", prompt="?", gold="1", good=("eval :: 1",))
    yield Bench(
        Target(reference=f"{file}:reward"), process, [case], deadline_s=DEADLINE_S, budget_s=1e9
    )
    process.close()


def timed(bench, text, context="main"):
    started = perf_counter()
    (outcome,) = bench.judge([Ask(bench.cases[0], text)], context=context)
    return outcome, perf_counter() - started


def test_there_are_twenty():
    assert len(STRINGS) == 20


def test_reward_judges_what_does_not_hang(bench):
    assert timed(bench, "eval :: 1")[0].value == 1.0


@pytest.mark.slow
@pytest.mark.parametrize("name", STRINGS)
def test_text_is_stopped_in_main_thread_worker_thread_and_asyncio(bench, name):
    """The reward runs in that context, and the audit is called from it."""

    def from_main():
        return timed(bench, STRINGS[name])

    def from_thread():
        found = []
        thread = threading.Thread(
            target=lambda: found.append(timed(bench, STRINGS[name], "thread"))
        )
        thread.start()
        thread.join()
        return found[0]

    def from_loop():
        async def one():
            return timed(bench, STRINGS[name], "asyncio")

        return asyncio.run(one())

    for call in (from_main, from_thread, from_loop):
        outcome, seconds = call()
        assert outcome.status == "timeout", name
        assert seconds < DEADLINE_S + SLACK_S, f"{name}: {seconds:.2f} s"
    assert timed(bench, "eval :: 1")[0].value == 1.0  # the next answer is judged as ever


@pytest.mark.slow
@pytest.mark.parametrize("context", ["main", "thread", "asyncio"])
def test_engine_stops_them_too(context, tmp_path, monkeypatch):
    """The core's engine, from the three contexts: one worker, the deadline of each string its own."""
    from rlvr_ops_core import Sample, Task
    from rlvr_ops_core.scoring import Engine, bind_function

    (tmp_path / "hanging_reward.py").write_text(REWARD)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    import hanging_reward

    bound = bind_function(hanging_reward.reward, {}, timeout_s=DEADLINE_S)
    with Engine(bound, workers=1) as engine:
        engine.start()

        def stopped():
            for name, text in STRINGS.items():
                started = perf_counter()
                (verdict,) = engine.score([Sample(Task("1", "?", "1"), text)])
                assert verdict.status == "timeout", name
                assert perf_counter() - started < DEADLINE_S + SLACK_S, name

        if context == "main":
            stopped()
        elif context == "thread":
            failures = []

            def guarded():
                try:
                    stopped()
                except BaseException as error:  # noqa: BLE001  # carried to the main thread
                    failures.append(error)

            thread = threading.Thread(target=guarded)
            thread.start()
            thread.join()
            assert not failures, failures
        else:

            async def on_loop():
                await asyncio.to_thread(stopped)

            asyncio.run(on_loop())


def test_crash_costs_only_its_row(tmp_path):
    file = tmp_path / "crash.py"
    file.write_text(
        "import os\n\ndef reward(sample):\n    if sample.text == 'x':\n        os._exit(9)\n    return 1.0\n"
    )
    process = RewardProcess(Target(reference=f"{file}:reward"))
    try:
        process.ready()
        case = Case(id="1", prompt="?", gold="1", good=("1",))
        one = Bench(process.target, process, [case], deadline_s=2, budget_s=1e9)
        outcomes = one.judge([Ask(case, text) for text in ("a", "x", "b")])
        assert [outcome.status for outcome in outcomes] == ["ok", "crash", "ok"]
        assert "code 9" in outcomes[1].reason
    finally:
        process.close()


KILLED = """
import os, signal, sys, threading
from rlvr_audit.bench import Ask, Bench
from rlvr_audit.cases import Case
from rlvr_audit.process import RewardProcess
from rlvr_audit.target import Target

target = Target(reference=sys.argv[1])
process = RewardProcess(target)
process.ready()
print(process.process.pid, flush=True)
case = Case(id="1", prompt="?", gold="1", good=("eval :: 1",))
bench = Bench(target, process, [case], deadline_s=600, budget_s=1e9)
bench.judge([Ask(case, "loop :: ")])
"""


def test_nothing_is_left_when_the_audit_is_killed_in_the_middle_of_an_attack(tmp_path):
    file = tmp_path / "hangs.py"
    file.write_text(REWARD)
    command = [sys.executable, "-c", KILLED, f"{file}:reward"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as audit:
        host = int(audit.stdout.readline())
        (child,) = wait_for(lambda: children_of(host))
        audit.kill()
    wait_for(lambda: not is_running(child) and not is_running(host))


def wait_for(what):
    deadline = perf_counter() + 60
    while not (found := what()):
        assert perf_counter() < deadline
        time.sleep(0.05)
    return found


def children_of(pid):
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def is_running(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
