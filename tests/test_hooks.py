"""Every hook is documented by an example that runs, and the fake plugin implements it."""

from __future__ import annotations

import doctest
import inspect
from collections.abc import Callable, Mapping

import pytest
from echo_plugin import echo_plugins

from rlvr_ops_core import hookspecs
from rlvr_ops_core.plugin_hooks import HOOK_OF_KIND

HOOKS = {
    name: function
    for name, function in inspect.getmembers(hookspecs, inspect.isfunction)
    if hasattr(function, "rlvr_spec")
}


def test_every_kind_of_component_has_its_hook() -> None:
    assert sorted(HOOKS) == sorted(HOOK_OF_KIND.values())


@pytest.mark.parametrize("name", HOOKS)
def test_a_hook_takes_no_arguments_and_gives_a_mapping(name: str) -> None:
    signature = inspect.signature(HOOKS[name], eval_str=name != "rlvr_commands")
    assert not signature.parameters
    assert str(signature.return_annotation).removeprefix("collections.abc.").startswith("Mapping[")


@pytest.mark.parametrize("name", HOOKS)
def test_the_example_of_a_hook_runs_and_is_of_this_hook(name: str) -> None:
    text = inspect.getdoc(HOOKS[name]) or ""
    assert "Example:" in text
    assert f"def {name}():" in text
    space: dict[str, object] = {}
    example = doctest.DocTestParser().get_doctest(text, space, name, None, 0)
    assert example.examples
    said: list[str] = []
    runner = doctest.DocTestRunner(verbose=False)
    assert runner.run(example, out=said.append, clear_globs=False).failed == 0, "".join(said)
    hook = example.globs[name]
    assert isinstance(hook, Callable)  # type: ignore[arg-type]
    offered = hook()
    assert isinstance(offered, Mapping)
    assert all(callable(component) for component in offered.values())


@pytest.mark.parametrize("kind", HOOK_OF_KIND)
def test_the_fake_plugin_offers_every_kind(kind: str) -> None:
    assert echo_plugins().components(kind)
