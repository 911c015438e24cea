"""Fixtures shared by the core's tests."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # echo_plugin.py and run_folder.py beside us


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put files with long tests first: two processes then end at about the same time."""
    weight: dict[Path, int] = {}
    for item in items:
        own = sum(item.get_closest_marker(mark) is not None for mark in ("slow", "isolation"))
        own += item.get_closest_marker("isolation") is not None
        weight[item.path] = max(own, weight.get(item.path, 0))
    items.sort(key=lambda item: -weight[item.path])
