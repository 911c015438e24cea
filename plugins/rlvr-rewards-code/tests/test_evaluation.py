"""An evaluation of HumanEval with pass@k: a scripted model, so the right answers are counted."""

from __future__ import annotations

import json
import subprocess
import sys
from math import comb
from pathlib import Path
from statistics import mean

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from conftest import HERE, data_file, load

sys.path.pop(0)
scripted = load("scripted")
LIMIT, SAMPLES = 40, 4
PIPELINE = f"""
name: humaneval
seed: 0
plugins: [{{plugin}}]
data:
  humaneval: {{{{use: code/humaneval, path: {{path}}, limit: {LIMIT}}}}}
rewards:
  passes: {{{{use: code/tests, backend: namespaces}}}}
stages:
  - {{{{evaluate: [owner/scripted], use: scripted/answers, data: humaneval, rewards: [passes],
     samples: {SAMPLES}}}}}
"""


def pass_at(k: int, right: int) -> float:
    """The chance that one of k answers is right, of SAMPLES answers so many are (Chen 2021)."""
    return 1 - comb(SAMPLES - right, k) / comb(SAMPLES, k)


def test_pass_at_k_of_humaneval_is_that_of_the_answers_given(usable, tmp_path):
    usable("namespaces")
    file, out = tmp_path / "humaneval.yaml", tmp_path / "run"
    path = data_file("humaneval.jsonl.gz")
    file.write_text(PIPELINE.format(plugin=HERE / "scripted.py", path=path), encoding="utf-8")
    command = [str(Path(sys.executable).parent / "rlvr"), "run", str(file), "--output", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]

    (result,) = (out / "stages").glob("*evaluate/result.json")
    (found,) = json.loads(result.read_text("utf-8"))["models"].values()
    for k in (1, 4):
        expected = mean(pass_at(k, scripted.right_of(row)) for row in range(LIMIT))
        assert found[f"pass@{k}"]["value"] == pytest.approx(expected)
