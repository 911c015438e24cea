"""Writes a run folder as the core does: a small model learns to add up a list by working it out.

`python -m tests.run_folder FOLDER` writes one and its report, to look at.
"""

import json
import sys
from dataclasses import dataclass
from math import exp
from pathlib import Path
from random import Random

from rlvr_ops_core.statistics import compare, summarize

HOSTILE = [
    "</script><script>alert(1)</script>",
    "<img src=x onerror=\"document.title='owned'\">",
    "```\n# A heading that is not ours\n~~~~\n````````\n| a | table |",
    "\x1b[31mred\x1b[0m \x00 null, \u202eesrever\u202c, lone \ud800, \u2028 separator",
    "<!--<script>" + "x" * 30_000 + "the end",
]
MODELS = {"warm_start": 0.45, "policy": 0.8}


@dataclass
class Shape:
    """How large the run is."""

    steps: int = 40
    prompts: int = 16
    group_size: int = 8
    tasks: int = 200
    samples: int = 4
    seed: int = 0


def build_run(folder, shape=None):
    """Writes a finished run of warm start, GRPO and evaluation; gives the folder back."""
    shape, rng = shape or Shape(), Random(0)
    stages = [
        ("01-warm_start", "warm_start", "train", "grpo/sft", 36.1),
        ("02-policy", "policy", "train", "grpo/grpo", 52.4),
        ("03-evaluate", "evaluate", "evaluate", "", 7.9),
    ]
    entries = []
    for name, stage, verb, use, seconds in stages:
        path = folder / "stages" / name
        path.mkdir(parents=True)
        entry = {"name": stage, "folder": f"stages/{name}", "verb": verb, "use": use}
        entries.append({**entry, "status": "done", "seconds": seconds})
        identity = {"pass_on": "correct" if verb == "evaluate" else "", "solved": 1.0}
        write_json(path / "stage.json", {**entry, "identity": identity, "status": "done"})
    write_top(folder, entries)
    write_warm_start(folder / "stages/01-warm_start", rng)
    write_grpo(folder / "stages/02-policy", shape, rng)
    write_evaluation(folder / "stages/03-evaluate", shape, rng)
    return folder


def write_top(folder, entries):
    run = {
        "name": folder.name,
        "status": "finished",
        "started": "2026-03-02T09:14:03+00:00",
        "finished": "2026-03-02T09:15:41+00:00",
        "seed": 0,
        "model": "examples/tiny-llama.json",
        "pipeline": str(folder.parent.parent / "examples" / "quickstart.yaml"),
        "reason": "",
        "stages": entries,
    }
    write_json(folder / "run.json", run)
    packages = {"rlvr-ops": "0.1.0", "torch": "2.13.0", "transformers": "5.23.0", "trl": "1.16.0"}
    packages |= {"click": "8.5.1", "xxhash": "3.6.0"}
    environment = {
        "python": "3.11.9",
        "platform": "Linux-6.1-x86_64",
        "cpu": "AMD EPYC 7B13",
        "cores": 2,
        "memory_gib": 15.6,
        "gpus": [],
        "packages": packages,
        "plugins": {"math": "rlvr-rewards-math 0.1.0", "grpo": "rlvr-trainer-grpo 0.1.0"},
    }
    write_json(folder / "environment.json", environment)
    (folder / "pipeline.yaml").write_text(
        "name: quickstart\nseed: 0\nstages:\n"
        "  - {train: warm_start, use: grpo/sft, data: train, steps: 400}\n"
        "  - {train: policy, use: grpo/grpo, start: warm_start, rewards: [correct, worked]}\n"
        "  - {evaluate: [warm_start, policy], data: test, samples: 4}\n"
    )
    write_lines(folder / "events.jsonl", [{"kind": "run_started", "run": folder.name, "time": 1.0}])


def write_warm_start(path, rng):
    lines = [
        {
            "step": step,
            "time": 1e9 + step,
            "loss": 2.1 * exp(-step / 90) + 0.35 + rng.gauss(0, 0.03),
            "learning_rate": 1e-3 * (1 - step / 400),
            "grad_norm": 0.8 + 0.4 * rng.random(),
            "entropy": 1.9 * exp(-step / 120) + 0.2 + rng.gauss(0, 0.02),
        }
        for step in range(5, 401, 5)
    ]
    write_lines(path / "metrics.jsonl", lines)


def write_grpo(path, shape, rng):
    metrics, rollouts = [], []
    for step in range(1, shape.steps + 1):
        chance = 0.45 + 0.37 / (1 + exp(-(step / shape.steps - 0.45) * 9))
        rows = [
            row
            for prompt in range(shape.prompts)
            for row in group_of(rng, f"train/{step * 100 + prompt}", step, prompt, chance, shape)
        ]
        rollouts += rows
        metrics.append(metrics_of(rng, step, rows, shape))
    write_lines(path / "rollouts.jsonl", rollouts)
    write_lines(path / "metrics.jsonl", metrics)


