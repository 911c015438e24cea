"""What SFT and GRPO share: run TRL's trainer, resume it, report its numbers, save the model."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rlvr_ops_core import OptionError, RunError, TrainJob
from rlvr_trainer_grpo import world
from rlvr_trainer_grpo.checkpoints import where_to_go_on
from rlvr_trainer_grpo.interruption import end_noticed
from rlvr_trainer_grpo.launch.protocol import LaunchedJob
from rlvr_trainer_grpo.lora import Lora
from rlvr_trainer_grpo.pushing import push
from rlvr_trainer_grpo.quiet import cpu_threads, quiet
from rlvr_trainer_grpo.reporting import end_when_asked, listen

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


def processes_of(job: TrainJob) -> int:
    """In how many processes a job is trained.

    Raises:
        RunError: something else launched this: each of its processes would be a run of its own.
    """
    if isinstance(job, LaunchedJob):
        return job.processes
    world_size = os.environ.get("WORLD_SIZE", "1")
    if world_size != "1":
        raise RunError(
            f"WORLD_SIZE is {world_size}, but a run is one process, which starts the others itself",
            hint="start it without torchrun or accelerate launch; in the pipeline write "
            f"launch: {{engine: torchrun, processes: {world_size}}}",
        )
    return 1


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
    listen(trainer, job, extra_metrics)
    found = where_to_go_on(job.checkpoints)
    if found and world.rank() == 0:
        job.rewind(found[1])
    with quiet(), cpu_threads(threads), end_noticed(signal.SIGTERM) as asked:
        ending = end_when_asked(trainer, job, asked)
        trainer.train(resume_from_checkpoint=str(found[0]) if found else None)
        if ending.is_asked and trainer.state.global_step < trainer.args.max_steps:
            raise SystemExit(0)  # the last step is in a checkpoint, and the stage is not done
        _save(trainer, job.output, tokenizer, lora)
    if push_to_hub and world.rank() == 0:
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


def _save(trainer: Any, output: Path, tokenizer: Any, lora: Lora | None) -> None:
    """The trained model as a folder; all processes come here, for each may hold a part of it."""
    model = trainer.accelerator.unwrap_model(trainer.model)
    weights = None
    if world.is_sharded(trainer.accelerator):
        weights = trainer.accelerator.get_state_dict(trainer.model_wrapped)
    if world.rank() == 0:
        model = model if lora is None else lora.to_save(model, weights, output)
        model.save_pretrained(output, **({} if weights is None else {"state_dict": weights}))
        tokenizer.save_pretrained(output)
    world.gather(None)
