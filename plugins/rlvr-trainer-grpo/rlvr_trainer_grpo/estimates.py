"""What each component here will take: a rehearsal on real tasks, and the rest reckoned from it.

A model that an earlier stage has yet to train is stood in for by one of its size. How long its
answers will be, and which of them will pass, nobody knows then: lengths are those of the
demonstrations, and each task's share of right answers is drawn evenly between 0 and 1.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain, groupby
from typing import Any

from rlvr_ops_core import Estimate, Sample, Task, TrainJob, Verdict
from rlvr_trainer_grpo.accounts import Costs
from rlvr_trainer_grpo.best_of_n import PASSED, best_of_n
from rlvr_trainer_grpo.foresight import ENOUGH_GROUPS, foreseen, groups_decide
from rlvr_trainer_grpo.grpo import grpo
from rlvr_trainer_grpo.models import load_tokenizer
from rlvr_trainer_grpo.rehearsal import (
    BUDGET_S,
    Rehearsal,
    Spent,
    answers_as_long_as,
    read_note,
    rehearse,
    write_note,
)
from rlvr_trainer_grpo.sampling import sample
from rlvr_trainer_grpo.scratch import scratch
from rlvr_trainer_grpo.sft import sft, shown, wording_of

MOST_TASKS = 512
"""Tasks that a rehearsal encodes; the time for all of them is reckoned from these."""

AS_DEMONSTRATED = (
    "answers are taken to be as long as the demonstrations that an earlier stage imitates; "
    "training on rewards may make them longer or shorter"
)
EVENLY = "each task's share of right answers is drawn evenly between 0 and 1"
AS_NOW = "answers are taken to stay as long as they are at the start"
AS_IT_LEARNS = (
    "of the groups whose answers differ in worth at the start half are taken to be alike in the "
    "end, and so not to be trained on"
)
AS_OFTEN_RIGHT = "answers are taken to stay as often right as they are at the start"


def estimate_scratch(job: TrainJob, **options: Any) -> Estimate:
    """Making the model is so quick that it is simply done: it stands in for itself."""
    wall, cpu = time.time(), time.process_time()
    scratch(job, **options)
    return Estimate(seconds=time.time() - wall, cpu_seconds=time.process_time() - cpu)


def estimate_sft(
    job: TrainJob,
    *,
    steps: int,
    batch_size: int,
    demonstration: str,
    save_steps: int,
    costs: Costs | None = None,
    **options: Any,
) -> Estimate:
    """A few steps on demonstrations spread over all tasks."""
    some = spread(job.tasks, MOST_TASKS)
    options |= {"push_to_hub": None, "report_to": "none"}

    def train(job: TrainJob, steps: int) -> None:
        sft(
            job,
            steps=steps,
            batch_size=batch_size,
            demonstration=demonstration,
            save_steps=steps if save_steps else 0,
            **options,
        )

    found = rehearse(train, replace(job, tasks=some), steps=steps)
    lengths, a_task = _demonstrations(job, some, demonstration, options)
    write_note(job.output, lengths)
    wall, cpu = found.whole(steps, save_steps)
    rest = (len(job.tasks) - len(some)) * a_task
    return Estimate(
        seconds=wall + rest,
        cpu_seconds=cpu + rest,
        tokens={"trained": sum(lengths) / len(some) * steps * batch_size},
        gpu_memory_gb=_gpu_memory_gb(),
        money=_money(wall + rest, costs),
    )


def _demonstrations(
    job: TrainJob, tasks: Sequence[Task], demonstration: str, options: Mapping[str, Any]
) -> tuple[list[int], float]:
    """The tokens of each answer shown, its end included, and the seconds to encode one task."""
    tokenizer = load_tokenizer(job.model)
    wording = wording_of(tokenizer, options.get("chat_template_kwargs"))
    lengths: list[int] = []
    started = time.perf_counter()
    for task in tasks:
        _, learned = wording.demonstration_ids(task, shown(task, demonstration))
        runs = groupby(learned[: options.get("max_length")])
        lengths += [len(list(run)) for is_own, run in runs if is_own]
    return lengths, (time.perf_counter() - started) / len(tasks)


def estimate_grpo(
    job: TrainJob, *, train: Callable[..., None] = grpo, steps: int, save_steps: int, **options: Any
) -> Estimate:
    """A few steps: the model's own answers and verdicts, or drawn ones where a stand-in answers."""
    note = read_note(job.model)
    options |= {"push_to_hub": None, "report_to": "none", "outage_pauses_s": ()}
    if note is not None:
        job = replace(job, on_score=_drawn_verdicts(job))

    def some(job: TrainJob, steps: int) -> None:
        train(job, steps=steps, save_steps=steps if save_steps else 0, **options)

    with answers_as_long_as(note, at_most=options["max_new_tokens"], seed=job.seed):
        found = rehearse(some, job, steps=steps)
    if note is not None:
        write_note(job.output, note)
    learns = note is None and groups_decide(options)
    if learns:
        found = foreseen(found, job, spread(job.tasks, ENOUGH_GROUPS), options)
    wall, cpu = found.whole(steps, save_steps)
    as_right = AS_IT_LEARNS if learns else AS_OFTEN_RIGHT
    return Estimate(
        seconds=wall,
        cpu_seconds=cpu,
        tokens={name: steps * found.a_step(f"tokens/{name}") for name in _counted(found)},
        gpu_memory_gb=_gpu_memory_gb(),
        money=_money(wall, options.get("costs")),
        assumes=(AS_NOW, as_right) if note is None else (AS_DEMONSTRATED, EVENLY),
    )


def _counted(found: Rehearsal) -> list[str]:
    names = ("generated", "scored", "trained")
    return [name for name in names if any(f"tokens/{name}" in row for row in found.logged)]


