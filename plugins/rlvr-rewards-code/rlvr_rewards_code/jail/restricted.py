"""A program in the language subset of RestrictedPython: single expressions and small functions.

What this does not guarantee: RestrictedPython is no sandbox (its own README says so), one escape a
year is found in it, and what escapes meets only the limits of its process and whatever walls need
no privilege and happen to exist here. It keeps out imports, attributes that begin with an
underscore, files and `exec`; classes with annotations, `match` and `async` do not compile in it.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from rlvr_rewards_code.jail import program
from rlvr_rewards_code.jail.confine import Bounds

ALLOWED = ("math", "cmath", "itertools", "bisect", "heapq", "typing", "fractions")
"""Modules that may be imported: none of them leads to the interpreter's insides."""
_PLAIN = (
    "all", "any", "bin", "dict", "divmod", "enumerate", "filter", "frozenset", "iter", "list",
    "map", "sorted", "tuple", "zip", "max", "min", "next", "reversed", "set", "sum", "bytes",
    "ascii", "object", "format",
)  # fmt: skip


def main(bounds: Bounds) -> None:
    """As `program`, with the subset's compiler."""
    program.main(bounds)


def warm() -> None:
    """Load the compiler, and have programs go through it."""
    program.SERVER.execute = execute
    program.SERVER.prepare()
    scope: dict[str, Any] = {}
    execute("def f(x):\n    return [x + 1, x][0]\n", scope)


def execute(source: str, scope: dict[str, Any]) -> None:
    """Compile a program in the subset and run it.

    Raises:
        SyntaxError: it is not in the subset.
    """
    from RestrictedPython import compile_restricted_exec

    compiled = compile_restricted_exec(source, filename=f"{program.NAME}.py")
    if compiled.code is None:
        raise SyntaxError("; ".join(compiled.errors)[:400])
    scope.update(_guards())
    exec(compiled.code, scope)  # noqa: S102  # what this process is for


def _guards() -> dict[str, Any]:
    import builtins

    from RestrictedPython import Eval, Guards, safe_builtins

    allowed = {name: getattr(builtins, name) for name in _PLAIN}
    return {
        "__builtins__": {**safe_builtins, **allowed, "__import__": _import},
        "__metaclass__": type,
        "__name__": program.NAME,
        "_getattr_": Guards.safer_getattr,
        "_getitem_": Eval.default_guarded_getitem,
        "_getiter_": Eval.default_guarded_getiter,
        "_iter_unpack_sequence_": Guards.guarded_iter_unpack_sequence,
        "_unpack_sequence_": Guards.guarded_unpack_sequence,
        "_write_": Guards.full_write_guard,
        "_inplacevar_": _in_place,
        "_print_": _Silent,
    }


def _import(name: str, *_: Any) -> Any:
    if name not in ALLOWED:
        raise ImportError(f"{name} can't be imported here, only {', '.join(ALLOWED)}")
    return importlib.import_module(name)


def _in_place(operation: str, value: Any, other: Any) -> Any:
    """`x += y` for plain values."""
    import operator

    names: dict[str, Callable[[Any, Any], Any]] = {
        "+=": operator.iadd, "-=": operator.isub, "*=": operator.imul, "/=": operator.itruediv,
        "//=": operator.ifloordiv, "%=": operator.imod, "**=": operator.ipow, "|=": operator.ior,
        "&=": operator.iand, "^=": operator.ixor, "<<=": operator.ilshift, ">>=": operator.irshift,
    }  # fmt: skip
    return names[operation](value, other)


class _Silent:
    """What `print` becomes: nothing."""

    def __init__(self, _: Any = None) -> None:
        """RestrictedPython hands in its guard for attributes."""

    def _call_print(self, *_: Any, **__: Any) -> None:
        """Print to nowhere."""
