"""Which names of the test code lead to the program."""

from __future__ import annotations

import ast
import builtins
import sys
from collections.abc import Mapping
from typing import Any


def names_under_test(job: Mapping[str, Any]) -> list[str]:
    """The names that the program must define, in order.

    What the task says; else what its reference defines and its tests use; else what its tests use
    and nothing else defines.
    """
    if job["names"]:
        return list(job["names"])
    if job["entry"]:
        return [job["entry"]]
    tests = job["tests"] if isinstance(job["tests"], list) else [job["tests"]]
    trees = [ast.parse(one) for one in tests]
    used = _used(trees, job["module"])
    defined = defined_in(job["reference"])
    if defined:
        return [name for name in used if name in defined]
    known = set(dir(builtins)) | sys.stdlib_module_names | defined_in(job["setup"])
    known |= {"pytest"} | {name for one in tests for name in defined_in(one)}
    return [name for name in used if name not in known]


def _used(trees: list[ast.Module], module: str) -> list[str]:
    """Names that are read, or imported from the program's module, each once."""
    used: dict[str, None] = {}
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module == module:
                used.update(dict.fromkeys(one.name for one in node.names if one.name != "*"))
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                used[node.id] = None
    return list(used)


def defined_in(source: str) -> frozenset[str]:
    """Names that a program binds, at its top level or (`arguments` of tests) below it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names |= {(one.asname or one.name).partition(".")[0] for one in node.names}
        elif isinstance(node, ast.arg):
            names.add(node.arg)
    return frozenset(names)
