"""Sandboxes from any thread, loop and process; nothing of them outlives the trainer."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from conftest import ISOLATING, load

sys.path.pop(0)
from rlvr_rewards_code import task as tasks
from rlvr_rewards_code.backends import choice
from rlvr_rewards_code.backends.local import Local
from rlvr_rewards_code.backends.sandbox import Sandbox, SandboxBroken, Setup
from rlvr_rewards_code.job import Job
from rlvr_rewards_code.limits import Limits
from rlvr_rewards_code.pool import Pool, SandboxError, available

from rlvr_ops_core import RewardLoadError

cheats = load("cheats")
RIGHT = cheats.PROMPT + cheats.SOLUTION
SCRIPT = """
    import os, sys, time
    sys.path.insert(0, {tests!r})
    import cheats
    from rlvr_ops_core import Sample
    from rlvr_ops_core.scoring import score
    from rlvr_rewards_code.tests_reward import Tests
    def check(options={{"backend": {backend!r}, "remember": False}}):
        sample = Sample(cheats.PLAIN, cheats.completion(cheats.PROMPT + cheats.SOLUTION))
        return score(Tests, [sample] * 4, options=options)
"""


def job(program=RIGHT, task=cheats.PLAIN, **limits):
    return Job(
        program=program, tests=tasks.tests_of(task.data), limits=Limits(**limits), setup=Setup()
    )


@pytest.fixture
def pool(usable):
    made = Pool(Local(usable("namespaces")), size=2)
    yield made
    made.close()


def script(tmp_path, backend, body):
    """A program of its own that judges; started with a mark that its sandboxes don't inherit."""
    head = SCRIPT.format(tests=str(Path(__file__).parent), backend=backend)
    file = tmp_path / "trainer.py"
    file.write_text(textwrap.dedent(head) + textwrap.dedent(body), encoding="utf-8")
    return [sys.executable, str(file)]


