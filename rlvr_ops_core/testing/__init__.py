"""Checks for plugin authors: one call a component, plain asserts, no test framework needed.

Each binds the component's options as a pipeline does, calls it as a run does, and fails with an
AssertionError that says what was wrong and what to do.

Example:
    >>> from rlvr_ops_core.testing import check_reward
    >>> def brief(sample, *, limit=9):
    ...     return len(sample.final) < limit
    >>> verdicts = check_reward(brief, limit=4)
"""

from rlvr_ops_core.testing.calls import TASKS
from rlvr_ops_core.testing.data_sources import check_data_source
from rlvr_ops_core.testing.environments import check_environment
from rlvr_ops_core.testing.monitors import check_monitor, whole_run
from rlvr_ops_core.testing.rewards import HOSTILE_COMPLETIONS, check_reward
from rlvr_ops_core.testing.samplers import check_sampler
from rlvr_ops_core.testing.servers import check_server
from rlvr_ops_core.testing.trainers import check_trainer

__all__ = [
    "HOSTILE_COMPLETIONS",
    "TASKS",
    "check_data_source",
    "check_environment",
    "check_monitor",
    "check_reward",
    "check_sampler",
    "check_server",
    "check_trainer",
    "whole_run",
]
