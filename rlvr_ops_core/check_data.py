"""Read a plan's data and find the tasks that no reward could judge, before training does."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from rlvr_ops_core.errors import DataError
from rlvr_ops_core.plan import Plan
from rlvr_ops_core.reward_spec import spec_of
from rlvr_ops_core.types import Task

MOST_SHOWN = 10
MOST_READ = 100_000


def check_data(plan: Plan) -> list[str]:
    """Lines that say how many tasks each data entry gives.

    Raises:
        DataError: tasks can't be read, or a reward that will judge them can't read their answer.
    """
    lines: list[str] = []
    problems: list[str] = []
    for name, bound in plan.data.items():
        judges = _judges_of(plan, name)
        count = 0
        for task in bound.make()():
            count += 1
            for reward, check in judges.items():
                problem = check(task)
                if problem:
                    problems.append(f"data.{name}: task {task.id}: {reward}: {problem}")
            if count == MOST_READ:
                break
        if count == 0:
            problems.append(f"data.{name}: gives no task")
        more = " or more" if count == MOST_READ else ""
        lines.append(f"data.{name}: {count:,}{more} tasks, read by {bound.component.name}")
    if problems:
        shown = "\n".join(problems[:MOST_SHOWN])
        rest = len(problems) - MOST_SHOWN
        more = f"\n… and {rest} more" if rest > 0 else ""
        what = f"{len(problems)} tasks can't be judged"
        raise DataError(what, hint=f"{shown}{more}\nmend their answers or leave them out")
    return lines


def _judges_of(plan: Plan, data: str) -> dict[str, Callable[[Task], str]]:
    """What each reward that will judge answers to these tasks says of a task."""
    stages = [stage for stage in plan.stages if stage.data == data]
    names = {name for stage in stages for named in stage.rewards for name in plan.needed_by(named)}
    checks: dict[str, Callable[[Task], str]] = {}
    for name in sorted(names):
        bound = plan.rewards[name].bound
        check = spec_of(bound.component.call).check_task if bound else None
        if bound is not None and check is not None:
            checks[name] = partial(check, **bound.options)
    return checks
