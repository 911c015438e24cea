"""Whatever a reward does becomes a verdict on its own row, in time, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from echo_plugin import TASK, bound, samples

from rlvr_ops_core import RewardLoadError, Sample, Score, reward
from rlvr_ops_core.scoring import BoundReward, Engine, score

SLACK_S = 0.5

# completion, status, what the reason says
FAILURES = [
    ("raise", "error", "ValueError: as the completion asked"),
    ("nan", "error", "nan is outside the declared range [0, 1]"),
    ("inf", "error", "inf is outside the declared range [0, 1]"),
    ("none", "abstain", ""),
    ("range", "error", "2.0 is outside the declared range [0, 1]"),
    ("string", "error", "not str 'high'"),
    ("list", "error", "not list [1.0]"),
    ("recurse", "error", "RecursionError"),
    ("memory", "error", "MemoryError"),
    ("exit", "error", "SystemExit: 3"),
    ("interrupt", "error", "exited"),
    ("os_exit", "error", "exited with code 3"),
    ("segfault", "error", "SIGSEGV"),
    ("hang", "timeout", "over its deadline of 1 s"),
    ("spin", "timeout", "over its deadline of 1 s"),
]


def children_of(pid: int) -> set[int]:
    """All descendants of a process that are still there."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text()
            except OSError:
                continue
            fields = stat.rpartition(")")[2].split()
            if fields[0] != "Z":
                parents[int(entry.name)] = int(fields[1])
    found: set[int] = set()
    while more := {child for child, parent in parents.items() if parent in found | {pid}} - found:
        found |= more
    return found


def wait_until_gone(pids: set[int], limit_s: float = 5.0) -> set[int]:
    """Those of the processes that are still there after the limit."""
    end = time.monotonic() + limit_s
    while time.monotonic() < end and any(Path(f"/proc/{pid}").exists() for pid in pids):
        time.sleep(0.02)
    return {pid for pid in pids if Path(f"/proc/{pid}").exists()}


@pytest.mark.parametrize(("text", "status", "reason"), FAILURES)
def test_a_failure_is_a_verdict_on_its_own_row(text: str, status: str, reason: str) -> None:
    with Engine(bound("nasty"), workers=2) as engine:
        engine.start()
        started = time.monotonic()
        before, failed, after = engine.score(samples("2", text, "2"))
        assert time.monotonic() - started < 1.0 + SLACK_S
    assert (failed.value, failed.status) == (None, status)
    assert reason in failed.reason
    assert (before.value, before.status) == (1.0, "ok")
    assert (after.value, after.status) == (1.0, "ok")
    assert failed.ref == before.ref


def test_many_failures_at_once_cost_only_their_own_rows() -> None:
    texts = [text for text, _, _ in FAILURES for _ in range(2)]
    mixed = [text for pair in zip(texts, ["2"] * len(texts), strict=True) for text in pair]
    with Engine(bound("nasty"), workers=4) as engine:
        verdicts = engine.score(samples(*mixed))
    expected = {text: status for text, status, _ in FAILURES} | {"2": "ok"}
    assert [verdict.status for verdict in verdicts] == [expected[text] for text in mixed]


def test_a_hang_is_stopped_at_its_deadline_from_a_worker_thread_and_from_asyncio() -> None:
    with Engine(bound("nasty", timeout_s=0.3), workers=1) as engine:
        engine.start()
        results: list[tuple[str, float]] = []

        def judge() -> None:
            started = time.monotonic()
            (verdict,) = engine.score(samples("spin"))
            results.append((verdict.status, time.monotonic() - started))

        thread = threading.Thread(target=judge)
        thread.start()
        thread.join()

        async def judge_async() -> None:
            started = time.monotonic()
            (verdict,) = await engine.score_async(samples("spin"))
            results.append((verdict.status, time.monotonic() - started))

        asyncio.run(judge_async())
    for status, seconds in results:
        assert status == "timeout"
        assert seconds < 0.3 + SLACK_S


def test_waiting_in_the_queue_does_not_count_against_the_deadline() -> None:
    """Ten samples of 0.2 s on one worker take 2 s in all, each far below 1.5 s."""
    with Engine(bound("nasty", timeout_s=1.5), workers=1) as engine:
        verdicts = engine.score(samples(*["slow"] * 10))
    assert [verdict.status for verdict in verdicts] == ["ok"] * 10


