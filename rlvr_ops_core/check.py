"""Find every mistake of a pipeline file at once, and turn a sound one into a plan.

Nothing heavy is imported: plugins are, but a plugin imports torch only when it runs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from rlvr_ops_core.errors import Mistake, OptionError, PipelineError, PluginError, did_you_mean
from rlvr_ops_core.options import Place, explain, mistakes_in, resolve
from rlvr_ops_core.plan import BASE, Bound, Plan, PlannedReward, PlannedStage
from rlvr_ops_core.plugins import Component, Plugins
from rlvr_ops_core.reward import judges
from rlvr_ops_core.schema import (
    STAGE_OF_VERB,
    EvaluateStage,
    PipelineFile,
    RewardEntry,
    ServeStage,
    SumEntry,
    TrainStage,
    Use,
)
from rlvr_ops_core.source import Document, apply_settings, read_document

M = TypeVar("M", bound=BaseModel)

NEEDS_ATTRIBUTE = "__rlvr_needs__"
"""On a trainer: what a stage must name for it, of `model`, `data` and `rewards`."""

SUPPLIED = {"sampler": frozenset({"samples", "seed"})}
"""Keyword-only parameters that the core passes itself, by kind of component."""


def check_pipeline(file: Path, *, settings: Sequence[str] = ()) -> Plan:
    """The plan of a pipeline file, with `--set` settings applied.

    Raises:
        PipelineError: the file has mistakes; all of them, each with its line.
    """
    document = read_document(file)
    apply_settings(document, settings)
    return Check(document, file).plan()


class Check:
    """One reading of a pipeline file; collects what is wrong on the way."""

    def __init__(self, document: Document, file: Path) -> None:
        self.document = document
        self.file = file
        self.folder = file.resolve().parent
        self.mistakes: list[Mistake] = []
        self.plugins = Plugins()

    def plan(self) -> Plan:
        """The plan.

        Raises:
            PipelineError: there are mistakes.
        """
        if not isinstance(self.document.value, Mapping):
            self._note((), f"must be a mapping, not {type(self.document.value).__name__}")
            raise PipelineError(self.mistakes)
        pipeline = self._validate(PipelineFile, self.document.value, ())
        self.plugins = self._load_plugins(self.document.value.get("plugins"))
        data = {
            name: self._use(entry, ("data", name), "data source")
            for name, entry in self._section("data")
        }
        rewards = {
            name: self._reward(name, entry, ("rewards", name))
            for name, entry in self._section("rewards")
        }
        self._check_references_between(rewards)
        monitors = {
            name: self._use(entry, ("monitors", name), "monitor")
            for name, entry in self._section("monitors")
        }
        stages = self._stages(list(data), list(rewards))
        if self.mistakes or pipeline is None:
            raise PipelineError(sorted(self.mistakes, key=lambda mistake: mistake.line))
        return Plan(
            name=pipeline.name,
            seed=pipeline.seed,
            model=self._path_or_name(pipeline.model),
            error_budget=pipeline.error_budget,
            file=self.file,
            data={name: bound for name, bound in data.items() if bound},
            rewards={name: reward for name, reward in rewards.items() if reward},
            monitors={name: bound for name, bound in monitors.items() if bound},
            stages=tuple(stages),
            plugins=self.plugins,
            resolved=self.document.value,
        )

    # What the file says

    def _section(self, name: str) -> list[tuple[str, Any]]:
        section = self.document.value.get(name)
        return list(section.items()) if isinstance(section, Mapping) else []

    def _load_plugins(self, files: Any) -> Plugins:
        listed = (
            [file for file in files if isinstance(file, str)] if isinstance(files, list) else []
        )
        paths = [self.folder / file for file in listed]
        plugins = Plugins.discover(files=paths)
        for index, path in enumerate(paths):
            broken = plugins.broken.get(path.stem)
            if broken is not None:
                self._note(("plugins", index), f"{listed[index]} does not load: {broken.reason}")
        return plugins

    def _use(self, entry: Any, place: Place, kind: str) -> Bound | None:
        parsed = self._validate(Use, entry, place)
        return self._bind(kind, parsed.use, parsed.options, place) if parsed else None

    def _reward(self, name: str, entry: Any, place: Place) -> PlannedReward | None:
        if isinstance(entry, Mapping) and "sum" in entry:
            group = self._validate(SumEntry, entry, place)
            if group is None:
                return None
            gates = self._gates(group.only_if, (*place, "only_if"))
            return PlannedReward(
                name=name,
                members=tuple(group.sum),
                weight=group.weight,
                only_if=gates,
                optional=group.optional,
            )
        single = self._validate(RewardEntry, entry, place)
        if single is None:
            return None
        bound = self._bind("reward", single.use, single.options, place)
        if bound is not None:
            try:
                judges(bound.component.call)
            except PluginError as error:
                self._note((*place, "use"), error.what, error.hint)
        return PlannedReward(
            name=name,
            bound=bound,
            timeout_s=single.timeout_s,
            weight=single.weight,
            only_if=self._gates(single.only_if, (*place, "only_if")),
            optional=single.optional,
        )

    def _gates(self, only_if: Any, place: Place) -> dict[str, float]:
        match only_if:
            case None:
                return {}
            case str():
                return {only_if: 0.0}
            case list() if all(isinstance(name, str) for name in only_if):
                return dict.fromkeys(only_if, 0.0)
            case dict() if all(_is_number(least) for least in only_if.values()):
                return {str(name): float(least) for name, least in only_if.items()}
        what = f"must be a reward's name, a list of them, or name: least value (got {only_if!r})"
        self._note(place, what)
        return {}

    def _check_references_between(self, rewards: Mapping[str, PlannedReward | None]) -> None:
        for name, reward in rewards.items():
            if reward is None:
                continue
            for gate in reward.only_if:
                self._check_name("reward", gate, list(rewards), ("rewards", name, "only_if"))
            for index, member in enumerate(reward.members):
                self._check_name("reward", member, list(rewards), ("rewards", name, "sum", index))
            if name in _reachable(name, rewards):
                self._note(("rewards", name), f'"{name}" waits for itself', "break the circle")

    def _stages(self, data: list[str], rewards: list[str]) -> list[PlannedStage]:
        listed = self.document.value.get("stages")
        planned: list[PlannedStage] = []
        made: dict[str, str] = {}  # model -> plugin that made it
        for index, entry in enumerate(listed if isinstance(listed, list) else []):
            place = ("stages", index)
            parsed = self._parse_stage(entry, place)
            if parsed is None:
                continue
            stage = self._plan_stage(parsed, index, place, data, rewards, made)
            if isinstance(parsed, TrainStage):
                made[parsed.train] = parsed.use.partition("/")[0]
            if stage is None:
                continue
            if any(stage.name == other.name for other in planned):
                hint = "give this one another: name: …"
                hint = hint if stage.verb != "train" else "give the model another name"
                self._note(place, f'two stages are named "{stage.name}"', hint)
            planned.append(stage)
        return planned

    def _parse_stage(
        self, entry: Any, place: Place
    ) -> TrainStage | EvaluateStage | ServeStage | None:
        verbs = [verb for verb in STAGE_OF_VERB if isinstance(entry, Mapping) and verb in entry]
        if len(verbs) == 1:
            return self._validate(STAGE_OF_VERB[verbs[0]], entry, place)
        known = ", ".join(STAGE_OF_VERB)
        if verbs:
            self._note(
                place, f"has the verbs {' and '.join(verbs)}", "make each a stage of its own"
            )
            return None
        keys = [str(key) for key in entry] if isinstance(entry, Mapping) else []
        near = [did_you_mean(key, list(STAGE_OF_VERB)) for key in keys]
        hint = next((one for one in near if one), "")
        self._note(place, f"a stage starts with one of: {known}", hint)
        return None

    def _plan_stage(
        self,
        stage: TrainStage | EvaluateStage | ServeStage,
        index: int,
        place: Place,
        data: list[str],
        rewards: list[str],
        made: Mapping[str, str],
    ) -> PlannedStage | None:
        if isinstance(stage, ServeStage):
            self._check_model(stage.serve, (*place, "serve"), made)
            bound = self._bind("server", stage.use, stage.options, place)
            models: tuple[str, ...] = (stage.serve,)
            if bound is None:
                return None
            return PlannedStage("serve", stage.name, index + 1, bound, models=models)
        if stage.data is not None:
            self._check_name("data", stage.data, data, (*place, "data"))
        for number, name in enumerate(stage.rewards):
            self._check_name("reward", name, rewards, (*place, "rewards", number))
        if isinstance(stage, TrainStage):
            return self._plan_train(stage, index, place, made)
        return self._plan_evaluate(stage, index, place, made)

    def _plan_train(
        self, stage: TrainStage, index: int, place: Place, made: Mapping[str, str]
    ) -> PlannedStage | None:
        if stage.start is not None:
            self._check_model(stage.start, (*place, "start"), made)
        bound = self._bind("trainer", stage.use, stage.options, place)
        if bound is None:
            return None
        start = BASE if stage.start is None else stage.start
        given = {
            "model": bool(self.document.value.get("model")) or stage.start is not None,
            "data": stage.data is not None,
            "rewards": bool(stage.rewards),
        }
        hints = {
            "model": "name one: start: …",
            "data": "add data: …",
            "rewards": "add rewards: […]",
        }
        for need in getattr(bound.component.call, NEEDS_ATTRIBUTE, ()):
            if not given[need]:
                self._note(place, f"{stage.use} needs {need}", hints[need])
        return PlannedStage(
            "train",
            stage.train,
            index + 1,
            bound,
            start=start if start in made or start == BASE else self._path_or_name(start),
            data=stage.data,
            rewards=tuple(stage.rewards),
        )

    def _plan_evaluate(
        self, stage: EvaluateStage, index: int, place: Place, made: Mapping[str, str]
    ) -> PlannedStage | None:
        for number, name in enumerate(stage.evaluate):
            self._check_model(name, (*place, "evaluate", number), made)
        pass_on = stage.pass_on or stage.rewards[0]
        if pass_on not in stage.rewards:
            hint = did_you_mean(pass_on, stage.rewards) or f"one of: {', '.join(stage.rewards)}"
            self._note((*place, "pass_on"), f'"{pass_on}" is not among the stage\'s rewards', hint)
        use = stage.use or self._only_sampler(stage, place, made)
        bound = self._bind("sampler", use, stage.options, place) if use else None
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

    def _only_sampler(
        self, stage: EvaluateStage, place: Place, made: Mapping[str, str]
    ) -> str | None:
        """The sampler that need not be named: the trainer's plugin has one, or one is all."""
        installed = list(self.plugins.components("sampler"))
        makers = {made.get(name) for name in stage.evaluate} - {None}
        of_maker = [name for name in installed if name.partition("/")[0] in makers]
        for candidates in (of_maker, installed):
            if len(candidates) == 1:
                return candidates[0]
        if installed:
            hint = f"name the sampler: use: {' or '.join(installed)}"
            self._note(place, "more than one sampler is installed", hint)
        else:
            hint = "a sampler comes with: pip install rlvr-trainer-grpo"
            self._note(place, "no sampler is installed, so no model can answer", hint)
        return None

    # What is shared

    def _validate(self, model: type[M], value: Any, place: Place) -> M | None:
        try:
            return model.model_validate(value)
        except ValidationError as error:
            for where, what in explain(error, list(model.model_fields)):
                self._note((*place, *where), what)
            return None

    def _bind(self, kind: str, name: str, options: Mapping[str, Any], place: Place) -> Bound | None:
        try:
            component: Component = self.plugins.find(kind, name)
        except PluginError as error:
            self._note((*place, "use"), error.what, error.hint)
            return None
        supplied = SUPPLIED.get(kind, frozenset())
        try:
            mistakes = mistakes_in(component.call, options, supplied=supplied)
        except OptionError as error:
            self._note((*place, "use"), error.what, error.hint)
            return None
        for where, what in mistakes:
            self._note((*place, *where), what)
        if mistakes:
            return None
        return Bound(component, resolve(component.call, options, supplied=supplied))

    def _check_name(self, kind: str, name: str, known: Sequence[str], place: Place) -> None:
        if name not in known:
            defined = f"defined under {kind}s: {', '.join(known)}" if known else ""
            defined = defined.replace("datas", "data") or "none is defined"
            self._note(place, f'unknown {kind} "{name}"', did_you_mean(name, known) or defined)

    def _check_model(self, name: str, place: Place, made: Mapping[str, str]) -> None:
        """A model is what an earlier stage made, the pipeline's own, or one from outside."""
        if name in made or _looks_outside(name):
            return
        if name == BASE and self.document.value.get("model"):
            return
        later = [
            entry.get("train")
            for entry in self.document.value.get("stages", [])
            if isinstance(entry, Mapping)
        ]
        if name in later:
            self._note(place, f'the model "{name}" is only made by a later stage', "reorder them")
            return
        known = list(made) + ([BASE] if self.document.value.get("model") else [])
        hint = did_you_mean(name, known) or f"made so far: {', '.join(known) or 'none'}"
        self._note(place, f'unknown model "{name}"', hint)

    def _path_or_name(self, model: str) -> str:
        """A relative path is taken from the pipeline file's folder; a hub id stays as it is."""
        beside = self.folder / model
        return str(beside.resolve()) if model and beside.exists() else model

    def _note(self, place: Place, what: str, hint: str = "") -> None:
        self.mistakes.append(self.document.mistake(place, what, hint))


def _looks_outside(model: str) -> bool:
    """A hub id (`owner/name`), a path, or a file: nothing that a stage could have made."""
    return "/" in model or ":" in model or model.endswith(".gguf")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _reachable(name: str, rewards: Mapping[str, PlannedReward | None]) -> set[str]:
    """All rewards that one waits for, over whatever detour."""
    found: set[str] = set()
    waiting: list[str] = [name]
    while waiting:
        reward = rewards.get(waiting.pop())
        needed: Iterable[str] = (*reward.only_if, *reward.members) if reward else ()
        for other in needed:
            if other not in found:
                found.add(other)
                waiting.append(other)
    return found
