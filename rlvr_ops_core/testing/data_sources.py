"""Check a data source: JSON tasks with ids of their own, the same ones every time."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import islice
from typing import Any

from rlvr_ops_core.testing.calls import bound, expect
from rlvr_ops_core.types import Task

SHOWN_TASKS = 50
"""A source may be endless: so many of its tasks are read."""


def check_data_source(component: Callable[..., Any], **options: Any) -> list[Task]:
    """Read the first tasks twice; give them.

    A source passes if it gives tasks with prompts and different ids, all of it JSON, and the same
    ones in the same order when it is asked again.
    """

    def read() -> list[Task]:
        source = bound(component, options)
        tasks: list[Task] = expect(
            lambda: list(islice(source(), SHOWN_TASKS)), "the source can't be read"
        )
        return tasks

    tasks = read()
    assert tasks, "the source gives no task; give options for which there are some"
    for number, task in enumerate(tasks):
        _check_task(task, f"task {number}")
    ids = [task.id for task in tasks]
    twice = sorted({name for name in ids if ids.count(name) > 1})
    assert not twice, f"ids {twice[:3]} are there twice; give every task an id of its own"
    assert read() == tasks, (
        "asked again with the same options the source gives other tasks; make every random choice "
        "with a generator of its own, made from an option seed"
    )
    limit = options.get("limit")
    assert limit is None or len(tasks) <= limit, f"limit is {limit}, but it gives {len(tasks)}"
    return tasks


def _check_task(task: Task, place: str) -> None:
    assert isinstance(task, Task), f"{place}: must be a Task, not {type(task).__name__}"
    assert isinstance(task.id, str), f"{place}: the id must be a text"
    assert task.id, f"{place}: the id is empty"
    assert task.prompt, f"{place}: the prompt is empty"
    for name in ("prompt", "answer", "data"):
        value = getattr(task, name)
        try:
            same = json.loads(json.dumps(value, allow_nan=False)) == value
        except (TypeError, ValueError) as error:
            raise AssertionError(f"{place}: {name} is not JSON: {error}") from error
        assert same, f"{place}: {name} does not survive JSON; use lists, not tuples, and text keys"
