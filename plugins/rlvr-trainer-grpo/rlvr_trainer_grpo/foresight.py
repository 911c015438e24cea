"""How much of a training will teach: a group whose answers are all worth the same is left out.

A rehearsal of two steps has seen few groups, and a model that learns has fewer and fewer that
differ. So more groups are sampled and judged, as the model is now, and a share is taken off.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from rlvr_ops_core import Task, TrainJob
from rlvr_trainer_grpo.rehearsal import Rehearsal
from rlvr_trainer_grpo.sampling import sample
from rlvr_trainer_grpo.savings import Savings

ENOUGH_GROUPS = 96
"""With so many the share that is alike is known to about 0.05."""
MOST_S = 40.0
"""Time for groups beyond those of the rehearsal."""
KEPT = 3 / 4
"""Of the groups that differ at the start, how many do so over the whole training, the mean: half of
them are alike in the end. Seen: 0.6 in examples/smollm2.yaml, 1.0 in the quickstart's policy."""


def foreseen(
    found: Rehearsal, job: TrainJob, tasks: list[Task], options: Mapping[str, Any]
) -> Rehearsal:
    """The rehearsal with the trained tokens, and the time for them, that are to be expected.

    `tasks` are those to sample more groups of. For trainings whose `groups_decide`.
    """
    group = options["group_size"]
    rows = [row for row in found.logged if "groups_alike" in row]
    if not rows:
        return found
    seen = len(rows) * options["prompts_per_step"]
    alike = sum(row["groups_alike"] for row in rows) * options["prompts_per_step"]
    if job.environment is None and seen < ENOUGH_GROUPS:
        more, more_alike = _judged(job, tasks[: ENOUGH_GROUPS - seen], group, options)
        seen, alike = seen + more, alike + more_alike
    differ = KEPT * (1 - alike / seen)
    measured = rows[1:] or rows  # the first step is timed apart
    trained = [row.get("tokens/trained", 0.0) for row in measured]
    differed = [1 - row["groups_alike"] for row in measured]
    if not sum(trained):
        return found
    factor = differ * len(measured) / sum(differed)
    a_step = sum(row["seconds/train"] for row in measured) / len(measured)
    wall = max(0.0, found.step[0] + (factor - 1) * a_step)
    return replace(
        found,
        step=(wall, found.step[1] * wall / max(1e-9, found.step[0])),
        logged=[
            {**row, "tokens/trained": factor * sum(trained) / len(trained)} for row in found.logged
        ],
    )


def groups_decide(options: Mapping[str, Any]) -> bool:
    """Whether an answer is trained on just where its group differs: no pruning, no KL term."""
    savings: Savings | None = options["savings"]
    drops_idle = savings is None or savings.idle_rows
    return drops_idle and options["pruning"] is None and options["beta"] == 0


def _judged(
    job: TrainJob, tasks: list[Task], group: int, options: Mapping[str, Any]
) -> tuple[int, int]:
    """How many groups were judged, and how many of them are alike."""
    names = ("max_new_tokens", "temperature", "stop", "dtype", "threads")
    of_trl = ("chat_template_kwargs", "top_p", "top_k")
    how = {name: options[name] for name in (*names, *of_trl) if name in options}
    groups = sample(
        job.model, tasks, samples=group, seed=job.seed, batch_size=max(group, 128), **how
    )
    started = time.perf_counter()
    seen = alike = 0
    for number, answers in enumerate(groups):
        named = [replace(one, group=f"foresight/{number}") for one in answers]
        values = {verdict.value for verdict in job.score(named)} - {None}
        seen, alike = seen + 1, alike + (len(values) < 2)
        if time.perf_counter() - started > MOST_S:
            break
    return seen, alike
