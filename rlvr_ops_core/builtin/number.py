"""Reward for regression: `text/number`."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Literal

from rlvr_ops_core.builtin.extract import abstain, committed, denied_after, judged, negated
from rlvr_ops_core.errors import OptionError
from rlvr_ops_core.reward_spec import reward
from rlvr_ops_core.types import Json, Sample, Score

# Thousands groups are bounded: without that a long run of ",123" is tried again from every group.
NUMBER = re.compile(
    r"(?<!\w)(?<!\d\.)[-+−]?[$€£¥]?"
    r"(?:\d{1,3}(?:,\d{3}){1,6}(?!\d)(?:\.\d+)?|\d+(?:\.\d+)?|(?<!\.)\.\d+)"
    r"(?:[eE][-+]?\d+)?"
)
LOOK_BACK_CHARS = 60
A_NUMBER = r"[-+−]?[$€£¥]?\d[\d,]{0,20}(?:\.\d{1,20})?"
BOUND_BEFORE = re.compile(r"(?:[<>≤≥≠±]|!=|\\(?:neq?|[lg]eq?|[lg]t|pm))\s*\$?$")
OR_BEFORE = re.compile(rf"{A_NUMBER}\s*(?:,?\s*\bor\b|\\lor\b|∨)\s*\$?$", re.IGNORECASE)
OR_AFTER = re.compile(rf"\$?\s*(?:,?\s*\bor\b|\\lor\b|∨)\s*{A_NUMBER}", re.IGNORECASE)
EQUAL_BEFORE = re.compile(rf"(?:^|[^\s\d.,+*/^×÷·)-])\s*({A_NUMBER})\s*=\s*$")
"""A lone number before the sign of equality: not the end of a sum, as in "3 + 4 = 7"."""
LONGEST_NUMBER = 400
"""Digits beyond any float (1e308): such a number is not read."""


@reward(inline=True)
@dataclass(frozen=True, kw_only=True)
class Number:
    """How near the answer's number is to the gold: 1 / (1 + error / scale), 0 without a number.

    Every number that can be read scores above 0, however far off, so answering always pays.
    Read are decimals with a point, with or without thousands commas, exponent, sign and currency;
    a percent sign or unit is passed over. Fractions, LaTeX and formulas are for math/equal.
    "NaN" and "infinity" are no numbers, nor is what no float can hold; a number that the English
    words beside it deny ("not 4", "4 is wrong") does not count. An answer whose number is one of
    two ("3 or 4"), a bound ("> 4", "± 4") or the end of a false equation ("3 = 4") is no answer.
    """

    scale: float = 1.0
    """The error that halves the value, in the gold's unit, or in shares of it if `relative`."""
    relative: bool = False
    """Divide the error by the size of the gold; by 1 where the gold is 0."""
    tolerance: float = 0.0
    """An error up to this scores 1, and only what is above it counts; relative if the error is."""
    read: Literal["last", "first", "only"] = "last"
    """Which number counts, if the answer holds several; with `only`, different ones are wrong."""
    tag: str | None = None
    """Judge only what stands in the last `<tag>…</tag>`."""

    def __post_init__(self) -> None:
        if not (0 < self.scale < math.inf) or not (0 <= self.tolerance < math.inf):
            raise OptionError(
                f"text/number: scale {self.scale}, tolerance {self.tolerance}",
                hint="scale must be more than 0, tolerance at least 0, and both finite",
            )

    def __call__(self, sample: Sample) -> Score:
        """Judge one answer."""
        gold = gold_number(sample.task.answer)
        if gold is None:
            return abstain("the task's answer is no finite number", sample.task.answer)
        text, missing = committed(sample, tag=self.tag)
        numbers = numbers_in(text)
        if missing or not numbers:
            return judged(0.0, missing or "no number in the answer", extracted=None, gold=gold)
        if self.read == "only" and len(set(numbers)) > 1:
            different = [number for number in dict.fromkeys(numbers) if math.isfinite(number)]
            return judged(0.0, "several different numbers", extracted=different, gold=gold)
        if hedged(text, first=self.read == "first"):
            return judged(0.0, "the number is hedged", extracted=None, gold=gold)
        said = numbers[0] if self.read == "first" else numbers[-1]
        if not math.isfinite(said):
            return judged(0.0, "the number is too large to read", extracted=None, gold=gold)
        error = self._error(said, gold)
        return judged(self._value(error), f"off by {error:.6g}", extracted=said, gold=gold)

    def _error(self, said: float, gold: float) -> float:
        error = abs(said - gold)
        return error / abs(gold) if self.relative and gold else error

    def _value(self, error: float) -> float:
        # Two finite floats can lie more than the greatest float apart; the value stays above 0.
        beyond = min(max(0.0, error - self.tolerance) / self.scale, 1e300)
        return 1.0 / (1.0 + beyond)


def numbers_in(text: str) -> list[float]:
    """The numbers in a text that are not denied; inf stands for one that is too large."""
    return [_float(match.group()) for match in _asserted(text)]


def _asserted(text: str) -> list[re.Match[str]]:
    return [
        match
        for match in NUMBER.finditer(text)
        if not negated(text, match.start()) and not denied_after(text, match.end())
    ]


def hedged(text: str, *, first: bool = False) -> bool:
    """The number that counts stands in an "or", behind a sign of bounds, or equals another one."""
    places = _asserted(text)
    if not places:
        return False
    one = places[0 if first else -1]
    before = text[max(0, one.start() - LOOK_BACK_CHARS) : one.start()]
    after = text[one.end() : one.end() + LOOK_BACK_CHARS]
    if BOUND_BEFORE.search(before) or OR_BEFORE.search(before) or OR_AFTER.match(after):
        return True
    equal = EQUAL_BEFORE.search(before)
    return equal is not None and _float(equal[1]) != _float(one.group())


def gold_number(answer: Json) -> float | None:
    """The task's answer as a finite float: a number, or a text that is one number and no more."""
    if isinstance(answer, str):
        match = NUMBER.fullmatch(answer.strip())
        value = _float(match.group()) if match else math.nan
    elif isinstance(answer, int | float) and not isinstance(answer, bool):
        value = _float(str(answer)) if abs(answer) < 1e308 else math.nan
    else:
        value = math.nan
    return value if math.isfinite(value) else None


def _float(text: str) -> float:
    if len(text) > LONGEST_NUMBER:
        return math.inf
    return float(re.sub(r"[,$€£¥]", "", text).replace("−", "-"))
