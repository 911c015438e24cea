"""GRPO with the exact savings beside plain TRL: same task, model, seeds and step semantics.

    python benchmarks/grpo/side_by_side.py [--seeds 0 1 2] [--steps 40] [--output FOLDER]
    python benchmarks/grpo/side_by_side.py --tasks pruned

Both train in this process, one after the other, from the same warm start. CPU seconds are those of
the process while it trains, without loading and evaluating. `plain` is trl.GRPOTrainer as it comes;
`exact` is `grpo/grpo` with its defaults. Two tasks: the quickstart's lists, and a harder mix in
which two thirds of the lists are longer sums than the model has seen, so that all answers to one
of them are wrong. The last line is one JSON object.

`pruned` is another question: how many tokens are generated until an accuracy is reached, on the
second task, with `grpo/grpo` and its pruning beside plain TRL; the goal is plain TRL's accuracy at
its last step. Both are evaluated every fifth step on held-out lists.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from statistics import fmean
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[2] / "examples"))

from adding import lists, sum_is_right  # the quickstart's task; found by the lines above
from curves import draw, draw_lines
from rlvr_trainer_grpo import grpo, sample, scratch, sft
from rlvr_trainer_grpo.pruning import Pruning
from rlvr_trainer_grpo.quiet import cpu_threads, quiet

from rlvr_ops_core import Part, Sample, Task, TrainJob, Verdict

WARM_START = {"shuffle": False, "steps": 600, "batch_size": 48, "learning_rate": 4e-3}
WARM_START |= {"warmup_steps": 20, "adam_beta2": 0.98, "threads": 1, "save_steps": 0}
PROMPTS, GROUP, NEW_TOKENS = 16, 8, 14
SHARED = {"learning_rate": 2e-4, "warmup_steps": 5, "adam_beta2": 0.95}
PRUNED = {
    "prompts_per_step": 6,
    "pruning": Pruning(select_by="greatest", candidates=16, first_answers=4),
}
"""The one of five settings that took under a third on all of the seeds 3, 4 and 5."""
EVALUATED_EVERY = 5


@dataclass(frozen=True, kw_only=True)
class Shape:
    """What both trainings share, whatever the task and the machine."""

    prompts: int = PROMPTS
    group: int = GROUP
    new_tokens: int = NEW_TOKENS
    stop: tuple[str, ...] = ()
    trl: Mapping[str, Any] = field(default_factory=lambda: SHARED)
    judge: Callable[[Sequence[Sample], int | None], list[Verdict]] | None = None
    threads: int | None = 1
    save_steps: int = 0


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
        self.walls: list[float] = []
        self.generated: list[float] = []

    @property
    def seconds(self) -> float:
        """CPU seconds of all steps; the first, which also warms up, counts as the others' mean."""
        return (self.times[-1] - self.times[0]) * len(self.times) / (len(self.times) - 1)

    @property
    def wall_seconds(self) -> float:
        """The same by the clock on the wall."""
        return (self.walls[-1] - self.walls[0]) * len(self.walls) / (len(self.walls) - 1)

    def log(self, _step: int, numbers: dict[str, float]) -> None:
        """Keep the numbers of a step."""
        self.times.append(time.process_time())
        self.walls.append(time.perf_counter())
        self.generated.append(numbers.get("tokens/generated", 0.0))
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


def exact(
    folder: Path,
    model: str,
    tasks: list[Task],
    seed: int,
    steps: int,
    shape: Shape = Shape(),  # frozen
    **more: Any,
) -> Curve:
    """`grpo/grpo` with its defaults; `more` are options of its own."""
    curve = Curve()
    scores = shape.judge or judge
    start = job(folder, model=model, tasks=tasks, seed=seed, on_score=scores, on_log=curve.log)
    options: dict[str, Any] = {
        "prompts_per_step": shape.prompts,
        "group_size": shape.group,
        "max_new_tokens": shape.new_tokens,
        "stop": shape.stop,
        "threads": shape.threads,
        "save_steps": shape.save_steps,
        "save_total_limit": None,
        **shape.trl,
    }
    grpo(start, steps=steps, **(options | more))
    return curve


