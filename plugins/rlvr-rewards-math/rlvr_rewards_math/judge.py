"""The verdict on one answer text against one gold text, without sympy.

Equal, different, or undecided, and why.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from rlvr_rewards_math.clean import clean
from rlvr_rewards_math.compare import is_false_equation, same
from rlvr_rewards_math.evaluate import outgrows
from rlvr_rewards_math.expression import Node
from rlvr_rewards_math.numerals import read_numeral
from rlvr_rewards_math.quantities import Policy
from rlvr_rewards_math.reader import read_answer
from rlvr_rewards_math.relations import symbols_of
from rlvr_rewards_math.tokens import Refused, Unreadable
from rlvr_rewards_math.values import Quantity, Value

_CHOICE = re.compile(r"^\W{0,3}(?:\\text\w{0,4}\{)?\(?([A-J])\)?\}?\W{0,2}$")
_CHOSEN = re.compile(
    r"^\W{0,3}(?:\\text\w{0,4}\{)?(?:[Oo]ption |[Cc]hoice )?\(?([A-J])(?:[).:]|\}\)?[.:]?)+(?:\s|$)"
)
_DECIMAL_COMMA = re.compile(r"^[$\s]{0,3}(-?\d{1,12}),(\d{1,2}|\d{4,12})[\s$€%.]{0,4}$")
_OPERATION = re.compile(r"[-+*/^!]|\\(?:frac|cdot|times|div|sqrt|binom)")
_HIDING = ("\\phantom", "\\hphantom", "\\vphantom", "{white}", "\\def", "\\newcommand", "\\input")
MAX_LENGTH = 1500


@dataclass(frozen=True, slots=True)
class Judgement:
    """`equal` is None if undecided; `rule` says what decided, or why nothing did."""

    equal: bool | None
    rule: str


SAME_TEXT = Judgement(True, "same text")
SAME_NUMBER = Judgement(True, "numeral")
OTHER_NUMBER = Judgement(False, "numeral")
PLAIN = (SAME_TEXT, SAME_NUMBER)


def judge(gold: str, answer: str, policy: Policy) -> Judgement:
    """Compare two answers by exact rules."""
    if gold == answer:
        return SAME_TEXT
    quick = _same_numerals(gold, answer)
    if quick is not None:
        return quick
    letter = _CHOICE.match(gold)
    if letter and (chosen := _CHOSEN.match(answer)):
        return Judgement(chosen[1] == letter[1], "choice")
    if any(command in answer for command in _HIDING):
        return Judgement(False, "hidden text")
    if normal_form(gold) == normal_form(answer) and len(answer) <= MAX_LENGTH:
        return SAME_TEXT
    gold_value, answer_value = read(gold), read(answer)
    if isinstance(gold_value, str):
        if clean(gold).casefold() == clean(answer).casefold():
            return SAME_TEXT
        return Judgement(None, f"gold: {gold_value}")
    if isinstance(answer_value, str):
        if not any(letter.isalnum() for letter in answer):
            return Judgement(False, "no answer")
        return Judgement(False if isinstance(answer_value, Refusal) else None, str(answer_value))
    if is_false_equation(answer_value):
        return Judgement(False, "false equation")
    if not policy.unevaluated and _is_unevaluated(gold_value, answer_value):
        return Judgement(False, "not worked out")
    verdict = same(gold_value, answer_value, policy)
    if verdict is False and _same_with_decimal_comma(gold, answer):
        return Judgement(True, "decimal comma")
    if verdict is None and _is_too_large(gold_value, answer_value):
        return Judgement(False, "too large to work out")
    return Judgement(verdict, _rule(gold_value, answer_value))


def _same_numerals(gold: str, answer: str) -> Judgement | None:
    """Two plain numerals, decided without reading them as expressions; None if one is none."""
    ours = numeral(gold)
    if ours is None:
        return None
    theirs = numeral(answer)
    if theirs is None:
        return None
    if ours == theirs:
        return SAME_NUMBER
    return None if "." in answer or "." in gold else OTHER_NUMBER


@lru_cache(maxsize=8192)
def numeral(text: str) -> Fraction | None:
    """The value of a numeral as answers write it: with a dollar sign or a full stop around it."""
    return read_numeral(text.strip(" $\n").rstrip(". "))


def _same_with_decimal_comma(gold: str, answer: str) -> bool:
    """One is a decimal with a comma, `2,74`, the other the same with a point."""
    for one, other in ((gold, answer), (answer, gold)):
        comma, point = _DECIMAL_COMMA.match(one), numeral(other)
        if comma and point is not None and "." in other:
            return read_numeral(f"{comma[1]}.{comma[2]}") == point
    return False


def repeats(question: str, gold: str, answer: str) -> bool:
    """The answer to a question for a number is an expression copied from the question."""
    if numeral(gold) is None or numeral(answer) is not None or not _OPERATION.search(answer):
        return False
    copied = "".join(clean(answer).split())
    return copied in "".join(clean(question).split())


def _is_too_large(gold: Value, answer: Value) -> bool:
    """The gold is a written number, the answer a calculation beyond all budgets."""
    if not (isinstance(gold, Quantity) and isinstance(answer, Quantity) and _is_numeral(gold.node)):
        return False
    return not symbols_of(answer.node) and outgrows(answer.node)


class Refusal(str):
    """Why a text can't be an answer to anything."""

    __slots__ = ()


@lru_cache(maxsize=8192)
def read(text: str) -> Value | str:
    """The value of a text, or why there is none."""
    if len(text) > MAX_LENGTH:
        return f"more than {MAX_LENGTH} characters"
    try:
        return read_answer(text)
    except Refused as problem:
        return Refusal(problem)
    except Unreadable as problem:
        return str(problem)


def _rule(gold: Value, answer: Value) -> str:
    ours, theirs = type(gold).__name__.lower(), type(answer).__name__.lower()
    return ours if ours == theirs else f"{ours} and {theirs}"


def _is_unevaluated(gold: Value, answer: Value) -> bool:
    """The gold is a written number, the answer a sum or product still to be worked out."""
    if not (isinstance(gold, Quantity) and isinstance(answer, Quantity)):
        return False
    return _is_numeral(gold.node) and _is_calculation(answer.node)


def _is_numeral(node: Node) -> bool:
    return bool(node[0] == "num" or (node[0] == "neg" and node[1][0] == "num"))


def _is_calculation(node: Node) -> bool:
    parts = node[1:]
    if node[0] == "div":  # 84/2 is a fraction, 2 * 42 / 2 is a calculation
        numbers = all(_is_numeral(part) or _is_calculation(part) for part in parts)
        return numbers and any(_is_calculation(part) for part in parts)
    if node[0] not in ("add", "mul"):
        return False
    if node[0] == "mul" and _is_scientific(parts[-1]):
        return not _is_numeral(parts[0])
    if node[0] == "add" and len(parts) == 2 and parts[1][0] == "div":
        return False  # a mixed number
    return all(_is_numeral(part) or _is_calculation(part) for part in parts)


def _is_scientific(node: Node) -> bool:
    return bool(node[0] == "pow" and node[1] == ("num", Fraction(10)))


@lru_cache(maxsize=8192)
def normal_form(text: str) -> str:
    """The text as the rules see it: the exact number if it is one, else the one spelling."""
    if not text:
        return ""
    plain = numeral(text)
    if plain is not None:
        return str(plain)
    return clean(text)
