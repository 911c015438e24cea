"""math/equal as a reward: options, abstentions, determinism, and what it leaves alone."""

import subprocess
import sys

import pytest
from rlvr_rewards_math.equal import check_task, equal, equal_fast

from rlvr_ops_core import UNDECIDED, Sample, Score, Task

CHECK = check_task


def score(gold, completion, **options):
    return equal_fast(Sample(Task("t", "", gold), completion), **options)


def value(gold, completion, **options):
    return score(gold, completion, **options).value


@pytest.mark.parametrize(
    ("completion", "expected"),
    [
        (r"\boxed{41 = 42}", 0.0),
        (r"\boxed{42 \text{ is wrong}}", 0.0),
        (r"\boxed{42}. Wait, that is not right.", 0.0),
        ("<!-- \\boxed{42} --> I don't know the answer to this one.", 0.0),
        (r"\boxed{42} no \boxed{4", 0.0),
        (r"What is 6 * 7?", 0.0),
        (r"\boxed{6 \cdot 7}", 0.0),
        (r"\boxed{40 + 2}", 0.0),
        (r"\boxed{41} ... wait ... \boxed{42}", 1.0),
        ("The answer is either 42 or 43.", 0.0),
        ("The possible answers are 41, 42.", 0.0),
        ("The answer is not 42.", 0.0),
        (r"\boxed{42, 43}", 0.0),
        (r"\boxed{\{41, 42\}}", 0.0),
        (r"\boxed{42 \pm 1}", 0.0),
        (r"\boxed{> 42}", 0.0),
        (r"\boxed{\text{between } 41 \text{ and } 43}", 0.0),
    ],
)
def test_only_one_committed_answer_pays(completion, expected):
    assert value("42", completion) == expected


def test_the_verdict_says_what_decided():
    info = score(r"\frac{1}{2}", r"\boxed{0.50}").info
    assert info["rule"] == "box"
    assert info["extracted"] == "0.50"
    assert info["gold"] == r"\frac{1}{2}"
    assert info["normal_extracted"] == "1/2"
    assert info["reason"] == "quantity"


@pytest.mark.parametrize("gold", [None, "", "  ", ["1"], {"a": 1}, True])
def test_unreadable_gold_abstains(gold):
    result = score(gold, r"\boxed{1}")
    assert result.value is None
    assert "gold" in result.info["reason"]
    assert CHECK(Task("t", "", gold))


@pytest.mark.parametrize("gold", ["42", 42, 0.5, r"\frac{1}{2}", "(1, 2)", r"\text{yes}"])
def test_readable_gold_passes_the_check(gold):
    assert CHECK(Task("t", "", gold)) == ""


def test_numbers_are_gold_answers_too():
    assert value(42, r"\boxed{42}") == 1.0
    assert value(0.5, r"\boxed{1/2}") == 1.0


def test_tolerance():
    assert value("2.5", r"\boxed{2.51}") == 0.0
    assert value("2.5", r"\boxed{2.51}", tolerance=0.01) == 1.0
    assert value(r"\sqrt{2}", r"\boxed{1.41}", tolerance=0.01) == 1.0


def test_decimals():
    assert value(r"\frac{1}{3}", r"\boxed{0.333}") == 0.0
    assert value(r"\frac{1}{3}", r"\boxed{0.333}", decimals=3) == 1.0


def test_percent():
    assert value("10", r"\boxed{10\%}", percent=False) == 0.0
    assert value("0.1", r"\boxed{10\%}", percent=False) == 1.0


def test_units():
    assert value(r"5 \text{ cm}", r"\boxed{5}", units="required") == 0.0
    assert value(r"5 \text{ cm}", r"\boxed{5 \text{ m}}", units="ignored") == 1.0


def test_order_of_lists():
    assert value("1, 2", r"\boxed{2, 1}", ordered=True) == 0.0
    assert value("1, 2", r"\boxed{1, 2}", ordered=True) == 1.0


def test_unevaluated_answers():
    assert value("42", r"\boxed{6 \cdot 7}", unevaluated=True) == 1.0
    assert value("42", r"\boxed{3 \cdot (10 + 4)}") == 0.0


def test_the_questions_own_expression_is_no_answer():
    task = Task("t", "What is $2^{10}$?", "1024")
    assert equal_fast(Sample(task, r"\boxed{2^{10}}")).value == 0.0
    assert equal_fast(Sample(task, r"\boxed{1024}")).value == 1.0
    assert equal_fast(Sample(task, r"\boxed{2^{10} = 1024}")).value == 1.0
    assert equal_fast(Sample(task, r"\boxed{4^5}")).value == 1.0
    assert equal_fast(Sample(task, r"\boxed{2^{10}}"), unevaluated=True).value == 1.0


def test_last_number_is_opt_in():
    text = "She counts and counts. There were 42 apples in the end of it all."
    assert value("42", text) == 0.0
    assert value("42", text, anchor="number") == 1.0


def test_what_the_rules_cannot_decide_is_left_to_sympy():
    assert score(r"\frac{\pi^2}{6}", r"\boxed{\sum_{n=1}^{\infty} \frac{1}{n^2}}") is UNDECIDED


def test_the_trainer_never_imports_sympy():
    program = (
        "import sys\n"
        "from rlvr_ops_core import Sample, Task\n"
        "from rlvr_rewards_math import rlvr_data_sources, rlvr_rewards\n"
        "from rlvr_rewards_math.equal import equal_fast\n"
        "rlvr_rewards(), rlvr_data_sources()\n"
        r"for g, c in [('1', r'\boxed{\sin x}'), ('x', r'\boxed{\int x}'), ('3', '\\boxed{[1]}')]:"
        "\n    equal_fast(Sample(Task('t', '', g), c))\n"
        "heavy = {'sympy', 'math_verify', 'mpmath', 'torch', 'datasets'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_same_verdicts_in_every_process_and_for_every_hash_seed():
    program = (
        "from pathlib import Path\nimport re, sys\n"
        "from rlvr_ops_core import Sample, Score, Task\n"
        "from rlvr_rewards_math.equal import equal_fast\n"
        "text = Path(sys.argv[1]).read_text('utf-8')\n"
        "rows = re.findall(r'^\\| [^|`]+ \\| `(.+)` \\| `(.+)` \\|', text, re.M)\n"
        "for g, a in rows:\n"
        "    s = equal_fast(Sample(Task('t', '', g), '\\\\boxed{' + a + '}'))\n"
        "    print(g, a, s)\n"
    )
    readme = __file__.replace("tests/test_equal.py", "README.md")
    outputs = {
        subprocess.run(
            [sys.executable, "-c", program, readme],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONHASHSEED": seed, "PATH": ""},
        ).stdout
        for seed in ("0", "1", "12345")
    }
    assert len(outputs) == 1
    assert len(outputs.pop().splitlines()) >= 70


def test_reward_declares_its_limits():
    from rlvr_ops_core.reward_spec import spec_of

    spec = spec_of(equal)
    assert spec.fast is equal_fast
    assert spec.memory_mb
    assert not spec.inline
    assert isinstance(equal(Sample(Task("t", "", "1"), r"\boxed{1}")), Score)
