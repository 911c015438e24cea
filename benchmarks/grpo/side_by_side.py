"""GRPO with the exact savings beside plain TRL: same task, model, seeds and step semantics.

    python benchmarks/grpo/side_by_side.py [--seeds 0 1 2] [--steps 40] [--output FOLDER]

Both train in this process, one after the other, from the same warm start. CPU seconds are those of
the process while it trains, without loading and evaluating. `plain` is trl.GRPOTrainer as it comes;
`exact` is `grpo/grpo` with its defaults. Two tasks: the quickstart's lists, and a harder mix in
which two thirds of the lists are longer sums than the model has seen, so that all answers to one
of them are wrong. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import chain
from pathlib import Path
from statistics import fmean
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[2] / "examples"))

from adding import lists, sum_is_right  # the quickstart's task; found by the lines above
from curves import draw
from rlvr_trainer_grpo import grpo, sample, scratch, sft
from rlvr_trainer_grpo.quiet import cpu_threads, quiet

from rlvr_ops_core import Part, Sample, Task, TrainJob, Verdict

WARM_START = {"shuffle": False, "steps": 600, "batch_size": 48, "learning_rate": 4e-3}
WARM_START |= {"warmup_steps": 20, "adam_beta2": 0.98, "threads": 1, "save_steps": 0}
PROMPTS, GROUP, NEW_TOKENS = 16, 8, 14
SHARED = {"learning_rate": 2e-4, "warmup_steps": 5, "adam_beta2": 0.95}
ACCOUNTS = ("seconds/", "tokens/")


def quickstart_tasks() -> list[Task]:
    return list(lists(limit=640, seed=1))


def mixed_tasks() -> list[Task]:
    """One list of the quickstart, then two that are out of reach."""
    near = lists(limit=214, seed=1)
    far = lists(limit=428, seed=2, greatest=(20, 24))
    return list(chain.from_iterable((one, next(far), next(far)) for one in near))


def judge(samples: Sequence[Sample], _step: int | None) -> list[Verdict]:
    values = [float(sum_is_right(one).value) for one in samples]
    return [Verdict(value, components={"correct": Part(value, 1.0, value)}) for value in values]


class Curve:
    """The reward of each step, and the CPU time at its end."""

    def __init__(self) -> None:
        self.rewards: list[float] = []
        self.alike: list[float] = []
        self.phases: Counter[str] = Counter()
        self.times: list[float] = []

    @property
    def seconds(self) -> float:
        """CPU seconds of all steps; the first, which also warms up, counts as the others' mean."""
        return (self.times[-1] - self.times[0]) * len(self.times) / (len(self.times) - 1)

    def log(self, _step: int, numbers: dict[str, float]) -> None:
        """Keep the numbers of a step."""
        self.times.append(time.process_time())
        if len(self.times) > 1:  # the first step's accounts hold the loading
            self.phases.update({n: v for n, v in numbers.items() if n.startswith(ACCOUNTS)})
        self.rewards.append(numbers["reward"])
        self.alike.append(numbers["groups_alike"])


