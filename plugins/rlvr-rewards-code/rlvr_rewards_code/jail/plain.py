"""Does this test code leave its interpreter as it is?

Test code that does is run in a process that goes on to the next task's tests; any other gets a
process of its own. Told from its compiled form alone, and when in doubt the answer is no.
"""

from __future__ import annotations

import dis
from types import CodeType

MODULES = frozenset({
    "bisect", "cmath", "collections", "copy", "datetime", "fractions", "functools", "heapq",
    "itertools", "math", "operator", "random", "re", "statistics", "string", "typing",
})  # fmt: skip
_NAMES = frozenset({
    "breakpoint", "compile", "delattr", "eval", "exec", "exit", "getattr", "globals", "input",
    "locals", "memoryview", "open", "quit", "setattr", "vars", "type", "super", "object", "mro",
})  # fmt: skip
_INSIDES = ("_", "gi_", "cr_", "ag_", "f_", "tb_", "co_")
"""How attributes begin that lead from a value into the interpreter."""
_OPERATIONS = frozenset(
    dis.opmap[name]
    for name in (
        "STORE_ATTR", "DELETE_ATTR", "STORE_GLOBAL", "DELETE_GLOBAL", "DELETE_NAME",
        "LOAD_BUILD_CLASS", "MATCH_CLASS",
    )
    if name in dis.opmap
)  # fmt: skip
_IMPORTS = frozenset(
    dis.opmap[name]
    for name in ("IMPORT_NAME", "IMPORT_STAR", "CALL_INTRINSIC_1")
    if name in dis.opmap
)


def is_plain(code: CodeType) -> bool:
    """Only literals, operators, functions, loops and calls of harmless modules."""
    if any(_leads_inside(name) for name in code.co_names):
        return False
    operations = frozenset(code.co_code[::2])
    if operations & _OPERATIONS or (operations & _IMPORTS and not _imports_are_harmless(code)):
        return False
    return all(is_plain(one) for one in code.co_consts if isinstance(one, CodeType))


def _leads_inside(name: str) -> bool:
    return name in _NAMES or (name != "_" and name.startswith(_INSIDES) and name not in _ALLOWED)


_ALLOWED = frozenset({"__name__", "__rlvr_record__"})


def _imports_are_harmless(code: CodeType) -> bool:
    steps = list(dis.get_instructions(code))
    if any(one.opname == "IMPORT_STAR" or one.argrepr == "INTRINSIC_IMPORT_STAR" for one in steps):
        return False
    return all(one.argval in MODULES for one in steps if one.opname == "IMPORT_NAME")
