"""Read what a worker process says: it ran code that is not ours, so nothing is taken on trust."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Mapping
from typing import Any, get_args

from rlvr_ops_core.scoring.bound import BoundReward
from rlvr_ops_core.scoring.verdicts import failure
from rlvr_ops_core.types import Part, Status, Verdict


def decode(reply: bytes, count: int, bound: BoundReward) -> list[Verdict]:
    """The verdicts in a worker's reply, checked: the worker ran code that is not ours."""
    try:
        rows = json.loads(reply)
        verdicts = [_verdict(row, bound) for row in rows]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        what = f"the worker's reply can't be read: {type(error).__name__}: {error}"
        return [failure(what, ref=bound.ref)] * count
    if len(verdicts) != count:
        what = f"the worker sent {len(verdicts)} verdicts for {count} samples"
        return [failure(what, ref=bound.ref)] * count
    return verdicts


def _verdict(row: Mapping[str, Any], bound: BoundReward) -> Verdict:
    value, status = row["value"], row["status"]
    low, high = bound.spec.range
    if status not in get_args(Status) or (status == "ok") != isinstance(value, float):
        raise ValueError(f"status {status!r} with value {value!r}")
    if value is not None and not low <= value <= high:
        raise ValueError(f"{value!r} is out of range")
    parts = {name: Part(part["value"]) for name, part in row["components"].items()}
    return Verdict(value, status, parts, dict(row["info"]), float(row["seconds"]), bound.ref)


def ending(status: int) -> str:
    """How a process ended, from its wait status."""
    if os.WIFEXITED(status):
        return f"exited with code {os.WEXITSTATUS(status)}"
    number = os.WTERMSIG(status)
    try:
        name = signal.Signals(number).name
    except ValueError:
        name = f"signal {number}"
    return f"was ended by {name}"
