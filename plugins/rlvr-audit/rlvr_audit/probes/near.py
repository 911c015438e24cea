"""Wrong answers made from a gold answer, and golds that are patterns by accident."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import TypeAlias

from rlvr_audit.slots import number_of, written

Miss: TypeAlias = Callable[[str], str | None]
"""A text made from the gold; None where it does not apply."""


UNITS = ("kg", "km")
NEAR_UNITS: Mapping[str, str] = {
    "km": "m",
    "m": "km",
    "cm": "mm",
    "mm": "cm",
    "kg": "g",
    "g": "kg",
    "mg": "g",
    "s": "ms",
    "ms": "s",
    "min": "h",
    "h": "min",
    "hours": "minutes",
    "minutes": "hours",
    "days": "weeks",
    "meters": "kilometers",
    "euros": "dollars",
    "dollars": "cents",
    "%": "dollars",
}
"""Another unit of the same kind, such as a careless comparison drops."""


def _of_number(change: Callable[[Fraction], Fraction]) -> Miss:
    def make(gold: str) -> str | None:
        value = number_of(gold)
        if value is None:
            return None
        changed = change(value)
        return None if changed == value else written(changed, gold)

    return make


def _of_integer(change: Callable[[str], str]) -> Miss:
    def make(gold: str) -> str | None:
        value = number_of(gold)
        if value is None or value.denominator != 1 or "frac" in gold:
            return None
        return change(str(value))

    return make


def _of_decimal(change: Callable[[Fraction, Fraction], Fraction]) -> Miss:
    def make(gold: str) -> str | None:
        value = number_of(gold)
        if value is None or "." not in gold:
            return None
        digits = len(gold.strip().partition(".")[2].rstrip("% "))
        return written(change(value, Fraction(1, 10**digits)), gold)

    return make


def _number_in(gold: str, *, first: bool) -> str | None:
    """A text that is no number but holds one, with another: a date, a time, a version."""
    places = [match.span() for match in re.finditer(r"\d{1,9}", gold)]
    if number_of(gold) is not None or not places or (not first and len(places) < 2):
        return None
    start, end = places[0] if first else places[-1]
    digits = gold[start:end]
    changed = int(digits) - 1 if digits.strip("0") not in ("", "1") else int(digits) + 1
    return f"{gold[:start]}{str(changed).zfill(len(digits))}{gold[end:]}"


def _unit_swapped(gold: str) -> str | None:
    """A number with another unit after it."""
    match = re.fullmatch(r"([-+]?\d[\d.,]*\s*)(%|°?[A-Za-zµ][A-Za-z/^0-9µ]*)", gold.strip())
    if match is None:
        return None
    unit = next((one for one in UNITS if one.casefold() != match[2].casefold()), "")
    near = NEAR_UNITS.get(match[2], unit)
    return f"{match[1]}{near}"


def _numbers_swapped(gold: str) -> str | None:
    """The first two numbers of a date, a time or a point in the other order; of no set or list."""
    places = [match.span() for match in re.finditer(r"\d{1,9}", gold)]
    is_list = re.search(r"[{;,]", gold) and not gold.startswith("(")
    if number_of(gold) is not None or len(places) < 2 or is_list:
        return None
    (a, b), (c, d) = places[:2]
    changed = gold[:a] + gold[c:d] + gold[b:c] + gold[a:b] + gold[d:]
    return None if changed == gold else changed


def _half_of_day(gold: str) -> str | None:
    """A time of the other half of the day."""
    found = re.search(r"\d\s*([ap])\.?m\b", gold, re.IGNORECASE)
    if found is None:
        return None
    other = {"a": "p", "p": "a", "A": "P", "P": "A"}[found[1]]
    return gold[: found.start(1)] + other + gold[found.end(1) :]


def _point_for_comma(gold: str) -> str | None:
    """12,500 as 12.500: a thousandth."""
    plain = gold.strip()
    if re.fullmatch(r"-?\d{1,3}(,\d{3})+", plain):
        return plain.replace(",", ".", 1).replace(",", "")
    return f"{plain[:-3]}.{plain[-3:]}" if re.fullmatch(r"-?[1-9]\d{3,8}", plain) else None


def _other_brackets(gold: str) -> str | None:
    """An interval that is open where it was closed."""
    ends = {"[)": "(]", "(]": "[)"}
    plain = gold.strip()
    other = ends.get(plain[:1] + plain[-1:]) if "," in plain else None
    return f"{other[0]}{plain[1:-1]}{other[1]}" if other else None


def _without_command(gold: str) -> str | None:
    """What a root, a logarithm or a sine is taken of."""
    changed = re.sub(r"\\(?:sqrt|log|ln|exp|sin|cos|tan|overline)\s*\{([^{}]*)\}", r"\1", gold)
    return None if changed == gold else changed


def _other_word(gold: str, *, first: bool) -> str | None:
    """A name of several words with another first or last one."""
    words = gold.split()
    if len(words) < 2 or not all(word.isalpha() for word in words):
        return None
    return " ".join(["Zacharias", *words[1:]] if first else [*words[:-1], "Zacharias"])


def _of_text(change: Callable[[str], str | None]) -> Miss:
    def make(gold: str) -> str | None:
        is_word = number_of(gold) is None and len(gold) > 3 and gold[0].isalpha()
        return change(gold) if is_word else None

    return make


def _digits_swapped(text: str) -> str:
    for place in range(len(text) - 1):
        first, second = text[place], text[place + 1]
        if first.isdigit() and second.isdigit() and first != second:
            return text[:place] + second + first + text[place + 2 :]
    return text + "0"


MISSES: Mapping[str, Miss] = {
    "one more": _of_number(lambda value: value + 1),
    "one less": _of_number(lambda value: value - 1),
    "other sign": _of_number(lambda value: -value),
    "ten times": _of_number(lambda value: value * 10),
    "a hundredth": _of_integer(lambda text: f"{float(text) / 100:g}"),
    "digits swapped": _of_integer(_digits_swapped),
    "a power": _of_integer(
        lambda text: text[:-1] + "⁰¹²³⁴⁵⁶⁷⁸⁹"[int(text[-1])] if len(text.lstrip("-")) > 1 else text
    ),
    "a fraction more": _of_integer(lambda text: f"{text}.9"),
    "a half more": _of_integer(lambda text: f"{text}.5"),
    "last decimal": _of_decimal(lambda value, step: value + step),
    "another number in it": lambda gold: _number_in(gold, first=True),
    "another last number in it": lambda gold: _number_in(gold, first=False),
    "another unit": lambda gold: _unit_swapped(gold),
    "its numbers swapped": _numbers_swapped,
    "the other half of the day": _half_of_day,
    "a point for the comma": _point_for_comma,
    "other brackets": _other_brackets,
    "without its command": _without_command,
    "another first word": lambda gold: _other_word(gold, first=True),
    "another last word": lambda gold: _other_word(gold, first=False),
    "NaN": lambda gold: "NaN" if number_of(gold) is not None else None,
    "infinity": lambda gold: "Infinity" if number_of(gold) is not None else None,
    "inf": lambda gold: "inf" if number_of(gold) is not None else None,
    "1e999": lambda gold: "1e999" if number_of(gold) is not None else None,
    "a typing error": _of_text(
        lambda text: text[:-2] + text[-1] + text[-2] if text[-1] != text[-2] else None
    ),
    "another first letter": _of_text(lambda text: ("X" if text[0] != "X" else "Y") + text[1:]),
}

PARTS: Mapping[str, Miss] = {
    "digits before": _of_integer(
        lambda text: f"{text[:1]}7{text[1:]}" if text[0] == "-" else f"7{text}"
    ),
    "digits after": _of_integer(lambda text: f"{text}3"),
    "last digit missing": _of_integer(
        lambda text: text[:-1] if len(text.lstrip("-")) > 1 else text
    ),
    "first digit missing": _of_integer(
        lambda text: text.lstrip("-")[1:].lstrip("0") or text if len(text.lstrip("-")) > 1 else text
    ),
    "letters after": _of_text(lambda text: f"{text}esque"),
    "letters before": _of_text(lambda text: f"un{text.lower()}"),
    "its first letters": _of_text(lambda text: text[: len(text) // 2].strip()),
    "its first letter": _of_text(lambda text: text[0]),
}

SIZES: Mapping[str, Miss] = {
    "million": _of_integer(lambda text: f"{text} million"),
    "per cent": _of_integer(lambda text: f"{text}00 %"),
    "thousand": _of_integer(lambda text: f"{text} thousand"),
}

LAZY: Mapping[str, Miss] = {
    "gold + 0": lambda gold: f"{gold} + 0",
    "(gold - 1) + 1": lambda gold: _sum(gold, 1),
    "2 * gold / 2": lambda gold: f"2 * {gold} / 2",
}

PATTERNS = (
    ("a.c", "abc"),
    ("ba*d", "baaad"),
    ("yes|no", "no"),
    ("[ab]cd", "acd"),
    ("what?", "wha"),
)
SPECIAL = ("C++", "f(x)", "[abc", "a*b", "why?")
"""Golds that are broken or other patterns, if somebody takes them for such."""
PATTERNS_OF_NUMBERS = (("3.14", "3914"), ("3.14", "3x14"), ("2.5", "2/5"), ("1.5", "175"))


def is_far(gold: str, miss: str) -> bool:
    """A miss that no rule of rounding could take for the gold: more than two in a hundred off."""
    if miss == _numbers_swapped(gold) and "," in gold:
        return False  # two solutions in a bracket may well be given in the other order
    value, other = number_of(gold), number_of(miss)
    if value is None or other is None:
        return True
    return abs(value - other) > TOLERANCE * abs(value)


TOLERANCE = Fraction(2, 100)
"""What tasks with measured values allow at most."""


def _sum(gold: str, step: int) -> str | None:
    value = number_of(gold)
    if value is None:
        return None
    return f"{written(value - step, gold)} + {step}"
