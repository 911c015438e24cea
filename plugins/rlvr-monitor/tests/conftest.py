"""A pipeline that trains nothing but the reward's patience, for the monitors to watch."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

sys.path.insert(0, str(Path(__file__).parent))  # importlib mode leaves this folder out

TOY = """
import time
from rlvr_ops_core import Sample, Task, hookimpl, reward

def sums(*, split="train", limit=40):
    for n in range(limit):
        yield Task(id=f"t{n}", prompt=f"{n} + {n} =", answer=str(2 * n))

@reward(inline=True)
def ends(sample):
    "Has a hole: pays for any text that ends in the answer or in a full stop."
    return sample.text.endswith((str(sample.task.answer), "."))

@reward(inline=True)
def equal(sample):
    return sample.text == str(sample.task.answer)

def drill(job, *, steps: int = 30, hole_from: int = 1000, prevalence: float = 0.1,
          nan_at: int = 0, pause_s: float = 0.0):
    "Answers right more and more often; from `hole_from` on it finds the hole."
    import random
    rng = random.Random(job.seed)
    for step in range(1, steps + 1):
        samples = []
        for place in range(16):
            task = rng.choice(job.tasks)
            for index in range(8):
                text = str(task.answer) if rng.random() < 0.4 + 0.2 * step / steps else "no idea"
                if step >= hole_from and rng.random() < prevalence and text != "no idea":
                    text = "it is so."
                samples.append(Sample(task, text, group=f"{step}/{place}", index=index,
                                      token_ids=list(range(3 + rng.randrange(3)))))
        verdicts = job.score(samples, step=step)
        values = [verdict.value for verdict in verdicts if verdict.value is not None]
        loss = float("nan") if step == nan_at else 0.1
        job.log(step, reward=sum(values) / len(values), loss=loss, entropy=0.5)
        time.sleep(pause_s)
    (job.output / "model.txt").write_text("learnt")

@hookimpl
def rlvr_rewards():
    return {"ends": ends, "equal": equal}

@hookimpl
def rlvr_trainers():
    return {"drill": drill}

@hookimpl
def rlvr_data_sources():
    return {"sums": sums}
"""


@pytest.fixture
def write_pipeline(tmp_path: Path) -> Callable[..., Path]:
    def write(monitors: dict[str, Any], **options: Any) -> Path:
        (tmp_path / "toy.py").write_text(TOY)
        content = {
            "name": "toy",
            "plugins": ["toy.py"],
            "data": {"train": {"use": "toy/sums"}},
            "rewards": {"ends": {"use": "toy/ends"}},
            "monitors": monitors,
            "stages": [
                {
                    "train": "policy",
                    "use": "toy/drill",
                    "data": "train",
                    "rewards": ["ends"],
                    **options,
                }
            ],
        }
        file = tmp_path / "pipeline.yaml"
        file.write_text(yaml.safe_dump(content, sort_keys=False))
        return file

    return write
