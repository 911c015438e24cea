"""Equal answers are judged once, also where the memory is full and threads share it."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from echo_plugin import samples

from rlvr_ops_core import Sample, Verdict
from rlvr_ops_core.scoring import memory
from rlvr_ops_core.scoring.memory import VerdictMemory


def by_length(some: Sequence[Sample]) -> list[Verdict]:
    return [Verdict(float(len(one.text))) for one in some]


def test_equal_answers_are_judged_once() -> None:
    kept, asked = VerdictMemory(), []

    def score(some: Sequence[Sample]) -> list[Verdict]:
        asked.extend(one.text for one in some)
        return by_length(some)

    assert [v.value for v in kept.judge(samples("a", "bb", "a"), score)] == [1, 2, 1]
    assert [v.value for v in kept.judge(samples("bb", "ccc"), score)] == [2, 3]
    assert asked == ["a", "bb", "ccc"]


def test_what_another_thread_made_room_of_meanwhile_is_still_known_here(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(memory, "CAPACITY", 2)
    kept = VerdictMemory()
    kept.judge(samples("a"), by_length)

    def score(some: Sequence[Sample]) -> list[Verdict]:
        kept.judge(samples("xx", "yyy"), by_length)  # as another thread would
        return by_length(some)

    assert [v.value for v in kept.judge(samples("a", "bb"), score)] == [1, 2]
    assert len(kept.verdicts) == 2
