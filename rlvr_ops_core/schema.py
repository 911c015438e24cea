"""What a pipeline file may say, as pydantic models; `rlvr_ops_core.check` says what it means.

A stage begins with its verb, and the verb's value names what it makes or uses. What a stage or an
entry says beyond the fields here are the options of its component.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from rlvr_ops_core.options import refuse_bool

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,79}")


def _is_name(text: str) -> str:
    if not NAME.fullmatch(text):
        form = "up to 80 letters, digits, _, - and ., beginning with a letter or digit"
        raise ValueError(f"is no name: use {form}")
    return text


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _or_empty(kind: type) -> BeforeValidator:
    """A section whose entries are all commented out is nothing in YAML, and empty here."""
    return BeforeValidator(lambda value: kind() if value is None else value)


Name = Annotated[str, AfterValidator(_is_name)]
Names = Annotated[list[Name], BeforeValidator(_as_list)]
Entries = Annotated[dict[Name, Any], _or_empty(dict)]
Number = Annotated[float, BeforeValidator(refuse_bool), Field(allow_inf_nan=False)]
Count = Annotated[int, BeforeValidator(refuse_bool)]


class Strict(BaseModel):
    """Nothing beyond the fields."""

    model_config = ConfigDict(extra="forbid")


class WithOptions(BaseModel):
    """What is beyond the fields are the options of the component in `use`."""

    model_config = ConfigDict(extra="allow")

    @property
    def options(self) -> dict[str, Any]:
        """The component's options, as written."""
        return dict(self.model_extra or {})


class PipelineFile(Strict):
    """A pipeline: what there is, and in `stages` what to do with it."""

    name: Name
    """The run folder's name, unless `--output` gives another."""
    seed: Annotated[Count, Field(ge=0)] = 0
    model: str = ""
    """Where training starts: a hub id, a folder, a GGUF file. A stage may name another."""
    plugins: Annotated[list[str], _or_empty(list)] = []
    """Plugin files beside this one."""
    error_budget: Annotated[Number, Field(ge=0, le=1)] = 0.02
    """The share of samples that may get no verdict before the run stops."""
    launch: Any = None
    """The processes of every train stage whose trainer can launch some; see `LAUNCH_OF_ENGINE`."""
    require_audit: Literal["low", "medium", "high", "critical"] | None = None
    """Train only on rewards that were audited, without a finding of this severity or above."""
    data: Entries = {}
    rewards: Entries = {}
    monitors: Entries = {}
    stages: Annotated[list[Any], Field(min_length=1)]


class Use(WithOptions):
    """A data source or a monitor, with its options."""

    use: str


class RewardEntry(WithOptions):
    """A reward, and how it counts."""

    use: str
    weight: Number = 1.0
    only_if: Any = None
    """The name of another reward that must be above 0, a list of them, or name to least value."""
    optional: bool = False
    """It may abstain and is then left out; without this, an abstention leaves no total."""
    timeout_s: Annotated[Number, Field(gt=0)] | None = None


class SumEntry(Strict):
    """Several rewards as one."""

    sum: Annotated[Names, Field(min_length=1)]
    weight: Number = 1.0
    only_if: Any = None
    optional: bool = False


class EnvironmentEntry(WithOptions):
    """The environment that a stage's answers are given to, turn by turn, with its options."""

    use: str
    max_turns: Annotated[Count, Field(ge=1)] = 8
    """A conversation has at most so many answers."""
    weight: Number = 1.0
    """Of the sum of its rewards, beside the stage's rewards."""
    timeout_s: Annotated[Number, Field(gt=0)] | None = None
    """Of one answer of the environment."""


class TrainStage(WithOptions):
    """Make a model. The verb's value is its name."""

    train: Name
    use: str
    start: str | None = None
    """The model to start from: one that an earlier stage made, or a hub id, folder or file."""
    data: Name | None = None
    rewards: Names = []
    environment: Any = None
    """An `EnvironmentEntry`."""
    launch: Any = None
    """The processes of this stage."""


class EvaluateStage(WithOptions):
    """Let models answer, judge the answers, and compare. The verb's value names the models."""

    evaluate: Annotated[list[str], BeforeValidator(_as_list), Field(min_length=1)]
    name: Name = "evaluate"
    data: Name
    rewards: Names = []
    """At least one, or an environment that pays."""
    environment: Any = None
    """An `EnvironmentEntry`."""
    samples: Annotated[Count, Field(ge=1)] = 1
    """Answers a task."""
    pass_on: Name | None = None
    """The reward that says whether an answer passes; the first one named if not given."""
    solved: Number = 1.0
    """The value from which on an answer passes."""
    use: str | None = None
    """The sampler; need not be named where only one is installed."""


class ServeStage(WithOptions):
    """Serve a model until Ctrl-C. The verb's value names it."""

    serve: str
    name: Name = "serve"
    use: str


Stage: TypeAlias = TrainStage | EvaluateStage | ServeStage

STAGE_OF_VERB: dict[str, type[Stage]] = {
    "train": TrainStage,
    "evaluate": EvaluateStage,
    "serve": ServeStage,
}


class TorchrunLaunch(Strict):
    """Processes on this machine."""

    engine: Literal["torchrun"]
    processes: Annotated[Count, Field(ge=1)]
    restarts: Annotated[Count, Field(ge=0)] = 3
    accelerate_config: str = ""
    """A file beside the pipeline that `accelerate config` wrote: FSDP, DeepSpeed, precision."""


class RayLaunch(Strict):
    """Processes on a Ray cluster, or on one that is started here."""

    engine: Literal["ray"]
    workers: Annotated[Count, Field(ge=1)]
    restarts: Annotated[Count, Field(ge=0)] = 3
    address: str = ""
    resources: dict[str, Annotated[Number, Field(ge=0)]] = {}
    """What each worker takes."""


LAUNCH_OF_ENGINE: dict[str, type[TorchrunLaunch | RayLaunch]] = {
    "torchrun": TorchrunLaunch,
    "ray": RayLaunch,
}
