"""Somebody else's trainer, as one file: climb a hill by chance. It knows neither TRL nor GRPO.

A trainer is a function of a job. This one shakes the model's final norm a little, lets it answer
some tasks greedily, and keeps the change if the rewards grew.
"""

from __future__ import annotations

from collections.abc import Mapping
from statistics import fmean
from typing import TYPE_CHECKING

from rlvr_ops_core import Sample, Trainer, TrainJob, hookimpl, needs

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


@needs("model", "data", "rewards")
def climb(job: TrainJob, *, steps: int = 10, tasks: int = 32, size: float = 0.02) -> None:
    """Keep random changes that pay.

    Args:
        job: the model to start from, tasks and rewards.
        steps: changes to try.
        tasks: how many tasks each change is tried on, the same ones each time.
        size: standard deviation of a change.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils import logging

    logging.disable_progress_bar()  # the run shows its own
    model = AutoModelForCausalLM.from_pretrained(job.model)
    tokenizer = AutoTokenizer.from_pretrained(job.model, padding_side="left")
    generator = torch.Generator().manual_seed(job.seed)
    weights = [p for name, p in model.named_parameters() if name.endswith("norm.weight")][-1]
    best = reward(job, model, tokenizer, tasks, step=0)
    for step in range(1, steps + 1):
        change = size * torch.randn(weights.shape, generator=generator)
        weights.data += change
        found = reward(job, model, tokenizer, tasks, step=step)
        if found > best:
            best = found
        else:
            weights.data -= change
        job.log(step, reward=found, best=best)
    model.save_pretrained(job.output)
    tokenizer.save_pretrained(job.output)


def reward(
    job: TrainJob,
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    count: int,
    *,
    step: int,
) -> float:
    """The mean reward of greedy answers to the first tasks; 0 if none has a verdict."""
    import torch

    tasks = job.tasks[:count]
    batch = tokenizer([task.prompt_text for task in tasks], padding=True, return_tensors="pt")
    with torch.inference_mode():
        rows = model.generate(**batch, max_new_tokens=14, do_sample=False)
    texts = tokenizer.batch_decode(rows[:, batch["input_ids"].shape[1] :], skip_special_tokens=True)
    samples = [Sample(task, text) for task, text in zip(tasks, texts, strict=True)]
    values = [one.value for one in job.score(samples, step=step) if one.value is not None]
    return fmean(values) if values else 0.0


@hookimpl
def rlvr_trainers() -> Mapping[str, Trainer]:
    """The trainer, as `evolving/climb`."""
    return {"climb": climb}
