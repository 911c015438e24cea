"""The public face: what plugins may use, and what importing it costs."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import rlvr_ops_core

FACE = Path(rlvr_ops_core.__file__)


def test_all_names_everything_that_is_imported_and_nothing_else() -> None:
    tree = ast.parse(FACE.read_text())
    imports = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
    imported = [alias.asname or alias.name for node in imports for alias in node.names]
    assert sorted(imported) == sorted(rlvr_ops_core.__all__)


def test_all_is_sorted_and_names_nothing_twice() -> None:
    names = rlvr_ops_core.__all__
    assert len(set(names)) == len(names)
    # as ruff sorts them: CONSTANTS, then Classes, then functions
    groups = [
        [name for name in names if name.isupper()],
        [name for name in names if name[0].isupper() and not name.isupper()],
        [name for name in names if name[0].islower()],
    ]
    assert names == [name for group in groups for name in sorted(group)]


@pytest.mark.parametrize("name", rlvr_ops_core.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert hasattr(rlvr_ops_core, name)


def test_importing_the_face_loads_neither_pydantic_nor_yaml() -> None:
    code = "import sys, rlvr_ops_core; print(*sys.modules, sep='\\n')"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert not loaded & {"pydantic", "yaml", "click", "rich", "numpy", "torch"}
