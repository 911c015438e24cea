"""Where the gold stands in an answer, and what is put there instead."""

import pytest
from rlvr_audit import Case
from rlvr_audit.rates import rate
from rlvr_audit.slots import number_of, slot_in, wrong_answers


@pytest.mark.parametrize(
    ("gold", "good", "marked", "full"),
    [
        ("42", "6*7=42, so \\boxed{42}.", "\\boxed{X}", "6*7=42, so \\boxed{X}."),
        ("42", "42", "X", "X"),
        (42, "The answer is 42.", "answer is X", "The answer is X."),
        ("42", "#### 42", "#### X", "#### X"),
        ("... #### 42", "So\n#### 42", "#### X", "So\n#### X"),
        (
            "blue",
            "<think>sky</think> <answer>Blue</answer>",
            "<answer>X</answer>",
            "<think>sky</think> <answer>X</answer>",
        ),
        ("B", "Answer: B", "Answer: X", "Answer: X"),
        ("\\frac{3}{4}", "\\boxed{\\frac{3}{4}}", "\\boxed{X}", "\\boxed{X}"),
        ("Paris", '{"answer": "Paris"}', '{"answer": "X"}', '{"answer": "X"}'),
        ("1250", "**Answer:** 1,250", "**Answer:** X", "**Answer:** X"),
        (["Paris", "Lutetia"], "Paris", "X", "X"),
    ],
)
def test_slot_is_found(gold, good, marked, full):
    slot = slot_in(Case(id="1", prompt="?", gold=gold, good=(good,)))
    assert (slot.marked("X"), slot.full("X")) == (marked, full)


@pytest.mark.parametrize(
    ("gold", "good"),
    [
        (None, "x"),
        ("42", "forty-two"),
        ("plants turn light into sugar", "plants turn light into sugar"),
        (["a", "b"], "a, b"),
        ({"to": "Ann"}, '{"to": "Ann"}'),
    ],
)
def test_no_slot_where_the_gold_is_no_single_value(gold, good):
    assert slot_in(Case(id="1", prompt="?", gold=gold, good=(good,))) is None


@pytest.mark.parametrize("gold", ["42", "3.14", "-7", "\\frac{3}{4}", "B", "Paris", "1,250"])
def test_wrong_answers_are_wrong(gold):
    case = Case(id="1", prompt="?", gold=gold, good=(f"\\boxed{{{gold}}}",))
    wrong = wrong_answers(case, slot_in(case), [], 4)
    assert len(wrong) == 4
    assert all(
        one != gold and (number_of(one) is None or number_of(one) != number_of(gold))
        for one in wrong
    )


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("42", 42),
        ("1,250", 1250),
        ("−3.5", -3.5),
        ("3/4", 0.75),
        ("\\frac{3}{4}", 0.75),
        ("$5$", 5),
        ("x", None),
        ("9" * 400, None),
        (True, None),
    ],
)
def test_numbers_are_read_exactly(text, value):
    assert number_of(text) == value


def test_smallest_rate_that_would_have_shown():
    assert rate(0, 100).detectable == pytest.approx(3 / 100, rel=0.02)
    assert rate(0, 0).value is None
