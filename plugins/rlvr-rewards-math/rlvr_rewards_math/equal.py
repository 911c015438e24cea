"""`math/equal`: is the answer equal to the gold answer?"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Literal

from rlvr_ops_core import UNDECIDED, Sample, Score, Task, reward
from rlvr_rewards_math.extract import Anchor, Answer, extract_answer, extract_gold, last_number
from rlvr_rewards_math.judge import PLAIN, judge, normal_form, read, repeats
from rlvr_rewards_math.quantities import Policy


def equal_fast(
    sample: Sample,
    *,
    anchor: Anchor = "final",
    tolerance: float = 0.0,
    decimals: int = 6,
    percent: bool = True,
    units: Literal["optional", "required", "ignored"] = "optional",
    ordered: bool = False,
    unevaluated: bool = False,
) -> Any:
    """The exact rules of `math/equal`: a score, or `UNDECIDED` if sympy has to look.

    Options as there.
    """
    gold = gold_text(sample.task.answer)
    if gold is None:
        return Score(
            None, info={"reason": f"the gold answer is no text or number: {sample.task.answer!r}"}
        )
    answer = extract_answer(sample.final, anchor=anchor)
    if not answer.text and not answer.problem.startswith("the answer was") and anchor == "number":
        answer = last_number(sample.final)
    if not answer.text:
        return _score(0.0, answer.problem, answer, gold)
    policy = _policy(tolerance, decimals, percent, units, ordered, unevaluated)
    judgement = judge(gold, answer.text, policy)
    if judgement.equal is None:
        return UNDECIDED
    if judgement.equal and judgement not in PLAIN and not unevaluated:
        question = sample.task.prompt_text
        if question and repeats(question[-4000:], gold, answer.text):
            return _score(0.0, "repeats the question", answer, gold)
    return _score(float(judgement.equal), judgement.rule, answer, gold)


def check_task(task: Task, **_: Any) -> str:
    """What is wrong with a task's gold answer; "" if nothing is."""
    gold = gold_text(task.answer)
    if gold is None:
        return f"the gold answer is no text or number: {task.answer!r}"
    problem = read(gold)
    if not isinstance(problem, str):
        return ""
    from rlvr_rewards_math.slow import sympy_reads

    return "" if sympy_reads(gold) else f"the gold answer {gold!r} can't be read: {problem}"


@reward(
    timeout_s=5.0,
    memory_mb=4096,
    preload=("sympy", "math_verify"),
    fast=equal_fast,
    remember=True,
    check_task=check_task,
)
def equal(
    sample: Sample,
    *,
    anchor: Anchor = "final",
    tolerance: float = 0.0,
    decimals: int = 6,
    percent: bool = True,
    units: Literal["optional", "required", "ignored"] = "optional",
    ordered: bool = False,
    unevaluated: bool = False,
) -> Score:
    """1 if the answer is equal to the gold answer, 0 if not.

    Abstains if the gold answer can't be read.
    """
    from rlvr_rewards_math.slow import sympy_equal

    score = equal_fast(
        sample,
        anchor=anchor,
        tolerance=tolerance,
        decimals=decimals,
        percent=percent,
        units=units,
        ordered=ordered,
        unevaluated=unevaluated,
    )
    if isinstance(score, Score):
        return score
    gold = gold_text(sample.task.answer) or ""
    answer = extract_answer(sample.final, anchor=anchor)
    same = sympy_equal(gold, answer.text)
    if same is None:
        return Score(None, info={"reason": f"the gold answer can't be read: {gold!r}"})
    question = sample.task.prompt_text
    if same and not unevaluated and question and repeats(question[-4000:], gold, answer.text):
        return _score(0.0, "repeats the question", answer, gold)
    return _score(float(same), "sympy", answer, gold)


def gold_text(answer: object) -> str | None:
    """The gold answer as text; None if it is neither text nor a number, or empty."""
    if isinstance(answer, str):
        return _extract_gold(answer) or None
    if isinstance(answer, bool) or not isinstance(answer, int | float):
        return None
    return str(answer)


_extract_gold = lru_cache(maxsize=8192)(extract_gold)
_policy = lru_cache(maxsize=64)(Policy)


def _score(value: float, rule: str, answer: Answer, gold: str) -> Score:
    same_text = answer.text == gold
    return Score(
        value,
        info={
            "reason": rule,
            "rule": answer.rule,
            "extracted": answer.text,
            "gold": gold,
            "normal_extracted": gold if same_text else normal_form(answer.text),
            "normal_gold": gold if same_text else normal_form(gold),
        },
    )
