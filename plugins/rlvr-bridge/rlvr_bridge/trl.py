"""Our rewards in TRL: one picklable callable for GRPO, RLOO and their async relatives.

TRL 1.16.0, `trl/trainer/grpo_trainer.py:1579-1637`: every argument by keyword, one list a dataset
column, completions as text or as messages (that depends on the data set), a list of floats or None
back. AsyncGRPO (`trl/experimental/async_grpo/async_rollout_worker.py:1023`) calls once a group,
in a thread of a spawned process, and passes no trainer state and no log functions.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from rlvr_bridge.policy import TRAINERS, NoVerdict
from rlvr_bridge.reference import Reference, Rewards, refer
from rlvr_bridge.scorer import OnVerdicts, Scorer, ask, policy_for, scorer_of
from rlvr_bridge.tasks import message_list, prompt_id, task_of
from rlvr_ops_core import DataError, OptionError, Sample, Verdict

logger = logging.getLogger(__name__)

LogExtra = Callable[[str, list[Any]], None]
LogMetric = Callable[[str, float], None]


class TrlReward:
    """A reward function as TRL wants it. It pickles as a reference and a few settings."""

    def __init__(
        self,
        reference: Reference,
        *,
        trainer: str = "trl",
        name: str | None = None,
        answer: str = "answer",
        group_size: int | None = None,
        no_verdict: NoVerdict | None = None,
        part: str | None = None,
        parts_follow: bool = False,
        on_verdicts: OnVerdicts | None = None,
    ) -> None:
        """As `reward` says.

        `part` gives the values of one part instead of the total; with `parts_follow` such
        functions stand beside this one, and a batch is judged once for all of them.
        """
        asked = ask(reference)
        asked.refuse_unless(TRAINERS[trainer], groups=group_size is not None)
        if part is not None and part not in asked.columns:
            raise OptionError(
                f"there is no part {part!r}; the parts are {', '.join(asked.columns)}"
            )
        self.reference = reference
        self.trainer = trainer
        self.answer = answer
        self.group_size = group_size
        self.needs_messages = asked.needs_messages
        self.no_verdict = policy_for(trainer, no_verdict)
        self.part = part
        self.shares_batches = parts_follow or part is not None
        self.on_verdicts = on_verdicts
        self.__name__ = (name or reference.name) + (f"/{part}" if part else "")

    def __call__(
        self,
        *,
        completions: Sequence[Any],
        prompts: Sequence[Any] | None = None,
        completion_ids: Sequence[Sequence[int]] | None = None,
        log_extra: LogExtra | None = None,
        log_metric: LogMetric | None = None,
        **columns: Any,
    ) -> list[float | None]:
        """The value of each completion, in order; None where there is no verdict."""
        scorer = scorer_of(self.reference)
        samples = self.samples(completions, prompts, completion_ids, columns)
        score = scorer.score_once if self.shares_batches else scorer.score
        return self._settle(scorer, samples, score(samples), log_extra, log_metric)

    def samples(
        self,
        completions: Sequence[Any],
        prompts: Sequence[Any] | None,
        completion_ids: Sequence[Sequence[int]] | None,
        columns: Mapping[str, Any],
    ) -> list[Sample]:
        """What TRL handed over, as samples.

        Raises:
            DataError: the batch is no multiple of the group size, or a group mixes prompts.
        """
        count = len(completions)
        lists = {key: values for key, values in columns.items() if _is_column(values, count)}
        given = list(prompts) if prompts is not None else [""] * count
        samples = []
        for row, completion in enumerate(completions):
            prompt = message_list(given[row]) or str(given[row])
            task = task_of(
                {key: values[row] for key, values in lists.items()},
                prompt=prompt,
                answer=self.answer,
            )
            samples.append(
                Sample(
                    task,
                    self._completion(completion),
                    group=self._group(row, prompt),
                    index=row % (self.group_size or count),
                    token_ids=tuple(completion_ids[row]) if completion_ids is not None else None,
                )
            )
        self._check_groups(samples)
        return samples

    def _completion(self, completion: Any) -> Any:
        messages = message_list(completion)
        if messages is None and self.needs_messages:
            raise DataError(
                f"{self.__name__} needs messages, but this data set's completions are text",
                hint="make the column prompt a list of messages",
            )
        return str(completion) if messages is None else messages

    def _group(self, row: int, prompt: Any) -> str:
        number = row // self.group_size if self.group_size else 0
        return f"{number}/{prompt_id(prompt)}"

    def _check_groups(self, samples: Sequence[Sample]) -> None:
        size = self.group_size
        if size is None:
            return
        whole = len(samples) % size == 0
        starts = range(0, len(samples), size)
        if not whole or any(len({s.group for s in samples[at : at + size]}) > 1 for at in starts):
            raise DataError(
                f"{self.__name__}: {len(samples)} answers are no whole groups of {size}",
                hint="set group_size to num_generations, and the per-device batch to a multiple",
            )

    def _settle(
        self,
        scorer: Scorer,
        samples: Sequence[Sample],
        verdicts: Sequence[Verdict],
        log_extra: LogExtra | None,
        log_metric: LogMetric | None,
    ) -> list[float | None]:
        if self.on_verdicts is not None:
            self.on_verdicts(samples, verdicts)
        if self.part is not None:
            return [scorer.parts(verdict)[self.part] for verdict in verdicts]
        if log_extra is not None:
            self._log_rows(scorer, verdicts, log_extra)
        if verdicts:
            self._log_means(verdicts, log_metric or self._say)
        return [scorer.value(verdict, self.no_verdict) for verdict in verdicts]

    def _log_rows(self, scorer: Scorer, verdicts: Sequence[Verdict], log: LogExtra) -> None:
        """Columns of the completions table: always the same ones, or TRL can't make the table."""
        name = self.__name__
        log(f"{name}/status", [verdict.status for verdict in verdicts])
        log(f"{name}/reason", [verdict.reason[:200] for verdict in verdicts])
        for column in scorer.columns:
            log(f"{name}/{column}", [scorer.parts(verdict)[column] for verdict in verdicts])

    def _log_means(self, verdicts: Sequence[Verdict], log: LogMetric) -> None:
        """Means over the answers of this call; a part that nobody judged is left out."""
        values: dict[str, list[float]] = {}
        for verdict in verdicts:
            for name, part in verdict.components.items():
                if part.value is not None:
                    values.setdefault(name, []).append(part.value)
        for name, found in values.items():
            log(f"reward/{name}", fmean(found))
        log(f"{self.__name__}/no_verdict", fmean(verdict.value is None for verdict in verdicts))
        log(f"{self.__name__}/failed", fmean(verdict.failed for verdict in verdicts))

    def _say(self, name: str, value: float) -> None:
        """Where the trainer gives no way to log a number, it goes into the process's log."""
        logger.info("%s: %s %.4g", self.__name__, name, value)


