"""`grpo/grpo`: GRPO and its relatives on TRL's GRPOTrainer, with the job's rewards."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from rlvr_ops_core import OptionError, Task, TrainJob, needs, takes_environment
from rlvr_trainer_grpo import world
from rlvr_trainer_grpo.accounts import Accounts, Costs
from rlvr_trainer_grpo.checkpoints import where_to_go_on
from rlvr_trainer_grpo.gpus import gpu_gauge
from rlvr_trainer_grpo.judge import Judge
from rlvr_trainer_grpo.launch import launchable
from rlvr_trainer_grpo.lora import Lora, peft_config
from rlvr_trainer_grpo.models import (
    Dtype,
    computes_in_bfloat16,
    load_model,
    load_tokenizer,
    weight_dtype,
)
from rlvr_trainer_grpo.policy_trainer import policy_trainer
from rlvr_trainer_grpo.prompts import (
    check_tasks,
    cut_ids_at_stop,
    end_ids,
    stop_token_ids,
    task_order,
)
from rlvr_trainer_grpo.pruning import Pruning
from rlvr_trainer_grpo.pushing import open_repository
from rlvr_trainer_grpo.quiet import quiet
from rlvr_trainer_grpo.rollouts import rollouts
from rlvr_trainer_grpo.savings import Savings
from rlvr_trainer_grpo.selection import Selection
from rlvr_trainer_grpo.teaching import loss_adds_up
from rlvr_trainer_grpo.training import accumulation, checkpoint_options, processes_of, run
from rlvr_trainer_grpo.trl_options import make_config, passes_on_to, refuse_unknown
from rlvr_trainer_grpo.turns import Wording

if TYPE_CHECKING:
    from datasets import Dataset
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


@launchable
@takes_environment
@needs("model", "data", "rewards")
@passes_on_to("GRPOConfig")
def grpo(
    job: TrainJob,
    *,
    steps: int,
    prompts_per_step: int = 8,
    group_size: int = 8,
    micro_batch_size: int | None = None,
    micro_batch_tokens: int | None = None,
    savings: Savings | None = None,
    pruning: Pruning | None = None,
    learning_rate: float = 1e-6,
    lr_scheduler_type: str = "constant_with_warmup",
    warmup_steps: int = 0,
    max_new_tokens: int = 256,
    temperature: float = 1.0,
    stop: Sequence[str] = (),
    beta: float = 0.0,
    loss_type: str = "dapo",
    scale_rewards: str | bool = "group",
    baseline: Literal["mean", "leave_one_out"] = "mean",
    shuffle: bool = True,
    lora: Lora | None = None,
    dtype: Dtype = "auto",
    threads: int | None = None,
    save_steps: int = 10,
    costs: Costs | None = None,
    outage_pauses_s: Sequence[float] = (5, 30, 120),
    push_to_hub: str | None = None,
    **trl_options: Any,
) -> None:
    """Let the model answer, judge its answers, and make the better ones likelier.

    `trl_options` go to TRL's GRPOConfig by name.

    Args:
        job: the model to start from, tasks, and the rewards.
        steps: optimizer steps.
        prompts_per_step: tasks a step.
        group_size: answers a task; they are compared with each other.
        micro_batch_size: answers in one forward pass; None takes all that a process has of a step.
        micro_batch_tokens: tokens in one forward pass, prompts and padding counted, as a further
            limit; None sets none.
        savings: what is not computed because it changes nothing; None leaves out all of it.
        pruning: what is left out although it changes the estimator; None leaves out nothing.
        learning_rate: its greatest value.
        lr_scheduler_type: how the rate changes, by transformers' names.
        warmup_steps: steps over which the rate rises.
        max_new_tokens: an answer is cut off here.
        temperature: of the sampling.
        stop: an answer ends before the first of these strings.
        beta: weight of the KL divergence from the starting model.
        loss_type: as in TRL: `grpo`, `dapo`, `dr_grpo`, `bnpo` …
        scale_rewards: what a group's rewards are divided by: `group`, `batch` or `none`.
        baseline: what an answer's reward is compared with: the mean of its group, or of the others.
        shuffle: another order of the tasks in each epoch; False keeps theirs.
        lora: train low-rank matrices instead of the model.
        dtype: type of the weights; see `rlvr_trainer_grpo.models.weight_dtype`.
        threads: CPU threads; 1 is best for a small model beside other work.
        save_steps: steps from checkpoint to checkpoint; 0 makes none.
        costs: price and power of a device, for the accounts; see `rlvr_trainer_grpo.accounts`.
        outage_pauses_s: while no answer of a step gets a verdict, the rewards are asked again after
            each of these pauses.
        push_to_hub: hub id to push the trained model to.
        **trl_options: further options of TRL, by its names.

    Raises:
        DataError: there are no tasks, or their prompts are mixed.
        ModelError: the model can't be loaded.
        OptionError: TRL does not take an option.
        StopRun, ErrorBudgetExceeded: as `job.score` and `job.log` raise them.
    """
    processes = processes_of(job)
    refuse_unknown("GRPOConfig", trl_options)
    _check_pruning(pruning, group_size, scale_rewards)
    _check_shares(prompts_per_step, processes)
    if push_to_hub:
        open_repository(push_to_hub)
    from transformers import set_seed

    accounts = Accounts(costs, gauge=gpu_gauge())
    set_seed(job.seed)
    tokenizer = load_tokenizer(job.model)
    check_tasks(job.tasks, tokenizer)
    answers = prompts_per_step * group_size // processes
    micro = micro_batch_size or answers
    parts = accumulation(answers, micro)
    model = load_model(job.model, dtype=weight_dtype(dtype, training=True))
    adds_up = loss_adds_up(model, trl_options) and not world.uses_deepspeed(trl_options)
    config = make_config(
        "GRPOConfig",
        job,
        trl_options,
        max_steps=steps,
        num_generations=group_size,
        # Where a loss is a sum over the answers, `teaching.cut` makes the parts, else TRL does.
        per_device_train_batch_size=answers if adds_up else micro,
        gradient_accumulation_steps=1 if adds_up else parts,
        learning_rate=learning_rate,
        lr_scheduler_type=lr_scheduler_type,
        warmup_steps=warmup_steps,
        max_completion_length=max_new_tokens,
        temperature=temperature,
        beta=beta,
        loss_type=loss_type,
        scale_rewards=scale_rewards,
        shuffle_dataset=False,
        bf16=computes_in_bfloat16(dtype),
        **checkpoint_options(_aligned(save_steps, int(trl_options.get("num_iterations", 1)))),
    )
    wording = Wording(
        tokenizer=tokenizer,
        ends=end_ids(model, tokenizer),
        stop=stop,
        template_options=trl_options.get("chat_template_kwargs") or {},
    )
    judge = Judge(
        job,
        group_size=group_size,
        stop=stop,
        accounts=accounts,
        outage_pauses_s=outage_pauses_s,
        has_ended=wording.has_ended,
        answer_text=wording.answer_text,
    )
    savings = savings or Savings()
    selection = _selection(job, pruning)
    order = task_order(len(job.tasks), steps * prompts_per_step, seed=job.seed, shuffle=shuffle)
    trainer = _trainer(
        model,
        tokenizer,
        stop,
        savings,
        rows_at_once=micro,
        tokens_at_once=micro_batch_tokens,
        loss_adds_up=adds_up,
        accounts=accounts,
        pruning=pruning,
        watch=judge.watch if savings.overlap and job.environment is None else None,
        other_tasks=partial(_other_tasks, _dataset(job.tasks), job.seed),
        selection=selection,
        task_rows=_dataset(job.tasks) if selection else (),
        leaves_one_out=baseline == "leave_one_out",
        reward_funcs=judge,
        args=config,
        train_dataset=_dataset(job.tasks).select(order),
        peft_config=peft_config(lora),
        rollout_func=rollouts(job, wording),
    )
    if selection is not None:
        _remember(selection, trainer, job)
    run(
        trainer,
        job,
        tokenizer,
        extra_metrics=judge.step_metrics,
        lora=lora,
        push_to_hub=push_to_hub,
        threads=threads,
    )


def _trainer(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    stop: Sequence[str],
    savings: Savings,
    **settings: Any,
) -> Any:
    """TRL's trainer with the savings, whose answers also end at a stop string."""
    # TRL ends an answer at every token that the model's generation config names. What the model is
    # saved with stays as it was.
    saved_ends = model.generation_config.eos_token_id
    ends = sorted(end_ids(model, tokenizer) | set(stop_token_ids(tokenizer, stop)))
    model.generation_config.eos_token_id = ends
    with quiet():
        trainer = policy_trainer(
            model,
            savings,
            cut_at_stop=lambda ids: cut_ids_at_stop(tokenizer, ids, stop)[0],
            processing_class=tokenizer,
            **settings,
        )
    model.generation_config.eos_token_id = saved_ends
    return trainer


