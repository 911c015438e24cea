"""GRPO on a code task, end to end: a small model that knows cheats learns the one right program."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from conftest import HERE, load

sys.path.pop(0)
snippets = load("snippets")
PIPELINE = """
name: snippets
seed: 0
plugins: [{plugin}]
data:
  demonstrations: {{use: snippets/tasks, limit: 900}}
  practice: {{use: snippets/tasks, split: practice, limit: 64}}
  held_out: {{use: snippets/tasks, split: test, limit: 32}}
rewards:
  passes: {{use: code/tests, backend: namespaces}}
stages:
  - {{train: blank, use: grpo/scratch, family: llama, hidden_size: 32, layers: 1, heads: 2,
     feed_forward: 64, context: 16, vocabulary: {words}}}
  - {{train: warm_start, use: grpo/sft, start: blank, data: demonstrations,
     steps: 60, batch_size: 32, learning_rate: 1e-2, threads: 1}}
  - {{train: policy, use: grpo/grpo, start: warm_start, data: practice, rewards: [passes],
     steps: 12, prompts_per_step: 8, group_size: 8, max_new_tokens: 3, learning_rate: 1e-2,
     threads: 1}}
  - {{evaluate: [warm_start, policy], use: grpo/sample, data: held_out, rewards: [passes],
     samples: 4, max_new_tokens: 3, threads: 1}}
"""


@pytest.mark.slow
def test_a_model_that_cheats_is_never_paid_for_it_and_learns_to_solve_the_task(usable, tmp_path):
    pytest.importorskip("trl", reason="needs rlvr-trainer-grpo")
    usable("namespaces")
    words = json.dumps(["=", "0..30", *snippets.PROGRAMS])
    file, out = tmp_path / "snippets.yaml", tmp_path / "run"
    file.write_text(PIPELINE.format(plugin=HERE / "snippets.py", words=words), encoding="utf-8")
    command = [str(Path(sys.executable).parent / "rlvr"), "run", str(file), "--output", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=400, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]

    steps: dict[int, list[tuple[str, float]]] = {}
    with (out / "stages" / "03-policy" / "rollouts.jsonl").open(encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            steps.setdefault(row["step"], []).append((row["completion"], row["value"]))
    assert len(steps) == 12
    tried = {text for rows in steps.values() for text, _ in rows}
    assert len(tried & set(snippets.CHEATS)) >= len(snippets.CHEATS) - 1
    for rows in steps.values():  # a step's mean reward is its share of right programs, no more
        paid = sum(value for _, value in rows)
        assert paid == sum(text == snippets.RIGHT for text, _ in rows)

    result = json.loads((out / "stages" / "04-evaluate" / "result.json").read_text("utf-8"))
    before, after = (result["models"][name] for name in ("warm_start", "policy"))
    assert before["pass@1"]["value"] < 0.5
    assert after["pass@1"]["value"] > 0.9
    assert after["pass@4"]["value"] >= after["pass@1"]["value"]
