"""When time that was measured for longer and longer texts is a finding, and when it is chance."""

import pytest
from rlvr_audit.bench import Ask, Outcome
from rlvr_audit.cases import Case
from rlvr_audit.probes.hangs import SIZES, _confirmed, _steepest

ASKS = [Ask(Case(id="1", prompt="?"), "x" * size) for size in SIZES]


def outcomes(*seconds):
    """None is a judgement that was stopped at its deadline."""
    return [
        Outcome(None, "timeout", seconds=3.0) if one is None else Outcome(0.0, "ok", seconds=one)
        for one in seconds
    ]


@pytest.mark.parametrize(
    ("seconds", "size"),
    [
        ((0.001, 0.016, 0.25, 4.0), 64_000),
        ((0.01, 0.16, 2.5, None), 64_000),
        ((0.05, 0.8, None, None), 16_000),
        ((0.1, 1.6, 0.01, 0.01), 4_000),  # bounded only after it has cost more than a second
    ],
)
def test_time_that_grows_steeply_is_found_where_it_shows_best(seconds, size):
    growth = _steepest(ASKS, outcomes(*seconds))
    assert growth is not None
    assert growth.size == size


@pytest.mark.parametrize(
    "seconds",
    [
        (0.01, 0.04, 0.16, 0.64),  # in proportion
        (0.02, 0.23, 0.02, 0.03),  # one slow answer
        (0.02, 0.02, 0.3, 0.02),
        (0.0001, 0.001, 0.01, 0.05),  # steep, and quick all the same
    ],
)
def test_time_in_proportion_and_one_slow_answer_are_no_finding(seconds):
    assert _steepest(ASKS, outcomes(*seconds)) is None


class Again:
    """A bench that judges once more, with as long a deadline as it is given."""

    deadline_s = 3.0

    def __init__(self, *seconds):
        self.seconds = dict(zip(SIZES, seconds, strict=True))

    def judge(self, asks, deadline_s=3.0):
        self.limit_s = deadline_s
        return outcomes(*(min(self.seconds[len(ask.completion)], deadline_s) for ask in asks))


@pytest.mark.parametrize(("longest_s", "is_steep"), [(7.5, True), (60.0, True), (3.2, False)])
def test_what_was_stopped_is_tried_again_with_a_longer_deadline(longest_s, is_steep):
    growth = _steepest(ASKS, outcomes(0.05, 0.2, 0.8, None))
    again = Again(0.05, 0.2, 0.8, longest_s)
    found = _confirmed(again, ASKS, growth)
    assert again.limit_s == 9.0
    assert (found is not None) == is_steep
    if found:
        assert found.seconds == min(longest_s, 9.0)