def _dataset(tasks: Sequence[Task]) -> Dataset:
    from datasets import Dataset

    prompts = [
        task.prompt if isinstance(task.prompt, str) else [dict(m) for m in task.prompt]
        for task in tasks
    ]
    return Dataset.from_dict({"prompt": prompts, "task_index": list(range(len(tasks)))})


def _other_tasks(
    dataset: Dataset, seed: int, step: int, number: int, count: int
) -> list[dict[str, Any]]:
    """Rows for a further round of a step: they depend on the arguments alone."""
    generator = random.Random(f"{seed}/{step}/{number}")
    return [dataset[generator.randrange(len(dataset))] for _ in range(count)]


def _selection(job: TrainJob, pruning: Pruning | None) -> Selection | None:
    if pruning is None or pruning.select_by is None:
        return None
    return Selection(job.tasks, by=pruning.select_by, candidates=pruning.candidates, seed=job.seed)


def _remember(selection: Selection, trainer: Any, job: TrainJob) -> None:
    """Keep what was learned of the tasks in each checkpoint, and go on with it after a kill."""
    from transformers import TrainerCallback

    class Keeper(TrainerCallback):  # type: ignore[misc]  # transformers has no types
        """Writes into a checkpoint before it is sealed."""

        def on_save(self, args: Any, state: Any, _control: Any, **_: Any) -> None:
            if world.rank() == 0:
                selection.save(Path(args.output_dir) / f"checkpoint-{state.global_step}")

    trainer.add_callback(Keeper())
    found = where_to_go_on(job.checkpoints)
    if found:
        selection.load(found[0])


