"""Two processes train as one does: the same answers, gradients and weights, whatever is killed."""

import dataclasses
import os
import signal
import time
from pathlib import Path

import pytest
import torch
from copy_digits import judge
from rlvr_trainer_grpo import grpo
from rlvr_trainer_grpo.models import load_model
from rlvr_trainer_grpo.pruning import Pruning

from rlvr_ops_core import Launch, OptionError, RunError, Task

STEP = {"prompts_per_step": 4, "group_size": 4, "max_new_tokens": 3, "threads": 1}
STEP |= {"learning_rate": 1e-2, "save_steps": 1}


class Recorder:
    """What a job reports; `at` is called with the step before its answers are judged."""

    def __init__(self, at=lambda step: None):
        self.at = at
        self.answers, self.rows, self.rewinds = {}, {}, []

    def fields(self):
        return {"on_score": self.score, "on_log": self.log, "on_rewind": self.rewinds.append}

    def score(self, samples, step):
        self.at(step)
        self.answers[step] = [(s.task.id, s.group, s.index, s.text) for s in samples]
        return judge(samples, step)

    def log(self, step, numbers):
        self.rows[step] = numbers


def weights(job):
    return load_model(str(job.output), dtype=torch.float32).state_dict()


def assert_close(first, second):
    for name, weight in first.items():
        torch.testing.assert_close(second[name], weight, rtol=0, atol=2e-5)


