"""The parent of several processes, with an engine that needs no torch: who ends, and how."""

import os
import signal
import subprocess
import sys
import time
from multiprocessing.connection import Listener
from pathlib import Path

import pytest
from rlvr_trainer_grpo.launch import hub
from rlvr_trainer_grpo.launch.engines import WORKER, command
from rlvr_trainer_grpo.launch.hub import train_in_processes
from rlvr_trainer_grpo.launch.protocol import environment

from rlvr_ops_core import ErrorBudgetExceeded, Launch, PluginError, RunError, Sample, StopRun

ENGINE = """
import os, subprocess, sys
size, restarts = int(sys.argv[1]), int(sys.argv[2])
for attempt in range(restarts + 1):
    world = [
        subprocess.Popen(
            [sys.executable, "-m", {worker!r}],
            env=os.environ | {{"RANK": str(rank), "WORLD_SIZE": str(size)}},
        )
        for rank in range(size)
    ]
    if not any([one.wait() for one in world]):
        sys.exit(0)
sys.exit(1)
"""


@pytest.fixture
def train(make_job, tmp_path, monkeypatch):
    """Runs one of the trainers below in processes that a plain script starts."""
    file = tmp_path / "engine.py"
    file.write_text(ENGINE.format(worker=WORKER))
    monkeypatch.setattr(hub, "locate", str)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))

    def run(trainer, *, size=2, processes=2, restarts=1, **fields):
        argv = [sys.executable, str(file), str(size), str(restarts)]
        monkeypatch.setattr(hub, "command", lambda _launch: argv)
        job = make_job(**fields)
        launch = Launch(engine="torchrun", processes=processes, restarts=restarts)
        try:
            train_in_processes(trainer, job, {"folder": str(tmp_path)}, launch)
        finally:
            assert_nothing_is_left(tmp_path)
        return job

    return run


def assert_nothing_is_left(folder):
    deadline = time.monotonic() + 60
    while left := [file for file in folder.glob("pid-*") if is_running(*file.read_text().split())]:
        assert time.monotonic() < deadline, left
        time.sleep(0.05)


def is_running(pid, started):
    """Whether it is that very process, and not a later one with its number."""
    found = state_and_start(pid)
    return found is not None and found[0] != "Z" and found[1] == started


def state_and_start(pid):
    """Of a process in /proc; None if there is none."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return fields[0], fields[19]


def rank():
    return int(os.environ["RANK"])


def note_pid(folder):
    (Path(folder) / f"pid-{os.getpid()}").write_text(
        f"{os.getpid()} {state_and_start(os.getpid())[1]}"
    )


# Each of these runs in every process.


def three_steps(job, *, folder):
    note_pid(folder)
    for step in (1, 2, 3):
        if rank() == 0:
            verdicts = job.score([Sample(job.tasks[0], f"{step}")], step=step)
            job.log(step, reward=verdicts[0].value)
            if job.asked_to_end():
                raise SystemExit(0)
    (job.output / f"by-{rank()}").write_text("trained")


def die_once(job, *, folder):
    note_pid(folder)
    marker = Path(folder) / "died"
    if rank() == 1 and not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    if rank() == 0 and not marker.exists():
        job.log(1, loss=0.0)
        wait_for(marker)
        raise ValueError("connection closed by peer")  # what a collective says of a dead process
    job.log(1, loss=1.0)


def always_die(job, *, folder):
    note_pid(folder)
    print(f"process {rank()} is about to die")
    os.kill(os.getpid(), signal.SIGKILL)


def fail(job, *, folder):
    note_pid(folder)
    if rank() == 1:
        raise RunError("the loss is not a number", hint="take a lower learning rate")
    time.sleep(600)


def have_a_bug(job, *, folder):
    note_pid(folder)
    if rank() == 1:
        raise ZeroDivisionError("a bug")
    time.sleep(600)


def wait_for(file):
    while not file.exists():
        time.sleep(0.01)


def test_processes_score_and_log_through_the_job(train):
    rows = []
    job = train(three_steps, on_log=lambda step, numbers: rows.append((step, numbers)))
    assert [step for step, _ in rows] == [1, 2, 3]
    assert rows[0][1] == {"reward": 1.0}
    assert sorted(file.name for file in job.output.iterdir()) == ["by-0", "by-1"]


def test_world_of_another_size_is_refused(train):
    with pytest.raises(RunError, match="torchrun started a world of 1, not of 2"):
        train(three_steps, size=1)


def test_death_of_a_process_starts_all_anew_and_is_no_failure_of_another(train):
    rows, rewinds = [], []
    train(die_once, on_log=lambda step, numbers: rows.append(numbers), on_rewind=rewinds.append)
    assert rewinds == [0]  # there is no checkpoint: everything is taken back
    assert rows[-1] == {"loss": 1.0, "restarts": 1.0}


def test_processes_that_die_too_often_end_the_stage_with_their_last_words(train):
    with pytest.raises(RunError, match="ended with status 1") as caught:
        train(always_die)
    assert "is about to die" in caught.value.hint


LEAVING = """
from rlvr_trainer_grpo.launch.protocol import from_environment
from rlvr_trainer_grpo.launch.worker import Hub
hub = Hub(*from_environment())
hub.is_leaving = True
hub.ask("done")
"""


def test_process_that_is_cut_off_while_it_leaves_ends_too():
    key = b"k" * 32
    with Listener(("127.0.0.1", 0), authkey=key) as listener:
        env = os.environ | environment(listener.address, key)
        leaving = subprocess.Popen([sys.executable, "-c", LEAVING], env=env)
        try:
            with listener.accept() as connection:
                assert connection.recv() == ("done",)
            assert leaving.wait(timeout=30) == 1
        finally:
            leaving.kill()
            leaving.wait()


def test_mistake_in_one_process_ends_all_of_them_without_a_restart(train):
    with pytest.raises(RunError, match="the loss is not a number") as caught:
        train(fail)
    assert caught.value.hint == "take a lower learning rate"


def test_bug_in_one_process_comes_with_its_traceback(train):
    with pytest.raises(ZeroDivisionError, match="a bug") as caught:
        train(have_a_bug)
    assert "have_a_bug" in caught.value.__notes__[0]


@pytest.mark.parametrize("error", [StopRun("enough"), ErrorBudgetExceeded("x", hint="y", rows=())])
def test_what_the_job_raises_comes_out_unchanged(train, error):
    def score(samples, step):
        raise error

    with pytest.raises(type(error)) as caught:
        train(three_steps, on_score=score)
    assert caught.value is error


@pytest.mark.parametrize(
    ("sent", "raised"), [(signal.SIGTERM, SystemExit), (signal.SIGINT, KeyboardInterrupt)]
)
def test_signal_lets_the_step_end_and_is_obeyed(train, sent, raised):
    steps = []

    def log(step, numbers):
        steps.append(step)
        if step == 2:
            os.kill(os.getpid(), sent)

    before = signal.getsignal(sent)
    with pytest.raises(raised) as caught:
        train(three_steps, on_log=log)
    assert steps == [1, 2]
    assert signal.getsignal(sent) == before
    if raised is SystemExit:
        assert caught.value.code == 0


def test_ray_that_is_not_installed_is_an_error_that_says_what_to_install(monkeypatch):
    monkeypatch.setattr("rlvr_trainer_grpo.launch.engines.find_spec", lambda name: None)
    with pytest.raises(PluginError, match="Ray is not installed") as caught:
        command(Launch(engine="ray", processes=2))
    assert "rlvr-trainer-grpo[ray]" in caught.value.hint
