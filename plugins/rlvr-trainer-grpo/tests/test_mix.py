"""Trainers of two makers in one project: examples/mix.yaml, as it stands."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[3] / "examples" / "mix.yaml"


@pytest.mark.slow
@pytest.mark.skipif(not EXAMPLE.is_file(), reason="needs examples/mix.yaml of the repository")
def test_imitation_selection_grpo_and_somebody_elses_trainer_follow_each_other(tmp_path):
    command = [sys.executable, "-m", "rlvr_ops_core", "run", str(EXAMPLE), "--output"]
    command.append(str(tmp_path / "r"))
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr
    stages = json.loads((tmp_path / "r" / "run.json").read_text())["stages"]
    assert [stage["status"] for stage in stages] == ["done"] * 6
    (result,) = (tmp_path / "r" / "stages").glob("*evaluate*/result.json")
    models = json.loads(result.read_text())["models"]
    means = {name: one["pass@1"]["value"] for name, one in models.items()}
    assert means["imitated"] < means["selected"]
    assert means["imitated"] < means["rewarded"]
    assert means["shaken"] > means["imitated"]
