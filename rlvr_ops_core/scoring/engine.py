"""Score samples with one reward: inline, in killable workers, or on an event loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping, Sequence
from time import perf_counter
from types import TracebackType
from typing import Any, Self

from rlvr_ops_core.reward_spec import UNDECIDED
from rlvr_ops_core.scoring.background import AsyncRunner
from rlvr_ops_core.scoring.bound import BoundReward, bind_function
from rlvr_ops_core.scoring.memory import VerdictMemory
from rlvr_ops_core.scoring.pool import Pool
from rlvr_ops_core.scoring.verdicts import raised, settle
from rlvr_ops_core.types import Sample, Verdict


class Engine:
    """One reward, ready to score. It alone owns threads, processes and deadlines.

    - a reward declared `@reward(inline=True)` is called here, without a deadline;
    - an `async def` reward runs on an event loop in a thread, with a deadline;
    - every other reward runs in a worker process that is killed at its deadline.

    Works from the main thread, other threads and asyncio alike; threads may share an engine.
    """

    def __init__(self, bound: BoundReward, *, workers: int | None = None) -> None:
        self.bound = bound
        self._pool = Pool(bound, size=workers)
        self._async = AsyncRunner(bound)
        remembers = bound.spec.remember and bound.judges == "sample"
        self._memory = VerdictMemory() if remembers else None

    @property
    def judges_whole_calls(self) -> bool:
        """Whether a verdict may depend on all samples of a call, not only on its group."""
        return self.bound.judges == "samples"

    def score(
        self, samples: Sequence[Sample], *, stop: threading.Event | None = None
    ) -> list[Verdict]:
        """One verdict a sample, in the order of the samples.

        Once `stop` is set nobody waits for the verdicts any more: workers are ended at what they
        judge, and what has no verdict yet gets an error.

        Raises:
            RewardLoadError: the reward does not load in a worker.
            ValueError: a reward of groups was given samples without `group`.
        """
        if self.bound.spec.inline and self.bound.judges == "sample" and not self.bound.is_async:
            return score_inline(self.bound, samples)
        if self.bound.fast is not None:
            return self._score_fast_first(self.bound.fast, samples, stop)
        return self._score_slowly(samples, stop)

    async def score_async(self, samples: Sequence[Sample]) -> list[Verdict]:
        """The same as `score`, without blocking the event loop that awaits it."""
        return await asyncio.to_thread(self.score, samples)

    def start(self) -> None:
        """Load the reward in its worker now, so that the first samples need not wait.

        Raises:
            RewardLoadError: it does not load.
        """
        if not self.bound.spec.inline and not self.bound.is_async:
            self._pool.start()

    def close(self) -> None:
        """End the workers. The engine may be used again; it then starts new ones."""
        self._pool.close()
        self._async.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _score_fast_first(
        self, fast: Callable[..., Any], samples: Sequence[Sample], stop: threading.Event | None
    ) -> list[Verdict]:
        verdicts: list[Verdict | None] = [None] * len(samples)
        undecided = []
        for index, sample in enumerate(samples):
            started = perf_counter()
            try:
                raw = fast(sample)
            except Exception as error:  # noqa: BLE001  # one reward call: recorded as its verdict
                seconds = perf_counter() - started
                verdicts[index] = raised(error, ref=self.bound.ref, seconds=seconds)
                continue
            if raw is UNDECIDED:
                undecided.append(index)
            else:
                seconds = perf_counter() - started
                verdicts[index] = settle(raw, self.bound.spec, self.bound.ref, seconds)
        slow = self._score_slowly([samples[index] for index in undecided], stop)
        for index, verdict in zip(undecided, slow, strict=True):
            verdicts[index] = verdict
        return [verdict for verdict in verdicts if verdict is not None]

    def _score_slowly(
        self, samples: Sequence[Sample], stop: threading.Event | None
    ) -> list[Verdict]:
        if self._memory is None:
            return self._score_units(samples, stop)
        return self._memory.judge(samples, lambda new: self._score_units(new, stop))

    def _score_units(
        self, samples: Sequence[Sample], stop: threading.Event | None
    ) -> list[Verdict]:
        places = units_of(samples, self.bound)
        units = [[samples[place] for place in unit] for unit in places]
        if self.bound.is_async:
            judged = self._async.run(units, stop=stop)
        elif self.bound.spec.inline:
            judged = [self.bound.judge(unit) for unit in units]
        else:
            judged = self._pool.run(units, stop=stop)
        by_place = {
            place: verdict
            for unit, verdicts in zip(places, judged, strict=True)
            for place, verdict in zip(unit, verdicts, strict=True)
        }
        return [by_place[place] for place in range(len(samples))]


def score_inline(bound: BoundReward, samples: Sequence[Sample]) -> list[Verdict]:
    """Call a cheap reward on sample after sample; the hot path, so nothing is made twice."""
    call, spec, ref, clock = bound.call, bound.spec, bound.ref, perf_counter
    verdicts = []
    for sample in samples:
        started = clock()
        try:
            raw = call(sample)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001  # one reward call: recorded as its verdict
            verdicts.append(raised(error, ref=ref, seconds=clock() - started))
            continue
        verdicts.append(settle(raw, spec, ref, clock() - started))
    return verdicts


def units_of(samples: Sequence[Sample], bound: BoundReward) -> list[list[int]]:
    """The places of the samples that one call judges together.

    Raises:
        ValueError: a reward of groups was given samples without `group`.
    """
    if not samples:
        return []
    if bound.judges == "sample":
        return [[place] for place in range(len(samples))]
    if bound.judges == "samples":
        return [list(range(len(samples)))]
    groups: dict[str, list[int]] = {}
    for place, sample in enumerate(samples):
        if sample.group is None:
            raise ValueError(
                f"{bound.name} judges groups, but the answer to task {sample.task.id} names none; "
                "set Sample.group to the same text for all answers to one prompt"
            )
        groups.setdefault(sample.group, []).append(place)
    return list(groups.values())


def score(
    reward: Callable[..., Any],
    samples: Sequence[Sample],
    *,
    options: Mapping[str, Any] | None = None,
) -> list[Verdict]:
    """Score samples with a reward given as a function: for notebooks, scripts and tests.

    Example:
        >>> from rlvr_ops_core import Sample, Task, reward
        >>> from rlvr_ops_core.scoring import score
        >>> @reward(inline=True)
        ... def exact(sample):
        ...     return sample.final == sample.task.answer
        >>> score(exact, [Sample(Task("1", "6 * 7?", "42"), "42")])[0].value
        1.0
    """
    with Engine(bind_function(reward, options or {})) as engine:
        return engine.score(samples)
