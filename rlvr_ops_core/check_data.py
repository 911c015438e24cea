"""Read a plan's data and find the tasks that no reward could judge, before training does."""

from __future__ import annotations

from rlvr_ops_core.errors import DataError
from rlvr_ops_core.plan import Plan, PlannedReward
from rlvr_ops_core.types import Task

CHECK_ATTRIBUTE = "__rlvr_check_task__"
"""On a reward: `f(task, **options) -> str` gives what is wrong with a task's gold answer, or ""."""

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
            for reward in judges:
                problem = _problem(reward, task)
                if problem:
                    problems.append(f"data.{name}: task {task.id}: {reward.name}: {problem}")
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


def _judges_of(plan: Plan, data: str) -> list[PlannedReward]:
    """The rewards that judge answers to these tasks, as far as they can check a task."""
    names = {name for stage in plan.stages if stage.data == data for name in stage.rewards}
    rewards = [plan.rewards[name] for name in sorted(names)]
    return [
        reward
        for reward in rewards
        if reward.bound and hasattr(reward.bound.component.call, CHECK_ATTRIBUTE)
    ]


def _problem(reward: PlannedReward, task: Task) -> str:
    if reward.bound is None:
        return ""
    check = getattr(reward.bound.component.call, CHECK_ATTRIBUTE)
    return str(check(task, **reward.bound.options))
