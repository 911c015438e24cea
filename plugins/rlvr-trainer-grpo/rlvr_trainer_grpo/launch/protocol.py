"""What hub and processes say to each other: pickles over a socket, both ends knowing a key."""

from __future__ import annotations

import os
import pickle
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rlvr_ops_core import RlvrError, RunError, Task, TrainJob

ADDRESS, KEY = "RLVR_HUB", "RLVR_HUB_KEY"
"""Environment variables of a process: `HOST:PORT`, and the key in hexadecimal digits."""


@dataclass(frozen=True, kw_only=True)
class Work:
    """What a process is told when it joins: a trainer with its options, and a job's fields."""

    train: Callable[..., None]
    options: Mapping[str, Any]
    tasks: tuple[Task, ...]
    output: Path
    checkpoints: Path
    model: str
    seed: int
    stage: str
    rewards: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class LaunchedJob(TrainJob):
    """A job in one of several processes: what it reports goes to the hub."""

    processes: int
    asked_to_end: Callable[[], bool]
    """Whether the run was asked to save and end; the first process asks after each step."""


def environment(address: tuple[str, int], key: bytes) -> dict[str, str]:
    """What a process finds its hub by."""
    return {ADDRESS: f"{address[0]}:{address[1]}", KEY: key.hex()}


def from_environment() -> tuple[tuple[str, int], bytes]:
    """Where the hub is, and the key."""
    host, _, port = os.environ[ADDRESS].rpartition(":")
    return (host, int(port)), bytes.fromhex(os.environ[KEY])


def portable(error: BaseException) -> BaseException:
    """The error in a form that reaches another process, a bug with the traceback of its own."""
    told = "".join(traceback.format_exception(error))
    try:
        pickle.loads(pickle.dumps(error))
    except (pickle.PicklingError, TypeError, AttributeError):
        error = RunError(f"{type(error).__name__}: {error}")
    if not isinstance(error, RlvrError):
        error.add_note(told)
    return error
