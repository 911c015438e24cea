"""math/boxed: one box, closed, not empty."""

import pytest
from rlvr_rewards_math.boxed import boxed

from rlvr_ops_core import Sample, Task


@pytest.mark.parametrize(
    ("completion", "value"),
    [
        (r"So \boxed{42}.", 1.0),
        (r"So \boxed{\frac{1}{2}} and done.", 1.0),
        ("<think>\\boxed{1}</think> \\boxed{2}", 1.0),
        ("42", 0.0),
        (r"\boxed{}", 0.0),
        (r"\boxed{42", 0.0),
        (r"\boxed{1} \boxed{2}", 0.0),
        ("<think>\\boxed{1}</think> 1", 0.0),
        ("<!-- \\boxed{1} -->", 0.0),
    ],
)
def test_format(completion, value):
    score = boxed(Sample(Task("t", ""), completion))
    assert score.value == value
    assert score.info["reason"]


def test_last_line():
    text = "\\boxed{42}\nThat was easy."
    assert boxed(Sample(Task("t", ""), text)).value == 1.0
    assert boxed(Sample(Task("t", ""), text), only_last_line=True).value == 0.0
