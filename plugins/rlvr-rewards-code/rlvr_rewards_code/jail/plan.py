"""Which calls a test will make first, read off its text: they are sent ahead in one go.

Only what is certain: `assert f(1, [2]) == 3` with literal arguments, in a straight line. At the
first thing that is not, the plan ends, and the rest of the calls is made one by one.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterable
from typing import Any

MAX_CALLS = 1000


def planned_calls(
    trees: Iterable[ast.Module], shape: str, names: frozenset[str]
) -> tuple[list[list[Any]], bool]:
    """The calls as `[name, arguments, named arguments]`, and whether these are all of them."""
    calls: list[list[Any]] = []
    for tree in trees:
        body, known = tree.body, names
        if shape == "check":
            check = next(one for one in body if getattr(one, "name", "") == "check")
            if not isinstance(check, ast.FunctionDef) or len(check.args.args) != 1:
                return [], False
            body, known = check.body, frozenset({check.args.args[0].arg})
        for statement in body:
            found = _calls_of(statement, known)
            if found is None or len(calls) + len(found) > MAX_CALLS:
                return calls, False
            calls += found
    return calls, True


class Recorder:
    """Notes the calls of a test that runs with the task's reference in the program's place."""

    def __init__(self, name: str, reference: Callable[..., Any]) -> None:
        self.name, self.reference = name, reference
        self.calls: list[list[Any]] = []

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """What the reference answers; raises what it raises."""
        if len(self.calls) < MAX_CALLS:
            self.calls.append(copy.deepcopy([self.name, list(arguments), named]))
        return self.reference(*arguments, **named)


def _calls_of(statement: ast.stmt, names: frozenset[str]) -> list[list[Any]] | None:
    """The calls that a statement makes for certain; None where that can't be told."""
    if not isinstance(statement, ast.Assert | ast.Expr | ast.Pass):
        uses = any(isinstance(one, ast.Name) and one.id in names for one in ast.walk(statement))
        return None if uses or not isinstance(statement, ast.Import | ast.ImportFrom) else []
    calls: list[list[Any]] = []
    todo: list[Any] = [statement.test if isinstance(statement, ast.Assert) else statement]
    while todo:
        node = todo.pop()
        kind = type(node)
        if kind in _UNCERTAIN or (kind is ast.Name and node.id in names):
            return None
        if kind is ast.Call and type(node.func) is ast.Name and node.func.id in names:
            call = _literal(node, node.func.id)
            # two calls in one statement: which comes first depends on the operator
            if call is None or calls:
                return None
            calls.append(call)
        elif kind is not ast.Constant:
            todo += _below(node)
    return calls


_UNCERTAIN = (ast.IfExp, ast.Lambda, ast.BoolOp, ast.comprehension, ast.NamedExpr)


def _below(node: ast.AST) -> list[Any]:
    """As ast.iter_child_nodes, which takes three times as long."""
    found: list[Any] = []
    for name in node._fields:
        value = getattr(node, name)
        if type(value) is list:
            found += [one for one in value if isinstance(one, ast.AST)]
        elif isinstance(value, ast.AST):
            found.append(value)
    return found


def _literal(node: ast.Call, name: str) -> list[Any] | None:
    try:
        arguments = [ast.literal_eval(one) for one in node.args]
        named = {one.arg: ast.literal_eval(one.value) for one in node.keywords if one.arg}
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return None
    return [name, arguments, named] if len(named) == len(node.keywords) else None
