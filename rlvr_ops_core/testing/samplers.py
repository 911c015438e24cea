"""Check a sampler: so many answers to each task, in order, and again the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from rlvr_ops_core.options import SUPPLIED_BY_THE_CORE
from rlvr_ops_core.testing.calls import TASKS, bound, expect
from rlvr_ops_core.types import Sample, Task


def check_sampler(
    component: Callable[..., Any],
    *,
    model: str | Path = "",
    tasks: Sequence[Task] = TASKS,
    samples: int = 2,
    **options: Any,
) -> list[list[Sample]]:
    """Answer the tasks twice with one seed; give the answers.

    A sampler passes if it gives, for each task in order, `samples` answers to that task with the
    indexes 0, 1 …, and the same ones when it is asked again.
    """

    def answer() -> list[list[Sample]]:
        sampler = bound(component, options, supplied=SUPPLIED_BY_THE_CORE)

        def all_answers() -> list[list[Sample]]:
            return list(sampler(model, tasks, samples=samples, seed=0))

        return expect(all_answers, "the sampler raised")

    answers = answer()
    assert len(answers) == len(tasks), f"{len(answers)} lists of answers to {len(tasks)} tasks"
    for task, group in zip(tasks, answers, strict=True):
        place = f"task {task.id!r}"
        assert len(group) == samples, f"{place}: {len(group)} answers, {samples} were asked for"
        assert all(isinstance(one, Sample) for one in group), f"{place}: answers must be Samples"
        assert all(one.task == task for one in group), f"{place}: answers to another task"
        indexes = [one.index for one in group]
        assert indexes == list(range(samples)), f"{place}: indexes {indexes}; count from 0"
    assert answer() == answers, "the same seed gives other answers; make a generator from the seed"
    return answers
