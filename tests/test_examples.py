"""The examples do what their pages say, on more than one seed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from rlvr_ops_core.check import check_pipeline
from rlvr_ops_core.runs import read_json, read_lines

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = sorted((ROOT / "examples").glob("*.yaml"))


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_every_example_is_sound(file: Path) -> None:
    assert check_pipeline(file).stages


def run_example(name: str, folder: Path, seed: int) -> None:
    command = [sys.executable, "-m", "rlvr_ops_core", "run", str(ROOT / f"examples/{name}.yaml")]
    command += ["--output", str(folder), "--set", f"seed={seed}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    assert done.stdout.splitlines()[-1].startswith(f"run: {folder}")


def result(folder: Path, stage: str) -> dict[str, Any]:
    (found,) = folder.glob(f"stages/*-{stage}/result.json")
    content: dict[str, Any] = read_json(found)
    return content


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_grpo_lifts_the_quickstart_by_more_than_its_interval(tmp_path: Path, seed: int) -> None:
    folder = tmp_path / "run"
    run_example("quickstart", folder, seed)
    for stage in ("sampled", "greedy"):
        content = result(folder, stage)
        before, after = content["models"]["warm_start"], content["models"]["policy"]
        (pair,) = content["pairs"]
        width = pair["high"] - pair["low"]
        assert pair["difference"] > width, f"{stage}: {pair}"
        assert pair["low"] > 0
        assert before["pass@1"]["high"] < after["pass@1"]["low"]
    greedy = result(folder, "greedy")["models"]
    worked = {model: greedy[model]["components"]["worked"]["value"] for model in greedy}
    assert worked["warm_start"] < 0.5 < worked["policy"], "the policy found out about working"
    rewards = [
        row["reward"] for row in read_lines(next(folder.glob("stages/*-policy/metrics.jsonl")))
    ]
    assert sum(rewards[-5:]) > sum(rewards[:5])
    assert (folder / "report.html").is_file()
    assert "policy" in (folder / "report.md").read_text()


@pytest.mark.slow
def test_grpo_learns_to_ask_an_environment_before_it_answers(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    run_example("hints", folder, 0)
    content = result(folder, "evaluate")
    before = content["models"]["warm_start"]
    (pair,) = content["pairs"]
    assert 0.2 < before["pass@1"]["value"] < 0.6
    assert pair["difference"] > 0.25
    rows = list(read_lines(next(folder.glob("stages/*-policy/metrics.jsonl"))))
    assert sum(row["turns"] for row in rows[-5:]) > sum(row["turns"] for row in rows[:5])
    assert all(row["environment_failed"] == 0 for row in rows)