def job(folder: Path, **fields: Any) -> TrainJob:
    for part in ("model", "checkpoints"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    return TrainJob(
        **({"tasks": ()} | fields), output=folder / "model", checkpoints=folder / "checkpoints"
    )


def warm_start(folder: Path, seed: int) -> str:
    """The quickstart's model after its warm start, made once a folder."""
    done = folder / f"warm_start-{seed}"
    if not (done / "model" / "config.json").exists():
        blank = job(folder / f"blank-{seed}", seed=seed)
        scratch(
            blank,
            feed_forward=384,
            context=64,
            rope_theta=1000,
            vocabulary=["=", "!", "?", "0..99"],
        )
        tasks = list(lists(limit=28800))
        sft(job(done, model=str(blank.output), tasks=tasks, seed=seed), **WARM_START)
    return str(done / "model")


def exact(folder: Path, model: str, tasks: list[Task], seed: int, steps: int) -> Curve:
    curve = Curve()
    start = job(folder, model=model, tasks=tasks, seed=seed, on_score=judge, on_log=curve.log)
    grpo(
        start,
        steps=steps,
        prompts_per_step=PROMPTS,
        group_size=GROUP,
        max_new_tokens=NEW_TOKENS,
        threads=1,
        save_steps=0,
        **SHARED,
    )
    return curve


def plain(folder: Path, model: str, tasks: list[Task], seed: int, steps: int) -> Curve:
    """trl.GRPOTrainer with the same configuration, tasks in the same order, the same rewards."""
    from rlvr_trainer_grpo.accounts import Accounts
    from rlvr_trainer_grpo.grpo import _dataset
    from rlvr_trainer_grpo.judge import Judge
    from rlvr_trainer_grpo.models import load_model, load_tokenizer, weight_dtype
    from rlvr_trainer_grpo.prompts import task_order
    from rlvr_trainer_grpo.training import run
    from rlvr_trainer_grpo.trl_options import make_config
    from transformers import set_seed
    from trl import GRPOTrainer

    curve = Curve()
    start = job(folder, model=model, tasks=tasks, seed=seed, on_score=judge, on_log=curve.log)
    set_seed(seed)
    judged = Judge(start, group_size=GROUP, stop=(), has_ended=lambda _: True, accounts=Accounts())
    config = make_config(
        "GRPOConfig",
        start,
        {},
        max_steps=steps,
        num_generations=GROUP,
        per_device_train_batch_size=PROMPTS * GROUP,
        lr_scheduler_type="constant_with_warmup",
        max_completion_length=NEW_TOKENS,
        beta=0.0,
        shuffle_dataset=False,
        bf16=False,
        save_strategy="no",
        **SHARED,
    )
    order = task_order(len(tasks), steps * PROMPTS, seed=seed, shuffle=True)
    tokenizer = load_tokenizer(model)
    with quiet(), cpu_threads(1):
        trainer = GRPOTrainer(
            model=load_model(model, dtype=weight_dtype("auto", training=True)),
            processing_class=tokenizer,
            reward_funcs=judged,
            args=config,
            train_dataset=_dataset(tasks).select(order),
        )
    run(trainer, start, tokenizer, extra_metrics=judged.metrics, threads=1)
    return curve


def accuracy(model: Path, tasks: Sequence[Task]) -> dict[str, float]:
    """Share of right answers, sampled four times and greedy, on lists that were not trained on."""
    how: dict[str, Any] = {"max_new_tokens": NEW_TOKENS, "batch_size": 256, "threads": 1, "seed": 0}
    found = {}
    for name, more in (("sampled", {"samples": 4}), ("greedy", {"samples": 1, "temperature": 0.0})):
        rows = chain.from_iterable(sample(str(model), tasks, **how, **more))
        found[name] = fmean(float(sum_is_right(row).value) for row in rows)
    return found


def compare(name: str, tasks: list[Task], args: argparse.Namespace) -> dict[str, Any]:
    held_out = list(lists(split="test", limit=200))
    kinds: dict[str, Callable[..., Curve]] = {"plain": plain, "exact": exact}
    curves: dict[str, list[Curve]] = {kind: [] for kind in kinds}
    reached: dict[str, list[dict[str, float]]] = {kind: [] for kind in kinds}
    for seed in args.seeds:
        model = warm_start(args.output, seed)
        for kind, train in kinds.items():
            folder = args.output / f"{name}-{kind}-{seed}"
            curves[kind].append(train(folder, model, tasks, seed, args.steps))
            reached[kind].append(accuracy(folder / "model", held_out))
            one, end = curves[kind][-1], reached[kind][-1]
            print(
                f"{name:10} seed {seed} {kind:6} {one.seconds:6.1f} CPU s  "
                f"alike {fmean(one.alike):.2f}  sampled {end['sampled']:.2f}  "
                f"greedy {end['greedy']:.2f}",
                flush=True,
            )
    draw(
        Path(__file__).parent / f"{name}.svg",
        f"{name}: reward by step, three seeds",
        {kind: [one.rewards for one in some] for kind, some in curves.items()},
    )
    profile = sum((one.phases for one in curves["exact"]), Counter())
    seconds = {kind: [round(one.seconds, 2) for one in some] for kind, some in curves.items()}
    return {
        "cpu_seconds": seconds,
        "ratio": round(sum(seconds["exact"]) / sum(seconds["plain"]), 3),
        "share_of_wall": {
            phase: round(profile[f"seconds/{phase}"] / profile["seconds/wall"], 3)
            for phase in ("generate", "score", "train", "other")
        },
        "tokens": {n.removeprefix("tokens/"): int(v) for n, v in profile.items() if "tokens/" in n},
        "groups_alike": round(fmean(fmean(one.alike) for one in curves["exact"]), 3),
        "accuracy": {
            kind: {how: round(fmean(one[how] for one in some), 3) for how in some[0]}
            for kind, some in reached.items()
        },
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--output", type=Path, default=Path("runs/bench-grpo"))
    parser.add_argument("--tasks", nargs="+", default=["quickstart", "mixed"])
    args = parser.parse_args()
    makers = {"quickstart": quickstart_tasks, "mixed": mixed_tasks}
    found = {name: compare(name, makers[name](), args) for name in args.tasks}
    print(json.dumps(found))


if __name__ == "__main__":
    main()
