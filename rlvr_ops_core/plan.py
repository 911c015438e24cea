"""A checked pipeline, ready to run: every name resolved, every option converted."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from rlvr_ops_core.job import Launch
from rlvr_ops_core.options import bind
from rlvr_ops_core.plugins import Component, Plugins

BASE = "base"
"""The name, in evaluations, of the model that the pipeline starts from."""


@dataclass(frozen=True)
class Bound:
    """A component with its options, every default written out."""

    component: Component
    options: Mapping[str, Any]

    def make(self) -> Any:
        """The callable with its options set."""
        return bind(self.component.call, self.options)

    @property
    def identity(self) -> dict[str, Any]:
        """What makes it the same component again: name, version, options."""
        version = self.component.origin.version
        return {"use": self.component.name, "version": version, "options": dict(self.options)}


@dataclass(frozen=True)
class PlannedReward:
    """An entry under `rewards`: a reward of its own, or a sum of others."""

    name: str
    bound: Bound | None = None
    timeout_s: float | None = None
    members: tuple[str, ...] = ()
    weight: float = 1.0
    only_if: Mapping[str, float] = field(default_factory=dict)
    optional: bool = False


@dataclass(frozen=True)
class PlannedEnvironment:
    """The environment of a stage."""

    bound: Bound
    max_turns: int = 8
    weight: float = 1.0
    timeout_s: float | None = None

    @property
    def identity(self) -> dict[str, Any]:
        """What makes it the same environment again."""
        counts = {"max_turns": self.max_turns, "weight": self.weight, "timeout_s": self.timeout_s}
        return self.bound.identity | counts


@dataclass(frozen=True)
class PlannedStage:
    """A stage: its verb, what it makes or uses, and its component."""

    verb: Literal["train", "evaluate", "serve"]
    name: str
    number: int
    """Counted from 1."""
    bound: Bound
    start: str = ""
    """Of a train stage: the model to start from, as `model_of` reads it."""
    data: str | None = None
    rewards: tuple[str, ...] = ()
    environment: PlannedEnvironment | None = None
    models: tuple[str, ...] = ()
    """Of an evaluate or serve stage: the models it uses."""
    samples: int = 1
    pass_on: str = ""
    solved: float = 1.0
    launch: Launch | None = None
    """Of a train stage: its processes. No part of its identity: they only share the work out."""

    @property
    def folder(self) -> str:
        """Its folder inside the run folder."""
        return f"stages/{self.number:02d}-{self.name}"


@dataclass(frozen=True)
class Plan:
    """A checked pipeline."""

    name: str
    seed: int
    model: str
    """A hub id or a path; a relative path that exists is made absolute. "" if not given."""
    error_budget: float
    file: Path
    data: Mapping[str, Bound]
    rewards: Mapping[str, PlannedReward]
    monitors: Mapping[str, Bound]
    stages: tuple[PlannedStage, ...]
    plugins: Plugins
    resolved: Mapping[str, Any]
    """The file's content with `--set` applied, for the run folder."""

    def maker_of(self, model: str) -> PlannedStage | None:
        """The train stage that makes a model of this name; None if it comes from outside."""
        for stage in self.stages:
            if stage.verb == "train" and stage.name == model:
                return stage
        return None

    def seed_of(self, stage: PlannedStage) -> int:
        """The seed of a stage, in [0, 2**31): other stages may come and go without changing it."""
        digest = hashlib.sha256(f"{self.seed}/{stage.name}".encode()).digest()
        return int.from_bytes(digest[:4], "big") >> 1

    def identity_of(self, stage: PlannedStage) -> dict[str, Any]:
        """All that decides what a stage gives. While it stays the same, a done stage stays done."""
        names = {name for reward in stage.rewards for name in self.needed_by(reward)}
        identity: dict[str, Any] = {
            "verb": stage.verb,
            "component": stage.bound.identity,
            "seed": self.seed_of(stage),
            "samples": stage.samples,
            "pass_on": stage.pass_on,
            "solved": stage.solved,
            "data": self.data[stage.data].identity if stage.data else None,
            "rewards": {name: self._reward_identity(name) for name in sorted(names)},
            "models": {name: self._model_identity(name) for name in (stage.start, *stage.models)},
        }
        if stage.environment is not None:
            identity["environment"] = stage.environment.identity
        # through JSON, so that what was written to a file compares equal with what was not
        as_json: dict[str, Any] = json.loads(json.dumps(identity, sort_keys=True, default=repr))
        return as_json

    def _model_identity(self, name: str) -> Any:
        maker = self.maker_of(name)
        return self.identity_of(maker) if maker else (self.model if name == BASE else name)

    def _reward_identity(self, name: str) -> dict[str, Any]:
        reward = self.rewards[name]
        return {
            "component": reward.bound.identity if reward.bound else list(reward.members),
            "weight": reward.weight,
            "only_if": dict(reward.only_if),
            "optional": reward.optional,
            "timeout_s": reward.timeout_s,
        }

    def needed_by(self, name: str) -> set[str]:
        """A reward with all that it sums or waits for."""
        reward = self.rewards[name]
        needed = {name}
        for other in (*reward.members, *reward.only_if):
            needed |= self.needed_by(other)
        return needed
