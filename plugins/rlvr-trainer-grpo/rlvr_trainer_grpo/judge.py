"""The one reward function that TRL sees: it asks the job's rewards and keeps what the logs need."""

from __future__ import annotations

import math
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from statistics import fmean
from typing import Any

from rlvr_ops_core import Message, Sample, Task, TrainJob, Verdict
from rlvr_trainer_grpo import world
from rlvr_trainer_grpo.accounts import Accounts
from rlvr_trainer_grpo.conversations import Conversation, conversation_metrics
from rlvr_trainer_grpo.outage import ask_again
from rlvr_trainer_grpo.overlap import Overlap, Place
from rlvr_trainer_grpo.prompts import cut_at_stop, is_chat

Row = tuple[int, Any, Sequence[int], Place | None]
"""The place of a task among the job's, a completion, its tokens, and where it belongs."""


class Judge:
    """Builds samples from what TRL generated, has them judged, and gives TRL the values.

    No verdict is TRL's None: the row takes no part in its group's mean. What the rewards or the
    monitors raise (`ErrorBudgetExceeded`, `StopRun`) comes out of the training unchanged.
    """

    __name__ = "reward"  # TRL's log names the function

    def __init__(
        self,
        job: TrainJob,
        *,
        group_size: int,
        stop: Sequence[str],
        has_ended: Callable[[Sequence[int]], bool],
        accounts: Accounts,
        answer_text: Callable[[Sequence[int]], str] | None = None,
        outage_pauses_s: Sequence[float] = (),
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        """`has_ended` says whether an answer's tokens end by themselves, not at the limit.

        With `answer_text`, which gives the text of an answer's tokens, groups that are complete are
        judged while others are still being written.

        While no answer of a step gets a verdict, the rewards are asked again after each pause.
        """
        self.job = job
        self.group_size = group_size
        self.stop = stop
        self.has_ended = has_ended
        self.accounts = accounts
        self.answer_text = answer_text
        self.overlap = Overlap(job)
        self.outage_pauses_s = outage_pauses_s
        self.wait = wait
        self._step = -1
        self._groups: defaultdict[int, list[tuple[Sample, Verdict]]] = defaultdict(list)
        self._written: list[int] = []

    def __call__(
        self,
        *,
        completions: Sequence[Any],
        completion_ids: Sequence[Sequence[int]],
        task_index: Sequence[int],
        trainer_state: Any,
        conversation: Sequence[Conversation] = (),
        place: Sequence[Place] | None = None,
        **_: Any,
    ) -> list[float | None]:
        """The value of each completion, in order, for the optimizer step that is being made.

        Without `place` they are whole groups, one after the other.
        """
        step = trainer_state.global_step + 1
        places: Sequence[Place | None] = place or [None] * len(completions)
        rows = list(zip(task_index, completions, completion_ids, places, strict=True))
        every_row = [row for some in world.gather(rows) for row in some]
        values = self._judge(step, every_row, conversation) if world.rank() == 0 else []
        return list(world.own(world.share(values)))

    def watch(
        self, step: int, rows: Sequence[Mapping[str, Any]]
    ) -> Callable[[Mapping[int, list[int]]], None] | None:
        """What to call with answers to these rows that have ended while others are being written.

        They are rows of the dataset with `place`, for the optimizer step that is being made. None
        where judging takes too little time to begin with it.
        """
        text_of = self.answer_text
        if text_of is None or not self.overlap.is_worth_it:
            return None

        def sample_of(row: int, ids: Sequence[int]) -> Sample:
            task, (group, index) = self.job.tasks[rows[row]["task_index"]], rows[row]["place"]
            text = text_of(ids)
            completion = [{"role": "assistant", "content": text}] if is_chat(task) else text
            return self._sample(task, completion, ids, group=f"{step}/{group}", index=index)

        return self.overlap.watch([row["place"] for row in rows], sample_of)

    def _judge(
        self, step: int, rows: Sequence[Row], conversation: Sequence[Conversation]
    ) -> list[float | None]:
        """The values of what all processes generated: a step's groups are judged in one call."""
        if step != self._step:
            self._step, self._written = step, []
            self._groups.clear()
        first = len(self._groups)
        belongs = [
            place or (first + number // self.group_size, number % self.group_size)
            for number, (*_, place) in enumerate(rows)
        ]
        places: list[dict[str, Any]] = [
            {"group": f"{step}/{group}", "index": index} for group, index in belongs
        ]
        if conversation:
            samples = [talk.sample(**at) for talk, at in zip(conversation, places, strict=True)]
            written = [sum(talk.is_own) for talk in conversation]
        else:
            samples = [
                self._sample(self.job.tasks[task], completion, ids, **at)
                for (task, completion, ids, _), at in zip(rows, places, strict=True)
            ]
            samples = self.overlap.take(samples, [place for *_, place in rows])
            written = [len(ids) for _, _, ids, _ in rows]
        with self.accounts.phase("score"):
            asked = time.perf_counter()
            verdicts = ask_again(
                lambda: self.job.score(samples, step=step), self._pauses(samples), self.wait
            )
            self.accounts.overlapped(self.overlap.judged(time.perf_counter() - asked))
        self.accounts.count(scored=sum(written))
        self._written += written
        for (group, _), sample, verdict in zip(belongs, samples, verdicts, strict=True):
            self._groups[group].append((sample, verdict))
        return [verdict.value for verdict in verdicts]

    def _sample(
        self, task: Task, completion: Any, ids: Sequence[int], *, group: str, index: int
    ) -> Sample:
        return Sample(
            task,
            _cut(completion, self.stop),
            group=group,
            index=index,
            token_ids=tuple(ids),
            finish="stop" if self.has_ended(ids) else "length",
        )

    def _pauses(self, samples: Sequence[Sample]) -> Sequence[float]:
        """None where asking again can't help: every environment broke."""
        is_broken = all(one.played is not None and one.played.status != "ok" for one in samples)
        return () if is_broken else self.outage_pauses_s

    def metrics(self) -> dict[str, float]:
        """The numbers of the rewards since they were last asked for; empty if none were given.

        `reward` and `reward/NAME` are means over the answers with a verdict, `reward_std` is the
        mean over the groups of the deviation inside a group, `groups_alike` the share of groups
        that teach nothing because all their values are equal (a group with less than two verdicts
        is one of them).
        """
        groups = list(self._groups.values())
        self._groups.clear()
        written, self._written = self._written, []
        if not groups:
            return {}
        rows = [row for group in groups for row in group]
        values = [[v.value for _, v in group if v.value is not None] for group in groups]
        known = [value for group in values for value in group]
        numbers = {
            "no_verdict": 1 - len(known) / len(rows),
            "truncated": fmean(sample.finish == "length" for sample, _ in rows),
            "completion_length": fmean(written),
            "groups_alike": fmean(len(set(group)) < 2 for group in values),
        }
        if known:
            numbers["reward"] = fmean(known)
            numbers["reward_std"] = fmean(_deviation(group) for group in values if group)
        numbers |= conversation_metrics([sample for sample, _ in rows])
        return numbers | _component_means(verdict for _, verdict in rows)

    def step_metrics(self) -> dict[str, float]:
        """The rewards' numbers of a step and its accounts."""
        return self.metrics() | self.accounts.close_step()


def _cut(completion: Any, stop: Sequence[str]) -> str | Sequence[Message]:
    if isinstance(completion, str):
        return cut_at_stop(completion, stop)
    return [
        {**message, "content": cut_at_stop(message["content"], stop)}
        if isinstance(message.get("content"), str)
        else message
        for message in completion
    ]


def _deviation(values: Sequence[float]) -> float:
    """The standard deviation; `statistics.pstdev` reckons in fractions, for milliseconds."""
    mean = fmean(values)
    return math.sqrt(fmean((value - mean) ** 2 for value in values))


def _component_means(verdicts: Any) -> dict[str, float]:
    parts: defaultdict[str, list[float]] = defaultdict(list)
    for verdict in verdicts:
        for name, part in verdict.components.items():
            if part.value is not None:
                parts[name].append(part.value)
    return {f"reward/{name}": fmean(values) for name, values in parts.items()}
