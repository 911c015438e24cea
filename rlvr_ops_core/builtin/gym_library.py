"""The library reasoning-gym, or a message that says how to get it.

Imported only where tasks are made or judged; for the reward that is a worker process.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

from rlvr_ops_core.errors import RlvrError

try:
    import reasoning_gym
    from reasoning_gym.factory import DATASETS
except ImportError as error:
    raise RlvrError(
        f"data/reasoning_gym needs reasoning-gym: {error}",
        hint='pip install "rlvr-ops[reasoning-gym]"',
    ) from error


def known_tasks() -> list[str]:
    """The names of reasoning-gym's tasks."""
    return sorted(DATASETS)


def dataset(task: str, options: dict[str, Any]) -> Any:
    """A reasoning-gym data set; what its own check says about the options comes out as it is."""
    return reasoning_gym.create_dataset(task, **options)


@lru_cache(maxsize=64)
def scorer(task: str, options: str) -> Any:
    """The data set's own scorer, `f(answer, entry)`; `options` are JSON.

    Some scorers read the options, so the data set is made as it was for the tasks, of size 1.
    """
    return dataset(task, {**json.loads(options), "size": 1, "seed": 0}).score_answer
