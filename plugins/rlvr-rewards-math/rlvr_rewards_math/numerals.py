"""Plain numerals as exact numbers: integers, decimals, thousands, simple fractions, percent."""

from __future__ import annotations

import re
from fractions import Fraction

MAX_DIGITS = 400
_THOUSANDS = re.compile(r"[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_DECIMAL = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)")
_RATIO = re.compile(r"([+-]?\d+)\s*/\s*(\d+)")


def read_numeral(text: str) -> Fraction | None:
    """The exact value of a numeral; None if the text is anything else.

    `1,234.50` is 1234.5; `3/4` is a fraction; a zero denominator -> None.
    """
    if len(text) > MAX_DIGITS:
        return None
    if text.isdecimal() and text.isascii():
        return Fraction(int(text))
    if _DECIMAL.fullmatch(text):
        return Fraction(text)
    if _THOUSANDS.fullmatch(text):
        return Fraction(text.replace(",", ""))
    ratio = _RATIO.fullmatch(text)
    if ratio and int(ratio[2]):
        return Fraction(int(ratio[1]), int(ratio[2]))
    return None
