"""SmolLM2-135M on one GPU: GRPO with the exact savings beside plain TRL, in one call.

    python benchmarks/grpo/h100.py --model MODEL [--steps 40] [--seeds 0] [--device cuda]

The example smollm2's task (sums of two numbers, the whole answer must be right), 16 prompts x 16
answers a step. `--device cpu --steps 2 --prompts 2` tries the script without a GPU. Seconds are wall
time of the steps on a GPU, CPU time on a CPU. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from statistics import fmean
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[2] / "examples"))


def sums(split: str, limit: int) -> list[Any]:
    """Sums of two numbers with up to two digits, after two worked ones; made here, no download."""
    import random

    from rlvr_ops_core import Task

    generator = random.Random(f"sums/{split}")
    shots = "35 + 86 = 121\n68 - 32 = 36\n"
    tasks: dict[str, Any] = {}
    while len(tasks) < limit:
        a, b, plus = generator.randrange(100), generator.randrange(100), generator.random() < 0.5
        if ((a * 101 + b) % 5 == 0) != (split == "test"):
            continue
        text = f"{shots}{a} {'+' if plus else '-'} {b} ="
        answer = str(a + b if plus else a - b)
        tasks[text] = Task(f"sums/{split}/{len(tasks)}", text, answer=answer)
    return list(tasks.values())


def judge(samples: Sequence[Any], _step: int | None) -> list[Any]:
    """1 if the answer is the number and nothing else."""
    from rlvr_ops_core import Verdict

    return [Verdict(float(one.text.strip() == one.task.answer)) for one in samples]


def accuracy(model: Path, tasks: Sequence[Any], shape: Any) -> float:
    """Sampled accuracy, four answers a task."""
    from rlvr_trainer_grpo import sample

    how = {"max_new_tokens": shape.new_tokens, "stop": shape.stop, "batch_size": 512, "seed": 0}
    rows = list(chain.from_iterable(sample(str(model), tasks, samples=4, **how)))
    return fmean(verdict.value for verdict in judge(rows, None))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--model", required=True)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--prompts", type=int, default=16)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    parser.add_argument("--output", type=Path, default=Path("runs/bench-h100"))
    args = parser.parse_args()
    if args.device == "cpu":
        os.environ["CUDA_VISIBLE_DEVICES"] = ""
    import torch

    if args.device == "cuda" and not torch.cuda.is_available():
        raise SystemExit("no GPU here: try --device cpu --steps 2 --prompts 2")
    from side_by_side import Shape, exact, plain

    shape = Shape(
        prompts=args.prompts,
        group=16,
        new_tokens=8,
        stop=("\n",),
        trl={"learning_rate": 5e-6, "warmup_steps": 3},
        judge=judge,
        threads=None,
    )
    tasks, held_out = sums("train", 640), sums("test", 4 if args.device == "cpu" else 400)
    found: dict[str, Any] = {
        "device": torch.cuda.get_device_name() if args.device == "cuda" else "cpu",
        "torch": torch.__version__,
        "steps": args.steps,
        "before": round(accuracy(args.model, held_out, shape), 3),
    }
    for kind, train in (("plain", plain), ("exact", exact)):
        seconds, reached = [], []
        for seed in args.seeds:
            folder = args.output / f"{kind}-{seed}"
            curve = train(folder, args.model, tasks, seed, args.steps, shape)
            seconds.append(curve.wall_seconds if args.device == "cuda" else curve.seconds)
            reached.append(accuracy(folder / "model", held_out, shape))
            print(kind, seed, f"{seconds[-1]:.1f} s", f"accuracy {reached[-1]:.3f}", flush=True)
        found[kind] = {"seconds": seconds, "accuracy": reached}
        if args.device == "cuda":
            found[kind]["memory_gb"] = torch.cuda.max_memory_reserved() / 1e9
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()
    found["ratio"] = sum(found["exact"]["seconds"]) / sum(found["plain"]["seconds"])
    print(json.dumps(found))


if __name__ == "__main__":
    main()
