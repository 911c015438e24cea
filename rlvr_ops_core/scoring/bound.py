"""A reward with its options set, and the recipe by which a worker process makes the same again."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import perf_counter
from typing import Any

from rlvr_ops_core.errors import RewardLoadError
from rlvr_ops_core.options import bind, options_hash, resolve
from rlvr_ops_core.plugin_hooks import HOOK_OF_KIND
from rlvr_ops_core.plugins import Component, Origin, load_file
from rlvr_ops_core.reward_spec import Judges, RewardSpec, is_async, judges, spec_of
from rlvr_ops_core.scoring.replay import ANY_REWARD, Replay
from rlvr_ops_core.scoring.verdicts import raised, settle, settle_many
from rlvr_ops_core.types import Sample, Verdict


@dataclass(frozen=True)
class Recipe:
    """How to make a reward in another process: values that pickle, never the object itself."""

    name: str
    """`plugin/name`, or the function's qualified name."""
    origin: Origin
    options: Mapping[str, Any]
    kind: str = "reward"
    """Or `environment`: it is judged how a conversation with one goes."""

    def find(self) -> Callable[..., Any]:
        """The reward, as yet without its options; whatever its import raises comes out."""
        return self._find_in_plugin() if self.origin.plugin else self._find_function()

    def _find_in_plugin(self) -> Callable[..., Any]:
        from importlib.metadata import EntryPoint

        if self.origin.file:
            plugin: Any = load_file(Path(self.origin.file))
        else:
            plugin = EntryPoint(self.origin.plugin, self.origin.module, "rlvr").load()
        short = self.name.partition("/")[2]
        found: Callable[..., Any] = getattr(plugin, HOOK_OF_KIND[self.kind])()[short]
        return found

    def _find_function(self) -> Callable[..., Any]:
        import importlib

        if self.origin.module == "__main__":
            found: Any = load_file(Path(self.origin.file))
        else:
            found = importlib.import_module(self.origin.module)
        for part in self.name.split("."):
            found = getattr(found, part)
        return found  # type: ignore[no-any-return]


@dataclass(frozen=True)
class BoundReward:
    """A reward that is ready to judge. It pickles as its recipe."""

    name: str
    call: Callable[..., Any]
    spec: RewardSpec
    judges: Judges
    is_async: bool
    ref: str
    """`plugin/name@version#options-hash`: which reward judged, for every stored rollout."""
    recipe: Recipe
    fast: Callable[..., Any] | None = field(default=None)

    def __reduce__(self) -> tuple[Any, ...]:
        return remake, (self.recipe, self.spec.timeout_s)

    def judge(self, samples: list[Sample]) -> list[Verdict]:
        """Call the reward here and now, on one sample, one batch or one group.

        Everything but Ctrl-C becomes a verdict: `SystemExit` too, and exceptions that are no
        `Exception` (math-verify's timeout is one).
        """
        started = perf_counter()
        try:
            raw = self.call(samples[0] if self.judges == "sample" else samples)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001  # one of our two broad excepts: a reward call
            seconds = perf_counter() - started
            verdict = raised(error, ref=self.ref, seconds=seconds / len(samples))
            return [verdict] * len(samples)
        return self.settle(raw, len(samples), perf_counter() - started)

    def settle(self, raw: object, count: int, seconds: float) -> list[Verdict]:
        """The verdicts for what the reward returned for `count` samples."""
        if self.judges == "sample":
            return [settle(raw, self.spec, self.ref, seconds)]
        return settle_many(raw, count, self.spec, self.ref, seconds)


def bind_component(
    component: Component, options: Mapping[str, Any], *, timeout_s: float | None = None
) -> BoundReward:
    """A plugin's reward with its options set.

    Raises:
        OptionError: an option is unknown, missing or of the wrong type.
        PluginError: the reward's first parameter does not say what it judges.
    """
    recipe = Recipe(
        component.name, component.origin, resolve(component.call, options), component.kind
    )
    return _assemble(component.call, recipe, timeout_s)


def bind_function(
    function: Callable[..., Any],
    options: Mapping[str, Any],
    *,
    timeout_s: float | None = None,
    kind: str = "reward",
) -> BoundReward:
    """A reward or environment given as a plain function or class, for use from Python.

    Raises:
        RewardLoadError: it needs a worker process, and a worker could not import it.
        OptionError: an option is unknown, missing or of the wrong type.
    """
    name = getattr(function, "__qualname__", type(function).__qualname__)
    module = getattr(function, "__module__", "")
    file = getattr(sys.modules.get(module), "__file__", None) or ""
    importable = "<" not in name and (module != "__main__" or bool(file))
    if not importable and not spec_of(function).inline and not is_async(function):
        raise RewardLoadError(
            f"the {kind} {name} can't be imported by a worker process",
            hint="define it at the top of a file, or declare it cheap and bounded: "
            f"@{kind}(inline=True)",
        )
    origin = Origin("", module=module, file=str(file))
    return _assemble(function, Recipe(name, origin, resolve(function, options), kind), timeout_s)


def remake(recipe: Recipe, timeout_s: float) -> BoundReward:
    """The reward of a recipe, made anew in this process."""
    return _assemble(recipe.find(), recipe, timeout_s)


def _assemble(call: Callable[..., Any], recipe: Recipe, timeout_s: float | None) -> BoundReward:
    spec = spec_of(call)
    if timeout_s is not None:
        spec = replace(spec, timeout_s=timeout_s)
    judge = bind(call, recipe.options)
    if recipe.kind == "environment":
        judge = call = Replay(judge)
        spec = replace(spec, range=ANY_REWARD)
    version = recipe.origin.version or "0"
    return BoundReward(
        name=recipe.name,
        call=judge,
        spec=spec,
        judges=judges(call),
        is_async=is_async(call),
        ref=f"{recipe.name}@{version}#{options_hash(recipe.options)}",
        recipe=recipe,
        fast=bind(spec.fast, recipe.options) if spec.fast else None,
    )
