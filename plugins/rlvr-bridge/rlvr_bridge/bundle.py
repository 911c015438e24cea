"""The sources of a module and of all that it imports beside the standard library."""

from __future__ import annotations

import ast
import importlib.util
import sys
from collections.abc import Iterator, Mapping, Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path

from rlvr_ops_core import PluginError

CORE = "rlvr_ops_core"
CARRIED = (
    f"{CORE}.types",
    f"{CORE}.errors",
    f"{CORE}.reward_spec",
    f"{CORE}.scoring.verdicts",
)
"""What of the core goes with every grader; of the built-in rewards, what they import."""

SHIM: Mapping[str, str] = {
    CORE: "from rlvr_ops_core.errors import *\n"
    "from rlvr_ops_core.reward_spec import UNDECIDED, RewardSpec, reward\n"
    "from rlvr_ops_core.types import *\n"
    "hookimpl = lambda function: function\n",
    f"{CORE}.scoring": "",
    f"{CORE}.quick_dataclass": "quick = lambda frozen: frozen\n",
    f"{CORE}.hookspecs": "hookimpl = lambda function: function\n",
}
"""Stands for the core's public face, which would need pluggy, pydantic and msgspec."""


def sources_of(module: str, reward: str, preload: Sequence[str] = ()) -> dict[str, str]:
    """The sources of a module and of what it imports, by module name.

    Raises:
        PluginError: it imports a package that a grader does not have; says where.
    """
    own = module.partition(".")[0]
    sources: dict[str, str] = {}
    waiting = [(module, ""), *((name, "") for name in CARRIED)]
    waiting += [(name, "its preload") for name in preload]
    while waiting:
        name, where = waiting.pop()
        top = name.partition(".")[0]
        if name in sources or name in SHIM or top in sys.stdlib_module_names:
            continue
        if not (top == own or name in CARRIED or name.startswith(f"{CORE}.builtin.")):
            raise PluginError(
                f"a python grader can't carry {reward}: it imports {name} ({where})",
                hint="a grader has the standard library alone",
            )
        path = _file_of(name, reward)
        sources[name] = path.read_text(encoding="utf-8")
        waiting += [
            (found, f"{path.name}:{line}") for found, line in _imports(sources[name], name, own)
        ]
    parents = {name.rpartition(".")[0] for name in sources}
    while parents:
        for parent in parents:
            sources.setdefault(parent, "")
        parents = {parent.rpartition(".")[0] for parent in parents} - {""}
    sources.pop("", None)
    return sources


def _file_of(name: str, reward: str) -> Path:
    spec = _spec(name)
    if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
        raise PluginError(f"a python grader can't carry {reward}: {name} has no Python source")
    return Path(spec.origin)


def _spec(name: str) -> ModuleSpec | None:
    loaded = sys.modules.get(name)
    if loaded is not None and loaded.__spec__ is not None:  # a plugin file is on no path
        return loaded.__spec__
    try:
        return importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return None


def _imports(source: str, module: str, own: str) -> Iterator[tuple[str, int]]:
    """The modules that a source imports anywhere, but for those that only type checkers read."""
    for node in _read_at_run_time(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                package = module.rsplit(".", node.level)[0]
                base = f"{package}.{base}".rstrip(".")
            submodules = [f"{base}.{alias.name}" for alias in node.names]
            ours = base.partition(".")[0] in (own, CORE) and base != CORE
            found = [name for name in submodules if ours and _spec(name) is not None]
            yield from ((name, node.lineno) for name in found or [base])


def _read_at_run_time(tree: ast.AST) -> Iterator[ast.AST]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        yield node
        yield from _read_at_run_time(node)
