"""RLVR-Ops: write a reward once; test it, attack it, train with it anywhere, serve it, watch it.

This is the public face: all that a plugin may use. Importing it loads neither pydantic nor yaml.
"""

from rlvr_ops_core.errors import (
    DataError,
    ErrorBudgetExceeded,
    ModelError,
    OptionError,
    PipelineError,
    PluginError,
    RewardLoadError,
    RlvrError,
    RunError,
    StopRun,
)
from rlvr_ops_core.estimate import Estimate, estimated_by
from rlvr_ops_core.hookspecs import hookimpl
from rlvr_ops_core.job import TrainJob, needs
from rlvr_ops_core.reward_spec import UNDECIDED, RewardSpec, reward
from rlvr_ops_core.types import (
    Alarm,
    Answers,
    DataSource,
    Event,
    Json,
    Message,
    Monitor,
    Part,
    Reward,
    RolloutRef,
    Sample,
    Sampler,
    Score,
    Server,
    Task,
    Trainer,
    Verdict,
)

__all__ = [
    "UNDECIDED",
    "Alarm",
    "Answers",
    "DataError",
    "DataSource",
    "ErrorBudgetExceeded",
    "Estimate",
    "Event",
    "Json",
    "Message",
    "ModelError",
    "Monitor",
    "OptionError",
    "Part",
    "PipelineError",
    "PluginError",
    "Reward",
    "RewardLoadError",
    "RewardSpec",
    "RlvrError",
    "RolloutRef",
    "RunError",
    "Sample",
    "Sampler",
    "Score",
    "Server",
    "StopRun",
    "Task",
    "TrainJob",
    "Trainer",
    "Verdict",
    "estimated_by",
    "hookimpl",
    "needs",
    "reward",
]
