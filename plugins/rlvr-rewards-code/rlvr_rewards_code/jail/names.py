"""Which names of the test code lead to the program."""

from __future__ import annotations

import ast
import builtins
import dis
import inspect
import sys
from collections.abc import Iterable
from types import CodeType


def names_under_test(
    tests: list[ast.Module], setup: ast.Module, reference: ast.Module, module: str
) -> tuple[str, ...]:
    """The names that the program must define, where the task does not say.

    What its reference defines and its tests use; without a reference, what its tests use and
    nothing else defines.
    """
    used = _used([setup, *tests], module)
    defined = defined_at_top(reference)
    if defined:
        return tuple(name for name in used if name in defined)
    known = set(dir(builtins)) | sys.stdlib_module_names | {"pytest"}
    known = known.union(*(_defined_in(tree) for tree in (setup, *tests)))
    return tuple(name for name in used if name not in known)


def may_use(codes: Iterable[CodeType], text: str, *, own: frozenset[str]) -> bool:
    """Whether some code may use what a program defines; told from its text, which is quick.

    `own` are the names that the code defines itself.
    """
    return any(
        any(name in text for name in code.co_names if name not in own)
        or may_use([one for one in code.co_consts if isinstance(one, CodeType)], text, own=own)
        for code in codes
    )


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


def defined_at_top(tree: ast.Module) -> frozenset[str]:
    """Names that a module offers to others."""
    names: set[str] = set()
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign):
            names |= {one.id for one in node.targets if isinstance(one, ast.Name)}
    return frozenset(names)


def defines_function(code: CodeType, name: str) -> bool:
    """Whether a module's code makes a function of this name."""
    return any(
        one.co_name == name
        and one.co_flags & inspect.CO_NEWLOCALS
        and one.co_flags & inspect.CO_OPTIMIZED
        for one in code.co_consts
        if isinstance(one, CodeType)
    )


def stored_at_top(code: CodeType) -> frozenset[str]:
    """Names that a module's code defines for certain, its imports among them."""
    steps = code.co_code
    if dis.EXTENDED_ARG in steps[::2]:
        return frozenset()
    places = zip(steps[::2], steps[1::2], strict=True)
    return frozenset(code.co_names[place] for step, place in places if step == _STORE)


_STORE = dis.opmap["STORE_NAME"]


def _defined_in(tree: ast.Module) -> frozenset[str]:
    """Names that code binds anywhere in it."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names |= {(one.asname or one.name).partition(".")[0] for one in node.names}
        elif isinstance(node, ast.arg):
            names.add(node.arg)
    return frozenset(names)
