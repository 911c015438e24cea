"""The plugin as the core sees it."""

from __future__ import annotations

import rlvr_monitor


def test_components_are_callable_under_their_names():
    offered = {**rlvr_monitor.rlvr_monitors(), **rlvr_monitor.rlvr_commands()}
    assert all(callable(component) for component in offered.values())
