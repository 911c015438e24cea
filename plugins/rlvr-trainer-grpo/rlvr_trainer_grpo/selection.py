"""Which tasks a step is spent on: those whose outcome is uncertain, by a posterior of pass rates.

Tasks are put in buckets by an entry of their data (their difficulty, say), or each is one. A
bucket has a Beta posterior of its pass rate; old outcomes fade, because the policy changes. For a
step some candidates are drawn, a pass rate p from the posterior of each (Thompson sampling), and
those with the greatest p * (1 - p), the variance of the reward, are answered.
"""

from __future__ import annotations

import json
import math
import random
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from rlvr_ops_core import OptionError, Task

MEMORY = 0.8
"""What is left of an outcome's weight after a step in which its bucket was answered."""

FILE = "selection.json"
"""In a checkpoint: the posteriors, so that a killed training goes on with the same tasks."""


class Selection:
    """Chooses tasks, and learns from how they were answered."""

    def __init__(self, tasks: Sequence[Task], *, by: str, candidates: int, seed: int) -> None:
        """`by` names an entry of the tasks' data, `id` makes each task a bucket.

        `candidates` tasks are drawn for each one that is chosen.

        Raises:
            OptionError: a task has no such entry.
        """
        self.buckets = [bucket_of(task, by) for task in tasks]
        self.candidates = candidates
        self.seed = seed
        self.passed: defaultdict[str, float] = defaultdict(float)
        self.failed: defaultdict[str, float] = defaultdict(float)

    def choose(self, step: int, count: int) -> list[int]:
        """The places of so many tasks: they depend on the seed, the step and what was learned."""
        generator = random.Random(f"{self.seed}/{step}/select")
        drawn = min(len(self.buckets), count * self.candidates)
        places = generator.sample(range(len(self.buckets)), drawn)

        def worth(place: int) -> float:
            bucket = self.buckets[place]
            rate = generator.betavariate(1 + self.passed[bucket], 1 + self.failed[bucket])
            return rate * (1 - rate)

        ranked = sorted(places, key=worth, reverse=True)
        return [ranked[n % len(ranked)] for n in range(count)]

    def learn(self, places: Sequence[int], values: Sequence[float]) -> None:
        """Note the values of answers to the tasks of these places; NaN is no outcome."""
        for bucket in sorted({self.buckets[place] for place in places}):
            self.passed[bucket] *= MEMORY
            self.failed[bucket] *= MEMORY
        for place, value in zip(places, values, strict=True):
            if math.isnan(value):
                continue
            share = min(1.0, max(0.0, value))
            self.passed[self.buckets[place]] += share
            self.failed[self.buckets[place]] += 1 - share

    def save(self, folder: Path) -> None:
        """Write the posteriors into a checkpoint."""
        state = {"passed": self.passed, "failed": self.failed}
        (folder / FILE).write_text(json.dumps(state), encoding="utf-8")

    def load(self, folder: Path) -> None:
        """Go on with the posteriors of a checkpoint."""
        state = json.loads((folder / FILE).read_text(encoding="utf-8"))
        self.passed.update(state["passed"])
        self.failed.update(state["failed"])


def bucket_of(task: Task, by: str) -> str:
    """The name of the bucket that a task belongs to.

    Raises:
        OptionError: the task has no such entry.
    """
    if by == "id":
        return task.id
    if by not in task.data:
        raise OptionError(
            f"pruning: select_by: task {task.id} has no data[{by!r}]",
            hint=f"its data has: {', '.join(sorted(task.data)) or 'nothing'}; id takes each alone",
        )
    return str(task.data[by])
