"""`grpo/sft`: a supervised warm start on TRL's SFTTrainer, with the loss on the answer only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rlvr_ops_core import DataError, Message, OptionError, Task, TrainJob, needs
from rlvr_trainer_grpo.accounts import Accounts, Costs
from rlvr_trainer_grpo.gpus import gpu_gauge
from rlvr_trainer_grpo.launch import launchable
from rlvr_trainer_grpo.lora import Lora, peft_config
from rlvr_trainer_grpo.models import (
    Dtype,
    computes_in_bfloat16,
    load_model,
    load_tokenizer,
    weight_dtype,
)
from rlvr_trainer_grpo.prompts import check_tasks, task_order
from rlvr_trainer_grpo.pushing import open_repository
from rlvr_trainer_grpo.quiet import quiet
from rlvr_trainer_grpo.training import accumulation, checkpoint_options, processes_of, run
from rlvr_trainer_grpo.trl_options import make_config, passes_on_to, refuse_unknown
from rlvr_trainer_grpo.turns import Wording

if TYPE_CHECKING:
    from datasets import Dataset
    from transformers import PreTrainedTokenizerBase

IGNORED = -100
"""The label of a token that has no loss."""


@launchable
@needs("model", "data")
@passes_on_to("SFTConfig")
def sft(
    job: TrainJob,
    *,
    steps: int,
    batch_size: int = 16,
    micro_batch_size: int | None = None,
    learning_rate: float = 2e-5,
    lr_scheduler_type: str = "cosine",
    warmup_steps: int = 0,
    demonstration: str = "demonstration",
    max_length: int | None = None,
    shuffle: bool = True,
    lora: Lora | None = None,
    dtype: Dtype = "auto",
    threads: int | None = None,
    save_steps: int = 100,
    chat_template_kwargs: Mapping[str, Any] | None = None,
    costs: Costs | None = None,
    push_to_hub: str | None = None,
    **trl_options: Any,
) -> None:
    """Teach the model the tasks' demonstrations; `trl_options` go to TRL's SFTConfig by name.

    Args:
        job: the model to start from, and tasks with something to imitate.
        steps: optimizer steps.
        batch_size: examples a step.
        micro_batch_size: examples in one forward pass; None takes the whole batch.
        learning_rate: its greatest value.
        lr_scheduler_type: how the rate falls, by transformers' names.
        warmup_steps: steps over which the rate rises.
        demonstration: the entry of `task.data` to imitate; without it the answer as text.
        max_length: examples are cut to this many tokens; None cuts none.
        shuffle: another order in each epoch; False keeps the order of the tasks.
        lora: train low-rank matrices instead of the model.
        dtype: type of the weights; see `rlvr_trainer_grpo.models.weight_dtype`.
        threads: CPU threads; 1 is best for a small model beside other work.
        save_steps: steps from checkpoint to checkpoint; 0 makes none.
        chat_template_kwargs: values for the chat template.
        costs: price and power of a device, for the accounts; see `rlvr_trainer_grpo.accounts`.
        push_to_hub: hub id to push the trained model to.
        **trl_options: further options of TRL, by its names.

    Raises:
        DataError: there are no tasks, or one has nothing to imitate.
        ModelError: the model can't be loaded.
        OptionError: TRL does not take an option.
    """
    processes = processes_of(job)
    refuse_unknown("SFTConfig", trl_options)
    from transformers import set_seed

    accounts = Accounts(costs, gauge=gpu_gauge())
    set_seed(job.seed)
    tokenizer = load_tokenizer(job.model)
    check_tasks(job.tasks, tokenizer)
    order = task_order(len(job.tasks), steps * batch_size, seed=job.seed, shuffle=shuffle)
    if batch_size % processes:
        raise OptionError(
            f"batch_size: {batch_size} can't be shared out among {processes} processes",
            hint=f"take a multiple of {processes}",
        )
    own = batch_size // processes
    if push_to_hub:
        open_repository(push_to_hub)
    micro = micro_batch_size or own
    is_packed = bool(trl_options.get("packing"))
    config = make_config(
        "SFTConfig",
        job,
        trl_options,
        max_steps=steps,
        per_device_train_batch_size=micro,
        gradient_accumulation_steps=accumulation(own, micro),
        learning_rate=learning_rate,
        lr_scheduler_type=lr_scheduler_type,
        warmup_steps=warmup_steps,
        max_length=max_length,
        train_sampling_strategy="sequential",
        bf16=computes_in_bfloat16(dtype),
        dataset_kwargs={"skip_prepare_dataset": max_length is None and not is_packed},
        **checkpoint_options(save_steps),
    )
    examples = _examples(job, tokenizer, demonstration, chat_template_kwargs)
    with quiet():
        trainer = _trainer(
            accounts,
            model=load_model(job.model, dtype=weight_dtype(dtype, training=True)),
            args=config,
            train_dataset=examples.select(order),
            processing_class=tokenizer,
            peft_config=peft_config(lora),
        )
    run(
        trainer,
        job,
        tokenizer,
        extra_metrics=accounts.close_step,
        lora=lora,
        push_to_hub=push_to_hub,
        threads=threads,
    )


def _trainer(accounts: Accounts, **settings: Any) -> Any:
    """TRL's trainer, keeping accounts."""
    from trl import SFTTrainer

    class Trainer(SFTTrainer):  # type: ignore[misc]  # trl has no types
        """Books the time and the tokens of each forward and backward pass."""

        _name = "SFT"

        def training_step(self, model: Any, inputs: Any, *args: Any, **kwargs: Any) -> Any:
            """One pass of TRL."""
            learned = int((inputs["labels"] != IGNORED).sum())
            accounts.count(trained=learned, computed__train=inputs["input_ids"].numel())
            with accounts.phase("train"):
                return super().training_step(model, inputs, *args, **kwargs)

    return Trainer(**settings)


def shown(task: Task, demonstration: str) -> str | Sequence[Message]:
    """What the model shall answer: the demonstration if the task has one, else its answer.

    Messages show a whole conversation with an environment.

    Raises:
        DataError: the task has neither.
    """
    found = task.data.get(demonstration, task.answer)
    if found is None:
        raise DataError(
            f"task {task.id} has nothing to imitate: no data[{demonstration!r}], no answer",
            hint="option demonstration names the entry of data that shows the answer",
        )
    is_conversation = isinstance(found, list) and all(isinstance(one, dict) for one in found)
    return found if is_conversation else str(found)


def wording_of(
    tokenizer: PreTrainedTokenizerBase, template_options: Mapping[str, Any] | None
) -> Wording:
    """How demonstrations are put into tokens: each answer ends with the end of sequence."""
    return Wording(
        tokenizer=tokenizer,
        ends={tokenizer.eos_token_id},
        template_options=template_options or {},
    )


def _examples(
    job: TrainJob,
    tokenizer: PreTrainedTokenizerBase,
    demonstration: str,
    template_options: Mapping[str, Any] | None,
) -> Dataset:
    """Token ids and labels of every task; -100 marks what has no loss: the model is told it."""
    from datasets import Dataset

    wording = wording_of(tokenizer, template_options)
    input_ids, labels = [], []
    for task in job.tasks:
        ids, learned = wording.demonstration_ids(task, shown(task, demonstration))
        input_ids.append(ids)
        labels.append([one if own else IGNORED for one, own in zip(ids, learned, strict=True)])
    return Dataset.from_dict({"input_ids": input_ids, "labels": labels})
