"""What happens between the steps of TRL's trainer: numbers go out, checkpoints are sealed.

The numbers of a step get our names first of all. So whatever TRL reports to (`report_to`:
TensorBoard, W&B, MLflow, trackio …) shows what `metrics.jsonl` has, and nothing else.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from rlvr_ops_core import RunError, TrainJob
from rlvr_trainer_grpo import world
from rlvr_trainer_grpo.accounts import together
from rlvr_trainer_grpo.checkpoints import seal
from rlvr_trainer_grpo.interruption import Asked
from rlvr_trainer_grpo.launch.protocol import LaunchedJob

METRICS: Mapping[str, str] = {
    "loss": "loss",
    "grad_norm": "grad_norm",
    "learning_rate": "learning_rate",
    "entropy": "entropy",
    "kl": "kl",
    "clip_ratio/region_mean": "clip_ratio",
    "cispo_clip_ratio": "clip_ratio",
    "step_time": "seconds",
    "mean_token_accuracy": "token_accuracy",
    "rows_at_once": "rows_at_once",
}
"""TRL's name of a number -> its name in our logs. What is not here is TRL's own bookkeeping."""

TENSORBOARD = "tensorboard"
"""Folder beside a stage's model; TENSORBOARD_LOGGING_DIR names another."""


def listen(trainer: Any, job: TrainJob, extra_metrics: Callable[[], dict[str, float]]) -> None:
    """Give each step's numbers to the job and to TRL's loggers, and seal each checkpoint."""
    from transformers import PrinterCallback, TrainerCallback
    from transformers.integrations import TensorBoardCallback

    class Naming(TrainerCallback):  # type: ignore[misc]  # transformers has no types
        """Puts our numbers in place of TRL's, before anybody sees them."""

        def on_log(self, _args: Any, state: Any, _control: Any, logs: Any, **_: Any) -> None:
            if is_summary(logs):
                return
            if not math.isfinite(logs.get("grad_norm") or 0.0):
                raise RunError(
                    f"step {state.global_step}: the gradient is not a number",
                    hint="the step is not saved; take a lower learning_rate and run again",
                )
            numbers = {
                ours: float(logs[theirs])
                for theirs, ours in METRICS.items()
                if logs.get(theirs) is not None
            }
            extra = together(world.gather(extra_metrics()))
            logs.clear()
            logs.update(numbers | extra)

    class Reporting(TrainerCallback):  # type: ignore[misc]  # transformers has no types
        """Comes last: what the job raises ends the training after the loggers have heard."""

        def on_log(self, _args: Any, state: Any, _control: Any, logs: Any, **_: Any) -> None:
            if world.rank() == 0 and not is_summary(logs):
                job.log(state.global_step, **logs)

        def on_save(self, args: Any, state: Any, _control: Any, **_: Any) -> None:
            world.gather(None)  # each process has written its part
            if world.rank() == 0:
                seal(Path(args.output_dir) / f"checkpoint-{state.global_step}")

    trainer.remove_callback(PrinterCallback)
    for callback in trainer.callback_handler.callbacks:
        if isinstance(callback, TensorBoardCallback) and callback.logging_dir is None:
            callback.logging_dir = str(job.output.parent / TENSORBOARD)
    trainer.callback_handler.callbacks.insert(0, Naming())
    trainer.add_callback(Reporting())


def is_summary(logs: Mapping[str, Any]) -> bool:
    """Whether these are the numbers at the end of a training, which belong to no step."""
    return "train_runtime" in logs


def end_when_asked(trainer: Any, job: TrainJob, asked: Asked) -> Any:
    """Save and end after the step in which any process was asked to; the callback knows if so."""
    from transformers import TrainerCallback

    class Ending(TrainerCallback):  # type: ignore[misc]  # transformers has no types
        """Asks after each step."""

        is_asked = False

        def on_step_end(self, _args: Any, _state: Any, control: Any, **_: Any) -> None:
            asks = isinstance(job, LaunchedJob) and world.rank() == 0 and job.asked_to_end()
            self.is_asked = any(world.gather(asked.is_set() or asks))
            if self.is_asked:
                control.should_save = control.should_training_stop = True

    ending = Ending()
    trainer.add_callback(ending)
    return ending
