"""Weighted sums, gates and groups of rewards, and the error budget."""

from __future__ import annotations

import pytest
from echo_plugin import TASK, bound, samples

from rlvr_ops_core import ErrorBudgetExceeded, Sample, Score, Verdict, reward
from rlvr_ops_core.scoring import Engine, Entry, ErrorBudget, Rewards, bind_function
from rlvr_ops_core.scoring.compose import evaluation_order


@reward(inline=True)
def right(sample: Sample) -> float | None:
    """1 for "2", None for "?", an error for "!"; says what it saw."""
    if sample.text == "!":
        raise ValueError("broken")
    return None if "?" in sample.text else float("2" in sample.text)


@reward(range=(-1, 1), inline=True)
def tidy(sample: Sample) -> Score:
    """Minus one for capitals, and a component."""
    value = -1.0 if sample.text.isupper() else 0.5
    return Score(value, components={"length": len(sample.text)}, info={"reason": "tidy says"})


CALLS: list[str] = []


@reward(inline=True)
def costly(sample: Sample) -> float:
    """Count how often it is asked."""
    CALLS.append(sample.text)
    return 1.0


def entry(name: str, function: object, **settings: object) -> Entry:
    engine = Engine(bind_function(function, {}))  # type: ignore[arg-type]
    return Entry(name=name, engine=engine, **settings)  # type: ignore[arg-type]


def rewards(*entries: Entry, names: tuple[str, ...] = ()) -> Rewards:
    by_name = {one.name: one for one in entries}
    return Rewards(by_name, names or tuple(by_name))


def one(composition: Rewards, text: str) -> Verdict:
    return composition.score([Sample(TASK, text)])[0]


def test_the_total_is_the_weighted_sum_and_the_shares_add_up_to_it() -> None:
    verdict = one(rewards(entry("correct", right), entry("tidy", tidy, weight=0.2)), "2")
    assert verdict.value == pytest.approx(1.1)
    parts = verdict.components
    assert (parts["correct"].value, parts["correct"].weight, parts["correct"].share) == (1, 1, 1)
    assert parts["tidy"].share == pytest.approx(0.1)
    assert parts["tidy/length"].value == 1
    assert sum(part.share for part in parts.values()) == pytest.approx(verdict.value or 0)


def test_weight_zero_reports_without_paying() -> None:
    verdict = one(rewards(entry("correct", right), entry("tidy", tidy, weight=0)), "2")
    assert verdict.value == 1.0
    assert verdict.components["tidy"].value == 0.5


def test_a_closed_gate_pays_nothing_and_does_not_ask() -> None:
    CALLS.clear()
    composition = rewards(
        entry("correct", right), entry("costly", costly, weight=0.5, only_if={"correct": 0.0})
    )
    wrong, good = composition.score([Sample(TASK, "3"), Sample(TASK, "2")])
    assert (wrong.value, good.value) == (0.0, 1.5)
    assert CALLS == ["2"]
    assert wrong.components["costly"].value is None
    assert wrong.components["costly"].share == 0.0


def test_a_gate_may_ask_for_a_least_value() -> None:
    composition = rewards(
        entry("tidy", tidy, weight=0), entry("costly", costly, only_if={"tidy": 0.6})
    )
    assert one(composition, "2").value == 0.0


def test_a_gate_that_the_stage_does_not_name_is_asked_but_not_paid() -> None:
    composition = rewards(
        entry("correct", right),
        entry("costly", costly, only_if={"correct": 0.0}),
        names=("costly",),
    )
    assert one(composition, "2").value == 1.0
    assert "correct" not in one(composition, "2").components


def test_a_part_without_a_verdict_leaves_no_total() -> None:
    composition = rewards(entry("tidy", tidy), entry("correct", right))
    abstained, broken = one(composition, "?"), one(composition, "!")
    assert (abstained.value, abstained.status) == (None, "abstain")
    assert (broken.value, broken.status) == (None, "error")
    assert broken.reason == "ValueError: broken"
    assert broken.components["tidy"].value == 0.5


def test_a_gate_without_a_verdict_leaves_no_total() -> None:
    composition = rewards(
        entry("correct", right),
        entry("costly", costly, only_if={"correct": 0.0}),
        names=("costly",),
    )
    assert one(composition, "!").status == "error"
    assert one(composition, "?").status == "abstain"


def test_an_optional_part_may_abstain_but_not_fail() -> None:
    composition = rewards(entry("tidy", tidy), entry("correct", right, optional=True))
    assert one(composition, "?").value == 0.5
    assert one(composition, "!").status == "error"


def test_nothing_but_abstentions_is_an_abstention() -> None:
    composition = rewards(entry("a", right, optional=True), entry("b", right, optional=True))
    assert one(composition, "?").status == "abstain"


def test_a_sum_is_one_reward_with_a_weight_and_a_gate() -> None:
    composition = rewards(
        entry("correct", right),
        entry("tidy", tidy),
        entry("costly", costly, weight=0.5),
        Entry("shaping", members=("tidy", "costly"), weight=0.1, only_if={"correct": 0.0}),
        names=("correct", "shaping"),
    )
    good, wrong = one(composition, "2"), one(composition, "3")
    assert good.value == pytest.approx(1 + 0.1 * (0.5 + 0.5))
    assert good.components["shaping/tidy"].value == 0.5
    assert good.components["shaping"].value == pytest.approx(1.0)
    assert wrong.value == 0.0


def test_the_reason_comes_from_the_reward_named_first() -> None:
    assert one(rewards(entry("tidy", tidy), entry("correct", right)), "2").reason == "tidy says"


