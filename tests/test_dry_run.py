"""A dry run tells what a run will take, runs no stage, and is compared with what it became."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from echo_plugin import pipeline

from rlvr_ops_core.check import check_pipeline
from rlvr_ops_core.cli import cli
from rlvr_ops_core.dry_run import estimate_run
from rlvr_ops_core.pipeline import run_pipeline
from rlvr_ops_core.report import write_report
from rlvr_ops_core.report.comparison import IN_ALL, compare
from rlvr_ops_core.runs import read_json, write_json

GUESSING = '''
"""A trainer and a sampler that know what they take, and a trainer that does not."""
from rlvr_ops_core import Estimate, Sample, estimated_by, hookimpl

def guess(job, *, steps):
    (job.output / "model.json").write_text("{}")
    return Estimate(seconds=steps, tokens={"trained": 10 * steps}, money=2, assumes=["all is well"])

@estimated_by(guess)
def train(job, *, steps=3):
    job.score([Sample(task, task.answer) for task in job.tasks[:4]], step=1)
    for step in range(1, steps + 1):
        job.log(step, **{"tokens/trained": 10, "cost/money": 0.5})
    (job.output / "model.json").write_text("{}")

def silent(job):
    (job.output / "model.json").write_text("{}")

def guess_answers(model, tasks, *, samples, seed):
    assert "model" in model
    some = [Sample(tasks[0], "2", token_ids=(1, 2))]
    return Estimate(seconds=1.0, tokens={"generated": 40}, samples=some)

@estimated_by(guess_answers)
def answer(model, tasks, *, samples, seed):
    for task in tasks:
        yield [Sample(task, "2", token_ids=(1, 2))] * samples

@hookimpl
def rlvr_trainers():
    return {"train": train, "silent": silent}

@hookimpl
def rlvr_samplers():
    return {"answer": answer}
'''

STAGES: list[dict[str, Any]] = [
    {"train": "policy", "use": "guessing/train", "data": "train", "rewards": ["correct"]},
    {"train": "other", "use": "guessing/silent", "start": "policy"},
    {"evaluate": ["policy", "other"], "use": "guessing/answer", "data": "test"},
]
STAGES[2]["rewards"] = ["correct"]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "guessing.py").write_text(GUESSING)
    content = pipeline(*STAGES)
    content["plugins"].append("guessing.py")
    file = tmp_path / "pipeline.yaml"
    file.write_text(yaml.safe_dump(content))
    return file


def test_each_stage_is_estimated_and_none_is_run(file: Path, tmp_path: Path) -> None:
    policy, other, evaluate = estimate_run(check_pipeline(file), tmp_path / "run")
    assert policy.seconds is not None
    assert 3 <= policy.seconds < 4
    assert policy.tokens == {"trained": 30}
    assert (policy.money, policy.assumes) == (2, ("all is well",))
    assert policy.memory_gb is not None
    assert policy.memory_gb > 0
    assert (other.seconds, other.assumes) == (None, ("guessing/silent gives no estimate",))
    # its models: the stand-in of the first stage, and for the silent one what it starts from
    assert evaluate.tokens == {"generated": 80}
    assert evaluate.seconds is not None
    assert 2 <= evaluate.seconds < 3
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["estimate.json"]


def test_a_run_is_compared_with_its_estimate(file: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    plan = check_pipeline(file)
    estimate_run(plan, folder)
    assert {row.became for row in compare(folder)} == {None}
    run_pipeline(plan, folder)
    found = {(row.stage, row.what): row for row in compare(folder)}
    trained = found["policy", "tokens trained"]
    assert (trained.estimated, trained.became, trained.off) == (30, 30, 0)
    assert found["policy", "money"].off == pytest.approx(2 / 1.5 - 1)
    assert found["evaluate", "tokens generated"].became == 2 * 20 * 2
    assert found[IN_ALL, "seconds"].estimated >= 5
    page, summary = write_report(folder)
    assert "Estimate" in page.read_text()
    assert "| tokens trained | 30 | 30 | +0% |" in summary.read_text()


def test_a_stage_that_has_changed_since_is_not_compared(file: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    estimate_run(check_pipeline(file), folder)
    run_pipeline(check_pipeline(file, settings=["stages.policy.steps=4"]), folder)
    assert "policy" not in {row.stage for row in compare(folder)}


def test_a_broken_estimate_does_not_keep_a_report_from_being_written(
    file: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    run_pipeline(check_pipeline(file), folder)
    (folder / "estimate.json").write_text("{")
    assert compare(folder) == []


def test_the_command_shows_the_estimate_and_the_run_shows_what_became(
    file: Path, tmp_path: Path
) -> None:
    folder = str(tmp_path / "run")
    dry = CliRunner().invoke(cli, ["run", str(file), "--output", folder, "--dry-run"])
    assert dry.exit_code == 0, dry.output
    assert "policy: all is well" in dry.output
    assert "other: guessing/silent gives no estimate" in dry.output
    assert "tokens trained" in dry.output
    wet = CliRunner().invoke(cli, ["run", str(file), "--output", folder])
    assert wet.exit_code == 0, wet.output
    assert "Estimate and what it became" in wet.output


def test_what_a_stage_spent_adds_up_over_attempts(file: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    run_pipeline(check_pipeline(file), folder, until="policy")
    marker = folder / "stages/01-policy/stage.json"
    spent = read_json(marker)
    assert spent["memory_gb"] > 0
    write_json(marker, spent | {"status": "failed", "cpu_seconds": 100.0, "memory_gb": 50.0})
    run_pipeline(check_pipeline(file), folder, until="policy")
    assert read_json(marker)["cpu_seconds"] >= 100
    assert read_json(marker)["memory_gb"] == 50
