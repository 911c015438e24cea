"""What the README says is what happens."""

import re
from pathlib import Path

import pytest
from rlvr_rewards_math.equal import equal_fast

from rlvr_ops_core import Sample, Score, Task

README = (Path(__file__).resolve().parents[1] / "README.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| ([^|`]+) \| `(.+)` \| `(.+)` \| (yes|no) \|$", re.MULTILINE)
ROWS = ROW.findall(README)
ABOUT_ANSWERS_ONLY = (
    "not worked out", "nothing there", "hidden text", "too large to work out",
    "choices with their text", "another choice", "two numbers side by side",
)  # fmt: skip
SYMMETRIC = [row for row in ROWS if row[0] not in ABOUT_ANSWERS_ONLY]


def judged(gold, answer):
    return equal_fast(
        Sample(Task("readme", "", gold), f"The final answer is $\\boxed{{{answer}}}$.")
    )


def test_the_table_of_rules_was_found():
    assert len(ROWS) >= 70


@pytest.mark.parametrize(("rule", "gold", "answer", "equal"), ROWS, ids=[row[0] for row in ROWS])
def test_rule(rule, gold, answer, equal):
    score = judged(gold, answer)
    assert isinstance(score, Score)
    assert score.value == (1.0 if equal == "yes" else 0.0), score.info


@pytest.mark.parametrize(
    ("rule", "gold", "answer", "equal"), SYMMETRIC, ids=[row[0] for row in SYMMETRIC]
)
def test_rule_is_symmetric(rule, gold, answer, equal):
    score = judged(answer, gold)
    assert score.value == (1.0 if equal == "yes" else 0.0), score.info


def test_python_example_runs():
    for block in re.findall(r"```python\n(.*?)```", README, re.DOTALL):
        exec(compile(block, "README.md", "exec"), {})  # noqa: S102  # our own README
