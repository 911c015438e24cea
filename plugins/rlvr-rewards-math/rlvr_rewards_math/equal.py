"""`math/equal`: is the answer equal to the gold answer?"""

from __future__ import annotations

from typing import Any

from rlvr_ops_core import UNDECIDED, Sample, Score, Task, reward
from rlvr_rewards_math.extract import Anchor, Answer, extract_answer, extract_gold, last_number
from rlvr_rewards_math.numerals import read_numeral


def equal_fast(sample: Sample, *, anchor: Anchor = "final") -> Any:
    gold = _gold_text(sample.task.answer)
    if gold is None:
        return Score(
            None, info={"reason": f"the gold answer is no text or number: {sample.task.answer!r}"}
        )
    answer = extract_answer(sample.final, anchor=anchor)
    if not answer.text and anchor == "number":
        answer = last_number(sample.final)
    if not answer.text:
        return _score(0.0, answer.problem, answer, gold)
    a, b = _clean(gold), _clean(answer.text)
    x, y = read_numeral(a), read_numeral(b)
    if x is not None and y is not None:
        return _score(float(x == y), "numerals", answer, gold)
    if a.casefold() == b.casefold():
        return _score(1.0, "same text", answer, gold)
    return UNDECIDED


@reward(timeout_s=5.0, memory_mb=4096, preload=("sympy", "math_verify"), fast=equal_fast)
def equal(sample: Sample, *, anchor: Anchor = "final") -> Score:
    """1 if the answer is equal to the gold answer, 0 if not; abstains if the gold answer can't be read."""
    from rlvr_rewards_math.slow import sympy_equal

    score = equal_fast(sample, anchor=anchor)
    if isinstance(score, Score):
        return score
    gold = _gold_text(sample.task.answer) or ""
    answer = extract_answer(sample.final, anchor=anchor)
    same = sympy_equal(_clean(gold), _clean(answer.text))
    if same is None:
        return Score(None, info={"reason": f"the gold answer can't be read: {gold!r}"})
    return _score(float(same), "sympy", answer, gold)


def check_task(task: Task, **_: Any) -> str:
    """What is wrong with a task's gold answer; "" if nothing is."""
    return (
        "" if _gold_text(task.answer) else f"the gold answer is no text or number: {task.answer!r}"
    )


equal.__rlvr_check_task__ = check_task  # type: ignore[attr-defined]


def _gold_text(answer: object) -> str | None:
    if isinstance(answer, bool) or not isinstance(answer, str | int | float):
        return None
    return extract_gold(str(answer)) or None


def _clean(text: str) -> str:
    return text.strip().strip("$").rstrip(".").replace("\\!", "").strip()


def _score(value: float, rule: str, answer: Answer, gold: str) -> Score:
    info = {"reason": answer.problem or rule, "rule": rule, "extracted": answer.text, "gold": gold}
    return Score(value, info=info)
