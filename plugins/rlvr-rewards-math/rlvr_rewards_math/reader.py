r"""Reading a text as a value.

Matrices, measures with a plain unit, mathematics of any structure, or words.
"""

from __future__ import annotations

import re

from rlvr_rewards_math.clean import clean
from rlvr_rewards_math.reading import MAX_ITEMS, Reading
from rlvr_rewards_math.tokens import Unreadable, tokenize
from rlvr_rewards_math.units import unit_of
from rlvr_rewards_math.values import Matrix, Quantity, Text, Value
from rlvr_rewards_math.words import is_prose, normal_words

_MATRICES = re.compile(
    r"\\begin\s*\{([pbvBV]?matrix|array)\}(?:\s*\{[lcr|\s]*\})?(.*?)\\end\s*\{\1\}", re.DOTALL
)
_ROW = re.compile(r"\\\\(?:\[[^\]]{0,10}\])?|\\cr(?![a-z])")
_MEASURED = re.compile(
    r"^(.*[\d}])(?:\s|\\[,; ]|~)+([a-zA-Z]{1,12}(?:\s?/\s?[a-zA-Z]{1,6})?(?:\^\{?[23]\}?)?)$"
)


def read_answer(text: str) -> Value:
    """The value that a text stands for.

    Raises:
        Unreadable: it is none that is known here.
    """
    text = clean(text)
    if not text:
        raise Unreadable("nothing is there")
    if "\\begin" in text:
        return _with_matrices(text)
    return _read_text(text)


def _read_text(text: str) -> Value:
    measured = _MEASURED.match(text)
    if measured and unit_of(measured[2]):
        value = _read_text(measured[1])
        if isinstance(value, Quantity) and not value.unit:
            return Quantity(value.node, measured[2], value.percent, value.decimals)
    try:
        tokens = tokenize(text)
        return Reading(tokens).whole()
    except Unreadable:
        words = normal_words(text)
        if is_prose(text, words):
            return Text(words)
        raise


def _with_matrices(text: str) -> Value:
    match = _MATRICES.search(text)
    if match is None:
        raise Unreadable("an environment that is no matrix")
    around = (text[: match.start()] + text[match.end() :]).strip()
    prefix = text[: match.start()].strip()
    if around and around not in ("()", "[]"):
        if prefix.endswith("=") and not text[match.end() :].strip():
            return _read_matrix(match[2])
        raise Unreadable("something beside a matrix")
    return _read_matrix(match[2])


def _read_matrix(body: str) -> Matrix:
    lines = [line for line in _ROW.split(body) if line.strip()]
    if not 0 < len(lines) <= MAX_ITEMS:
        raise Unreadable("a matrix without rows, or with too many")
    rows = tuple(tuple(_read_text(clean(cell)) for cell in line.split("&")) for line in lines)
    if len({len(row) for row in rows}) != 1:
        raise Unreadable("rows of different length")
    return Matrix(rows)
