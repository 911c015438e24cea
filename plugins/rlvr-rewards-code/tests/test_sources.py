"""The data sources, and what `rlvr check --data` finds in tasks."""

# ruff: noqa: E501  # a row is one task
from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from conftest import data_file

sys.path.pop(0)
from rlvr_rewards_code import rlvr_commands, rlvr_data_sources, rlvr_rewards
from rlvr_rewards_code.sources.jsonl import jsonl
from rlvr_rewards_code.sources.mbpp import mbpp
from rlvr_rewards_code.tests_reward import Tests, check_task

from rlvr_ops_core import DataError, Task
from rlvr_ops_core.reward_spec import spec_of


def test_the_hooks_name_every_component():
    assert set(rlvr_rewards()) == {"tests"}
    assert set(rlvr_data_sources()) == {"humaneval", "mbpp", "jsonl"}
    assert set(rlvr_commands()) == {"code-image"}
    assert spec_of(Tests).details is not None


@pytest.mark.parametrize(("split", "count"), [("prompt", 10), ("test", 500), ("validation", 90), ("train", 374)])  # fmt: skip
def test_mbpp_has_its_published_splits(split, count):
    assert len(list(mbpp(path=data_file("mbpp.jsonl.gz"), split=split))) == count


def test_an_unknown_split_is_named():
    with pytest.raises(DataError, match='no split "dev"'):
        list(mbpp(split="dev"))


def test_jsonl_reads_cases_in_both_forms(tmp_path, judge, usable):
    rows = [
        {"question": "Add.", "cases": [{"input": "1 2", "output": "3"}]},
        {"question": "Add.", "input_output": json.dumps({"inputs": ["1 2"], "outputs": ["3\n"]})},
        {"prompt": "f", "tests": "assert f(1) == 2", "reference": "def f(x):\n    return x + 1\n"},
    ]
    file = tmp_path / "set.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    tasks = list(jsonl(path=str(file)))
    add = "print(sum(map(int, input().split())))\n"
    programs = [add, add, rows[2]["reference"]]
    verdicts = judge(list(zip(tasks, programs, strict=True)), backend=usable("namespaces"))
    assert [verdict.value for verdict in verdicts] == [1.0] * 3


def test_a_row_without_tests_is_named(tmp_path):
    file = tmp_path / "set.jsonl"
    file.write_text('{"question": "?", "id": "seven"}\n', encoding="utf-8")
    with pytest.raises(DataError, match="seven: neither cases nor tests"):
        list(jsonl(path=str(file)))


CHECKED = [
    ({"tests": "def check(c):\n    assert c(1) == 1\n", "entry_point": "f", "reference": "def f(x):\n    return x\n"}, ""),
    ({"tests": ["assert f(1) == 1"], "reference": "def f(x):\n    return 2\n"}, "its reference does not pass"),
    ({"tests": "def check(", "entry_point": "f", "reference": "def f(): pass"}, "can't be used|does not pass"),
    ({}, "neither data.tests nor data.cases"),
    ({"cases": []}, "at least one case"),
    ({"cases": [{"output": "1"}], "compare": "near"}, "not one of exact"),
]  # fmt: skip


@pytest.mark.parametrize(("data", "problem"), CHECKED)
def test_unusable_tasks_are_found(data, problem, usable):
    import re

    usable("namespaces")
    found = check_task(Task(id="t", prompt="", data=data), backend="namespaces")
    assert bool(found) == bool(problem)
    assert re.search(problem, found)


def test_a_task_whose_tests_are_broken_abstains(judge, usable):
    task = Task(id="t", prompt="", data={"tests": "def check(", "entry_point": "f"})
    (verdict,) = judge([(task, "def f(x):\n    return 1\n")], backend=usable("namespaces"))
    assert verdict.status == "abstain"
    assert "the task's own tests can't be used" in verdict.reason