def test_no_worker_is_left_when_the_engine_is_closed() -> None:
    others = children_of(os.getpid())
    with Engine(bound("nasty"), workers=3) as engine:
        engine.score(samples("2", "spin", "2", "segfault"))
        family = children_of(os.getpid()) - others
        assert len(family) >= 2
    assert not wait_until_gone(family)


KILLED_PARENT = """
import sys, threading, time
sys.path.insert(0, {tests!r})
from echo_plugin import bound, samples
from rlvr_ops_core.scoring import Engine
engine = Engine(bound("nasty", timeout_s=60), workers=2)
engine.start()
threading.Thread(target=engine.score, args=(samples("spin", "hang"),), daemon=True).start()
time.sleep(0.5)
print("ready", flush=True)
time.sleep(60)
"""


def test_no_worker_is_left_when_the_engine_is_killed() -> None:
    code = KILLED_PARENT.format(tests=str(Path(__file__).parent))
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"ready\n"
        family = children_of(parent.pid)
        assert len(family) == 3, "a zygote and two busy workers"
        parent.send_signal(signal.SIGKILL)
        parent.wait()
        assert not wait_until_gone(family)


def test_a_killed_zygote_is_started_again() -> None:
    others = children_of(os.getpid())
    with Engine(bound("nasty"), workers=1) as engine:
        engine.score(samples("2"))
        zygotes = children_of(os.getpid()) - others
        for pid in zygotes:
            os.kill(pid, signal.SIGKILL)
        assert not wait_until_gone(zygotes - {min(zygotes)})
        assert engine.score(samples("2", "3"))[0].value == 1.0


def test_what_a_reward_prints_stays_out_of_stdout(capfd: pytest.CaptureFixture[str]) -> None:
    with Engine(bound("nasty"), workers=1) as engine:
        assert engine.score(samples("noisy"))[0].status == "ok"
    assert capfd.readouterr().out == ""


