"""The task of these tests: copy a digit."""

from __future__ import annotations

from rlvr_ops_core import Part, Sample, Task, Verdict

VOCABULARY = ["=", "!", "0..9"]


def copy_tasks(count: int = 24) -> list[Task]:
    return [Task(f"copy/{n}", f"{n % 10} =", answer=str(n % 10)) for n in range(count)]


def judge(samples: list[Sample], step: int | None) -> list[Verdict]:
    """A digit pays, so that some answers of an untrained model are right and some are not."""
    values = [float(any(c.isdigit() for c in sample.text)) for sample in samples]
    return [Verdict(value, components={"digit": Part(value, 1.0, value)}) for value in values]
