"""What every stage of a run shares: the plan, the folder, the events, the rewards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rlvr_ops_core.errors import DataError, RunError
from rlvr_ops_core.events import Events
from rlvr_ops_core.plan import BASE, Plan, PlannedStage
from rlvr_ops_core.runs import RunFolder
from rlvr_ops_core.scoring import (
    Engine,
    Entry,
    EnvironmentEngine,
    ErrorBudget,
    Rewards,
    bind_component,
)
from rlvr_ops_core.scoring.environments import ENVIRONMENT, PlayedReward
from rlvr_ops_core.types import Sample, Task, Verdict

MOST_TASKS = 2_000_000
"""A source that gives more than this is taken for endless."""


@dataclass
class RunContext:
    """One run, as its stages see it."""

    plan: Plan
    folder: RunFolder
    events: Events
    budget: ErrorBudget
    engines: dict[str, Engine] = field(default_factory=dict)
    environments: dict[str, EnvironmentEngine] = field(default_factory=dict)
    """By stage."""

    def stage_folder(self, stage: PlannedStage) -> Path:
        """The folder of a stage."""
        return self.folder.path / stage.folder

    def model_path(self, name: str) -> str:
        """Where a model is: the folder that a stage made, or what the pipeline names.

        Raises:
            RunError: the stage that makes it has not run.
        """
        if name == BASE and self.plan.maker_of(name) is None:
            return self.plan.model
        maker = self.plan.maker_of(name)
        if maker is None:
            return name
        model = self.stage_folder(maker) / "model"
        if not model.is_dir():
            raise RunError(f'the model "{name}" is not there: {model}', hint="run its stage again")
        return str(model.resolve())

    def tasks(self, name: str | None) -> list[Task]:
        """All tasks of a data entry.

        Raises:
            DataError: the source fails, gives no task, gives one id twice, or does not end.
        """
        if name is None:
            return []
        tasks: list[Task] = []
        for task in self.plan.data[name].make()():
            tasks.append(task)
            if len(tasks) > MOST_TASKS:
                hint = f"set a limit: data.{name}.limit"
                raise DataError(
                    f'the data "{name}" does not end after {MOST_TASKS:,} tasks', hint=hint
                )
        if not tasks:
            use = self.plan.data[name].component.name
            raise DataError(f'the data "{name}" ({use}) gives no task', hint="look at its options")
        _refuse_repeated_ids(name, tasks)
        return tasks

    def environment(self, stage: PlannedStage) -> EnvironmentEngine | None:
        """The environment of a stage; its workers live as long as the run.

        Raises:
            RewardLoadError: it does not load.
        """
        planned = stage.environment
        if planned is None:
            return None
        if stage.name not in self.environments:
            component, options = planned.bound.component, planned.bound.options
            bound = bind_component(component, options, timeout_s=planned.timeout_s)
            engine = EnvironmentEngine(bound, max_turns=planned.max_turns)
            self.environments[stage.name] = engine
        self.environments[stage.name].start()
        return self.environments[stage.name]

    def rewards(self, stage: PlannedStage) -> Rewards | None:
        """The rewards of a stage and what its environment pays, summed; None if nothing judges.

        Their workers live as long as the run.

        Raises:
            RewardLoadError: a reward does not load.
        """
        entries = {}
        for name, planned in self.plan.rewards.items():
            if planned.bound is not None and name not in self.engines:
                options = planned.bound.options
                bound = bind_component(
                    planned.bound.component, options, timeout_s=planned.timeout_s
                )
                self.engines[name] = Engine(bound)
            entries[name] = Entry(
                name=name,
                engine=self.engines.get(name),
                members=planned.members,
                weight=planned.weight,
                only_if=planned.only_if,
                optional=planned.optional,
            )
        names = stage.rewards
        if stage.environment is not None:
            entries[ENVIRONMENT] = Entry(
                name=ENVIRONMENT, engine=PlayedReward(), weight=stage.environment.weight
            )
            names = (*names, ENVIRONMENT)
        if not names:
            return None
        rewards = Rewards(entries, names)
        rewards.start()
        return rewards

    def judged(
        self,
        stage: PlannedStage,
        samples: Sequence[Sample],
        verdicts: Sequence[Verdict],
        step: int | None,
    ) -> None:
        """Tell the monitors about judged samples, and hold the error budget.

        Raises:
            StopRun: a monitor ends the run.
            ErrorBudgetExceeded: too many samples got no verdict.
        """
        self.events.emit(
            "rollouts",
            stage=stage.name,
            step=step,
            count=len(samples),
            samples=list(samples),
            verdicts=list(verdicts),
        )
        self.budget.record(samples, verdicts)

    def close(self) -> None:
        """End the workers of every reward and environment."""
        for engine in self.engines.values():
            engine.close()
        for environment in self.environments.values():
            environment.close()


def _refuse_repeated_ids(name: str, tasks: Sequence[Task]) -> None:
    seen: set[str] = set()
    for task in tasks:
        if task.id in seen:
            hint = "each task needs an id of its own"
            raise DataError(f'the data "{name}" gives the task id {task.id!r} twice', hint=hint)
        seen.add(task.id)
