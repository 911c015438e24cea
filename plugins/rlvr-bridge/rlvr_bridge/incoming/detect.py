"""A function of whatever shape as a reward here: the shape is told by its parameters' names."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from rlvr_bridge.incoming.environments import OpenEnv, Verifiers
from rlvr_bridge.incoming.functions import Plain, Trl, Verl
from rlvr_bridge.incoming.loading import finished, made
from rlvr_bridge.incoming.outside import Outside
from rlvr_ops_core import PluginError, Sample, Score

Shape = Literal["auto", "trl", "verl", "verifiers", "openenv", "plain", "rlvr"]

SHAPES: Mapping[str, Callable[..., Any]] = {
    "trl": Trl,
    "verl": Verl,
    "verifiers": Verifiers,
    "openenv": OpenEnv,
    "plain": Plain,
}


def shape_of(function: Any) -> Shape:
    """Which trainer a function was written for.

    Raises:
        PluginError: it is not callable.
    """
    if not callable(function):
        raise PluginError(f"{function!r:.60} is no function")
    if isinstance(function, type) and hasattr(function, "forward"):
        return "openenv"
    if hasattr(function, "named_rubrics"):
        return "openenv"
    names = list(inspect.signature(function).parameters)
    if "completions" in names:
        return "trl"
    if "solution_str" in names:
        return "verl"
    if "trace" in names:
        return "verifiers"
    if names[:1] == ["sample"]:
        return "rlvr"
    return "plain"


@dataclass(frozen=True, kw_only=True)
class Function(Outside):
    """A function for TRL, verl, verifiers or OpenEnv, one of ours, or a plain one of texts."""

    shape: Shape = "auto"

    @cached_property
    def called(self) -> Any:
        """The component of the function's shape, or the function itself if it is one of ours."""
        found = made(self.function, self.arguments) if self.arguments else self._named()
        shape = shape_of(found) if self.shape == "auto" else self.shape
        if shape == "rlvr":
            return found
        component = SHAPES[shape](
            function=self.function, arguments=self.arguments, low=self.low, high=self.high
        )
        component.prepare()
        return component

    def _named(self) -> Any:
        from rlvr_bridge.incoming.loading import load

        found = load(self.function)
        is_rubric = isinstance(found, type) and hasattr(found, "forward")
        return found() if isinstance(found, type) and not is_rubric else found

    def __call__(self, sample: Sample) -> Score:
        """Judge one answer."""
        result = finished(self.called(sample))
        if isinstance(result, Score):
            return self.score(result.value, result.components, result.info)
        return self.score(result, {}, {})
