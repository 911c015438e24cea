"""What it saves to judge finished groups while others are still being written.

    python benchmarks/grpo/overlap.py [--judging-ms 1] [--steps 12] [--repeats 3]

The quickstart's task and model with a reward that takes so long for each answer, in worker processes
that wait and compute nothing, as one does that asks a sandbox or another machine. The same training
with and without `savings: {overlap: …}`, in turns; seconds of a step are medians over the steps
after the second. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from rlvr_trainer_grpo import grpo
from rlvr_trainer_grpo.savings import Savings
from side_by_side import SHARED, job, quickstart_tasks, warm_start  # found by the line above

from rlvr_ops_core import Sample, reward
from rlvr_ops_core.scoring import Ahead, Engine, Entry, Rewards, bind_function

sys.path.insert(0, str(Path(__file__).parents[2] / "examples"))
from adding import sum_is_right  # the quickstart's reward


@reward(timeout_s=10)
def slowly(sample: Sample, *, judging_ms: float = 1.0) -> float:
    """The quickstart's reward, after a while."""
    time.sleep(judging_ms / 1000)
    return float(sum_is_right(sample).value)


def train(
    folder: Path, model: str, args: argparse.Namespace, *, overlap: bool
) -> list[dict[str, float]]:
    """The numbers of each step."""
    engine = Engine(bind_function(slowly, {"judging_ms": args.judging_ms}), workers=2)
    scorer = Ahead(Rewards({"right": Entry("right", engine)}, ("right",)))
    numbers: list[dict[str, float]] = []
    start = job(
        folder,
        model=model,
        tasks=quickstart_tasks(),
        seed=0,
        on_score=lambda samples, _: scorer.score(samples),
        on_begin_scoring=scorer.begin,
        on_log=lambda _, logged: numbers.append(logged),
    )
    savings = replace(Savings(), overlap=overlap)
    try:
        grpo(start, steps=args.steps, prompts_per_step=32, group_size=8, max_new_tokens=14,
             threads=1, save_steps=0, savings=savings, **SHARED)  # fmt: skip
    finally:
        scorer.close()
        engine.close()
    return numbers[2:]  # the first one loads, and nothing is begun before it is known to be slow


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--judging-ms", type=float, default=1.0)
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--output", type=Path, default=Path("runs/bench-grpo"))
    args = parser.parse_args()
    model = warm_start(args.output, 0)
    found: dict[str, list[dict[str, float]]] = {"after": [], "overlapping": []}
    for _ in range(args.repeats):
        for kind, rows in found.items():
            rows += train(args.output / kind, model, args, overlap=kind == "overlapping")
            wall = median(row["seconds/wall"] for row in rows)
            print(f"{kind:12} {wall * 1000:.0f} ms a step", flush=True)

    def middle(rows: list[dict[str, float]], name: str) -> float:
        return round(median(row.get(name, 0.0) for row in rows), 4)

    names = ("seconds/wall", "seconds/generate", "seconds/score", "seconds/saved/overlap")
    figures: dict[str, Any] = {
        kind: {name.removeprefix("seconds/"): middle(rows, name) for name in names}
        for kind, rows in found.items()
    }
    figures["ratio"] = round(figures["overlapping"]["wall"] / figures["after"]["wall"], 3)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