def _check_pruning(pruning: Pruning | None, group_size: int, scale_rewards: str | bool) -> None:
    if pruning is None:
        return
    if pruning.select_by and pruning.candidates < 1:
        raise OptionError(f"pruning: candidates: {pruning.candidates}", hint="take at least 1")
    first, keep = pruning.first_answers, pruning.keep_answers
    if first is not None and not 2 <= first < group_size:
        raise OptionError(
            f"pruning: first_answers: {first} of the {group_size} answers of a group",
            hint=f"take 2 to {group_size - 1}: one answer alone settles nothing",
        )
    if keep is not None and not 2 <= keep <= group_size:
        raise OptionError(
            f"pruning: keep_answers: {keep} of the {group_size} answers of a group",
            hint=f"keep 2 to {group_size}: one answer alone has nothing to be compared with",
        )
    for name, value in (("first_answers", first), ("keep_answers", keep)):
        if value is not None and scale_rewards == "batch":
            raise OptionError(
                f"pruning: {name} does not go with scale_rewards: batch",
                hint="take group or none",
            )


def _check_shares(prompts_per_step: int, processes: int) -> None:
    if prompts_per_step % processes:
        raise OptionError(
            f"prompts_per_step: {prompts_per_step} can't be shared out among {processes} processes",
            hint=f"take a multiple of {processes}: each process answers whole groups",
        )


def _aligned(save_steps: int, iterations: int) -> int:
    """Answers that are used for several steps are not saved: save only where new ones are made."""
    return math.ceil(save_steps / iterations) * iterations
