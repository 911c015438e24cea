"""Every gold answer of GSM8K's test split equals itself in five renderings.

And never its neighbour's.
"""

import pytest
from rlvr_rewards_math.equal import equal_fast
from rlvr_rewards_math.sources import gsm8k, math500

from rlvr_ops_core import Sample

RENDERINGS = [
    "So she makes ${0} every day.\n\\boxed{{{0}}}",
    "We add them up.\n#### {0}",
    "The answer is {0}.",
    "<think>Maybe 5? No.</think>\n**Answer:** ${0}$",
    "Therefore the total is $\\boxed{{{0}.00 \\text{{ dollars}}}}$.",
]


def value(task, completion):
    return getattr(equal_fast(Sample(task, completion)), "value", "undecided")


@pytest.fixture
def tasks(data_file):
    return list(gsm8k(split="test", path=str(data_file("gsm8k_test.jsonl.gz"))))


@pytest.mark.parametrize("rendering", RENDERINGS)
def test_every_gold_answer_equals_itself(tasks, rendering):
    assert len(tasks) == 1319
    wrong = [task.id for task in tasks if value(task, rendering.format(task.answer)) != 1.0]
    assert not wrong


@pytest.mark.parametrize("rendering", RENDERINGS)
def test_no_gold_answer_equals_another(tasks, rendering):
    pairs = [
        (a, b) for a, b in zip(tasks, tasks[1:] + tasks[:1], strict=True) if a.answer != b.answer
    ]
    assert len(pairs) > 1200
    assert not [a.id for a, b in pairs if value(a, rendering.format(b.answer)) != 0.0]


@pytest.mark.parametrize(
    "change", [lambda a: a, lambda a: a + ".", lambda a: f"\\ {a}\\ ", lambda a: f"{{{a}}}"]
)
def test_every_answer_of_math500_equals_itself(data_file, change):
    tasks = list(math500(path=str(data_file("math500.jsonl.gz"))))
    assert len(tasks) == 500
    wrong = [t.answer for t in tasks if value(t, f"So $\\boxed{{{change(t.answer)}}}$.") != 1.0]
    assert not wrong
