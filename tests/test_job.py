"""A job made by hand: what a trainer may lean on, and what it must be told."""

from __future__ import annotations

import doctest
import sys
from pathlib import Path

import pytest
import yaml
from echo_plugin import pipeline

from rlvr_ops_core import PipelineError, Sample, Task, TrainJob
from rlvr_ops_core.check import check_pipeline

PICKY = """
from dataclasses import dataclass
from rlvr_ops_core import OptionError, hookimpl, needs

@needs("model", "data", "rewards")
def picky(job, *, steps: int = 1):
    pass

@dataclass(frozen=True, kw_only=True)
class Between:
    low: int
    high: int

    def __post_init__(self):
        if self.low >= self.high:
            raise OptionError(f"low {self.low} is not below high {self.high}", hint="swap them")

    def __call__(self, sample):
        return 1.0

@hookimpl
def rlvr_trainers():
    return {"picky": picky}

@hookimpl
def rlvr_rewards():
    return {"between": Between}
"""


def mistakes(folder: Path, content: dict[str, object]) -> str:
    (folder / "picky.py").write_text(PICKY)
    file = folder / "pipeline.yaml"
    file.write_text(yaml.safe_dump(content, sort_keys=False))
    with pytest.raises(PipelineError) as caught:
        check_pipeline(file)
    return str(caught.value)


def test_what_a_trainer_needs_is_missed_before_it_runs(tmp_path: Path) -> None:
    content = pipeline({"train": "policy", "use": "picky/picky"}, model="")
    content["plugins"].append("picky.py")
    found = mistakes(tmp_path, content)
    for need in ("model", "data", "rewards"):
        assert f"picky/picky needs {need}" in found


def test_options_that_do_not_go_together_are_found_by_the_check(tmp_path: Path) -> None:
    content = pipeline({"train": "policy", "use": "rlvr_echo/learn", "data": "train"})
    content["plugins"].append("picky.py")
    content["rewards"]["odd"] = {"use": "picky/between", "low": 5, "high": 5}
    found = mistakes(tmp_path, content)
    assert "rewards.odd.use: low 5 is not below high 5" in found
    assert "swap them" in found


def test_a_job_without_rewards_says_what_is_missing(tmp_path: Path) -> None:
    job = TrainJob(tasks=[Task("1", "?")], output=tmp_path, checkpoints=tmp_path)
    job.log(1, loss=0.5)
    job.rewind(0)
    with pytest.raises(ValueError, match="names no rewards"):
        job.score([Sample(job.tasks[0], "!")])


def test_the_example_of_needs_runs() -> None:
    import rlvr_ops_core.job

    failed, tried = doctest.testmod(sys.modules[rlvr_ops_core.job.__name__])
    assert (failed, tried > 0) == (0, True)