def metrics_of(rng, step, rows, shape):
    values = [row["value"] for row in rows if row["value"] is not None]
    mean = sum(values) / len(values)
    done = step / shape.steps
    return {
        "step": step,
        "time": 1e9 + step * 1.3,
        "loss": rng.gauss(0, 0.02),
        "reward": mean,
        "reward_std": 0.5 - 0.3 * done + rng.gauss(0, 0.02),
        "reward/correct": mean - 0.05,
        "reward/worked": min(1.0, 0.4 + 0.55 * done + rng.gauss(0, 0.03)),
        "completion_length": 4 + 4 * done + rng.gauss(0, 0.3),
        "entropy": 0.9 - 0.55 * done + rng.gauss(0, 0.03),
        "kl": 0.02 * done + abs(rng.gauss(0, 0.001)),
        "learning_rate": 1e-4,
        "grad_norm": 0.5 + abs(rng.gauss(0, 0.15)),
        "clip_ratio": abs(rng.gauss(0, 0.004)),
        "groups_alike": 0.1 + 0.4 * done + rng.gauss(0, 0.04),
        "no_verdict": sum(row["value"] is None for row in rows) / len(rows),
        "truncated": 0.0,
        "seconds": 1.3 + abs(rng.gauss(0, 0.1)),
    }


def group_of(rng, task, step, prompt, chance, shape):
    numbers = rng.choices(range(2, 10), k=4)
    ease = min(1.0, max(0.0, chance + rng.gauss(0, 0.2)))
    group = f"{step}/{prompt}"
    return [
        judged(rng, task, numbers, rng.random() < ease, step=step, group=group, index=index)
        for index in range(shape.group_size)
    ]


def judged(rng, task, numbers, right, *, step=None, group="", index=0):
    """One ROW of the run folder's format."""
    total = sum(numbers)
    said = total if right else total + rng.choice([-3, -2, -1, 1, 2, 10])
    partial = [sum(numbers[: n + 1]) for n in range(len(numbers) - 1)]
    worked = rng.random() < (0.8 if right else 0.3)
    text = f"? {' '.join(map(str, [*partial, said]))}" if worked else f"! {said}"
    row = {
        "step": step,
        "task": task,
        "group": group or f"{task}/0",
        "index": index,
        "prompt": " ".join(map(str, numbers)) + " =",
        "completion": text,
        "finish": "stop",
        "tokens": len(text.split()),
        "gold": total,
        "value": float(right),
        "status": "ok",
        "reason": "" if right else f"{said} is not {total}",
        "extracted": str(said),
        "components": {
            "correct": {"value": float(right), "weight": 1.0, "share": float(right)},
            "worked": {"value": float(worked), "weight": 0.0, "share": 0.0},
        },
        "info": {"extracted": str(said)},
        "ref": "text/number@0.1.0#ab12cd34",
        "seconds": 0.00002,
    }
    roll = rng.random()
    if roll < 0.004:
        return without_verdict(row, "timeout", "no verdict after 2 s")
    if roll < 0.01:
        return without_verdict(row, "error", "ValueError: no number in the answer")
    return row


def without_verdict(row, status, reason):
    parts = {name: {**part, "value": None} for name, part in row["components"].items()}
    return row | {
        "value": None,
        "status": status,
        "reason": reason,
        "extracted": None,
        "components": parts,
    }


def hostile_rows(task="test/hostile", step=None):
    """Answers that try to break out of the page, each judged wrong."""
    rows = []
    for index, text in enumerate(HOSTILE):
        row = judged(Random(0), task, [1, 2], False, step=step, index=index)
        rows.append(row | {"completion": text, "reason": text, "extracted": text, "gold": text})
    return rows


def write_evaluation(path, shape, rng):
    answers = {}
    for model, skill in MODELS.items():
        rows = []
        for number in range(shape.tasks):
            numbers = Random(number).choices(range(2, 10), k=4)
            ease = min(1.0, max(0.0, skill + rng.gauss(0, 0.25)))
            task = f"test/{number}"
            rows += [
                judged(rng, task, numbers, rng.random() < ease, index=index)
                for index in range(shape.samples)
            ]
        answers[model] = rows + hostile_rows()[: shape.samples]
        write_lines(path / "answers" / f"{model}.jsonl", answers[model])
    write_result(path, answers, shape)


def write_result(path, answers, shape):
    how = {"pass_on": "correct", "solved": 1.0, "seed": shape.seed}
    models = {name: summarize(rows, samples=shape.samples, **how) for name, rows in answers.items()}
    names = list(answers)
    pairs = [
        compare(answers[names[0]], answers[after], before=names[0], after=after, **how)
        for after in names[1:]
    ]
    sampler = {"use": "grpo/sample", "temperature": 1.0, "max_tokens": 16}
    result = {"data": "test", "samples": shape.samples, "sampler": sampler}
    result |= {"pass_on": "correct", "solved": 1.0, "models": models, "pairs": pairs}
    write_json(path / "result.json", result)


def write_json(path, value):
    path.write_text(json.dumps(value, indent=1))


def write_lines(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


if __name__ == "__main__":
    from rlvr_ops_core.report import write_report

    print(*write_report(build_run(Path(sys.argv[1]))), sep="\n")
