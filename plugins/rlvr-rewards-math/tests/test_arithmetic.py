"""math/arithmetic: right, endless, repeatable, and disjoint."""

from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rlvr_rewards_math.arithmetic import arithmetic, evaluate

from rlvr_ops_core import DataError

NUMBERS = st.lists(st.integers(0, 999), min_size=1, max_size=6)


@given(NUMBERS, st.data())
def test_the_answer_is_what_python_says(numbers, data):
    text = str(numbers[0])
    for number in numbers[1:]:
        text += f" {data.draw(st.sampled_from('+-*'))} {number}"
    assert evaluate(text) == eval(text)


def test_same_options_same_tasks():
    options = {"terms": 3, "digits": 2, "operations": ["+", "-", "*"], "seed": 7}
    assert list(arithmetic(limit=50, **options)) == list(arithmetic(limit=50, **options))
    assert list(arithmetic(limit=50)) != list(arithmetic(limit=50, seed=1))


def test_it_is_endless_and_a_limit_takes_the_first_ones():
    endless = list(islice(arithmetic(), 300))
    assert endless[:20] == list(arithmetic(limit=20))


def test_no_calculation_is_in_both_splits():
    train = {
        task.data["expression"] for seed in range(3) for task in arithmetic(limit=500, seed=seed)
    }
    test = {task.data["expression"] for task in arithmetic(split="test", limit=500)}
    assert train
    assert test
    assert not train & test


@pytest.mark.parametrize(
    "options", [{"terms": 0}, {"digits": 0}, {"operations": []}, {"prompt": "add"}]
)
def test_impossible_options_are_refused(options):
    with pytest.raises(DataError):
        next(arithmetic(**options))
