"""How the tests reach the fake plugin in tests/echo, and what they share about it."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from rlvr_ops_core import Sample, Task
from rlvr_ops_core.plugins import Plugins
from rlvr_ops_core.scoring import BoundReward, bind_component

ECHO_FILE = Path(__file__).parent / "echo" / "rlvr_echo.py"

TASK = Task("sum/1", "1 + 1 =", "2")


@cache
def echo_plugins() -> Plugins:
    plugins = Plugins.discover(files=[ECHO_FILE], only=[])
    assert not plugins.broken
    return plugins


def bound(name: str, *, timeout_s: float | None = None, **options: Any) -> BoundReward:
    component = echo_plugins().find("reward", f"rlvr_echo/{name}")
    return bind_component(component, options, timeout_s=timeout_s)


def samples(*texts: str, group: str | None = None) -> list[Sample]:
    return [Sample(TASK, text, group=group, index=index) for index, text in enumerate(texts)]


def listen_to_ctrl_c() -> None:
    """For a new process: a shell lets what it runs in the background ignore Ctrl-C, we do not."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def pipeline(*stages: Mapping[str, Any], **sections: Any) -> dict[str, Any]:
    """A pipeline on the fake plugin, as the content of its file."""
    return {
        "name": "echo",
        "model": "skill=0.2",
        "plugins": [str(ECHO_FILE)],
        "data": {
            "train": {"use": "rlvr_echo/sums"},
            "test": {"use": "rlvr_echo/sums", "split": "test", "limit": 20},
        },
        "rewards": {"correct": {"use": "rlvr_echo/exact"}},
        "stages": list(stages),
        **sections,
    }
