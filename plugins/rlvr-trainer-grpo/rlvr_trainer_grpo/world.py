"""The processes that train together, as one of them sees it; one alone needs no torch.distributed.

Objects are exchanged whole (`gather`, `share`): small ones, a few times a step. Every process must
come to each call, in the same order.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from torch import Tensor

T = TypeVar("T")
Rows = TypeVar("Rows", "Sequence[Any]", "Tensor")


def size() -> int:
    """How many there are."""
    return int(_distributed().get_world_size()) if is_shared() else 1


def rank() -> int:
    """Which one this is, from 0; the first reports to the run."""
    return int(_distributed().get_rank()) if is_shared() else 0


def is_shared() -> bool:
    """Whether there are others."""
    distributed = _distributed()
    return bool(distributed.is_available() and distributed.is_initialized())


def gather(value: T) -> list[T]:
    """The value of each process, in order of rank."""
    if not is_shared():
        return [value]
    values: list[Any] = [None] * size()
    _distributed().all_gather_object(values, value)
    return values


def share(value: T) -> T:
    """The first process's value."""
    return gather(value)[0]


def own(rows: Rows) -> Rows:
    """This process's part of the rows of all, which lie in order of rank."""
    count = len(rows) // size()
    return rows[rank() * count :][:count]


def uses_deepspeed(trl_options: Mapping[str, Any]) -> bool:
    """Whether DeepSpeed trains, by an option of TRL or by accelerate's file."""
    return "deepspeed" in trl_options or os.environ.get("ACCELERATE_USE_DEEPSPEED") == "true"


def is_sharded(accelerator: Any) -> bool:
    """Whether a process holds a part of the model alone: FSDP, or DeepSpeed."""
    return accelerator.distributed_type.name in ("FSDP", "DEEPSPEED")


def _distributed() -> Any:
    import torch.distributed

    return torch.distributed
