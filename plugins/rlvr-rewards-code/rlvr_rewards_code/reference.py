"""Limits that follow the reference: a task whose own solution needs long gives programs long.

Measured only when it matters, that is when a program ran out of time, and once for each task.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from rlvr_rewards_code.job import FunctionTests, Job, Outcome, ScriptTests
from rlvr_rewards_code.slot import Slot

FACTOR = 10.0
"""A program may take ten times as long as the reference."""
MOST_CPU_S = 60.0
_WALL_PER_CPU = 3.0


@dataclass
class Measured:
    """Processor time of references, by their tests."""

    seconds: dict[FunctionTests | ScriptTests, float] = field(default_factory=dict)


def with_reference(slot: Slot, job: Job, measured: Measured) -> Outcome:
    """How a program did, with more time if the reference shows that it takes more.

    Raises:
        SandboxBroken: a sandbox failed.
    """
    job = _scaled(job, measured.seconds.get(job.tests, 0.0))
    outcome = slot.judge(job)
    if outcome.limit not in ("cpu", "wall") or not job.tests.reference:
        return outcome
    if job.tests in measured.seconds:
        return outcome
    patient = replace(job.limits, cpu_s=MOST_CPU_S, wall_s=MOST_CPU_S * _WALL_PER_CPU)
    found = slot.judge(replace(job, program=job.tests.reference, limits=patient, share=False))
    measured.seconds[job.tests] = found.cpu_s if found.passed else 0.0
    larger = _scaled(job, measured.seconds[job.tests])
    return outcome if larger == job else slot.judge(larger)


def _scaled(job: Job, reference_s: float) -> Job:
    cpu_s = min(MOST_CPU_S, FACTOR * reference_s)
    if cpu_s <= job.limits.cpu_s:
        return job
    wall_s = max(job.limits.wall_s, _WALL_PER_CPU * cpu_s)
    return replace(job, limits=replace(job.limits, cpu_s=cpu_s, wall_s=wall_s))
