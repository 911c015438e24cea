"""The stages of a pipeline, one after the other: each uses what the ones before it made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rlvr_ops_core.check.models import Models
from rlvr_ops_core.check.reading import Reading
from rlvr_ops_core.errors import Place, did_you_mean, printable, quoted
from rlvr_ops_core.plan import BASE, PlannedStage
from rlvr_ops_core.schema import STAGE_OF_VERB, EvaluateStage, ServeStage, Stage, TrainStage
from rlvr_ops_core.settings import stage_name

NEEDS_ATTRIBUTE = "__rlvr_needs__"
"""On a trainer: what a stage must name for it, of `model`, `data` and `rewards`."""

HINT_OF_NEED: Mapping[str, str] = {
    "model": "name the one to start from: start: … here, or model: … at the top",
    "data": "add data: …",
    "rewards": "add rewards: […]",
}


def read_stages(reading: Reading) -> list[PlannedStage]:
    """The stages that are sound, in order."""
    listed = reading.content.get("stages")
    models = Models(reading)
    planned: list[PlannedStage] = []
    names: dict[str, int] = {}
    for index, entry in enumerate(listed if isinstance(listed, list) else []):
        stage = _read_stage(reading, models, entry, index)
        if stage is not None:
            planned.append(stage)
        models.add(entry)
        name = stage_name(entry)
        if name in names:
            what = f"two stages are named {quoted(name)}; the first is stages.{names[name]}"
            is_train = isinstance(entry, Mapping) and "train" in entry
            hint = "give the model another name" if is_train else "give this one another: name: …"
            reading.note(("stages", index), what, hint)
        elif name:
            names[name] = index
    return planned


def _read_stage(reading: Reading, models: Models, entry: Any, index: int) -> PlannedStage | None:
    place = ("stages", index)
    stage = _parse_stage(reading, entry, place)
    match stage:
        case TrainStage():
            return _read_train(reading, models, stage, index)
        case EvaluateStage():
            return _read_evaluate(reading, models, stage, index)
        case ServeStage():
            models.check(stage.serve, (*place, "serve"))
            bound = reading.bind("server", stage.use, stage.options, place)
            number, used = index + 1, (stage.serve,)
            if bound is not None:
                return PlannedStage("serve", stage.name, number, bound, models=used)
    return None


def _parse_stage(reading: Reading, entry: Any, place: Place) -> Stage | None:
    known = ", ".join(STAGE_OF_VERB)
    if not isinstance(entry, Mapping):
        reading.note(place, "must be a mapping such as {train: policy, use: grpo/grpo}")
        return None
    verbs = [verb for verb in STAGE_OF_VERB if verb in entry]
    if len(verbs) == 1:
        return reading.validate(STAGE_OF_VERB[verbs[0]], entry, place)
    if verbs:
        what = f"has {len(verbs)} verbs, {' and '.join(verbs)}"
        reading.note(place, what, "make each a stage of its own")
        return None
    near = {key: did_you_mean(key, list(STAGE_OF_VERB)) for key in entry}
    for key, hint in near.items():
        if hint:
            reading.note((*place, key), f"{quoted(key)} is no verb of a stage", hint)
            return None
    reading.note(place, "has no verb", f"a stage begins with one of: {known}")
    return None


def _check_data_and_rewards(
    reading: Reading, stage: TrainStage | EvaluateStage, place: Place
) -> None:
    if stage.data is not None:
        reading.check_name("data", stage.data, reading.names("data"), (*place, "data"))
    for number, name in enumerate(stage.rewards):
        at = (*place, "rewards", number)
        reading.check_name("reward", name, reading.names("rewards"), at)
        if name in stage.rewards[:number]:
            reading.note(at, f"{quoted(name)} is named twice", "remove one, or give it a weight")


def _read_train(
    reading: Reading, models: Models, stage: TrainStage, index: int
) -> PlannedStage | None:
    place = ("stages", index)
    _check_data_and_rewards(reading, stage, place)
    if stage.train == BASE:
        what = f"{quoted(BASE)} is the model that the pipeline starts from"
        reading.note((*place, "train"), what, "give this one another name")
    if stage.start is not None:
        models.check(stage.start, (*place, "start"))
    bound = reading.bind("trainer", stage.use, stage.options, place)
    if bound is None:
        return None
    given = {
        "model": bool(reading.content.get("model")) or stage.start is not None,
        "data": stage.data is not None,
        "rewards": bool(stage.rewards),
    }
    for need in getattr(bound.component.call, NEEDS_ATTRIBUTE, ()):
        if not given.get(need, True):
            reading.note(place, f"{printable(stage.use)} needs {need}", HINT_OF_NEED[need])
    return PlannedStage(
        "train",
        stage.train,
        index + 1,
        bound,
        start=models.locate(BASE if stage.start is None else stage.start),
        data=stage.data,
        rewards=tuple(stage.rewards),
    )


def _read_evaluate(
    reading: Reading, models: Models, stage: EvaluateStage, index: int
) -> PlannedStage | None:
    place = ("stages", index)
    _check_data_and_rewards(reading, stage, place)
    for number, name in enumerate(stage.evaluate):
        models.check(name, (*place, "evaluate", number))
        if name in stage.evaluate[:number]:
            what = f"{quoted(name)} is named twice"
            reading.note((*place, "evaluate", number), what, "remove one of them")
    pass_on = stage.pass_on or stage.rewards[0]
    if pass_on not in stage.rewards:
        what = f"{quoted(pass_on)} is not among the stage's rewards"
        hint = did_you_mean(pass_on, stage.rewards) or f"one of: {', '.join(stage.rewards)}"
        reading.note((*place, "pass_on"), what, hint)
    use = stage.use or models.only_sampler(stage.evaluate, place)
    bound = reading.bind("sampler", use, stage.options, place) if use else None
    if bound is None:
        return None
    return PlannedStage(
        "evaluate",
        stage.name,
        index + 1,
        bound,
        data=stage.data,
        rewards=tuple(stage.rewards),
        models=tuple(stage.evaluate),
        samples=stage.samples,
        pass_on=pass_on,
        solved=stage.solved,
    )
