"""`grpo/best_of_n`: rejection fine-tuning. Sample, verify, imitate what passed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from statistics import fmean

from rlvr_ops_core import DataError, Sample, Task, TrainJob, Verdict, launches, needs
from rlvr_trainer_grpo.models import Dtype
from rlvr_trainer_grpo.prompts import task_order
from rlvr_trainer_grpo.sampling import sample
from rlvr_trainer_grpo.sft import sft

PASSED = "passed"
"""The entry of a task's data that holds the answer to imitate."""


@launches("torchrun", "ray")
@needs("model", "data", "rewards")
def best_of_n(
    job: TrainJob,
    *,
    steps: int,
    samples: int = 8,
    tasks: int | None = None,
    threshold: float = 1.0,
    keep: int = 1,
    batch_size: int = 16,
    learning_rate: float = 2e-5,
    lr_scheduler_type: str = "cosine",
    warmup_steps: int = 0,
    max_new_tokens: int = 256,
    temperature: float = 1.0,
    stop: Sequence[str] = (),
    sample_batch_size: int = 64,
    dtype: Dtype = "auto",
    threads: int | None = None,
    save_steps: int = 100,
) -> None:
    """Let the model answer each task several times and train it on its own best answers.

    Source: rejection sampling fine-tuning, arXiv:2308.01825; STaR, arXiv:2203.14465, without hints.
    Answers are judged as step 0. A killed stage samples the same answers again, and goes on with
    the training from its checkpoint.

    Args:
        job: the model to start from, tasks, and the rewards.
        steps: optimizer steps on what passed.
        samples: answers a task.
        tasks: how many tasks are answered, drawn by the seed; None takes all.
        threshold: an answer passes with at least this value.
        keep: answers a task that are imitated, the best first; equal texts count once.
        batch_size: examples a step.
        learning_rate: its greatest value.
        lr_scheduler_type: how the rate falls, by transformers' names.
        warmup_steps: steps over which the rate rises.
        max_new_tokens: an answer is cut off here; one that is cut off does not pass.
        temperature: of the sampling.
        stop: an answer ends before the first of these strings.
        sample_batch_size: answers that are sampled side by side.
        dtype: type of the weights.
        threads: CPU threads.
        save_steps: steps from checkpoint to checkpoint; 0 makes none.

    Raises:
        DataError: no answer passed.
        ModelError: the model can't be loaded.
        ErrorBudgetExceeded: as `job.score` raises it.
    """
    order = task_order(len(job.tasks), tasks or len(job.tasks), seed=job.seed, shuffle=True)
    passed: list[Task] = []
    values: list[float] = []
    groups = sample(
        job.model,
        (job.tasks[place] for place in order),
        samples=samples,
        seed=job.seed,
        max_new_tokens=max_new_tokens,
        temperature=temperature,
        stop=stop,
        batch_size=sample_batch_size,
        dtype=dtype,
        threads=threads,
    )
    for answers in groups:
        verdicts = job.score(answers, step=0)
        values += [verdict.value for verdict in verdicts if verdict.value is not None]
        passed += best(answers, verdicts, threshold=threshold, keep=keep)
    if not passed:
        raise DataError(
            f"{job.stage}: none of the {len(order) * samples} answers reached {threshold:g}",
            hint="start from a better model, take easier tasks or more samples, or lower threshold",
        )
    job.log(0, reward=fmean(values), passed=len(passed) / len(order))
    sft(
        replace(job, tasks=passed),
        steps=steps,
        batch_size=batch_size,
        learning_rate=learning_rate,
        lr_scheduler_type=lr_scheduler_type,
        warmup_steps=warmup_steps,
        demonstration=PASSED,
        dtype=dtype,
        threads=threads,
        save_steps=save_steps,
    )


def best(
    answers: Sequence[Sample], verdicts: Sequence[Verdict], *, threshold: float, keep: int
) -> list[Task]:
    """The task with each of its best answers to imitate; none if no answer passed."""
    rows = [
        (verdict.value, one)
        for one, verdict in zip(answers, verdicts, strict=True)
        if verdict.value is not None and verdict.value >= threshold and one.finish == "stop"
    ]
    rows.sort(key=lambda row: -row[0])  # stable: of equals the first
    texts = dict.fromkeys(one.text for _, one in rows)
    task = answers[0].task
    return [replace(task, data={**task.data, PASSED: text}) for text in list(texts)[:keep]]