def started_below(pid):
    """All processes that descend from this one."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text(encoding="ascii", errors="replace")
            except OSError:
                continue
            parent = int(stat.rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(entry.name))
    found, todo = [], [pid]
    while todo:
        below = children.get(todo.pop(), [])
        found += below
        todo += below
    return found


def is_alive(pid):
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
@pytest.mark.parametrize("backend", ISOLATING)
def test_nothing_outlives_a_trainer_that_is_killed(backend, end, usable, tmp_path):
    body = """
        check()
        spin = Sample(cheats.PLAIN, cheats.completion("import os\\nwhile True: pass"))
        import threading
        options = {"backend": %r, "remember": False, "cpu_s": 60, "wall_s": 60}
        late = threading.Thread(target=lambda: score(Tests, [spin] * 4, options=options))
        late.daemon = True
        late.start()
        time.sleep(0.5)
        print("ready", flush=True)
        time.sleep(60)
    """
    command = script(tmp_path, usable(backend), body % backend)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as trainer:
        assert trainer.stdout.readline() == "ready\n"
        below = started_below(trainer.pid)
        trainer.send_signal(end)
        trainer.wait(timeout=10)
    contained = backend in ("docker", "gvisor")
    assert contained or len(below) >= 4
    deadline = time.monotonic() + 5
    while any(map(is_alive, below)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert [pid for pid in below if is_alive(pid)] == []
    if contained:
        assert containers_of(trainer.pid) == []


def containers_of(pid):
    import docker

    client = docker.from_env()
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        left = client.api.containers(all=True, filters={"label": f"rlvr-rewards-code={pid}"})
        if not left:
            break
        time.sleep(0.2)
    client.close()
    return left


def test_a_finished_trainer_leaves_nothing(usable, tmp_path):
    body = "assert [v.value for v in check()] == [1.0] * 4\n"
    before = set(started_below(os.getpid()))
    done = subprocess.run(script(tmp_path, usable("namespaces"), body), timeout=60, check=False)
    assert done.returncode == 0
    assert set(started_below(os.getpid())) <= before


def test_a_forked_child_makes_its_own_sandboxes(usable, tmp_path):
    body = """
        assert [v.value for v in check()] == [1.0] * 4
        pid = os.fork()
        values = [v.value for v in check()]
        if pid == 0:
            os._exit(values != [1.0] * 4)
        assert os.waitpid(pid, 0)[1] == 0
        assert values == [1.0] * 4
    """
    command = [*script(tmp_path, usable("namespaces"), body)]
    done = subprocess.run(
        [command[0], "-W", "ignore", command[1]], timeout=60, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()


def test_threads_and_event_loops_share_the_sandboxes(pool):
    outcomes = []

    def in_thread():
        outcomes.append(pool.submit(job(), remember=False).result(timeout=30))

    async def in_loop():
        return await asyncio.gather(
            *(asyncio.wrap_future(pool.submit(job(), remember=False)) for _ in range(8))
        )

    threads = [threading.Thread(target=in_thread) for _ in range(8)]
    for thread in threads:
        thread.start()
    outcomes += asyncio.run(in_loop())
    for thread in threads:
        thread.join()
    assert [outcome.passed for outcome in outcomes] == [True] * 16


def test_equal_jobs_are_judged_once(pool):
    first, second = pool.submit(job()), pool.submit(job())
    assert first is second
    assert first.result(timeout=30).passed


def test_a_job_that_ran_out_of_time_is_not_remembered(pool):
    late = job("def weave(*a):\n    import time\n    time.sleep(60)\n", wall_s=0.5)
    first = pool.submit(late)
    assert first.result(timeout=30).limit == "wall"
    assert pool.submit(late) is not first


def test_a_sandbox_that_dies_is_replaced(pool):
    assert pool.submit(job(), remember=False).result(timeout=30).passed
    for pid in started_below(os.getpid()):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    outcomes = [pool.submit(job(), remember=False).result(timeout=60) for _ in range(4)]
    assert all(outcome.passed for outcome in outcomes)


class Broken:
    """A backend whose sandboxes never start."""

    name = "broken"

    def __init__(self) -> None:
        self.tried = 0

    def unavailable(self) -> str:
        return ""

    def start(self, setup: Setup, use: str, processor: int | None = None) -> Sandbox:
        self.tried += 1
        raise SandboxBroken("no")


def test_a_broken_sandbox_is_tried_twice_and_then_an_error():
    backend = Broken()
    pool = Pool(backend, size=1)
    with pytest.raises(SandboxError, match="broken: no"):
        pool.submit(job()).result(timeout=10)
    assert backend.tried == 2
    pool.close()


@pytest.mark.parametrize(
    ("size", "at_once", "bound"),
    [
        (None, 8 * len(available()), True),
        (None, 1, len(available()) == 1),  # as it comes, with little to do
        (len(available()) + 1, 8 * len(available()), False),
    ],
)
def test_slots_that_all_have_work_have_a_processor_each(size, at_once, bound, usable):
    known = set(started_below(os.getpid()))
    pool = Pool(Local(usable("namespaces")), size=size)
    futures = [pool.submit(job(), remember=False) for _ in range(at_once)]
    assert all(one.result(timeout=60).passed for one in futures)
    used = []
    for pid in set(started_below(os.getpid())) - known:
        with contextlib.suppress(ProcessLookupError):  # it has ended meanwhile
            used.append(os.sched_getaffinity(pid))
    pool.close()
    own = [{one} for one in available()] if bound else [set(available())]
    assert used
    assert all(one in own for one in used)


def test_no_backend_is_a_clear_error(monkeypatch):
    monkeypatch.setattr(choice, "backend_named", lambda name: Missing(name))
    with pytest.raises(RewardLoadError, match="never run without one") as caught:
        choice.choose.__wrapped__("auto")
    for word in ("user namespaces", "dockerd", "Landlock"):
        assert word in caught.value.hint


class Missing:
    """A backend that can't be used here."""

    def __init__(self, name: str) -> None:
        self.name = name

    def unavailable(self) -> str:
        return f"{self.name}: not here"


def test_details_name_the_backend_and_why(usable):
    usable("namespaces")
    lines = list(choice.details())
    assert lines[0] == (
        "backend auto = namespaces: the first of namespaces, docker, seccomp that works here"
    )
