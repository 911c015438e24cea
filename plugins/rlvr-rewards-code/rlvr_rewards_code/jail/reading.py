"""What a task's test code says, read once: its shape, the names it needs, the calls it will make.

Answers of a group are judged by the same tests, so readings are kept.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import CodeType
from typing import Any, NamedTuple

from rlvr_rewards_code.jail.collect import Counting, shape_of
from rlvr_rewards_code.jail.names import (
    defines_function,
    may_use,
    names_under_test,
    stored_at_top,
)
from rlvr_rewards_code.jail.plain import MODULES, is_plain
from rlvr_rewards_code.jail.plan import NO_PLAN, Plan, literal_calls, plan_of
from rlvr_rewards_code.jail.rehearsal import Part, agreeing, rehearse

_KEPT = 512
_REFERENCE_S = 1.0


@dataclass(eq=False)
class Reading:
    """Test code, ready to run."""

    shape: str
    names: tuple[str, ...]
    """What the program must define."""
    modules: tuple[str, ...]
    """Modules of the standard library that are used without being imported (MBPP does that)."""
    setup: CodeType
    reference: str
    helpers: CodeType | None
    """The reference, where tests may use something that it defines."""
    texts: tuple[str, ...]
    """Of the tests, as they came."""
    setup_text: str
    tests: tuple[CodeType, ...]
    places: tuple[str, ...]
    """Of the assertions, where each counts."""
    plain: bool
    """The code can't change its interpreter, so another task's tests may run there after it."""
    known: Plan | None = None
    """Its calls, once they are."""
    recorded: bool = False
    many_calls: bool = False
    """A program made so many calls that were not planned that it is worth to know them all."""

    def plan(self, entry: str) -> Plan:
        """The first calls that the tests will make, as far as that can be told."""
        if self.known is None:
            self.known = self._by_itself(entry)
        if self.many_calls and not self.recorded:
            self.recorded = True  # whatever comes of it: once is enough
            self.known = max(self.known, self._by_reference(entry), key=lambda one: len(one.calls))
        return self.known

    def _by_itself(self, entry: str) -> Plan:
        """What a rehearsal shows; where that does not come to its end, what the text says."""
        if self.shape == "check" and self.plain and not self._has_bytearrays():
            part = agreeing(entry)
            before = (self.setup,) if self.helpers is None else (self.setup, self.helpers)
            if rehearse((*before, *self.tests), part):
                return plan_of(part.calls)
        if self.shape != "check":
            return NO_PLAN
        trees = [ast.parse(one) for one in self.texts]
        return plan_of(literal_calls(trees, frozenset(self.names), entry=entry))

    def _has_bytearrays(self) -> bool:
        return any("bytearray" in one for one in (*self.texts, self.setup_text, self.reference))

    def _by_reference(self, entry: str) -> Plan:
        """Have a `check` judge the reference: what that answers leads to all the calls."""
        part = Part(entry)
        try:
            model = self.helpers or _compiled(self.reference, "reference")
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return NO_PLAN
        if is_plain(model) and not self._has_bytearrays():
            rehearse((self.setup, model, *self.tests), part, seconds=_REFERENCE_S)
        return plan_of(part.calls)


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
    needed = names or ((entry,) if entry else ())
    code = None if statements or share or not needed else _compiled(tests[0], "tests")
    if code is not None and defines_function(code, "check"):  # its text need not be taken apart
        parts = _Parts("check", needed, (code,))
    else:
        parts = _taken_apart(tests, statements, setup, reference, needed, module, share)
    before = _compiled(setup, "setup")
    helpers = None
    if parts.shape == "check":
        own = stored_at_top(parts.codes[0])
        if may_use((*parts.codes, before), reference, own=own):
            helpers = _compiled(reference, "reference")
    run = (*parts.codes, before, *((helpers,) if helpers else ()))
    return Reading(
        shape=parts.shape,
        names=parts.names,
        modules=tuple(sorted(parts.modules)),
        setup=before,
        reference=reference,
        helpers=helpers,
        texts=tests,
        setup_text=setup,
        tests=parts.codes,
        places=parts.places,
        plain=parts.modules <= MODULES and all(map(is_plain, run)),
        known=parts.plan,
    )


class _Parts(NamedTuple):
    shape: str
    names: tuple[str, ...]
    codes: tuple[CodeType, ...]
    places: tuple[str, ...] = ()
    modules: frozenset[str] = frozenset()
    plan: Plan | None = None
    """Of statements: their text is all that there is to tell it from."""


def _taken_apart(
    tests: tuple[str, ...],
    statements: bool,
    setup: str,
    reference: str,
    needed: tuple[str, ...],
    module: str,
    share: bool,
) -> _Parts:
    trees = [ast.parse(one) for one in tests]
    shape = "statements" if statements else shape_of(trees[0])
    if not needed:
        needed = names_under_test(trees, ast.parse(setup), ast.parse(reference), module)
    counting = Counting()
    if share and shape == "check":
        trees = [counting.visit(tree) for tree in trees]
    codes = tuple(
        _compiled(tree, f"test {index}" if statements else "tests")
        for index, tree in enumerate(trees, 1)
    )
    if not statements:
        return _Parts(shape, needed, codes, tuple(counting.places))
    plan = plan_of(literal_calls(trees, frozenset(needed)))
    return _Parts(shape, needed, codes, (), _modules(trees) - frozenset(needed), plan)


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
