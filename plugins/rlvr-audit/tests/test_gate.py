"""`require_audit`, end to end: refused, audited with the command that was given, trained."""

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from rlvr_ops_core.cli import cli

SOUND = """
import re

from rlvr_ops_core import hookimpl

CASES = [
    {"prompt": "6 * 7?", "gold": "42", "good": ["42"], "bad": ["41", "no idea"]},
    {"prompt": "10 + 5?", "gold": "15", "good": ["15"], "bad": ["16"]},
]


def equal(sample):
    if not isinstance(sample.task.answer, str) or not sample.task.answer.strip():
        return None
    return float(sample.final == sample.task.answer.strip())


equal.__rlvr_cases__ = CASES


@hookimpl
def rlvr_rewards():
    return {"equal": equal}


def learn(job, *, steps: int = 1):
    job.output.mkdir(parents=True, exist_ok=True)
    (job.output / "model.json").write_text("{}")


@hookimpl
def rlvr_trainers():
    return {"learn": learn}
"""
PIPELINE = """
name: gated
require_audit: critical
plugins: [mine.py]
data:
  train: {use: data/jsonl, path: tasks.jsonl}
rewards:
  right: {use: mine/equal}
stages:
  - {train: policy, use: mine/learn, data: train, rewards: [right]}
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("mine.py").write_text(SOUND)
    Path("pipeline.yaml").write_text(PIPELINE)
    Path("tasks.jsonl").write_text('{"prompt": "6 * 7?", "answer": "42"}\n')
    return tmp_path


def rlvr(*arguments):
    return CliRunner().invoke(cli, list(map(str, arguments)))


def test_pipeline_trains_only_after_the_audit_that_it_names(folder):
    refused = rlvr("run", "pipeline.yaml")
    assert refused.exit_code == 2
    assert "there is no audit card of mine/equal in audits/" in refused.output
    command = re.search(r"audit it: (rlvr audit .+)", refused.output)[1]
    audited = rlvr(*shlex.split(command)[1:])
    assert audited.exit_code == 0, audited.output
    assert rlvr("check", "pipeline.yaml").exit_code == 0
    trained = rlvr("run", "pipeline.yaml")
    assert trained.exit_code == 0, trained.output


def test_changed_reward_and_bad_reward_are_refused(folder):
    audit = ("audit", "mine/equal", "--plugin", "mine.py", "--card", "audits/mine-equal.json")
    Path("mine.py").write_text(SOUND.replace("sample.final ==", "sample.final in 'x' or ''=="))
    assert rlvr(*audit).exit_code == 6
    bad = rlvr("check", "pipeline.yaml").output
    assert "critical is not allowed" in bad
    Path("mine.py").write_text(SOUND)
    assert "the card is for mine/equal@file-" in rlvr("check", "pipeline.yaml").output
