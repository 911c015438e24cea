"""Faults planted in real GRPO runs, of a model so small that a run takes seconds."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from rlvr_ops_core import RlvrError
from rlvr_ops_core.check import check_pipeline
from rlvr_ops_core.pipeline import run_pipeline
from rlvr_ops_core.runs import read_lines

pytestmark = pytest.mark.slow
AT = 15
TASKS = """
import rlvr_ops_core as rlvr

def prompts(*, split="train", limit=20):
    for n in range(limit):
        yield rlvr.Task(id=f"t{n}", prompt=f"{n % 10} =", answer="")

@rlvr.hookimpl
def rlvr_data_sources():
    return {"prompts": prompts}
"""


def run(folder: Path, *, fault: str = "") -> tuple[list, Path]:
    """The alarms of a run of 30 steps that breaks at step 15."""
    blank = {
        "train": "blank",
        "use": "grpo/scratch",
        "family": "llama",
        "hidden_size": 32,
        "layers": 1,
        "heads": 2,
        "feed_forward": 64,
        "context": 32,
        "vocabulary": ["=", "0..9"],
    }
    policy = {
        "train": "policy",
        "use": "grpo/grpo",
        "start": "blank",
        "data": "practice",
        "rewards": ["even"],
        "steps": 30,
        "prompts_per_step": 4,
        "group_size": 8,
        "max_new_tokens": 6,
        "learning_rate": 1e-3,
        "threads": 1,
    }
    content = {
        "name": "broken",
        "error_budget": 1.0,
        "plugins": ["tasks.py", str(Path(__file__).with_name("planted.py"))],
        "data": {"practice": {"use": "tasks/prompts"}},
        "rewards": {"even": {"use": "planted/even", "fault": fault, "at": AT}},
        "monitors": {"health": {"use": "monitor/health"}},
        "stages": [blank, policy],
    }
    (folder / "tasks.py").write_text(TASKS)
    (folder / "pipeline.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
    events = []
    try:
        run_pipeline(check_pipeline(folder / "pipeline.yaml"), folder / "run", show=[events.append])
    except RlvrError as error:
        print(error)  # a run that its fault ends is a run too
    return [event for event in events if event.kind == "alarm"], folder / "run"


def first_of(alarms, detectors):
    """The step of the first alarm of these detectors."""
    return min(alarm.step for alarm in alarms if alarm.data["detector"] in detectors)


def test_a_verifier_that_breaks_is_found_within_five_steps(tmp_path):
    alarms, folder = run(tmp_path, fault="broken_verifier")
    assert all(alarm.step >= AT for alarm in alarms)
    step = first_of(alarms, {"reward_collapse", "reward_frozen", "groups_alike", "dead_gradient"})
    assert step <= AT + 5
    rows = {
        (row["step"], row["group"], row["index"])
        for row in read_lines(next(folder.glob("stages/*policy/rollouts.jsonl")))
    }
    for alarm in alarms:
        assert all((one.step, one.group, one.index) in rows for one in alarm.data["rows"])


def test_verdicts_that_fail_are_found_within_five_steps(tmp_path):
    alarms, _ = run(tmp_path, fault="errors")
    assert AT <= first_of(alarms, {"verifier_errors"}) <= AT + 5


def test_a_run_without_a_fault_is_left_alone(tmp_path):
    alarms, _ = run(tmp_path)
    assert [alarm.data for alarm in alarms] == []
