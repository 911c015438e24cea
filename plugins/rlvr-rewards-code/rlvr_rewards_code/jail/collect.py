"""Finds the tests in a task's test code, in any of the usual shapes, as functions to call.

- a list of statements (MBPP): each is one test;
- a text with `def check(candidate)` (HumanEval): one test, or one per assertion for partial credit;
- a text with `test_…` functions or `Test…` classes (pytest, unittest): each function is one test;
- any other text: one test, the whole of it.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import CodeType
from typing import Any

Scope = dict[str, Any]


@dataclass(frozen=True)
class Test:
    """One test: its name, and what to call."""

    __test__ = False  # pytest: this is not a test class

    name: str
    run: Callable[[], object]


class Assertions:
    """Counts the assertions of a test that is judged by its share of them.

    Each one in the text counts once, by the share of the times that it held: a loop over what the
    program gave can't be drawn out to outweigh the others.
    """

    def __init__(self, places: Sequence[str]) -> None:
        self.places = places
        self.held = [0] * len(places)
        self.reached = [0] * len(places)
        self.why = [""] * len(places)
        """Why each of them failed first."""

    def record(self, number: int, check: Callable[[], object]) -> None:
        """Note how one assertion went, and go on."""
        try:
            why = "" if check() else "the assertion is false"
        except Exception as error:  # noqa: BLE001  # the program's answer made the test raise
            why = f"{type(error).__name__}: {error}"[:300]
        self.reached[number] += 1
        self.held[number] += not why
        self.why[number] = self.why[number] or why

    def rows(self, aborted: str) -> list[tuple[str, float, str, float]]:
        """A row for each: place, share, why it failed, seconds. `aborted`: why the test ended.

        What was not reached counts as failed, unless the test came to its end and all else held.
        """
        counted = zip(self.places, self.held, self.reached, self.why, strict=True)
        rows = [
            (place, held / reached, why, 0.0) for place, held, reached, why in counted if reached
        ]
        if not aborted and all(share == 1.0 for _, share, _, _ in rows):
            return rows
        missing = max(self.reached.count(0), 1 if aborted else 0)
        return rows + [("not reached", 0.0, aborted or "not reached", 0.0)] * missing


RECORD = "__rlvr_record__"


class Counting(ast.NodeTransformer):
    """Turns `assert x` into a call that records whether x holds."""

    def __init__(self) -> None:
        self.places: list[str] = []

    def visit_Assert(self, node: ast.Assert) -> ast.AST:
        """One assertion; `assert True` says nothing about the program and stays as it is."""
        if isinstance(node.test, ast.Constant):
            return node
        inner = ast.Lambda(args=ast.arguments([], [], None, [], [], None, []), body=node.test)
        number = ast.Constant(len(self.places))
        self.places.append(f"line {node.lineno}")
        call = ast.Call(ast.Name(RECORD, ast.Load()), [number, inner], [])
        return ast.fix_missing_locations(ast.copy_location(ast.Expr(call), node))


def shape_of(tree: ast.Module) -> str:
    """`check`, `functions` or `script`, for tests that are one text."""
    names = {one.name for one in tree.body if isinstance(one, ast.FunctionDef)}
    classes = {one.name for one in tree.body if isinstance(one, ast.ClassDef)}
    if "check" in names:
        return "check"
    if any(name.startswith("test") for name in names) or any("Test" in name for name in classes):
        return "functions"
    return "script"


def collect(shape: str, codes: Sequence[CodeType], scope: Scope, candidate: Any) -> list[Test]:
    """The tests of a task, in order; running their definitions may already raise."""
    if shape == "statements":
        return [Test(code.co_filename, _running(code, scope)) for code in codes]
    if shape == "script":
        return [Test("tests", _running(codes[0], scope))]
    exec(codes[0], scope)  # noqa: S102  # a task's own test code, in its sandbox
    if shape == "check":
        return [Test("check", lambda: scope["check"](candidate))]
    return [one for name, value in list(scope.items()) for one in _functions(name, value)]


def _running(code: Any, scope: Scope) -> Callable[[], object]:
    return lambda: exec(code, scope)  # noqa: S102  # a task's own test code, in its sandbox


def _functions(name: str, value: Any) -> list[Test]:
    """The tests in one name of the test code."""
    import unittest

    if name.startswith("test") and inspect.isfunction(value):
        return _with_parameters(name, value, value)
    if not isinstance(value, type) or "Test" not in name or value.__module__ != "tests":
        return []
    methods = [one for one in vars(value) if one.startswith("test")]
    if issubclass(value, unittest.TestCase):
        return [Test(f"{name}.{one}", _unittest(value, one)) for one in methods]
    found = []
    for one in methods:
        found += _with_parameters(f"{name}.{one}", getattr(value, one), _method(value, one))
    return found


def _method(kind: type, name: str) -> Callable[..., object]:
    def run(*arguments: object, **named: object) -> object:
        instance = kind()
        prepare = getattr(instance, "setup_method", None)
        if prepare is not None:
            prepare()
        result: object = getattr(instance, name)(*arguments, **named)
        return result

    return run


def _unittest(kind: Any, name: str) -> Callable[[], object]:
    def run() -> None:
        case = kind(name)
        case.setUpClass()
        case.setUp()
        try:
            getattr(case, name)()
        finally:
            case.tearDown()
            case.tearDownClass()

    return run


def _with_parameters(name: str, marked: Any, run: Callable[..., object]) -> list[Test]:
    """One test for each set of arguments of `pytest.mark.parametrize`; one test without it."""
    sets: list[Mapping[str, object]] = getattr(marked, "__rlvr_parameters__", [{}])
    if len(sets) == 1:
        return [Test(name, lambda: run(**sets[0]))]
    return [
        Test(f"{name}[{index}]", lambda given=given: run(**given))  # type: ignore[misc]
        for index, given in enumerate(sets)
    ]
