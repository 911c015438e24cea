"""An evaluate stage: models answer, rewards judge, numbers with their intervals compare."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

from rlvr_ops_core.errors import RlvrError
from rlvr_ops_core.plan import PlannedStage
from rlvr_ops_core.runs import json_line, read_lines, rollout_row, write_json
from rlvr_ops_core.scoring import Rewards
from rlvr_ops_core.stages.context import RunContext
from rlvr_ops_core.statistics import compare, summarize
from rlvr_ops_core.types import Sample, Task

TASKS_AT_ONCE = 64


def evaluate(context: RunContext, stage: PlannedStage) -> None:
    """Let every model of the stage answer every task; write the answers and `result.json`.

    A model whose answers are complete is not asked again when a killed stage starts again.
    """
    folder = context.stage_folder(stage)
    tasks = context.tasks(stage.data)
    rewards = context.rewards(stage)
    assert rewards is not None  # `rlvr check` wants some
    rows: dict[str, list[dict[str, Any]]] = {}
    for model in stage.models:
        answers = folder / "answers" / f"{_file_name(model)}.jsonl"
        if not answers.is_file():
            answer_all(context, stage, model, tasks, rewards, answers)
        rows[model] = list(read_lines(answers))
        block = _summary(context, stage, rows[model])
        context.events.emit("evaluated", stage=stage.name, model=model, result=block)
    write_json(folder / "result.json", result(context, stage, rows))


def answer_all(
    context: RunContext,
    stage: PlannedStage,
    model: str,
    tasks: Sequence[Task],
    rewards: Rewards,
    file: Path,
) -> None:
    """Sample and judge the answers of one model into a file that appears when it is complete."""
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_name(f".{file.name}.partial")
    answers = stage.bound.make()(
        context.model_path(model),
        tasks,
        samples=stage.samples,
        seed=context.plan.seed_of(stage),
        **environment_of(context, stage),
    )
    with partial.open("w", encoding="utf-8") as stream:
        done = 0
        for batch in _batches(checked(answers, tasks, stage)):
            samples = [sample for group in batch for sample in group]
            verdicts = rewards.score(samples)
            for sample, verdict in zip(samples, verdicts, strict=True):
                stream.write(json_line(rollout_row(sample, verdict, None)))
            context.judged(stage, samples, verdicts, None)
            done += len(batch)
            context.events.emit(
                "progress", stage=stage.name, model=model, done=done, total=len(tasks)
            )
    partial.replace(file)


def environment_of(context: RunContext, stage: PlannedStage) -> dict[str, Any]:
    """The sampler's argument for the environment, where the stage has one."""
    environment = context.environment(stage)
    return {} if environment is None else {"environment": environment}


def checked(
    answers: Iterator[list[Sample]], tasks: Sequence[Task], stage: PlannedStage
) -> Iterator[list[Sample]]:
    """The answers, held to the sampler's contract: the tasks in order, so many answers each.

    Raises:
        RlvrError: the sampler broke the contract.
    """
    name = stage.bound.component.name
    count = 0
    for task, group in zip(tasks, answers, strict=False):
        if len(group) != stage.samples or any(sample.task.id != task.id for sample in group):
            got = [sample.task.id for sample in group]
            raise RlvrError(
                f"{name} gave answers to {got} where {stage.samples} to {task.id!r} were due"
            )
        count += 1
        yield [
            sample if sample.group else _with_group(sample, index)
            for index, sample in enumerate(group)
        ]
    if count != len(tasks):
        raise RlvrError(f"{name} answered {count} of {len(tasks)} tasks")


def _with_group(sample: Sample, index: int) -> Sample:
    return replace(sample, group=sample.task.id, index=index)


def _batches(groups: Iterator[list[Sample]]) -> Iterator[list[list[Sample]]]:
    while batch := list(islice(groups, TASKS_AT_ONCE)):
        yield batch


def result(
    context: RunContext, stage: PlannedStage, rows: Mapping[str, list[dict[str, Any]]]
) -> dict[str, Any]:
    """The content of `result.json`: one block a model, one comparison a pair of neighbours."""
    models = list(rows)
    seed = context.plan.seed_of(stage)
    pairs = [
        compare(
            rows[before],
            rows[after],
            before=before,
            after=after,
            pass_on=stage.pass_on,
            solved=stage.solved,
            seed=seed,
        )
        for before, after in pairwise(models)
    ]
    return {
        "data": stage.data,
        "samples": stage.samples,
        "sampler": {"use": stage.bound.component.name, **stage.bound.options},
        "pass_on": stage.pass_on,
        "solved": stage.solved,
        "models": {model: _summary(context, stage, rows[model]) for model in models},
        "pairs": pairs,
    }


def _summary(
    context: RunContext, stage: PlannedStage, rows: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    return summarize(
        rows,
        samples=stage.samples,
        pass_on=stage.pass_on,
        solved=stage.solved,
        seed=context.plan.seed_of(stage),
    )


def _file_name(model: str) -> str:
    """A model's name as a file name: a hub id has a slash in it."""
    return model.replace("/", "--").replace(":", "-")
