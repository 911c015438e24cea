"""A few real steps of a training, timed, so that the rest can be reckoned from them.

The first step stands apart (loading, imports, warming up), and so do checkpoints and the end. What
a rehearsal can't know is how long answers will be once a model has been trained that now is random:
there the lengths of the demonstrations that it is to imitate are taken, from a note beside it.
"""

from __future__ import annotations

import json
import math
import random
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from pathlib import Path

from rlvr_ops_core import TrainJob
from rlvr_trainer_grpo.checkpoints import SEAL

BUDGET_S = 6.0
"""Wall time that is spent on measured steps, where steps are short."""
FEWEST, MOST = 4, 40

NOTE = "answer_lengths.json"
"""In a stand-in's folder: lengths of answers, in tokens, that the trained model may give."""

Spent = tuple[float, float]
"""Wall seconds and CPU seconds."""

_lengths: ContextVar[Callable[[int], list[int]] | None] = ContextVar("lengths", default=None)


@dataclass(frozen=True)
class Rehearsal:
    """What the parts of a training took."""

    first: Spent
    """From the start to the end of the first step."""
    step: Spent
    """A further step, the mean of those that were measured."""
    checkpoint: Spent
    end: Spent
    """From the last step to the saved model."""
    logged: Sequence[Mapping[str, float]]
    """The numbers of all steps."""

    def whole(self, steps: int, save_steps: int) -> Spent:
        """What all steps take, with a checkpoint every `save_steps` and at the last one."""
        saves = math.ceil(steps / save_steps) if save_steps > 0 else 0
        wall, cpu = (
            self.first[n] + (steps - 1) * self.step[n] + saves * self.checkpoint[n] + self.end[n]
            for n in (0, 1)
        )
        return wall, cpu

    def a_step(self, name: str) -> float:
        """A logged number, the mean over the steps; one that a step leaves out is 0 there."""
        return sum(row.get(name, 0.0) for row in self.logged) / len(self.logged)


def rehearse(train: Callable[[TrainJob, int], None], job: TrainJob, *, steps: int) -> Rehearsal:
    """Run `train(job, steps)` for two steps, and for more where they are short.

    The model of the last run is left in `job.output`.
    """
    short = _run(train, job, min(2, steps))
    wall = short.step[0]
    more = min(steps, MOST, int(BUDGET_S / max(wall, 1e-6)))
    if more < FEWEST:
        return short
    longer = _run(train, job, more)
    return replace(short, step=longer.step, logged=[*short.logged, *longer.logged])


def _run(train: Callable[[TrainJob, int], None], job: TrainJob, steps: int) -> Rehearsal:
    marks = [_now()]
    logged: list[dict[str, float]] = []

    def note(_step: int, numbers: dict[str, float]) -> None:
        marks.append(_now())
        logged.append(numbers)

    for folder in (job.output, job.checkpoints):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    train(replace(job, on_log=note), steps)
    saved_at = [seal.stat().st_mtime for seal in job.checkpoints.glob(f"*/{SEAL}")]
    shutil.rmtree(job.checkpoints)
    last, end = marks[-1], _now()
    saving = max(0.0, max(saved_at, default=last[0]) - last[0])
    share = saving / max(1e-9, end[0] - last[0])
    after = end[1] - last[1]
    count = max(1, len(marks) - 2)
    return Rehearsal(
        first=_between(marks[0], marks[1]),
        step=tuple(one / count for one in _between(marks[1], last)),  # type: ignore[arg-type]
        checkpoint=(saving, after * share),
        end=(end[0] - last[0] - saving, after * (1 - share)),
        logged=logged,
    )


def _now() -> Spent:
    return time.time(), time.process_time()


def _between(start: Spent, end: Spent) -> Spent:
    return end[0] - start[0], end[1] - start[1]


def write_note(folder: Path, lengths: Sequence[int]) -> None:
    """Say beside a stand-in how long its answers would be."""
    (folder / NOTE).write_text(json.dumps(list(lengths)), encoding="utf-8")


def read_note(model: str) -> list[int] | None:
    """The lengths beside a model; None for a real one."""
    try:
        found: list[int] = json.loads((Path(model) / NOTE).read_text(encoding="utf-8"))
    except OSError:
        return None
    return found


@contextmanager
def answers_as_long_as(lengths: Sequence[int] | None, *, at_most: int, seed: int) -> Iterator[None]:
    """Sampled answers have lengths drawn from these while the `with` lasts; None: their own."""
    if not lengths:
        yield
        return
    generator = random.Random(seed)
    token = _lengths.set(
        lambda count: [min(at_most, generator.choice(lengths)) for _ in range(count)]
    )
    try:
        yield
    finally:
        _lengths.reset(token)


def rehearsed_lengths(count: int) -> list[int] | None:
    """The lengths of so many answers in a rehearsal; None in a real run."""
    draw = _lengths.get()
    return None if draw is None else draw(count)
