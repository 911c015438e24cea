"""Scoring overlaps generation: a group that is complete is judged while others are being written.

The samples made here are those that the rewards are asked for afterwards, where TRL's text of an
answer is the same; else its group is judged as if nothing had been begun.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from rlvr_ops_core import Sample, TrainJob

if TYPE_CHECKING:
    from concurrent.futures import Future

    from rlvr_ops_core import Judged

WORTH_S = 0.05
"""Judging that took less than this in the step before is not worth a thread."""

Place = tuple[int, int]
"""Where an answer belongs: its group in the step, and its number there."""


class Overlap:
    """Begins to judge the groups of a step, and says which samples were begun."""

    def __init__(self, job: TrainJob) -> None:
        self.job = job
        self.last_s = 0.0
        """How long judging took lately, waiting and overlapped together. It falls by half at most:
        a step may ask several times, and less each time."""
        self._begun: dict[Place, Sample] = {}
        self._lots: list[Future[Judged]] = []

    @property
    def is_worth_it(self) -> bool:
        """Whether judging takes long enough."""
        return self.last_s >= WORTH_S

    def watch(
        self, places: Sequence[Place], sample_of: Callable[[int, Sequence[int]], Sample]
    ) -> Callable[[Mapping[int, list[int]]], None]:
        """What decoding tells of finished answers; `sample_of` makes one of its row and tokens."""
        missing = Counter(group for group, _ in places)
        whole: defaultdict[int, dict[Place, Sample]] = defaultdict(dict)

        def finished(answers: Mapping[int, list[int]]) -> None:
            for row, ids in answers.items():
                group, _ = place = places[row]
                whole[group][place] = sample_of(row, ids)
                missing[group] -= 1
                if missing[group] == 0:
                    self._begin(whole.pop(group))

        return finished

    def take(self, samples: Sequence[Sample], places: Sequence[Place | None]) -> list[Sample]:
        """The samples, those begun in place of equal ones where all of their group are equal."""
        begun, self._begun = self._begun, {}
        others = {
            place[0]
            for sample, place in zip(samples, places, strict=True)
            if place is not None and begun.get(place) != sample
        }
        return [
            sample if place is None or place[0] in others else begun[place]
            for sample, place in zip(samples, places, strict=True)
        ]

    def judged(self, waited_s: float) -> float:
        """Seconds of judging before the rewards were asked; they were asked `waited_s` ago."""
        asked = time.perf_counter() - waited_s
        spans = [
            (one.began, min(one.ended, asked))
            for lot in self._lots
            if lot.done() and not lot.cancelled() and lot.exception() is None
            for one in [lot.result()]
        ]
        self._lots.clear()
        overlapped, until = 0.0, 0.0
        for began, ended in sorted(spans):
            overlapped += max(0.0, ended - max(began, until))
            until = max(until, ended)
        self.last_s = max(waited_s + overlapped, self.last_s / 2)
        return overlapped

    def _begin(self, group: Mapping[Place, Sample]) -> None:
        lot = self.job.begin_scoring(list(group.values()))
        if lot is not None:
            self._begun |= group
            self._lots.append(lot)
