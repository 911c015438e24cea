"""Which savings are on: exact ones by default, those that change the estimator by request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True, kw_only=True)
class Savings:
    """What is not computed, because the result would be the same."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}  # `rlvr check` finds misspelt ones

    idle_rows: bool = True
    """Answers with advantage 0 have no gradient: they leave the forward and backward pass."""
    shared_prompts: bool = True
    """A prompt is computed once for its group, in sampling and in training."""
    finished_rows: bool = True
    """Finished answers leave the batch while the others are still being written."""
    packing: bool = True
    """Answers are trained on without padding, where the model's attention allows it."""
    overlap: bool = True
    """Groups that are complete are judged while others are still being written."""


OFF = Savings(
    idle_rows=False, shared_prompts=False, finished_rows=False, packing=False, overlap=False
)
"""Plain TRL."""