def _drawn_verdicts(job: TrainJob) -> Callable[[Sequence[Sample], int | None], list[Verdict]]:
    """The rewards are asked, for the time it takes; what counts is drawn, a share a group."""
    generator = random.Random(job.seed)

    def score(samples: Sequence[Sample], step: int | None) -> list[Verdict]:
        job.score(samples, step=step)
        shares = {one.group: generator.random() for one in samples}
        return [Verdict(float(generator.random() < shares[one.group])) for one in samples]

    return score


def estimate_sample(
    model: str,
    tasks: Sequence[Task],
    *,
    samples: int,
    seed: int,
    batch_size: int,
    max_new_tokens: int,
    **options: Any,
) -> Estimate:
    """A few batches of tasks spread over all of them."""
    note = read_note(model)
    at_once = max(1, batch_size // samples)
    batches = -(-len(tasks) // at_once)
    some = spread(tasks, at_once * min(batches, 12))
    marks = [_now()]
    answers: list[list[Sample]] = []
    with answers_as_long_as(note, at_most=max_new_tokens, seed=seed):
        groups = sample(
            model,
            some,
            samples=samples,
            seed=seed,
            batch_size=batch_size,
            max_new_tokens=max_new_tokens,
            **options,
        )
        for batch in _batches(groups, at_once):
            answers += batch
            marks.append(_now())
            if len(marks) > 2 and marks[-1][0] - marks[1][0] > BUDGET_S:
                break
    flat = list(chain.from_iterable(answers))
    whole = len(tasks) / max(1, len(answers))
    tokens = whole * sum(len(one.token_ids or ()) for one in flat)
    wall, cpu = (_reckoned([mark[n] for mark in marks], batches) for n in (0, 1))
    return Estimate(
        seconds=wall,
        cpu_seconds=cpu,
        tokens={"generated": tokens, "scored": tokens},
        gpu_memory_gb=_gpu_memory_gb(),
        samples=flat,
        assumes=() if note is None else (AS_DEMONSTRATED,),
    )


def _reckoned(marks: Sequence[float], batches: int) -> float:
    """The time of so many batches; the first mark is before loading, the others end batches."""
    measured = len(marks) - 2
    if measured < 1:
        return (marks[-1] - marks[0]) * batches / max(1, len(marks) - 1)
    return marks[1] - marks[0] + (batches - 1) * (marks[-1] - marks[1]) / measured


def estimate_best_of_n(
    job: TrainJob,
    *,
    steps: int,
    samples: int,
    tasks: int | None,
    keep: int,
    batch_size: int,
    max_new_tokens: int,
    temperature: float,
    stop: Sequence[str],
    sample_batch_size: int,
    threshold: float,  # noqa: ARG001  # which answers pass is not known yet
    **options: Any,
) -> Estimate:
    """Sampling and judging as `grpo/sample`, then imitation of what was sampled."""
    chosen = spread(job.tasks, tasks or len(job.tasks))
    both = {name: options[name] for name in ("dtype", "threads")}
    sampling = estimate_sample(
        job.model,
        chosen,
        samples=samples,
        seed=job.seed,
        batch_size=sample_batch_size,
        max_new_tokens=max_new_tokens,
        temperature=temperature,
        stop=stop,
        **both,
    )
    job.score(sampling.samples[:1])  # the first one waits for the workers
    started = _now()
    job.score(sampling.samples)
    judging = [
        (now - then) * len(chosen) * samples / len(sampling.samples)
        for then, now in zip(started, _now(), strict=True)
    ]
    imitated = [
        replace(one.task, id=f"{one.task.id}/{one.index}", data={PASSED: one.text})
        for one in sampling.samples
    ]
    own: dict[str, Any] = {"micro_batch_size": None, "max_length": None, "shuffle": True}
    training = estimate_sft(
        replace(job, tasks=imitated[: keep * len(chosen)]),
        steps=steps,
        batch_size=batch_size,
        demonstration=PASSED,
        **(own | options),
    )
    note = read_note(job.model)
    if note is not None:
        write_note(job.output, note)
    return Estimate(
        seconds=sampling.seconds + judging[0] + training.seconds,
        cpu_seconds=(sampling.cpu_seconds or 0.0) + judging[1] + (training.cpu_seconds or 0.0),
        tokens={**sampling.tokens, **training.tokens},
        gpu_memory_gb=training.gpu_memory_gb,
        assumes=(*sampling.assumes, "what passes is taken to be as long as what does not"),
    )


def spread(tasks: Sequence[Task], most: int) -> list[Task]:
    """At most so many of the tasks, evenly spread over them, in order."""
    count = min(most, len(tasks))
    return [tasks[place * len(tasks) // count] for place in range(count)]


def _batches(groups: Iterator[list[Sample]], size: int) -> Iterator[list[list[Sample]]]:
    batch: list[list[Sample]] = []
    for group in groups:
        batch.append(group)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def _now() -> Spent:
    return time.time(), time.process_time()


def _money(seconds: float, costs: Costs | None) -> float | None:
    if costs is None or not costs.price_per_hour:
        return None
    return seconds / 3600 * costs.devices * costs.price_per_hour


def _gpu_memory_gb() -> float | None:
    """The most that torch has held on the GPU so far; None without one."""
    import torch

    return torch.cuda.max_memory_reserved() / 1e9 if torch.cuda.is_available() else None


ESTIMATES: tuple[tuple[Callable[..., Any], Callable[..., Estimate]], ...] = (
    (scratch, estimate_scratch),
    (sft, estimate_sft),
    (best_of_n, estimate_best_of_n),
    (grpo, estimate_grpo),
    (sample, estimate_sample),
)
"""Each component and what estimates it."""
