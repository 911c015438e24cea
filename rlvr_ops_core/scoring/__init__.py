"""The scoring engine: runs rewards, and turns whatever happens into verdicts."""

from rlvr_ops_core.scoring.ahead import Ahead
from rlvr_ops_core.scoring.bound import BoundReward, bind_component, bind_function
from rlvr_ops_core.scoring.budget import ErrorBudget
from rlvr_ops_core.scoring.compose import Entry, Rewards
from rlvr_ops_core.scoring.engine import Engine, score
from rlvr_ops_core.scoring.environments import EnvironmentEngine

__all__ = [
    "Ahead",
    "BoundReward",
    "Engine",
    "Entry",
    "EnvironmentEngine",
    "ErrorBudget",
    "Rewards",
    "bind_component",
    "bind_function",
    "score",
]
