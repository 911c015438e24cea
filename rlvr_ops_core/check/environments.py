"""The environment of a stage: its entry, and whether the stage's component can play it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from rlvr_ops_core.check.reading import Reading
from rlvr_ops_core.errors import Place, quoted
from rlvr_ops_core.job import TAKES_ENVIRONMENT_ATTRIBUTE
from rlvr_ops_core.plan import Bound, PlannedEnvironment
from rlvr_ops_core.schema import EnvironmentEntry
from rlvr_ops_core.scoring.environments import ENVIRONMENT


def read_environment(
    reading: Reading, entry: Mapping[str, Any], stage: Place
) -> PlannedEnvironment | None:
    """The environment that a stage's entry names; None without one, or with mistakes noted."""
    written = entry.get("environment")
    if written is None:
        return None
    place = (*stage, "environment")
    parsed = reading.validate(EnvironmentEntry, written, place)
    bound = reading.bind("environment", written, EnvironmentEntry, place)
    if parsed is None or bound is None:
        return None
    return PlannedEnvironment(
        bound, max_turns=parsed.max_turns, weight=parsed.weight, timeout_s=parsed.timeout_s
    )


def check_reward_names(reading: Reading, stages: Iterable[object]) -> None:
    """Note a reward that has the name under which an environment's reward is reported."""
    used = any(isinstance(one, Mapping) and one.get("environment") for one in stages)
    if used and ENVIRONMENT in reading.section("rewards"):
        what = f"the name {quoted(ENVIRONMENT)} stands for what the environment of a stage pays"
        reading.note(("rewards", ENVIRONMENT), what, "give this reward another name")


def check_plays(reading: Reading, bound: Bound | None, kind: str, stage: Place) -> None:
    """Note a trainer or sampler that can't play the environment of its stage."""
    if bound is None:
        return
    plays = plays_environment if kind == "sampler" else trains_in_environment
    if not plays(bound.component.call):
        installed = reading.plugins.components(kind).values()
        others = [one.name for one in installed if plays(one.call)]
        hint = f"these do: {', '.join(others)}" if others else ""
        what = f"{quoted(bound.component.name)} plays no environment"
        reading.note((*stage, "environment"), what, hint)


def trains_in_environment(trainer: Callable[..., Any]) -> bool:
    """Whether a trainer declares that it plays its job's environment."""
    return bool(getattr(trainer, TAKES_ENVIRONMENT_ATTRIBUTE, False))


def plays_environment(sampler: Callable[..., Any]) -> bool:
    """Whether a sampler has a keyword-only parameter `environment`."""
    call = sampler.__call__ if isinstance(sampler, type) else sampler
    found = inspect.signature(call).parameters.get("environment")
    return found is not None and found.kind is found.KEYWORD_ONLY
