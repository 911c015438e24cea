"""`rlvr audit`: exit codes, cases from data, and the loop from a rollout to a fixed reward."""

import json

import pytest
from click.testing import CliRunner
from rlvr_audit import rlvr_commands

audit_command = rlvr_commands()["audit"]
QUICK = ["--only", "cases/*", "--only", "channel/shotgun"]


def run(*arguments):
    return CliRunner().invoke(audit_command, [str(one) for one in arguments])


@pytest.fixture
def cases(tmp_path, boxed):
    file = tmp_path / "cases.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in boxed))
    return file


def test_exit_code_is_the_severity(sound, buggy, cases):
    assert run(sound, "--cases", cases, *QUICK).exit_code == 0
    assert run(buggy, "--cases", cases, *QUICK).exit_code == 6
    assert run(buggy, "--cases", cases, *QUICK, "--fail-on", "never").exit_code == 0


def test_table_shows_the_finding_and_the_rates(buggy, cases):
    output = run(buggy, "--cases", cases, *QUICK).output
    assert "channel/shotgun" in output
    assert "critical" in output
    assert "would have shown" in output


def test_probes_are_listed():
    output = run("--list").output
    assert "channel/empty" in output
    assert "infrastructure/hang" in output


def test_reward_is_needed():
    assert run().exit_code == 2


def test_cases_are_made_from_a_data_source(tmp_path):
    data = tmp_path / "data.jsonl"
    rows = [{"prompt": f"{n} + 1?", "answer": str(n + 1)} for n in range(3)]
    data.write_text("".join(json.dumps(row) + "\n" for row in rows))
    file = tmp_path / "cases.jsonl"
    made = run(
        "text/exact", "--init", "data/jsonl", "--data-option", f"path={data}", "--cases", file
    )
    assert made.exit_code == 0, made.output
    assert run("text/exact", "--cases", file, *QUICK).exit_code == 0


def test_promoted_rollout_fails_until_the_reward_is_fixed(tmp_path, boxed, cases, sound):
    reward = tmp_path / "mine.py"
    reward.write_text("def reward(sample):\n    return float(sample.task.answer in sample.text)\n")
    stage = tmp_path / "run1" / "stages" / "02-policy"
    stage.mkdir(parents=True)
    hack = "It is one of 40, 41, 42, 43."
    row = {
        "task": "t/1",
        "prompt": boxed[0]["prompt"],
        "completion": hack,
        "gold": "42",
        "value": 1.0,
        "ref": "mine/reward@0#1",
        "info": {},
    }
    (stage / "rollouts.jsonl").write_text(
        json.dumps({**row, "completion": "?"}) + "\n" + json.dumps(row) + "\n"
    )
    only = ["--only", "cases/*"]
    assert run(f"{reward}:reward", "--cases", cases, *only).exit_code == 0
    promoted = run(f"{reward}:reward", "--promote", tmp_path / "run1", "policy:2", "--cases", cases)
    assert promoted.exit_code == 0, promoted.output
    failed = run(f"{reward}:reward", "--cases", cases, *only)
    assert failed.exit_code == 6
    assert "run1" in failed.output
    reward.write_text((tmp_path / "sound.py").read_text())
    assert run(f"{reward}:reward", "--cases", cases, *only).exit_code == 0


@pytest.mark.parametrize("rollout", ["policy", "policy:0", "policy:9", "nowhere:1", "../x:1"])
def test_rollout_that_is_not_there_is_refused(tmp_path, rollout):
    from rlvr_audit.promoting import promote

    from rlvr_ops_core import RunError

    stage = tmp_path / "run" / "stages" / "01-policy"
    stage.mkdir(parents=True)
    (stage / "rollouts.jsonl").write_text(json.dumps({"prompt": "?", "completion": "1"}) + "\n")
    with pytest.raises(RunError):
        promote(tmp_path / "run", rollout, cases=tmp_path / "cases.jsonl")
