"""Where in a right answer the gold stands, how to put something else there, and what is wrong.

The form that a task asks for is not declared anywhere: it is learned from the known right answers.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from rlvr_audit.cases import Case

NUMBER = re.compile(r"[-−]?\d[\d,]*(?:\.\d+)?")
WORD = re.compile(r"(?<![\\\w])[A-Za-z]{2,}")
FREE_TEXT_WORDS = 4
MARKS = (
    re.compile(r"\\(?:boxed|fbox)\s*\{\s*$"),
    re.compile(r"<(\w+)>\s*$"),
    re.compile(r"####\s*$"),
    re.compile(r"\{\s*\"\w+\"\s*:\s*\"?$"),
    re.compile(r"\[\[\s*$"),
    re.compile(
        r"(?:\*\*)?\b(?:final answer|answer|result|solution)\b(?:\s+is)?\s*[:=]?\s*[*$]*\s*$",
        re.IGNORECASE,
    ),
)


@dataclass(frozen=True)
class Slot:
    """A right answer, cut at the gold."""

    before: str
    gold: str
    after: str
    mark_start: int
    """Where in `before` the mark begins that leads to the answer; its length if there is none."""

    @property
    def is_bare(self) -> bool:
        """The answer is the whole text."""
        return not self.before.strip() and not self.after.strip()

    @property
    def has_mark(self) -> bool:
        """Something says where the answer is: a box, a tag, a phrase."""
        return self.mark_start < len(self.before)

    def full(self, text: str) -> str:
        """The whole answer, with `text` in place of the gold."""
        return self.before + text + self.after

    def marked(self, text: str) -> str:
        """The mark with `text` in it and no more; bare text where there is no mark."""
        return self.before[self.mark_start :] + text + self.closing

    @property
    def closing(self) -> str:
        """What closes the mark."""
        mark = self.before[self.mark_start :]
        if tag := re.match(r"<(\w+)>", mark):
            return self.after[: self.after.find(f"</{tag[1]}>") + len(tag[0]) + 1]
        closers = {"{": "}", "[": "]]"}
        if mark.lstrip().startswith("{"):
            return self.after[: self.after.find("}") + 1]
        for opener, closer in closers.items():
            if mark.rstrip().endswith(opener):
                return self.after[: self.after.find(closer) + len(closer)]
        if mark.rstrip().endswith("$") and self.after.startswith("$"):
            return "$"
        return "**" if mark.rstrip().endswith("**") and self.after.startswith("**") else ""


def slot_in(case: Case) -> Slot | None:
    """The slot of the first known right answer in which the gold can be found.

    A gold of many words is a reference to be like, not a value to be equal to: it has no slot.
    """
    if isinstance(case.gold, str) and len(WORD.findall(case.gold)) >= FREE_TEXT_WORDS:
        return None
    if isinstance(case.gold, list | tuple) and len(case.gold) > 1:
        parts = [str(one) for one in case.gold]
        if any(all(part in text for part in parts) for text in case.good):
            return None  # the answer is all of them, not one of them
    for text in case.good:
        for gold in gold_texts(case.gold):
            place = _last_place(text, gold)
            if place is not None:
                before, after = text[: place[0]], text[place[1] :]
                return Slot(before, text[slice(*place)], after, _mark_start(before))
    return None


def gold_texts(gold: Any) -> list[str]:
    """How the gold may be written in an answer; the likeliest first."""
    if gold is None or isinstance(gold, bool | dict):
        return [str(gold), str(gold).lower()] if isinstance(gold, bool) else []
    if isinstance(gold, list | tuple):
        return [text for one in gold for text in gold_texts(one)]
    text = str(gold).strip()
    found = [text]
    if isinstance(gold, float) and gold.is_integer():
        found.append(str(int(gold)))
    if "####" in text:
        found.insert(0, text.rpartition("####")[2].strip())
    if (boxed := re.search(r"\\boxed\{(.+)\}", text)) is not None:
        found.insert(0, boxed[1])
    found.append(text.strip("$ "))
    return [one for one in dict.fromkeys(found) if one]


def _last_place(text: str, gold: str) -> tuple[int, int] | None:
    """The last place of the gold as a word of its own; of any case; then as an equal number."""
    pattern = rf"(?<![\w.]){re.escape(gold)}(?!\w|\.\d)"
    for flags in (0, re.IGNORECASE):
        places = [match.span() for match in re.finditer(pattern, text, flags)]
        if places:
            return places[-1]
    value = number_of(gold)
    same = [
        m.span() for m in NUMBER.finditer(text) if value is not None and number_of(m[0]) == value
    ]
    return same[-1] if same else None


def _mark_start(before: str) -> int:
    for mark in MARKS:
        if (match := mark.search(before)) is not None:
            return match.start()
    return len(before)


def number_of(text: Any) -> Fraction | None:
    """The number that a text is, exactly; None if it is none."""
    if isinstance(text, bool) or not isinstance(text, str | int | float):
        return None
    plain = str(text).strip().strip("$").replace(",", "").replace("−", "-")
    if (fraction := re.fullmatch(r"(-?)\\[dt]?frac\{(\d{1,9})\}\{(\d{1,9})\}", plain)) is not None:
        plain = f"{fraction[1]}{fraction[2]}/{fraction[3]}"
    if not re.fullmatch(r"-?\d{1,15}(?:\.\d{1,12})?|-?\d{1,9}/[1-9]\d{0,8}|-?\.\d{1,12}", plain):
        return None
    return Fraction(plain)


def written(value: Fraction, like: str) -> str:
    """A number in the form of another: decimals as decimals, fractions as fractions."""
    if value.denominator == 1 and "." not in like:
        return str(value.numerator)
    if "." in like:
        digits = max(1, len(like.partition(".")[2].rstrip("% ")))
        return f"{float(value):.{digits}f}"
    sign = "-" if value < 0 else ""
    if "frac" in like:
        return rf"{sign}\frac{{{abs(value.numerator)}}}{{{value.denominator}}}"
    return f"{value.numerator}/{value.denominator}"


def _other_numbers_in(text: str) -> list[str]:
    """A date, a time, a quantity or a code with another first number: of the same shape."""
    match = re.search(r"\d{1,9}", text)
    if match is None:
        return []
    return [
        text[: match.start()] + str(int(match[0]) + step).zfill(len(match[0])) + text[match.end() :]
        for step in (1, 3, 7, 11)
    ]


def wrong_answers(case: Case, slot: Slot, others: Sequence[Case], count: int) -> list[str]:
    """Texts for the slot that are not the gold: other numbers, labels, words."""
    found = peers(case, slot, others)
    if number_of(slot.gold) is None and not _is_letter(slot.gold):
        found += ["zebra", "Quito", "a purple umbrella", "Tuesday", "granite", "Lake Ontario"]
    return _not_gold(case, slot, found)[:count]


def peers(case: Case, slot: Slot, others: Sequence[Case]) -> list[str]:
    """Wrong answers of the gold's own kind: numbers, letters, the other labels, other dates."""
    value = number_of(slot.gold)
    if value is not None:
        steps = (7, 13, -17, 29, 41, -53, 67, 79, 101, 127, 149, -173, 211, 239, 263, 307)
        return _not_gold(case, slot, [written(value + step, slot.gold) for step in steps])
    if _is_letter(slot.gold):
        letters = "ABCDE" if slot.gold.strip("()").isupper() else "abcde"
        found = [slot.gold.replace(slot.gold.strip("()"), letter) for letter in letters]
        return _not_gold(case, slot, found)
    found = [text for other in others for text in gold_texts(other.gold)[:1]]
    if isinstance(case.data.get("labels"), list):
        found = [str(label) for label in case.data["labels"]] + found
    return _not_gold(case, slot, [*_other_numbers_in(slot.gold), *found])


def _is_letter(text: str) -> bool:
    return re.fullmatch(r"\(?[A-Ja-j]\)?", text) is not None


def _not_gold(case: Case, slot: Slot, texts: Sequence[str]) -> list[str]:
    golds = {text.strip().casefold() for text in gold_texts(case.gold)} | {slot.gold.casefold()}
    values = {number_of(text) for text in golds}
    return [
        one
        for one in dict.fromkeys(texts)
        if one.strip().casefold() not in golds
        and (number_of(one) is None or number_of(one) not in values)
    ]
