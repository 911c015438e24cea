"""What SFT and GRPO share: run TRL's trainer, resume it, report its numbers, save the model."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

from rlvr_ops_core import ModelError, OptionError, RunError, TrainJob
from rlvr_trainer_grpo.checkpoints import newest_whole, seal
from rlvr_trainer_grpo.interruption import sigterm_noticed
from rlvr_trainer_grpo.lora import Lora
from rlvr_trainer_grpo.quiet import cpu_threads, quiet

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase, TrainerCallback

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


def refuse_many_processes() -> None:
    """Raise RunError under torchrun: the groups of one step must be judged in one process."""
    world = os.environ.get("WORLD_SIZE", "1")
    if world != "1":
        raise RunError(
            f"WORLD_SIZE is {world}, but this trainer runs in one process",
            hint="start it without torchrun or accelerate launch",
        )


def run(
    trainer: Any,
    job: TrainJob,
    tokenizer: PreTrainedTokenizerBase,
    *,
    extra_metrics: Callable[[], dict[str, float]] = dict,
    lora: Lora | None = None,
    push_to_hub: str | None = None,
    threads: int | None = None,
) -> None:
    """Train from the newest whole checkpoint, or from the start, and save to `job.output`.

    Raises:
        ModelError: the hub does not take the model.
        RunError: the gradient is not a number.
        StopRun, ErrorBudgetExceeded: as the job raised them.
        SystemExit: SIGTERM came; the last step is saved.
    """
    from transformers import PrinterCallback

    trainer.remove_callback(PrinterCallback)
    trainer.add_callback(_reporter(job, extra_metrics))
    found = newest_whole(job.checkpoints)
    if found:
        job.rewind(found[1])
    with quiet(), cpu_threads(threads), sigterm_noticed() as asked_to_end:
        trainer.add_callback(_ending(asked_to_end))
        trainer.train(resume_from_checkpoint=str(found[0]) if found else None)
        if asked_to_end.is_set() and trainer.state.global_step < trainer.args.max_steps:
            raise SystemExit(0)  # the last step is in a checkpoint, and the stage is not done
        _save(trainer, job.output, tokenizer, lora)
    if push_to_hub:
        push(job.output, push_to_hub)


def checkpoint_options(save_steps: int) -> dict[str, Any]:
    """TRL's options for a checkpoint every `save_steps` optimizer steps; 0 makes none."""
    if save_steps <= 0:
        return {"save_strategy": "no"}
    return {"save_strategy": "steps", "save_steps": save_steps}


def accumulation(whole: int, part: int) -> int:
    """How many forward passes of `part` rows make up a step of `whole` rows.

    Raises:
        OptionError: the parts do not fill the whole.
    """
    if part < 1 or whole % part:
        raise OptionError(
            f"micro_batch_size: {part} does not divide the {whole} rows of a step",
            hint=f"take a divisor of {whole}",
        )
    return whole // part


def _reporter(job: TrainJob, extra_metrics: Callable[[], dict[str, float]]) -> TrainerCallback:
    from transformers import TrainerCallback

    class Reporter(TrainerCallback):  # type: ignore[misc]  # transformers has no types
        """Hands each step's numbers to the job and seals each checkpoint."""

        def on_log(self, _args: Any, state: Any, _control: Any, logs: Any, **_: Any) -> None:
            if "train_runtime" in logs:  # the summary at the end, no step
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
            job.log(state.global_step, **(numbers | extra_metrics()))

        def on_save(self, args: Any, state: Any, _control: Any, **_: Any) -> None:
            seal(Path(args.output_dir) / f"checkpoint-{state.global_step}")

    return Reporter()


def _ending(asked: Event) -> TrainerCallback:
    from transformers import TrainerCallback

    class Ending(TrainerCallback):  # type: ignore[misc]  # transformers has no types
        """Saves and ends after the step in which it was asked to."""

        def on_step_end(self, _args: Any, _state: Any, control: Any, **_: Any) -> None:
            if asked.is_set():
                control.should_save = control.should_training_stop = True

    return Ending()


def _save(trainer: Any, output: Path, tokenizer: Any, lora: Lora | None) -> None:
    model = trainer.accelerator.unwrap_model(trainer.model)
    if lora is not None and lora.save == "merged":
        model = model.merge_and_unload()
    model.save_pretrained(output)
    tokenizer.save_pretrained(output)


def push(folder: Path, repository: str) -> None:
    """Upload a model folder to the Hugging Face hub.

    Raises:
        ModelError: the hub can't be reached or refuses; the folder stays as it is.
    """
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HFValidationError, OfflineModeIsEnabled
    from huggingface_hub.errors import HTTPError as HubError  # type: ignore[attr-defined]  # re-export

    try:
        api = HfApi()
        api.create_repo(repository, exist_ok=True)
        api.upload_folder(repo_id=repository, folder_path=str(folder))
    except (HubError, HFValidationError, OfflineModeIsEnabled, OSError) as error:
        reason = next(iter(str(error).splitlines()), repr(error))
        raise ModelError(
            f'the model can\'t be pushed to "{repository}": {reason}',
            hint=f"log in with `hf auth login`; the trained model lies in {folder}",
        ) from error
