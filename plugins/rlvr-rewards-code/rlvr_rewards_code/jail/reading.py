"""What a task's test code says, read once: its shape, the names it needs, the calls it will make.

Answers of a group are judged by the same tests, so readings are kept.
"""

from __future__ import annotations

import ast
import random
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import CodeType
from typing import Any

from rlvr_rewards_code.jail.collect import Counting, shape_of
from rlvr_rewards_code.jail.names import defined_at_top, may_use, names_under_test
from rlvr_rewards_code.jail.plain import MODULES, is_plain
from rlvr_rewards_code.jail.plan import Recorder, planned_calls

_KEPT = 512


@dataclass(eq=False)
class Reading:
    """Test code, ready to run."""

    shape: str
    names: tuple[str, ...]
    """What the program must define."""
    calls: list[list[Any]]
    """The first calls, as far as they are certain: name, arguments, named arguments."""
    all_calls: bool
    """These are all the calls; where not, the first run of the reference adds the rest."""
    modules: tuple[str, ...]
    """Modules of the standard library that are used without being imported (MBPP does that)."""
    setup: CodeType
    reference: str
    helpers: CodeType | None
    """The reference, where tests may use something that it defines."""
    tests: tuple[CodeType, ...]
    places: tuple[str, ...]
    """Of the assertions, where each counts."""
    plain: bool
    """The code can't change its interpreter, so another task's tests may run there after it."""
    recorded: bool = False
    many_calls: bool = False
    """A program made so many calls that were not among those that it is worth to know them all."""

    def record_calls(self, entry: str) -> None:
        """Run a `check` with the reference, to know all its calls; loops make arguments too.

        The program can then make all calls without waiting for the tests.
        """
        self.many_calls = False
        self.recorded = True  # whatever comes of it: once is enough
        scope: dict[str, Any] = {"__name__": "tests"}
        random.seed(0)
        try:
            model = self.helpers or _compiled(self.reference, "reference")
            if not is_plain(model):
                return
            for code in (self.setup, model, *self.tests):
                exec(code, scope)  # noqa: S102  # a task's own code, in its sandbox
            recorder = Recorder(entry, scope[entry])
            scope["check"](recorder)
        except Exception:  # noqa: BLE001  # no plan then: the calls are made one by one
            return
        self.calls[:] = recorder.calls


def read(job: Mapping[str, Any]) -> Reading:
    """The reading of a task's test code.

    Raises:
        SyntaxError: some of it is no Python.
    """
    tests = job["tests"]
    statements = isinstance(tests, list)
    return _read(
        tuple(tests) if statements else (tests,), statements, job["setup"], job["reference"],
        tuple(job["names"]), job["entry"], job["module"], job["share"],
    )  # fmt: skip


@lru_cache(maxsize=_KEPT)
def _read(
    tests: tuple[str, ...],
    statements: bool,
    setup: str,
    reference: str,
    names: tuple[str, ...],
    entry: str,
    module: str,
    share: bool,
) -> Reading:
    trees = [ast.parse(one) for one in tests]
    shape = "statements" if statements else shape_of(trees[0])
    needed = names or ((entry,) if entry else ())
    if not needed:
        needed = names_under_test(trees, ast.parse(setup), ast.parse(reference), module)
    calls: list[list[Any]] = []
    complete = False
    if shape in ("statements", "check"):
        calls, complete = planned_calls(trees, shape, frozenset(needed))
    if shape == "check":
        calls = [[entry, *rest] for _, *rest in calls]
    counting = Counting()
    if share and shape == "check":
        trees = [counting.visit(tree) for tree in trees]
    codes = tuple(
        _compiled(source, f"test {index}" if statements else "tests")
        for index, source in enumerate(trees, 1)
    )
    before = _compiled(setup, "setup")
    helpers = None
    if shape == "check" and may_use((*codes, before), reference, own=defined_at_top(trees[0])):
        helpers = _compiled(reference, "reference")
    modules = _modules(trees) - frozenset(needed) if statements else frozenset()
    run = (*codes, before, *((helpers,) if helpers else ()))
    return Reading(
        shape=shape,
        names=tuple(needed),
        calls=calls,
        all_calls=complete,
        modules=tuple(sorted(modules)),
        setup=before,
        reference=reference,
        helpers=helpers,
        tests=codes,
        places=tuple(counting.places),
        plain=modules <= MODULES and all(map(is_plain, run)),
    )


def _compiled(source: str | ast.Module, name: str) -> CodeType:
    code: CodeType = compile(source, name, "exec", dont_inherit=True)
    return code


def _modules(trees: list[ast.Module]) -> frozenset[str]:
    used = {
        node.value.id
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
    }
    return frozenset(used & sys.stdlib_module_names)
