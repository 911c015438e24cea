"""Windows of judged rollouts as the core writes them, alike or shifted."""

from __future__ import annotations

import math
import random


def rows(
    seed,
    groups=80,
    size=4,
    skill=0.5,
    length=100.0,
    words="abc",
    seconds=0.01,
    tasks=None,
    other=0.0,
    failing=0.0,
    partial=0.0,
    cut=0.0,
):
    """Rows as the core writes them; answers to one prompt share its difficulty."""
    rng = random.Random(seed)
    made = []
    for group in range(groups):
        number = rng.randrange(tasks) if tasks else rng.randrange(10**6)
        own = random.Random(number)
        hard = own.betavariate(2 * skill, 2 * (1 - skill))
        alphabet = "xyz" if own.random() < other else words
        prompt = " ".join(own.choice(alphabet) * 5 + str(own.randrange(50)) for _ in range(8))
        mean = length * math.exp(own.gauss(0, 0.5))
        for index in range(size):
            value = float(rng.random() < hard)
            chance = rng.random() if failing or partial or cut else 1.0
            if chance < partial:
                value = 0.5
            failed = partial <= chance < partial + failing
            ended = "length" if partial + failing <= chance < partial + failing + cut else "stop"
            made.append(
                {
                    "step": group,
                    "group": str(group),
                    "index": index,
                    "task": f"t{number}",
                    "prompt": prompt,
                    "completion": "x",
                    "tokens": max(1, int(rng.gauss(mean, 10))),
                    "finish": ended,
                    "value": None if failed else value,
                    "status": "error" if failed else "ok",
                    "seconds": seconds * rng.lognormvariate(0, 0.4),
                }
            )
    return made
