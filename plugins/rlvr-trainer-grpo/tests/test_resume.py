"""A killed training goes on as if nothing had happened."""

import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from copy_digits import judge
from rlvr_trainer_grpo import grpo, sft
from rlvr_trainer_grpo.checkpoints import SEAL, is_whole, newest_whole, seal
from rlvr_trainer_grpo.models import load_model

from rlvr_ops_core import StopRun

OPTIONS = {"steps": 7, "save_steps": 2, "threads": 1, "learning_rate": 1e-2}
GRPO = OPTIONS | {"prompts_per_step": 2, "group_size": 4, "max_new_tokens": 3}


class Recorder:
    """What a job was told: the tasks of each step, the logged steps, and the rewinds."""

    def __init__(self, *, stop_at=None):
        self.tasks, self.steps, self.rewinds, self.stop_at = {}, [], [], stop_at

    def fields(self):
        return {"on_score": self.score, "on_log": self.log, "on_rewind": self.rewinds.append}

    def score(self, samples, step):
        self.tasks[step] = [sample.task.id for sample in samples]
        return judge(samples, step)

    def log(self, step, numbers):
        if step == self.stop_at:
            raise StopRun("killed")
        self.steps.append(step)


def weights(job):
    return load_model(str(job.output), dtype=torch.float32).state_dict()


def assert_equal(first, second):
    assert first.keys() == second.keys()
    for name in first:
        torch.testing.assert_close(first[name], second[name], rtol=0, atol=1e-7)


def test_stopped_warm_start_ends_with_the_same_weights(make_job, tiny):
    whole = make_job("whole", model=tiny())
    sft(whole, batch_size=5, **OPTIONS)
    first, second = Recorder(stop_at=6), Recorder()
    with pytest.raises(StopRun):
        sft(make_job("cut", model=tiny(), **first.fields()), batch_size=5, **OPTIONS)
    cut = make_job("cut", model=tiny(), **second.fields())
    sft(cut, batch_size=5, **OPTIONS)
    assert second.rewinds == [4]
    assert second.steps == [5, 6, 7]
    assert_equal(weights(whole), weights(cut))


SCRIPT = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from copy_digits import copy_tasks, judge
from rlvr_ops_core import TrainJob
from rlvr_trainer_grpo import grpo

def score(samples, step):
    if step == 6:
        os.kill(os.getpid(), signal.SIGKILL)
    return judge(samples, step)

folder = Path({folder!r})
job = TrainJob(tasks=copy_tasks(), model={model!r}, output=folder / "model",
               checkpoints=folder / "checkpoints", on_score=score)
grpo(job, **{options!r})
"""


def test_grpo_killed_with_sigkill_keeps_the_task_order_and_the_weights(make_job, tiny):
    uninterrupted, resumed = Recorder(), Recorder()
    whole = make_job("whole", model=tiny(), **uninterrupted.fields())
    grpo(whole, **GRPO)
    cut = make_job("cut", model=tiny(), **resumed.fields())
    script = SCRIPT.format(
        tests=str(Path(__file__).parent), folder=str(cut.output.parent), model=tiny(), options=GRPO
    )
    done = subprocess.run([sys.executable, "-c", script], timeout=120, check=False)
    assert done.returncode == -signal.SIGKILL
    half_written = cut.checkpoints / "checkpoint-6"
    half_written.mkdir()
    (half_written / "trainer_state.json").write_text("{}")
    grpo(cut, **GRPO)
    assert resumed.rewinds == [4]
    assert resumed.steps == [5, 6, 7]
    assert resumed.tasks == {step: uninterrupted.tasks[step] for step in (5, 6, 7)}
    assert_equal(weights(whole), weights(cut))


def test_task_order_holds_over_the_end_of_an_epoch(make_job, tiny):
    few = {"model": tiny(), "tasks": make_job().tasks[:3]}
    uninterrupted, first, resumed = Recorder(), Recorder(stop_at=5), Recorder()
    grpo(make_job("whole", **few, **uninterrupted.fields()), **GRPO)
    with pytest.raises(StopRun):
        grpo(make_job("cut", **few, **first.fields()), **GRPO)
    grpo(make_job("cut", **few, **resumed.fields()), **GRPO)
    assert resumed.tasks == {step: uninterrupted.tasks[step] for step in (5, 6, 7)}


def test_finished_checkpoint_trains_no_further_step(make_job, tiny):
    job = make_job(model=tiny())
    grpo(job, **(GRPO | {"steps": 2}))
    again = Recorder()
    grpo(replace(job, on_score=again.score, on_log=again.log), **(GRPO | {"steps": 2}))
    assert again.steps == []


def test_checkpoint_counts_only_while_every_file_has_its_size(tmp_path):
    for step in (2, 10):
        folder = tmp_path / f"checkpoint-{step}"
        folder.mkdir()
        (folder / "weights").write_bytes(b"12345")
        seal(folder)
    assert newest_whole(tmp_path) == (tmp_path / "checkpoint-10", 10)
    (tmp_path / "checkpoint-10" / "weights").write_bytes(b"123")
    assert newest_whole(tmp_path) == (tmp_path / "checkpoint-2", 2)
    assert not (tmp_path / "checkpoint-10").exists()
    (tmp_path / "checkpoint-2" / SEAL).write_text("{broken")
    assert not is_whole(tmp_path / "checkpoint-2")
    assert newest_whole(tmp_path) is None
