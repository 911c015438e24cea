"""What a stage will take, told before it runs: how a trainer or a sampler declares its estimate."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from rlvr_ops_core.types import Sample

T = TypeVar("T", bound=Callable[..., Any])

ESTIMATE_ATTRIBUTE = "__rlvr_estimate__"
ESTIMATE_FILE = "estimate.json"
"""In a run folder: what `rlvr run --dry-run` said of the run before it began."""


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """What a component expects to spend on a job, from a look at it that takes seconds."""

    seconds: float
    """Wall time on this machine, loading included."""
    cpu_seconds: float | None = None
    """CPU time of this process, all threads."""
    tokens: Mapping[str, float] = field(default_factory=dict)
    """`generated`, `scored`, `trained` …: what the component logs as `tokens/NAME`."""
    gpu_memory_gb: float | None = None
    """The greatest need; the core itself measures the memory of the process."""
    money: float | None = None
    samples: Sequence[Sample] = ()
    """Of a sampler: answers that it made on the way. The core times the rewards on them."""
    assumes: Sequence[str] = ()
    """What was taken for granted, a sentence each."""


def estimated_by(estimate: Callable[..., Estimate]) -> Callable[[T], T]:
    """Declare what estimates a trainer or sampler for `rlvr run --dry-run`.

    `estimate` takes what the component takes and gives an `Estimate` within seconds. For a trainer,
    a model that it writes into `job.output` stands in for the trained one in the stages that
    follow; without one the stage's start model does.

    Example:
        >>> from rlvr_ops_core import Estimate, estimated_by
        >>> def guess(job, *, steps):
        ...     return Estimate(seconds=0.5 * steps)
        >>> @estimated_by(guess)
        ... def my_trainer(job, *, steps: int) -> None: ...
    """

    def declare(component: T) -> T:
        setattr(component, ESTIMATE_ATTRIBUTE, estimate)
        return component

    return declare
