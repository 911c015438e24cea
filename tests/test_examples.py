"""The examples do what their pages say, on more than one seed."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from rlvr_ops_core.check import check_pipeline
from rlvr_ops_core.runs import read_json, read_lines

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = sorted((ROOT / "examples").glob("*.yaml"))


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_every_example_is_sound(file: Path) -> None:
    assert check_pipeline(file).stages


def run_pipeline(file: Path, folder: Path) -> None:
    command = [sys.executable, "-m", "rlvr_ops_core", "run", str(file), "--output", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    assert done.stdout.splitlines()[-1].startswith(f"run: {folder}")


def result(folder: Path, stage: str) -> dict[str, Any]:
    (found,) = folder.glob(f"stages/*-{stage}/result.json")
    content: dict[str, Any] = read_json(found)
    return content


@pytest.fixture(scope="module")
def quickstart(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run of the quickstart as it is."""
    folder = tmp_path_factory.mktemp("quickstart") / "run"
    run_pipeline(ROOT / "examples/quickstart.yaml", folder)
    return folder


def from_its_warm_start(quickstart: Path, seed: int, folder: Path) -> Path:
    """The rest of the quickstart with another seed, from the warm start that it has made."""
    folder.mkdir()
    content = yaml.safe_load((ROOT / "examples/quickstart.yaml").read_text("utf-8"))
    (made,) = quickstart.glob("stages/*-warm_start/model")
    content |= {"seed": seed, "plugins": [str(ROOT / "examples/adding.py")]}
    content["model"] = str(shutil.copytree(made, folder / "warm_start"))
    content["stages"] = content["stages"][2:]
    del content["data"]["demonstrations"], content["stages"][0]["start"]
    for stage in content["stages"][1:]:
        stage["evaluate"] = ["base", "policy"]
    file = folder / "quickstart.yaml"
    file.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    run_pipeline(file, folder / "run")
    return folder / "run"


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_grpo_lifts_the_quickstart_by_more_than_its_interval(
    quickstart: Path, tmp_path: Path, seed: int
) -> None:
    folder = from_its_warm_start(quickstart, seed, tmp_path / "again") if seed else quickstart
    first = "base" if seed else "warm_start"
    for stage in ("sampled", "greedy"):
        content = result(folder, stage)
        before, after = content["models"][first], content["models"]["policy"]
        (pair,) = content["pairs"]
        width = pair["high"] - pair["low"]
        assert pair["difference"] > width, f"{stage}: {pair}"
        assert pair["low"] > 0
        assert before["pass@1"]["high"] < after["pass@1"]["low"]
    greedy = result(folder, "greedy")["models"]
    worked = {model: greedy[model]["components"]["worked"]["value"] for model in greedy}
    assert worked[first] < 0.5 < worked["policy"], "the policy found out about working"
    rewards = [
        row["reward"] for row in read_lines(next(folder.glob("stages/*-policy/metrics.jsonl")))
    ]
    assert sum(rewards[-5:]) > sum(rewards[:5])
    assert (folder / "report.html").is_file()
    assert "policy" in (folder / "report.md").read_text()


@pytest.mark.slow
def test_grpo_learns_to_ask_an_environment_before_it_answers(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    run_pipeline(ROOT / "examples/hints.yaml", folder)
    content = result(folder, "evaluate")
    before = content["models"]["warm_start"]
    (pair,) = content["pairs"]
    assert 0.2 < before["pass@1"]["value"] < 0.6
    assert pair["difference"] > 0.25
    rows = list(read_lines(next(folder.glob("stages/*-policy/metrics.jsonl"))))
    assert sum(row["turns"] for row in rows[-5:]) > sum(row["turns"] for row in rows[:5])
    assert all(row["environment_failed"] == 0 for row in rows)
