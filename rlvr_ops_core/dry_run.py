"""`rlvr run --dry-run`: what a run will take, stage by stage, without running it.

Each trainer and sampler estimates itself (`estimated_by`): it takes a few real steps on real tasks
with the model that is there, or with a stand-in for one that an earlier stage has yet to make. The
core adds what is its own: tasks are loaded and rewards started as in the run, and timed.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from rlvr_ops_core.errors import RlvrError
from rlvr_ops_core.estimate import ESTIMATE_ATTRIBUTE, ESTIMATE_FILE, Estimate
from rlvr_ops_core.events import Events
from rlvr_ops_core.job import TrainJob
from rlvr_ops_core.pipeline import stages_until
from rlvr_ops_core.plan import Plan, PlannedStage
from rlvr_ops_core.runs import RunFolder, fresh_folder, now, write_json
from rlvr_ops_core.scoring import Ahead, ErrorBudget, Rewards
from rlvr_ops_core.spending import Meter
from rlvr_ops_core.stages.context import RunContext
from rlvr_ops_core.stages.evaluate import environment_of
from rlvr_ops_core.types import Sample, Verdict


@dataclass(frozen=True)
class StageEstimate:
    """What one stage will take; numbers that nobody estimates are None."""

    name: str
    verb: str
    use: str
    identity: dict[str, Any]
    seconds: float | None = None
    cpu_seconds: float | None = None
    tokens: dict[str, float] | None = None
    memory_gb: float | None = None
    gpu_memory_gb: float | None = None
    money: float | None = None
    assumes: tuple[str, ...] = ()


class StandIns(RunContext):
    """A run in a temporary folder whose models stand in for those that are yet to be made."""

    def model_path(self, name: str) -> str:
        """The stand-in of a model; where a trainer wrote none, the model that it starts from."""
        maker = self.plan.maker_of(name)
        if maker is None or any((self.stage_folder(maker) / "model").glob("*")):
            return super().model_path(name)
        return self.model_path(maker.start)


def estimate_run(plan: Plan, folder: Path, *, until: str | None = None) -> list[StageEstimate]:
    """The estimates of the stages up to `until`; kept in the run folder for the comparison.

    Raises:
        OptionError: `until` names no stage.
        RlvrError: a component fails as it would in the run.
    """
    stages = stages_until(plan, until)
    with tempfile.TemporaryDirectory(prefix="rlvr-dry-run-") as place:
        inner = RunFolder(Path(place))
        context = StandIns(plan, inner, Events(plan.name, inner, {}), ErrorBudget(1.0))
        try:
            estimates = [estimate_stage(context, stage) for stage in stages]
        finally:
            context.close()
    content = {"made": now(), "stages": [asdict(one) for one in estimates]}
    write_json(folder / ESTIMATE_FILE, content)
    return estimates


def estimate_stage(context: RunContext, stage: PlannedStage) -> StageEstimate:
    """What a stage will take."""
    about = StageEstimate(
        stage.name, stage.verb, stage.bound.component.name, context.plan.identity_of(stage)
    )
    call = stage.bound.component.call
    estimator = getattr(call, ESTIMATE_ATTRIBUTE, None)
    if stage.verb == "serve":
        return replace(about, assumes=("it serves until Ctrl-C",))
    if estimator is None:
        return replace(about, assumes=(f"{about.use} gives no estimate",))
    meter = Meter()
    tasks = context.tasks(stage.data)
    rewards = context.rewards(stage)
    loading = meter.seconds, meter.cpu_seconds
    if stage.verb == "train":
        ahead = None if rewards is None else Ahead(rewards)
        try:
            found = [estimator(_job(context, stage, tasks, ahead), **stage.bound.options)]
        finally:
            if ahead is not None:
                ahead.close()
    else:
        found = [
            _evaluation(
                estimator(
                    context.model_path(model),
                    tasks,
                    samples=stage.samples,
                    seed=context.plan.seed_of(stage),
                    **environment_of(context, stage),
                    **stage.bound.options,
                ),
                rewards,
                len(tasks) * stage.samples,
            )
            for model in stage.models
        ]
    return replace(
        about,
        seconds=loading[0] + sum(one.seconds for one in found),
        cpu_seconds=_sum([loading[1], *(one.cpu_seconds for one in found)]),
        tokens=_tokens(found),
        memory_gb=meter.peak_memory_gb,
        gpu_memory_gb=max((one.gpu_memory_gb or 0.0 for one in found), default=0.0) or None,
        money=_sum([one.money for one in found]),
        assumes=tuple(
            dict.fromkeys([line for one in found for line in one.assumes] + _launch(stage))
        ),
    )


def _job(
    context: RunContext, stage: PlannedStage, tasks: Sequence[Any], rewards: Ahead | None
) -> TrainJob:
    """The stage's job: rewards judge for real, but nothing is kept or counted."""

    def score(samples: Sequence[Sample], _step: int | None) -> list[Verdict]:
        if rewards is None:
            raise RlvrError(f'stage "{stage.name}" names no rewards')
        return rewards.score(samples)

    folder = context.stage_folder(stage)
    return TrainJob(
        tasks=tasks,
        output=fresh_folder(folder / "model"),
        checkpoints=fresh_folder(folder / "checkpoints"),
        model=context.model_path(stage.start),
        seed=context.plan.seed_of(stage),
        stage=stage.name,
        rewards=stage.rewards,
        environment=context.environment(stage),
        on_score=score,
        on_begin_scoring=(lambda _: None) if rewards is None else rewards.begin,
    )


def _launch(stage: PlannedStage) -> list[str]:
    if stage.launch is None:
        return []
    return [f"it is estimated in one process, not in {stage.launch.processes}"]


def _evaluation(found: Estimate, rewards: Rewards | None, answers: int) -> Estimate:
    """A sampler's estimate with the time that the rewards will take."""
    if rewards is None or not found.samples:
        return found
    rewards.score(found.samples[:1])  # the first one waits for the workers
    meter = Meter()
    rewards.score(found.samples)
    times = answers / len(found.samples)
    cpu = None if found.cpu_seconds is None else found.cpu_seconds + times * meter.cpu_seconds
    return replace(found, seconds=found.seconds + times * meter.seconds, cpu_seconds=cpu)


def _tokens(found: Sequence[Estimate]) -> dict[str, float]:
    names = dict.fromkeys(name for one in found for name in one.tokens)
    return {name: sum(one.tokens.get(name, 0.0) for one in found) for name in names}


def _sum(numbers: Sequence[float | None]) -> float | None:
    known = [number for number in numbers if number is not None]
    return sum(known) if known else None
