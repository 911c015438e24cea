"""Which part of a completion is the answer."""

import pytest
from rlvr_rewards_math.extract import extract_answer, extract_gold

ANSWERS = [
    # completion, what is taken, by which rule
    (r"So \boxed{42}.", "42", "box"),
    (r"\boxed{41} ... wait ... \boxed{42}", "42", "box"),
    (r"\boxed{\boxed{7}}", "7", "box"),
    (r"The result is \fbox{\frac{1}{2}}", r"\frac{1}{2}", "box"),
    (r"\boxed 7", "7", "box"),
    (r"Put it in \boxed{}. The answer is 5.", "5", "answer is"),
    (r"\boxed{3}, \boxed{5} and \boxed{7}", "3 , 5 , 7", "boxes"),
    (r"\boxed{3} \boxed{3}", "3", "box"),
    (r"\boxed{9} \boxed{42}", "42", "box"),
    (r"$x=\boxed{1}$ or $x=\boxed{2}$", "1 , 2", "boxes"),
    (r"\boxed{5}. Final Answer: the final answer is $6$.", "6", "answer is"),
    (r"\boxed{5}. The answer is the number of apples.", "5", "box"),
    ("<think>maybe \\boxed{5}?</think>\n\\boxed{6}", "6", "box"),
    ("<answer>77</answer> is it", "77", "answer tag"),
    ("a\n#### 1,234", "1,234", "####"),
    ("#### Step 1: add the numbers up and see\n#### 20", "20", "####"),
    ("The answer is -7.", "-7", "answer is"),
    ("So the final answer is: $x^2$", "$x^2$", "answer is"),
    ("**Answer:** 12 dollars", "12 dollars", "answer is"),
    ("The answer is 42, not 43.", "42", "answer is"),
    ("The answer is 5 because 2+3=5.", "5", "answer is"),
    ("Final Answer: The largest $n$ is 34.", "34", "answer is"),
    ("We get it: 12 is the answer.", "12", "is the answer"),
    ("64 + 67 = **131**", "131", "bold"),
    ("28/100", "28/100", "whole text"),
    ("First compute 6*7.\n42", "42", "last line"),
    (r"Therefore, $x = -7$.", "$x = -7$", "formula"),
    ("He has some. Therefore he has 12 apples.", "12", "conclusion"),
    ("The answer is 5.<|im_end|>\n<|im_start|>user\nThe answer is 6.", "5", "answer is"),
    ("<|channel|>analysis<|message|>\\boxed{1}<|channel|>final<|message|>\\boxed{2}", "2", "box"),
    (r"\boxed{42}. Let me check: 6 times 7. Yes, correct.", "42", "box"),
    (r"So 20% is right: \boxed{20}", "20", "box"),
]
REFUSED = [
    "",
    "   \n",
    r"\boxed{}",
    r"\boxed{42} and then \boxed{43",
    r"\boxed{",
    "<think>\\boxed{42}",
    "<think>\\boxed{42}</think>",
    "<!-- \\boxed{42} -->",
    "<!-- \\boxed{42}",
    "% \\boxed{42}",
    "\\iffalse \\boxed{42} \\fi",
    "\\begin{comment}\\boxed{42}\\end{comment}",
    '<span style="display:none">\\boxed{42}</span>',
    "<scratchpad>\\boxed{42}</scratchpad>",
    "[//]: # (\\boxed{42})",
    "\\phantom{\\boxed{42}}\n\nI don't know what it could be.",
    "<|channel|>analysis<|message|>\\boxed{42}",
    r"\newcommand{\boxed}[1]{42}\boxed{0}",
    r"\def\x{42}\boxed{\x}",
    r"\boxed{42}. Wait, that's wrong.",
    r"\boxed{42}. Hmm, scratch that.",
    "\\boxed{42}\nActually, let me reconsider the whole thing.",
    "The answer is 42. No, I made a mistake.",
    "<answer>42",
    "Let me solve this step by step, with care.",
    "How many are there? There were 42 apples and 12 pears in it.",
    "6 * 7 =",
    "Question: what is $6 \\cdot 7$? Reason step by step, and put your answer within \\boxed{}.",
]


@pytest.mark.parametrize(("completion", "text", "rule"), ANSWERS)
def test_answer_is_found(completion, text, rule):
    answer = extract_answer(completion)
    assert (answer.text, answer.rule) == (text, rule)
    assert not answer.problem


@pytest.mark.parametrize("completion", REFUSED)
def test_nothing_is_taken_for_an_answer(completion):
    answer = extract_answer(completion)
    assert answer.text == ""
    assert answer.problem


def test_only_a_box_counts_if_asked():
    assert extract_answer("The answer is 5.", anchor="box").text == ""
    assert extract_answer(r"\boxed{5}. The answer is 6.", anchor="box").text == "5"


def test_hidden_text_is_removed_wherever_it_is():
    assert extract_answer("\\boxed{41}<!-- \\boxed{42} -->").text == "41"
    assert extract_answer("\\boxed{41} % \\boxed{42}").text == "41"
    assert extract_answer("\\boxed{4\u200b2}").text == "42"


@pytest.mark.parametrize(
    ("gold", "text"),
    [
        ("42", "42"),
        (r"$\frac{1}{2}$", r"$\frac{1}{2}$"),
        (r"So \boxed{42} it is.", "42"),
        (r"$\boxed{1}\boxed{2}$", "1 , 2"),
        ("2 + 3 = 5\n#### 5", "5"),
        ("Final answer: #### 4", "4"),
    ],
)
def test_gold_answer_is_found(gold, text):
    assert extract_gold(gold) == text
