"""Check a trainer: it writes a model, logs sound numbers, and can be started again."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from rlvr_ops_core.job import TrainJob
from rlvr_ops_core.testing.calls import TASKS, bound, expect
from rlvr_ops_core.types import Sample, Task, Verdict

Logged: TypeAlias = list[tuple[int, dict[str, float]]]


def check_trainer(
    component: Callable[..., Any],
    *,
    tasks: Sequence[Task] = TASKS,
    model: str = "",
    reward: Callable[[Sample], float] | None = None,
    folder: Path | None = None,
    **options: Any,
) -> Logged:
    """Train in a temporary folder, or in `folder`; give what was logged, step by step.

    A trainer passes if it writes a model, logs finite numbers at steps that never go back, and,
    started once more on the checkpoints it left, as after a kill, writes the model again.

    Args:
        component: the trainer, as the plugin's hook returns it.
        tasks: what to train on.
        model: where training starts.
        reward: judges what the trainer sends to `job.score`; by default, is it the answer?
        folder: receives the model in `output`; made if it is not there.
        options: the trainer's options; few steps, a tiny model.
    """
    judge = reward or (lambda sample: float(sample.final == str(sample.task.answer)))

    def score(samples: Sequence[Sample], step: int | None) -> list[Verdict]:
        assert samples, f"job.score was given no samples at step {step}"
        return [Verdict(float(judge(sample))) for sample in samples]

    def train(root: Path, attempt: str) -> Logged:
        output, checkpoints = root / attempt, root / "checkpoints"
        output.mkdir(parents=True)
        checkpoints.mkdir(exist_ok=True)
        logged: Logged = []
        job = TrainJob(
            tasks=tasks,
            output=output,
            checkpoints=checkpoints,
            model=model,
            rewards=("checked",),
            on_score=score,
            on_log=lambda step, metrics: logged.append((step, metrics)),
        )
        trainer = bound(component, options)
        expect(lambda: trainer(job), f"the trainer raised ({attempt})")
        assert any(output.iterdir()), f"the trainer wrote nothing into job.output ({attempt})"
        _check_logged(logged)
        return logged

    with tempfile.TemporaryDirectory() as temporary:
        root = folder or Path(temporary)
        logged = train(root, "output")
        train(root, "output-again")
    return logged


def _check_logged(steps: Sequence[tuple[int, Mapping[str, float]]]) -> None:
    for number, (step, metrics) in enumerate(steps):
        before = steps[number - 1][0] if number else 0
        assert step >= before, f"step {step} is logged after step {before}"
        for name, value in metrics.items():
            finite = isinstance(value, int | float) and math.isfinite(value)
            assert finite, f"step {step}: {name} is {value!r}; log finite numbers"
