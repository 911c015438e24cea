"""The plugin `data`: data sources that every project needs, and reasoning-gym's own reward."""

from __future__ import annotations

from collections.abc import Mapping

from rlvr_ops_core.builtin.gym import ReasoningGym, reasoning_gym_tasks
from rlvr_ops_core.builtin.hub import Hub
from rlvr_ops_core.builtin.jsonl import JsonLines
from rlvr_ops_core.hookspecs import hookimpl
from rlvr_ops_core.types import DataSource, Reward


@hookimpl
def rlvr_data_sources() -> Mapping[str, DataSource]:
    """The data sources by name."""
    return {"jsonl": JsonLines, "hub": Hub, "reasoning_gym": reasoning_gym_tasks}


@hookimpl
def rlvr_rewards() -> Mapping[str, Reward]:
    """The scorer of reasoning-gym's tasks."""
    return {"reasoning_gym": ReasoningGym}
