"""The stages of a pipeline, one after the other: each uses what the ones before it made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from rlvr_ops_core.check.environments import check_plays, check_reward_names, read_environment
from rlvr_ops_core.check.launches import launch_of_pipeline, launch_of_stage
from rlvr_ops_core.check.models import Models
from rlvr_ops_core.check.reading import Reading, texts_in
from rlvr_ops_core.errors import Place, did_you_mean, printable, quoted
from rlvr_ops_core.job import NEEDS_ATTRIBUTE
from rlvr_ops_core.plan import BASE, PlannedStage
from rlvr_ops_core.schema import STAGE_OF_VERB, EvaluateStage, ServeStage, TrainStage
from rlvr_ops_core.scoring.environments import ENVIRONMENT
from rlvr_ops_core.settings import stage_name

HINT_OF_REPEATED = ("give this one another: name: …", "give the model another name")

HINT_OF_NEED: Mapping[str, str] = {
    "model": "name the one to start from: start: … here, or model: … at the top",
    "data": "add data: …",
    "rewards": "add rewards: […]",
}


def read_stages(reading: Reading) -> list[PlannedStage]:
    """The stages that are sound, in order."""
    listed = reading.content.get("stages")
    models = Models(reading)
    everywhere = launch_of_pipeline(reading)
    planned: list[PlannedStage] = []
    names: dict[str, int] = {}
    for index, written in enumerate(listed if isinstance(listed, list) else []):
        place = ("stages", index)
        verb, entry = _verb_of(reading, written, place)
        if verb is None:
            continue
        stage = READ_OF_VERB[verb](reading, models, entry, index)
        if stage is not None and verb == "train":
            launch = launch_of_stage(reading, entry, stage.bound.component, place)
            if launch is None and stage.environment is None:
                launch = everywhere(stage.bound.component)
            stage = replace(stage, launch=launch)
        if stage is not None:
            planned.append(stage)
        models.add(entry)
        name = stage_name(entry)
        if name in names:
            what = f"two stages are named {quoted(name)}; the first is stages.{names[name]}"
            hint = (
                "give the model another name"
                if verb == "train"
                else "give this one another: name: …"
            )
            reading.note(place, what, hint)
        names.setdefault(name, index)
    check_reward_names(reading, listed if isinstance(listed, list) else [])
    return planned


def _verb_of(reading: Reading, written: Any, place: Place) -> tuple[str | None, Mapping[str, Any]]:
    """The verb of a stage, and the stage; a misspelt verb is noted and put right."""
    if not isinstance(written, Mapping):
        reading.note(place, "must be a mapping such as {train: policy, use: grpo/grpo}")
        return None, {}
    known = list(STAGE_OF_VERB)
    verbs = [verb for verb in known if verb in written]
    if len(verbs) > 1:
        what = f"has {len(verbs)} verbs, {' and '.join(verbs)}"
        reading.note(place, what, "make each a stage of its own")
        return None, written
    if verbs:
        return verbs[0], written
    for key in written:
        hint = did_you_mean(key, known)
        if hint:
            reading.note((*place, key), f"{quoted(key)} is no verb of a stage", hint)
            verb = next(verb for verb in known if quoted(verb) in hint)
            return verb, {verb if one == key else one: value for one, value in written.items()}
    reading.note(place, "has no verb", f"a stage begins with one of: {', '.join(known)}")
    return None, written


def _read_train(
    reading: Reading, models: Models, entry: Mapping[str, Any], index: int
) -> PlannedStage | None:
    place = ("stages", index)
    stage = reading.validate(TrainStage, entry, place)
    _check_data_and_rewards(reading, entry, place)
    if entry["train"] == BASE:
        what = f"{quoted(BASE)} is the model that the pipeline starts from"
        reading.note((*place, "train"), what, "give this one another name")
    if isinstance(entry.get("start"), str):
        models.check(entry["start"], (*place, "start"))
    bound = reading.bind("trainer", entry, TrainStage, place)
    environment = read_environment(reading, entry, place)
    if entry.get("environment") is not None:
        check_plays(reading, bound, "trainer", place)
    if stage is None or bound is None:
        return None
    given = {
        "model": bool(reading.content.get("model")) or stage.start is not None,
        "data": stage.data is not None,
        "rewards": bool(stage.rewards) or stage.environment is not None,
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
        environment=environment,
    )


def _read_evaluate(
    reading: Reading, models: Models, entry: Mapping[str, Any], index: int
) -> PlannedStage | None:
    place = ("stages", index)
    stage = reading.validate(EvaluateStage, entry, place)
    _check_names(reading, entry, place, "evaluate")
    for where, name in texts_in(entry["evaluate"]):
        models.check(name, (*place, "evaluate", *where))
    _check_data_and_rewards(reading, entry, place)
    _check_pass_on(reading, entry, place)
    named = [name for _, name in texts_in(entry["evaluate"])]
    use = None if entry.get("use") else models.only_sampler(named, place)
    bound = reading.bind("sampler", entry, EvaluateStage, place, use=use)
    environment = read_environment(reading, entry, place)
    if entry.get("environment") is not None:
        check_plays(reading, bound, "sampler", place)
    if not entry.get("rewards") and entry.get("environment") is None:
        written = "rewards" in entry
        what = "must not be empty (got [])" if written else "is required; add rewards: …"
        reading.note((*place, "rewards"), what)
    if stage is None or bound is None or not (stage.rewards or stage.environment):
        return None
    return PlannedStage(
        "evaluate",
        stage.name,
        index + 1,
        bound,
        data=stage.data,
        rewards=tuple(stage.rewards),
        environment=environment,
        models=tuple(map(models.locate, stage.evaluate)),
        samples=stage.samples,
        pass_on=stage.pass_on or (stage.rewards or [ENVIRONMENT])[0],
        solved=stage.solved,
    )


def _read_serve(
    reading: Reading, models: Models, entry: Mapping[str, Any], index: int
) -> PlannedStage | None:
    place = ("stages", index)
    stage = reading.validate(ServeStage, entry, place)
    if isinstance(entry["serve"], str):
        models.check(entry["serve"], (*place, "serve"))
    bound = reading.bind("server", entry, ServeStage, place)
    if stage is None or bound is None:
        return None
    used = (models.locate(stage.serve),)
    return PlannedStage("serve", stage.name, index + 1, bound, models=used)


READ_OF_VERB = {"train": _read_train, "evaluate": _read_evaluate, "serve": _read_serve}


def _check_data_and_rewards(reading: Reading, entry: Mapping[str, Any], place: Place) -> None:
    if isinstance(entry.get("data"), str):
        reading.check_name("data", entry["data"], reading.names("data"), (*place, "data"))
    _check_names(reading, entry, place, "rewards")
    for where, name in texts_in(entry.get("rewards")):
        at = (*place, "rewards", *where)
        reading.check_name("reward", name, reading.names("rewards"), at)


def _check_names(reading: Reading, entry: Mapping[str, Any], place: Place, field: str) -> None:
    """Note what a list names twice."""
    seen = set()
    for where, name in texts_in(entry.get(field)):
        if name in seen:
            reading.note((*place, field, *where), f"{quoted(name)} is named twice", "remove one")
        seen.add(name)


def _check_pass_on(reading: Reading, entry: Mapping[str, Any], place: Place) -> None:
    pass_on = entry.get("pass_on")
    rewards = [name for _, name in texts_in(entry.get("rewards"))]
    rewards += [ENVIRONMENT] if entry.get("environment") is not None else []
    if isinstance(pass_on, str) and rewards and pass_on not in rewards:
        what = f"{quoted(pass_on)} is not among the stage's rewards"
        hint = did_you_mean(pass_on, rewards) or f"one of: {', '.join(map(printable, rewards))}"
        reading.note((*place, "pass_on"), what, hint)