class AsyncTrlReward(TrlReward):
    """The same as a coroutine: TRL awaits several of these at once."""

    async def __call__(  # type: ignore[override]  # TRL asks which of the two it is
        self,
        *,
        completions: Sequence[Any],
        prompts: Sequence[Any] | None = None,
        completion_ids: Sequence[Sequence[int]] | None = None,
        log_extra: LogExtra | None = None,
        log_metric: LogMetric | None = None,
        **columns: Any,
    ) -> list[float | None]:
        """The value of each completion, in order; None where there is no verdict."""
        scorer = scorer_of(self.reference)
        samples = self.samples(completions, prompts, completion_ids, columns)
        verdicts = await scorer.score_async(samples)
        return self._settle(scorer, samples, verdicts, log_extra, log_metric)


def _is_column(values: Any, count: int) -> bool:
    return isinstance(values, Sequence) and not isinstance(values, str) and len(values) == count


def reward(
    rewards: Rewards | Reference,
    *,
    options: Mapping[str, Any] | None = None,
    plugins: Sequence[str | Path] = (),
    error_budget: float = 0.02,
    **settings: Any,
) -> TrlReward:
    """A reward function for `GRPOTrainer(reward_funcs=…)`.

    Args:
        rewards: `"math/equal"`, or several as in a pipeline; see `rlvr_bridge.reference.refer`.
        options: options of a single reward.
        plugins: plugin files that rewards come from.
        error_budget: the share of answers that may fail before it raises; 1 never does.
        settings: `name` in TRL's logs; `answer`, the column of the gold answer (where the data set
            has no column `rlvr_task`); `group_size`, for rewards of groups: num_generations;
            `no_verdict`: `none` or `raise`; `on_verdicts`, a function that sees every batch.

    Raises:
        PluginError: a reward is not there, or TRL can't carry it.
        OptionError: an option is wrong.
    """
    reference = refer(rewards, options=options, plugins=plugins, error_budget=error_budget)
    return TrlReward(reference, **settings)


def async_reward(
    rewards: Rewards | Reference,
    *,
    options: Mapping[str, Any] | None = None,
    plugins: Sequence[str | Path] = (),
    error_budget: float = 0.02,
    **settings: Any,
) -> AsyncTrlReward:
    """As `reward`, as a coroutine function.

    Raises:
        PluginError: a reward is not there, or TRL can't carry it.
        OptionError: an option is wrong.
    """
    reference = refer(rewards, options=options, plugins=plugins, error_budget=error_budget)
    return AsyncTrlReward(reference, **settings)


def group_reward(
    rewards: Rewards | Reference,
    *,
    options: Mapping[str, Any] | None = None,
    plugins: Sequence[str | Path] = (),
    error_budget: float = 0.02,
    **settings: Any,
) -> TrlReward:
    """As `reward`, for `AsyncGRPOTrainer`, which calls once a group: rewards of groups work too.

    Raises:
        PluginError: a reward is not there.
        OptionError: an option is wrong.
    """
    reference = refer(rewards, options=options, plugins=plugins, error_budget=error_budget)
    return TrlReward(reference, trainer="trl-async", **settings)