def plain(
    folder: Path,
    model: str,
    tasks: list[Task],
    seed: int,
    steps: int,
    shape: Shape = Shape(),  # frozen
) -> Curve:
    """trl.GRPOTrainer with the same configuration, tasks in the same order, the same rewards."""
    from rlvr_trainer_grpo.accounts import Accounts
    from rlvr_trainer_grpo.grpo import _dataset
    from rlvr_trainer_grpo.judge import Judge
    from rlvr_trainer_grpo.models import (
        computes_in_bfloat16,
        load_model,
        load_tokenizer,
        weight_dtype,
    )
    from rlvr_trainer_grpo.prompts import end_ids, stop_token_ids, task_order
    from rlvr_trainer_grpo.training import run
    from rlvr_trainer_grpo.trl_options import make_config
    from transformers import set_seed
    from trl import GRPOTrainer

    curve = Curve()
    scores = shape.judge or judge
    start = job(folder, model=model, tasks=tasks, seed=seed, on_score=scores, on_log=curve.log)
    set_seed(seed)
    accounts = Accounts()
    judged = Judge(
        start,
        group_size=shape.group,
        stop=shape.stop,
        has_ended=lambda _: True,
        accounts=accounts,
    )
    saving = {"save_strategy": "steps", "save_steps": shape.save_steps, "save_total_limit": None}
    config = make_config(
        "GRPOConfig",
        start,
        {},
        max_steps=steps,
        num_generations=shape.group,
        per_device_train_batch_size=shape.prompts * shape.group,
        lr_scheduler_type="constant_with_warmup",
        max_completion_length=shape.new_tokens,
        beta=0.0,
        shuffle_dataset=False,
        bf16=computes_in_bfloat16("auto"),
        **(saving if shape.save_steps else {"save_strategy": "no"}),
        **shape.trl,
    )
    order = task_order(len(tasks), steps * shape.prompts, seed=seed, shuffle=True)
    tokenizer = load_tokenizer(model)
    loaded = load_model(model, dtype=weight_dtype("auto", training=True))
    ends = end_ids(loaded, tokenizer) | set(stop_token_ids(tokenizer, shape.stop))
    loaded.generation_config.eos_token_id = sorted(ends)
    with quiet(), cpu_threads(shape.threads):
        trainer = GRPOTrainer(
            model=loaded,
            processing_class=tokenizer,
            reward_funcs=judged,
            args=config,
            train_dataset=_dataset(tasks).select(order),
        )

    def numbers() -> dict[str, float]:
        known = judged.metrics()
        rows = shape.prompts * shape.group
        return known | {"tokens/generated": rows * known.get("completion_length", 0.0)}

    run(trainer, start, tokenizer, extra_metrics=numbers, threads=shape.threads)
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


def tokens_to_accuracy(args: argparse.Namespace) -> dict[str, Any]:
    """Generated tokens until the accuracy that plain TRL has at its last step, for each seed."""
    held_out = list(lists(split="test", limit=200))
    tasks, shape = mixed_tasks(), Shape(save_steps=EVALUATED_EVERY)
    lines: dict[str, list[tuple[list[float], list[float]]]] = {"plain": [], "pruned": []}
    for seed in args.seeds:
        model = warm_start(args.output, seed)
        for kind, line in lines.items():
            folder = args.output / f"tokens-{kind}-{seed}"
            shutil.rmtree(folder, ignore_errors=True)
            if kind == "plain":
                curve = plain(folder, model, tasks, seed, args.steps, shape)
            else:
                steps = args.steps * 3  # six groups a step, not sixteen
                curve = exact(folder, model, tasks, seed, steps, shape, **PRUNED)
            spent, reached = _evaluated(folder, model, curve, held_out)
            line.append((spent, reached))
            shown = [f"{x:.0f}: {y:.3f}" for x, y in zip(spent, reached, strict=True)]
            print(f"tokens: accuracy, seed {seed}, {kind}: {', '.join(shown)}", flush=True)
    draw_lines(
        Path(__file__).parent / "pruned.svg",
        "held-out sampled accuracy by generated tokens, three seeds",
        lines,
    )
    goals = [accuracies[-1] for _, accuracies in lines["plain"]]
    needed = {
        kind: [_tokens_until(goal, *line) for goal, line in zip(goals, some, strict=True)]
        for kind, some in lines.items()
    }
    pairs = zip(needed["pruned"], needed["plain"], strict=True)
    return {
        "accuracy": [round(goal, 3) for goal in goals],
        "tokens_until": needed,
        "ratio": [round(one / other, 3) if one and other else None for one, other in pairs],
        "best": {
            kind: [round(max(accuracies), 3) for _, accuracies in some]
            for kind, some in lines.items()
        },
    }


def _evaluated(
    folder: Path, model: str, curve: Curve, held_out: Sequence[Task]
) -> tuple[list[float], list[float]]:
    """Generated tokens up to each checkpoint, and the sampled accuracy there."""
    spent, reached = [0.0], [accuracy(Path(model), held_out)["sampled"]]
    for step in range(EVALUATED_EVERY, len(curve.generated) + 1, EVALUATED_EVERY):
        spent.append(sum(curve.generated[:step]))
        place = folder / "checkpoints" / f"checkpoint-{step}"
        reached.append(accuracy(place, held_out)["sampled"])
    return spent, reached


def _tokens_until(goal: float, spent: Sequence[float], reached: Sequence[float]) -> float | None:
    """Where the straight line between two evaluations first comes to the goal."""
    for place in range(1, len(spent)):
        if reached[place] >= goal:
            low, high = reached[place - 1], reached[place]
            share = (goal - low) / (high - low) if high > low else 1.0
            before = spent[place - 1]
            return round(before + share * (spent[place] - before))
    return None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--output", type=Path, default=Path("runs/bench-grpo"))
    parser.add_argument("--tasks", nargs="+", default=["quickstart", "mixed", "pruned"])
    args = parser.parse_args()
    makers = {"quickstart": quickstart_tasks, "mixed": mixed_tasks}
    found = {
        name: compare(name, makers[name](), args) if name in makers else tokens_to_accuracy(args)
        for name in args.tasks
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
