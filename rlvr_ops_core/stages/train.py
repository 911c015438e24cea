"""A train stage: hand a job to a trainer, keep what it reports, publish the model it writes."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rlvr_ops_core.errors import ModelError, RlvrError
from rlvr_ops_core.job import Judged, TrainJob
from rlvr_ops_core.plan import PlannedStage
from rlvr_ops_core.runs import Series, fresh_folder, rollout_row
from rlvr_ops_core.scoring import Ahead, Rewards
from rlvr_ops_core.stages.context import RunContext
from rlvr_ops_core.types import Sample, Verdict

if TYPE_CHECKING:
    from concurrent.futures import Future


def train(context: RunContext, stage: PlannedStage) -> None:
    """Run a trainer. The model appears as `model/` only once it is complete.

    Raises:
        ModelError: the trainer returned without writing a model.
    """
    folder = context.stage_folder(stage)
    tasks = context.tasks(stage.data)
    rewards = context.rewards(stage)
    record = Record(context, stage, folder, rewards)
    output = fresh_folder(folder / "model.partial")
    checkpoints = folder / "checkpoints"
    checkpoints.mkdir(exist_ok=True)
    job = TrainJob(
        tasks=tasks,
        output=output,
        checkpoints=checkpoints,
        model=context.model_path(stage.start),
        seed=context.plan.seed_of(stage),
        stage=stage.name,
        launch=stage.launch,
        rewards=stage.rewards,
        environment=context.environment(stage),
        on_score=record.score,
        on_begin_scoring=record.begin_scoring,
        on_log=record.log,
        on_rewind=record.rewind,
    )
    try:
        stage.bound.make()(job)
    finally:
        record.close()
    if not any(output.iterdir()):
        raise ModelError(
            f'stage "{stage.name}": {stage.bound.component.name} wrote no model',
            hint="a trainer must save the model into job.output before it returns",
        )
    shutil.rmtree(folder / "model", ignore_errors=True)
    output.rename(folder / "model")
    shutil.rmtree(checkpoints)


class Record:
    """What a trainer reports: series in the stage's folder, events for the monitors.

    A stage that was killed starts again at a checkpoint, or from the beginning; what it reported
    after that point is taken back, so that each step is in the series once.
    """

    def __init__(
        self, context: RunContext, stage: PlannedStage, folder: Path, rewards: Rewards | None
    ) -> None:
        self.context = context
        self.stage = stage
        self.rewards = None if rewards is None else Ahead(rewards)
        self.metrics = Series(folder / "metrics.jsonl")
        self.rollouts = Series(folder / "rollouts.jsonl")
        self.last_step_before = max(self.metrics.last_step(), self.rollouts.last_step())

    def begin_scoring(self, samples: Sequence[Sample]) -> Future[Judged] | None:
        """Start judging samples; nothing is kept of them before `score` asks."""
        return None if self.rewards is None else self.rewards.begin(samples)

    def score(self, samples: Sequence[Sample], step: int | None) -> list[Verdict]:
        """Judge samples and keep them."""
        if self.rewards is None:
            hint = "add rewards: [...] to it"
            raise RlvrError(f'stage "{self.stage.name}" names no rewards', hint=hint)
        verdicts = self.rewards.score(samples)
        self._forget_from(step)
        self.rollouts.append(
            rollout_row(sample, verdict, step)
            for sample, verdict in zip(samples, verdicts, strict=True)
        )
        self.context.judged(self.stage, samples, verdicts, step)
        return verdicts

    def log(self, step: int, metrics: dict[str, float]) -> None:
        """Keep the numbers of a step."""
        self._forget_from(step)
        self.metrics.append([{"step": step, **metrics}])
        self.context.events.emit("metrics", stage=self.stage.name, step=step, **metrics)

    def rewind(self, step: int) -> None:
        """Forget what was reported after a step."""
        self.metrics.keep(step)
        self.rollouts.keep(step)
        self.last_step_before = step

    def close(self) -> None:
        """End what is being judged, and close the series."""
        if self.rewards is not None:
            self.rewards.close()
        self.metrics.close()
        self.rollouts.close()

    def _forget_from(self, step: int | None) -> None:
        """A trainer that starts again without saying from where: its first step says it."""
        if step is not None and self.last_step_before >= step:
            self.rewind(step - 1)
        self.last_step_before = 0
