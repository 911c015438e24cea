"""Judge before anybody waits: answers that are complete while others are still being written.

`Ahead` scores as `Rewards` does, and gives the same verdicts. What was begun beforehand is judged
in threads meanwhile; the call that asks for it waits for the rest alone.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from time import perf_counter

from rlvr_ops_core.job import Judged
from rlvr_ops_core.scoring.compose import Rewards
from rlvr_ops_core.types import Sample, Verdict

LOTS_AT_ONCE = 8
"""How many lots are judged side by side. They share the workers of each reward."""


class Ahead:
    """Rewards that may be told beforehand what they will be asked. For one thread that asks."""

    def __init__(self, rewards: Rewards) -> None:
        self.rewards = rewards
        self._begun: dict[int, tuple[Sample, Future[Judged], int]] = {}
        """By the identity of a sample: the sample, its lot, and its place there."""
        self._threads: ThreadPoolExecutor | None = None
        self._stop = threading.Event()

    def begin(self, samples: Sequence[Sample]) -> Future[Judged] | None:
        """Start judging a lot that the next `score` will ask for, by the same objects.

        A lot holds whole groups. None if a reward judges all samples of a call together, so that
        nothing can be judged before all of them are there.
        """
        if self.rewards.judge_whole_calls:
            return None
        if self._threads is None:
            self._threads = ThreadPoolExecutor(LOTS_AT_ONCE, thread_name_prefix="rlvr-ahead")
        lot = self._threads.submit(self._judge, list(samples))
        for place, sample in enumerate(samples):
            self._begun[id(sample)] = (sample, lot, place)
        return lot

    def score(self, samples: Sequence[Sample]) -> list[Verdict]:
        """One verdict a sample, in order; what was begun and is not among them is forgotten.

        Raises:
            RewardLoadError: a reward does not load in a worker.
            ValueError: a reward of groups was given samples without `group`.
        """
        if not self._begun:
            return self.rewards.score(samples)
        begun, self._begun = self._begun, {}
        found = [begun.get(id(sample)) for sample in samples]
        new = [sample for sample, known in zip(samples, found, strict=True) if known is None]
        others = iter(self.rewards.score(new) if new else [])
        return [
            next(others) if known is None else known[1].result().verdicts[known[2]]
            for known in found
        ]

    def close(self) -> None:
        """End what is being judged; its verdicts are lost. The rewards stay open."""
        if self._threads is not None:
            self._stop.set()
            self._threads.shutdown(cancel_futures=True)

    def _judge(self, samples: Sequence[Sample]) -> Judged:
        began = perf_counter()
        verdicts = self.rewards.score(samples, stop=self._stop)
        return Judged(verdicts, began, perf_counter())
