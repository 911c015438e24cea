"""A verifiers environment of any data source and any rewards of ours.

`rlvr export verifiers REWARD --data SOURCE` writes a package whose taskset is a class made here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

import verifiers.v1 as vf

from rlvr_bridge.reference import Rewards, refer
from rlvr_bridge.sources import tasks_of
from rlvr_bridge.tasks import encode_task
from rlvr_bridge.verifiers import reward
from rlvr_ops_core import Task


class RewardData(vf.TaskData):  # type: ignore[misc]  # a class of a package without types
    """One task, as verifiers keeps it."""

    rlvr_task: str
    """The task as JSON: what the rewards may know."""


class RewardConfig(vf.TasksetConfig):  # type: ignore[misc]  # a class of a package without types
    """What can be set on the command line."""

    split: str = "train"
    num_tasks: int | None = None


def taskset(
    rewards: Rewards,
    *,
    data: str,
    data_options: Mapping[str, Any] | None = None,
    **settings: Any,
) -> type[Any]:
    """A `vf.Taskset` class: the tasks of a data source, judged by these rewards.

    `settings` are those of `rlvr_bridge.verifiers.reward`.

    Raises:
        PluginError: a reward or the data source is not there, or verifiers can't carry it.
        OptionError: an option is wrong.
    """
    reference = refer(rewards, options=settings.pop("options", None))
    judge = reward(reference, **settings)

    class RewardTask(vf.Task[RewardData]):  # type: ignore[misc]  # as above
        @vf.reward  # type: ignore[untyped-decorator]  # as above
        async def rlvr(self, task: Any, trace: Any) -> Any:
            return await judge(task=task, trace=trace)

    class RewardTaskset(vf.Taskset[RewardTask, RewardConfig]):  # type: ignore[misc]  # as above
        def load(self) -> Iterator[RewardTask]:
            options = {"split": self.config.split, **(data_options or {})}
            for task in islice(tasks_of(data, options), self.config.num_tasks):
                yield RewardTask(_row(task), self.config.task)

    return RewardTaskset


def _row(task: Task) -> RewardData:
    prompt = task.prompt if isinstance(task.prompt, str) else [dict(m) for m in task.prompt]
    return RewardData(id=task.id, prompt=prompt, rlvr_task=encode_task(task))