def children(pid):
    """All processes below one, with their command lines."""
    parent, command = {}, {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            stat = (folder / "stat").read_text().rpartition(")")[2].split()
            command[int(folder.name)] = (folder / "cmdline").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        parent[int(folder.name)] = int(stat[1])
    found = {pid}
    while more := {one for one, above in parent.items() if above in found} - found:
        found |= more
    return {one: command[one] for one in found - {pid}}


def kill_one_worker(rank):
    for pid in children(os.getpid()):
        names = (Path("/proc") / str(pid) / "environ").read_bytes().split(b"\0")
        if f"RANK={rank}".encode() in names:
            os.kill(pid, signal.SIGKILL)
            return
    raise AssertionError(f"no process has RANK={rank}")


def kill_one_ray_worker():
    """Ray tells its workers their rank after their start: the newest will do."""
    workers = [pid for pid, line in children(os.getpid()).items() if "RayTrainWorker" in line]
    os.kill(max(workers), signal.SIGKILL)


@pytest.fixture
def wait_until_no_child_is_left():
    """No child but those that other tests of this process keep."""
    others = children(os.getpid()).keys()

    def wait():
        deadline = time.monotonic() + 60
        while left := children(os.getpid()).keys() - others:
            assert time.monotonic() < deadline, left
            time.sleep(0.1)

    return wait


@pytest.mark.slow
def test_killed_and_stopped_run_of_two_processes_ends_with_the_weights_of_one(
    make_job, tiny, wait_until_no_child_is_left
):
    """Process 1 dies in step 3, SIGTERM comes in step 4, and one process does the rest."""
    whole = Recorder()
    reference = make_job("whole", model=tiny(), **whole.fields())
    grpo(reference, steps=6, **STEP)
    killed = []

    def disturb(step):
        if step == 3 and not killed:
            killed.append(step)
            kill_one_worker(1)
        if step == 4:
            os.kill(os.getpid(), signal.SIGTERM)

    cut = Recorder(disturb)
    launch = Launch(engine="torchrun", processes=2, restarts=1)
    job = make_job("cut", model=tiny(), launch=launch, **cut.fields())
    with pytest.raises(SystemExit) as caught:
        grpo(job, steps=6, **STEP)
    assert caught.value.code == 0
    wait_until_no_child_is_left()
    assert cut.rewinds == [2]
    assert cut.answers == {step: whole.answers[step] for step in (1, 2, 3, 4)}
    assert cut.rows.keys() == {1, 2, 3, 4}
    assert_same_numbers(whole.rows, cut.rows)

    rest = Recorder()
    grpo(make_job("cut", model=tiny(), **rest.fields()), steps=6, **STEP)
    assert rest.rewinds == [4]
    assert rest.answers == {step: whole.answers[step] for step in (5, 6)}
    assert_close(weights(reference), weights(job))


@pytest.mark.slow
def test_two_processes_ask_for_the_first_answers_and_then_for_as_many_others_each(make_job, tiny):
    """Three of the four tasks of a step are settled; one process has the fourth."""
    asked = {}

    def score(samples, step):
        for sample in samples:
            asked.setdefault(sample.group, []).append((sample.index, sample.task.id))
        verdicts = judge(samples, step)
        return [
            dataclasses.replace(verdict, value=float(sample.task.id == "0" and sample.index % 2))
            for sample, verdict in zip(samples, verdicts, strict=True)
        ]

    tasks = [Task(str(number), f"{number} {number} =", "1") for number in range(4)]
    launch = Launch(engine="torchrun", processes=2)
    job = make_job(model=tiny(), tasks=tasks, launch=launch, on_score=score)
    grpo(job, steps=1, pruning=Pruning(first_answers=2), shuffle=False, **STEP)
    assert all(len({task for _, task in answers}) == 1 for answers in asked.values())
    numbers = [[number for number, _ in asked[f"1/{group}"]] for group in range(4)]
    assert numbers[0] == [0, 1, 2, 3]
    assert sorted(map(len, numbers[2:])) == [2, 4], "the other process asks for as many"
    assert numbers[1] == [0, 1]


@pytest.mark.slow
def test_ray_trains_in_two_workers_to_the_weights_of_one_although_one_is_killed(
    make_job, tiny, wait_until_no_child_is_left
):
    pytest.importorskip("ray.train", reason='pip install "rlvr-trainer-grpo[ray]" runs this')
    whole = Recorder()
    reference = make_job("whole", model=tiny(), **whole.fields())
    grpo(reference, steps=3, **STEP)
    killed = []

    def disturb(step):
        if step == 2 and not killed:
            killed.append(step)
            kill_one_ray_worker()

    cut = Recorder(disturb)
    launch = Launch(engine="ray", processes=2, restarts=1)
    job = make_job("cut", model=tiny(), launch=launch, **cut.fields())
    grpo(job, steps=3, **STEP)
    wait_until_no_child_is_left()
    assert killed == [2]
    assert cut.answers == whole.answers
    assert_close(weights(reference), weights(job))


def assert_same_numbers(expected, found):
    """Of each step: what is learned and judged, over all processes together."""
    shared = ["reward", "reward/digit", "groups_alike", "loss", "grad_norm", "entropy"]
    shared += ["clip_ratio", "completion_length", "truncated"]
    shared += ["tokens/generated", "tokens/scored", "tokens/trained", "tokens/saved/idle_rows"]
    for step, numbers in found.items():
        for name in shared:
            wanted = expected[step].get(name)
            assert numbers.get(name) == pytest.approx(wanted, abs=1e-4), (step, name)
    assert "restarts" not in found[2]
    assert found[3]["restarts"] == 1.0


@pytest.mark.slow
def test_accelerate_that_runs_one_process_silently_is_an_error_before_torch_is_loaded(
    make_job, tiny, tmp_path, wait_until_no_child_is_left
):
    config = tmp_path / "accelerate.yaml"
    config.write_text("compute_environment: LOCAL_MACHINE\ndistributed_type: 'NO'\nuse_cpu: true\n")
    launch = Launch(engine="torchrun", processes=2, accelerate_config=str(config))
    with pytest.raises(RunError, match="started a world of 1, not of 2") as caught:
        grpo(make_job(model=tiny(), launch=launch), steps=1, **STEP)
    assert "leave accelerate_config out" in caught.value.hint
    wait_until_no_child_is_left()


def test_step_that_can_not_be_shared_out_is_refused(make_job, tiny):
    from rlvr_trainer_grpo.grpo import _check_shares

    _check_shares(4, 2)
    with pytest.raises(OptionError, match="can't be shared out among 3 processes"):
        _check_shares(4, 3)
