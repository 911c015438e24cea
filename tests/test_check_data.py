"""`rlvr check --data`: tasks that no reward could judge are found before training does."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from echo_plugin import pipeline

from rlvr_ops_core import DataError
from rlvr_ops_core.check import check_pipeline
from rlvr_ops_core.check_data import check_data

STRICT = """
from rlvr_ops_core import hookimpl, reward

def problem(task, *, least=0):
    return "" if int(task.answer) >= least else f"{task.answer} is below {least}"

@reward(check_task=problem)
def strict(sample, *, least: int = 0):
    return 1.0

@hookimpl
def rlvr_rewards():
    return {"strict": strict}
"""

TRAIN = {"train": "policy", "use": "rlvr_echo/learn", "data": "train", "rewards": ["all"]}


def check(folder: Path, least: int, **train: object) -> list[str]:
    (folder / "strict.py").write_text(STRICT)
    content = pipeline(TRAIN)
    content["plugins"].append("strict.py")
    content["data"]["train"] |= train
    content["rewards"] = {
        "gold": {"use": "strict/strict", "least": least},
        "all": {"sum": ["gold"]},
    }
    file = folder / "pipeline.yaml"
    file.write_text(yaml.safe_dump(content, sort_keys=False))
    return check_data(check_pipeline(file))


def test_sound_data_is_counted(tmp_path: Path) -> None:
    assert check(tmp_path, 0) == [
        "data.train: 100 tasks, read by rlvr_echo/sums",
        "data.test: 20 tasks, read by rlvr_echo/sums",
    ]


def test_tasks_that_a_reward_cannot_judge_are_named_even_inside_a_sum(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        check(tmp_path, 22)
    text = str(caught.value)
    assert "2 tasks can't be judged" in text
    assert "data.train: task train/0: gold: 20 is below 22" in text
    assert "mend their answers or leave them out" in text


def test_a_source_that_fails_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no column 'prompt'"):
        check(tmp_path, 0, broken_row=3)