def test_rewards_that_wait_for_each_other_are_refused() -> None:
    entries = {
        "a": Entry("a", members=("b",)),
        "b": Entry("b", members=("c",)),
        "c": Entry("c", members=("a",)),
    }
    with pytest.raises(ValueError, match="a -> b -> c -> a"):
        evaluation_order(entries, ["a"])


def test_gates_and_members_are_judged_before_what_needs_them() -> None:
    entries = {
        "top": Entry("top", members=("left", "right"), only_if={"gate": 0.0}),
        "left": Entry("left", only_if={"gate": 0.0}),
        "right": Entry("right"),
        "gate": Entry("gate"),
        "unused": Entry("unused"),
    }
    order = evaluation_order(entries, ["top"])
    assert set(order) == {"top", "left", "right", "gate"}
    assert order.index("gate") < order.index("left") < order.index("top")


def test_composed_references_name_every_judge() -> None:
    verdict = one(rewards(entry("correct", right), entry("tidy", tidy)), "2")
    assert [ref.partition("@")[0] for ref in verdict.ref.split("+")] == ["right", "tidy"]


# The error budget


def verdicts(failed: int, fine: int) -> tuple[list[Sample], list[Verdict]]:
    broken = Verdict(None, "error", info={"error": "ValueError: x", "traceback": "line 1\nline 2"})
    return samples(*["text"] * (failed + fine)), [broken] * failed + [Verdict(1.0)] * fine


def test_one_early_failure_does_not_stop_a_run_but_two_do_at_two_percent() -> None:
    budget = ErrorBudget(0.02)
    budget.record(*verdicts(1, 7))
    with pytest.raises(ErrorBudgetExceeded, match="2 of the last 16 samples"):
        budget.record(*verdicts(1, 7))


def test_failures_within_the_budget_are_borne() -> None:
    budget = ErrorBudget(0.02)
    for _ in range(100):
        budget.record(*verdicts(2, 98))


def test_old_failures_are_forgotten_and_a_late_outage_is_seen() -> None:
    budget = ErrorBudget(0.02)
    for _ in range(100):
        budget.record(*verdicts(0, 100))
    budget.record(*verdicts(40, 0))
    with pytest.raises(ErrorBudgetExceeded, match="41 of the last 2000"):
        budget.record(*verdicts(1, 0))


def test_the_error_shows_rows_and_traceback() -> None:
    with pytest.raises(ErrorBudgetExceeded) as caught:
        ErrorBudget(0.02).record(*verdicts(8, 0))
    text = str(caught.value)
    assert "task sum/1: error: ValueError: x" in text
    assert "answer: 'text'" in text
    assert "line 2" in text
    assert "error_budget" in text
    assert len(caught.value.rows) == 5


def test_abstentions_do_not_count_and_a_budget_of_one_never_stops() -> None:
    budget = ErrorBudget(0.0)
    budget.record(samples("2"), [Verdict(None, "abstain")])
    generous = ErrorBudget(1.0)
    for _ in range(10):
        generous.record(*verdicts(100, 0))


def test_a_real_reward_that_breaks_runs_out_of_budget() -> None:
    composition = Rewards({"nasty": Entry("nasty", engine=Engine(bound("nasty")))}, ["nasty"])
    answers = samples("2", "raise", "segfault", "2")
    try:
        judged = composition.score(answers)
    finally:
        composition.close()
    with pytest.raises(ErrorBudgetExceeded, match="2 of the last 4"):
        ErrorBudget(0.02).record(answers, judged)


def timeouts(late: int, fine: int) -> tuple[list[Sample], list[Verdict]]:
    slow = Verdict(None, "timeout", info={"error": "over its deadline of 1 s"})
    return samples(*["bomb"] * (late + fine)), [slow] * late + [Verdict(1.0)] * fine


def record_often(
    budget: ErrorBudget, batch: tuple[list[Sample], list[Verdict]], times: int
) -> None:
    for _ in range(times):
        budget.record(*batch)


def test_answers_that_provoke_a_timeout_do_not_stop_a_run_as_a_broken_reward_would() -> None:
    """A policy that writes bombs now and then: five of 32 in each batch, far beyond 2 %."""
    budget = ErrorBudget(0.02)
    record_often(budget, timeouts(5, 27), times=100)
    with pytest.raises(ErrorBudgetExceeded, match=r"42 of the last 2000 .* budget is 2\.0%"):
        record_often(budget, verdicts(2, 30), times=30)


def test_when_bombs_are_all_that_is_written_the_message_says_that_it_is_the_answers() -> None:
    budget = ErrorBudget(0.02)
    with pytest.raises(ErrorBudgetExceeded, match="the others in time; at most 25% may") as caught:
        record_often(budget, timeouts(12, 20), times=10)
    assert "timeout_s" in str(caught.value)
    assert "answer: 'bomb'" in str(caught.value)


@pytest.mark.parametrize("batch", [1, 2, 32])
def test_timeouts_of_most_answers_are_the_rewards_fault(batch: int) -> None:
    budget = ErrorBudget(0.02)
    record_often(budget, verdicts(0, 2), times=20)
    with pytest.raises(ErrorBudgetExceeded, match=r"error budget is 2\.0%"):
        record_often(budget, timeouts(batch, 0), times=8)


def test_after_an_outage_that_was_survived_the_budget_is_fresh() -> None:
    budget = ErrorBudget(0.02)
    for _ in range(3):  # a trainer asks again and again
        with pytest.raises(ErrorBudgetExceeded):
            budget.record(*verdicts(32, 0))
    budget.record(*verdicts(0, 32))
    budget.record(*verdicts(1, 31))  # the failures of the outage are forgotten
    with pytest.raises(ErrorBudgetExceeded, match="2 of the last 96"):
        budget.record(*verdicts(1, 31))