def test_threads_share_an_engine() -> None:
    with Engine(bound("nasty"), workers=2) as engine:
        verdicts: dict[int, list[float | None]] = {}

        def judge(number: int) -> None:
            texts = ["2" if index % (number + 2) else "3" for index in range(40)]
            verdicts[number] = [verdict.value for verdict in engine.score(samples(*texts))]

        threads = [threading.Thread(target=judge, args=(number,)) for number in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    for number, values in verdicts.items():
        assert values == [1.0 if index % (number + 2) else 0.0 for index in range(40)]


def test_a_batch_of_the_wrong_length_is_an_error_on_every_row() -> None:
    with Engine(bound("batch"), workers=1) as engine:
        short = engine.score(samples("2", "short", "2"))
        right = engine.score(samples("2", "3"))
    assert [verdict.status for verdict in short] == ["error"] * 3
    assert short[0].reason == "2 results for 3 samples"
    assert [verdict.value for verdict in right] == [1.0, 0.0]


def test_a_group_is_judged_together_wherever_its_rows_stand() -> None:
    rows = [
        Sample(TASK, "2", group="a"),
        Sample(TASK, "2", group="b"),
        Sample(TASK, "2", group="a"),
        Sample(TASK, "hang", group="c"),
        Sample(TASK, "3", group="b"),
    ]
    with Engine(bound("group"), workers=2) as engine:
        verdicts = engine.score(rows)
    assert [verdict.value for verdict in verdicts] == [0.5, 1.0, 0.5, None, 0.0]
    assert verdicts[3].status == "timeout"


def test_a_group_reward_refuses_samples_without_a_group() -> None:
    with Engine(bound("group")) as engine, pytest.raises(ValueError, match=r"Sample\.group"):
        engine.score(samples("2"))


def test_async_rewards_wait_at_the_same_time() -> None:
    with Engine(bound("judge", delay_s=0.3)) as engine:
        started = time.monotonic()
        verdicts = engine.score(samples(*["2"] * 20))
        seconds = time.monotonic() - started
    assert [verdict.value for verdict in verdicts] == [1.0] * 20
    assert seconds < 20 * 0.3 / 4


def test_async_failures_stay_on_their_rows() -> None:
    with Engine(bound("judge")) as engine:
        verdicts = engine.score(samples("2", "hang", "raise", "none", "nan", "3"))
    assert [verdict.status for verdict in verdicts] == [
        "ok",
        "timeout",
        "error",
        "abstain",
        "error",
        "ok",
    ]


def test_an_async_reward_that_blocks_its_loop_is_given_up_alone() -> None:
    with Engine(bound("judge", timeout_s=0.4)) as engine:
        verdicts = engine.score(samples("2", "slow", "spin", "2"))
        again = engine.score(samples("2"))
    assert [verdict.status for verdict in verdicts] == ["ok", "ok", "timeout", "ok"]
    assert again[0].value == 1.0


@reward(inline=True)
def nasty_inline(sample: Sample) -> object:
    """Misbehave as far as it is survivable in this process."""
    if sample.text == "exit":
        raise SystemExit(3)
    if sample.text == "base":
        raise BaseException("like math-verify's timeout")  # noqa: TRY002
    if sample.text == "huge":
        return 10**400
    return {"nan": float("nan"), "str": "1", "ok": True, "array": [1.0]}[sample.text]


def test_inline_failures_are_verdicts_too() -> None:
    texts = ["exit", "base", "huge", "nan", "str", "array", "missing", "ok"]
    verdicts = score(nasty_inline, samples(*texts))
    assert [verdict.status for verdict in verdicts] == ["error"] * 7 + ["ok"]
    assert "KeyError" in verdicts[6].reason
    assert "nasty_inline" in verdicts[6].info["traceback"]


@reward(inline=True)
def interrupted(sample: Sample) -> float:
    """As if Ctrl-C were pressed at this moment."""
    raise KeyboardInterrupt


def test_ctrl_c_is_no_verdict() -> None:
    with pytest.raises(KeyboardInterrupt):
        score(interrupted, samples("2"))


@reward(components=("right", "brief"), inline=True)
def with_parts(sample: Sample) -> Score | None:
    """Name one part; the other one is declared."""
    match sample.text:
        case "undeclared":
            return Score(1.0, components={"other": 1.0})
        case "nan":
            return Score(1.0, components={"right": float("nan")})
        case "none":
            return None
    return Score(0.5, components={"right": 1.0}, info={"reason": "half"})


def test_declared_components_are_always_there() -> None:
    named, undeclared, nan, none = score(with_parts, samples("named", "undeclared", "nan", "none"))
    assert {name: part.value for name, part in named.components.items()} == {
        "right": 1.0,
        "brief": None,
    }
    assert (named.value, named.reason) == (0.5, "half")
    assert "not declared" in undeclared.reason
    assert "must be a finite number" in nan.reason
    assert set(none.components) == {"right", "brief"}


def half(sample: Sample, *, share: float = 0.5) -> float:
    """Always the same; without the decorator, so it runs in a worker."""
    return share


def test_a_plain_function_of_a_module_runs_in_a_worker() -> None:
    verdicts = score(half, samples("2"), options={"share": 0.25})
    assert verdicts[0].value == 0.25


def test_a_function_that_no_worker_could_import_is_refused_with_a_way_out() -> None:
    with pytest.raises(RewardLoadError, match="inline=True"):
        score(lambda sample: 1.0, samples("2"))


def test_a_reward_pickles_as_its_recipe() -> None:
    original = bound("parts", limit=3)
    copy = pickle.loads(pickle.dumps(original))
    assert isinstance(copy, BoundReward)
    assert copy.ref == original.ref
    assert copy.judge(samples("22222"))[0].value == 0.0


def test_the_reference_names_reward_version_and_options() -> None:
    name, _, rest = bound("parts", limit=3).ref.partition("@")
    version, _, options = rest.partition("#")
    assert name == "rlvr_echo/parts"
    assert version.startswith("file-")
    assert len(options) == 8
    assert bound("parts", limit=4).ref != bound("parts", limit=3).ref
    assert bound("parts", limit=10).ref == bound("parts").ref, "10 is the default"


def test_a_reward_that_does_not_load_says_why(tmp_path: Path) -> None:
    file = tmp_path / "fragile.py"
    file.write_text(
        "import rlvr_ops_core as rlvr\n"
        "@rlvr.reward(preload=('no_such_module',))\n"
        "def f(sample): return 1.0\n"
        "@rlvr.hookimpl\n"
        "def rlvr_rewards(): return {'f': f}\n"
    )
    from rlvr_ops_core.plugins import Plugins
    from rlvr_ops_core.scoring import bind_component

    component = Plugins.discover(files=[file], only=[]).find("reward", "fragile/f")
    others = children_of(os.getpid())
    engine = Engine(bind_component(component, {}))
    with engine, pytest.raises(RewardLoadError, match="no_such_module"):
        engine.start()
    assert children_of(os.getpid()) <= others


def test_the_fast_path_decides_first_and_leaves_the_rest_to_a_worker(tmp_path: Path) -> None:
    file = tmp_path / "quick.py"
    file.write_text(
        "import os\n"
        "import rlvr_ops_core as rlvr\n"
        "def fast(sample, *, base=0.0):\n"
        "    if sample.text == 'boom': raise ValueError('fast broke')\n"
        "    if sample.text == 'hard': return rlvr.UNDECIDED\n"
        "    return rlvr.Score(1.0, info={'pid': os.getpid()})\n"
        "@rlvr.reward(fast=fast)\n"
        "def full(sample, *, base=0.0): return rlvr.Score(base, info={'pid': os.getpid()})\n"
        "@rlvr.hookimpl\n"
        "def rlvr_rewards(): return {'full': full}\n"
    )
    from rlvr_ops_core.plugins import Plugins
    from rlvr_ops_core.scoring import bind_component

    component = Plugins.discover(files=[file], only=[]).find("reward", "quick/full")
    with Engine(bind_component(component, {"base": 0.5})) as engine:
        easy, hard, boom = engine.score(samples("easy", "hard", "boom"))
    assert (easy.value, easy.info["pid"]) == (1.0, os.getpid())
    assert hard.value == 0.5
    assert hard.info["pid"] != os.getpid()
    assert boom.status == "error"


def test_a_memory_limit_costs_the_row_that_breaks_it(tmp_path: Path) -> None:
    file = tmp_path / "greedy.py"
    file.write_text(
        "import rlvr_ops_core as rlvr\n"
        "@rlvr.reward(memory_mb=512)\n"
        "def eat(sample): return float(len(bytearray(int(sample.text) * 2**20)) > 0)\n"
        "@rlvr.hookimpl\n"
        "def rlvr_rewards(): return {'eat': eat}\n"
    )
    from rlvr_ops_core.plugins import Plugins
    from rlvr_ops_core.scoring import bind_component

    component = Plugins.discover(files=[file], only=[]).find("reward", "greedy/eat")
    with Engine(bind_component(component, {}), workers=1) as engine:
        verdicts = engine.score(samples("1", "4000", "2"))
    assert [verdict.status for verdict in verdicts] == ["ok", "error", "ok"]
    assert "MemoryError" in verdicts[1].reason


SCRIPT = """
from rlvr_ops_core import Sample, Task
from rlvr_ops_core.scoring import score
def exact(sample): return sample.final == sample.task.answer
def main(): print(score(exact, [Sample(Task("1", "", "2"), "2")])[0].value)
"""


def run_script(folder: Path, last_lines: str) -> subprocess.CompletedProcess[str]:
    script = folder / "script.py"
    script.write_text(SCRIPT + last_lines)
    command = [sys.executable, str(script)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_a_reward_may_stand_in_a_script(tmp_path: Path) -> None:
    done = run_script(tmp_path, "if __name__ == '__main__': main()\n")
    assert (done.stdout, done.returncode) == ("1.0\n", 0), done.stderr


def test_a_script_without_a_guard_is_told_so_and_starts_no_endless_chain(tmp_path: Path) -> None:
    done = run_script(tmp_path, "main()\n")
    assert done.returncode == 1
    assert "if __name__ == " in done.stderr


def test_equal_answers_to_one_task_are_judged_once_where_the_reward_allows_it(
    tmp_path: Path,
) -> None:
    file = tmp_path / "counting.py"
    file.write_text(
        "import rlvr_ops_core as rlvr\n"
        "calls = []\n"
        "@rlvr.reward(remember=True)\n"
        "def count(sample):\n"
        "    calls.append(sample.text)\n"
        "    if sample.text == 'bad' and len(calls) < 3: raise ValueError('once')\n"
        "    return rlvr.Score(1.0, info={'calls': len(calls)})\n"
        "@rlvr.hookimpl\n"
        "def rlvr_rewards(): return {'count': count}\n"
    )
    from rlvr_ops_core import Task
    from rlvr_ops_core.plugins import Plugins
    from rlvr_ops_core.scoring import bind_component

    component = Plugins.discover(files=[file], only=[]).find("reward", "counting/count")
    other = Task(TASK.id, TASK.prompt, answer="another gold")
    with Engine(bind_component(component, {}), workers=1) as engine:
        first = engine.score(samples("2", "2", "bad"))
        second = engine.score([*samples("2", "bad"), Sample(other, "2")])
    assert [verdict.info.get("calls") for verdict in first] == [1, 1, None]
    assert [verdict.info.get("calls") for verdict in second] == [1, 3, 4]
