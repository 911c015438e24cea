"""Fixtures shared by the bridge's tests."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # bridge_sites and its neighbours


@pytest.fixture(autouse=True, scope="module")
def _end_workers() -> Iterator[None]:
    from rlvr_bridge.scorer import close_all

    yield
    close_all()
