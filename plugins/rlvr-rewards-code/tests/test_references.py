"""Reference solutions pass: all of HumanEval, and all rows of MBPP."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from conftest import ISOLATING, data_file

sys.path.pop(0)
from rlvr_rewards_code.sources.humaneval import humaneval
from rlvr_rewards_code.sources.mbpp import mbpp


def failing(tasks, judge, **options):
    verdicts = judge([(task, task.answer) for task in tasks], **options)
    return [
        (task.id, verdict.status, verdict.reason)
        for task, verdict in zip(tasks, verdicts, strict=True)
        if verdict.value != 1.0
    ]


@pytest.mark.parametrize("backend", ISOLATING)
def test_all_164_references_of_humaneval_pass(backend, judge, usable):
    tasks = list(humaneval(path=data_file("humaneval.jsonl.gz")))
    assert len(tasks) == 164
    assert failing(tasks, judge, backend=usable(backend)) == []


def test_bodies_after_the_prompt_pass_too(judge, usable):
    tasks = list(humaneval(path=data_file("humaneval.jsonl.gz"), form="completion"))
    bodies = [(task, task.answer.removeprefix(task.prompt)) for task in tasks]
    verdicts = judge(bodies, backend=usable("namespaces"))
    assert [verdict.value for verdict in verdicts] == [1.0] * 164


def test_the_sanitized_mbpp_passes(judge, usable):
    tasks = list(mbpp(path=data_file("mbpp_sanitized.jsonl.gz"), split="all", sanitized=True))
    assert len(tasks) == 427
    assert failing(tasks, judge, backend=usable("namespaces")) == []


@pytest.mark.slow
@pytest.mark.parametrize("backend", ISOLATING[:3])
def test_all_974_rows_of_mbpp_pass(backend, judge, usable):
    tasks = list(mbpp(path=data_file("mbpp.jsonl.gz"), split="all"))
    assert len(tasks) == 974
    assert failing(tasks, judge, backend=usable(backend)) == []


def test_a_constant_answer_passes_nothing(judge, usable):
    tasks = list(humaneval(path=data_file("humaneval.jsonl.gz")))
    programs = [(task, f"def {task.data['entry_point']}(*a):\n    return 5\n") for task in tasks]
    verdicts = judge(programs, backend=usable("namespaces"))
    assert {verdict.value for verdict in verdicts} == {0.0}
