"""The calls that a test makes, sent ahead in one go: nobody waits for anybody between them.

A plan is a promise that is checked: at the first call that is not the next one of the plan, the
tests run again without it, with the program started anew.
"""

from __future__ import annotations

import ast
import marshal
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

MAX_CALLS = 1000


class Plan(NamedTuple):
    """Calls in the order in which the tests will make them."""

    calls: tuple[bytes, ...]
    """Each as `fixed` makes it."""
    payload: bytes
    """All of them, as the program is told."""


def plan_of(calls: Sequence[bytes]) -> Plan:
    """The plan with these calls, each as `fixed` makes it."""
    return Plan(tuple(calls), marshal.dumps(list(calls)))


NO_PLAN = plan_of(())


def fixed(name: str | int, arguments: Sequence[Any], named: dict[str, Any]) -> bytes:
    """A call, fixed: what is done later to a list that was passed does not change it.

    Equal for equal calls, where 1, 1.0 and True are not equal. A bytearray becomes bytes, so tests
    that speak of those have no plan. Version 0 of marshal has no references.

    Raises:
        ValueError: not all of its arguments are plain data.
    """
    return marshal.dumps((name, tuple(arguments), named), 0)


def literal_calls(
    trees: Iterable[ast.Module], names: frozenset[str], *, entry: str = ""
) -> list[bytes]:
    """The calls that can be read off the text of tests, as far as they are certain.

    That is `assert f(1, [2]) == 3` with literal arguments, in a straight line; it ends at the first
    thing that is anything else. `entry` is what the argument of `check` stands for.
    """
    calls: list[bytes] = []
    for tree in trees:
        body, known = tree.body, names
        if entry:
            check = next(one for one in body if getattr(one, "name", "") == "check")
            if not isinstance(check, ast.FunctionDef) or len(check.args.args) != 1:
                return []
            body, known = check.body, frozenset({check.args.args[0].arg})
        for statement in body:
            found = _calls_of(statement, known, entry)
            if found is None or len(calls) + len(found) > MAX_CALLS:
                return calls
            calls += found
    return calls


def _calls_of(statement: ast.stmt, names: frozenset[str], entry: str) -> list[bytes] | None:
    """The calls that a statement makes for certain; None where that can't be told."""
    if not isinstance(statement, ast.Assert | ast.Expr | ast.Pass):
        uses = any(isinstance(one, ast.Name) and one.id in names for one in ast.walk(statement))
        return None if uses or not isinstance(statement, ast.Import | ast.ImportFrom) else []
    calls: list[bytes] = []
    todo: list[Any] = [statement.test if isinstance(statement, ast.Assert) else statement]
    while todo:
        node = todo.pop()
        kind = type(node)
        if kind in _UNCERTAIN or (kind is ast.Name and node.id in names):
            return None
        if kind is ast.Call and type(node.func) is ast.Name and node.func.id in names:
            call = _literal(node, entry or node.func.id)
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


def _literal(node: ast.Call, name: str) -> bytes | None:
    try:
        arguments = [ast.literal_eval(one) for one in node.args]
        named = {one.arg: ast.literal_eval(one.value) for one in node.keywords if one.arg}
        return fixed(name, arguments, named) if len(named) == len(node.keywords) else None
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return None
