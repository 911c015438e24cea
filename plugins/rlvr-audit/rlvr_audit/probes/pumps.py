"""Texts against the regular expressions that stand in a reward's own source.

A group that is repeated and itself holds a repetition tries exponentially many ways before it gives
up. For each such pattern: what leads there, the repeated characters many times over, and an end
that can't match.
"""

from __future__ import annotations

import ast
import importlib
import re
import warnings
from collections.abc import Iterator
from typing import Any

constants: Any = importlib.import_module("re._constants")
parser: Any = importlib.import_module("re._parser")

MOST_PATTERNS = 40
REPEATS = (constants.MAX_REPEAT, constants.MIN_REPEAT)
PUMPS = 32
"""Enough for an exponential search to never end; a polynomial one does not notice."""


def pumps_of(source: str) -> dict[str, str]:
    """Texts for the patterns in a source file, by a name that shows the pattern."""
    texts: dict[str, str] = {}
    for pattern in _patterns(source)[:MOST_PATTERNS]:
        for number, (lead, pump) in enumerate(_pumped(pattern)):
            texts[f"pattern {pattern[:30]!r} {number}"] = lead + pump * PUMPS + "\x00!"
    return dict(list(texts.items())[:24])


def _patterns(source: str) -> list[str]:
    """The text literals of a source that look like patterns."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError):
        return []
    literals = [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value) < 500
    ]
    return [
        text for text in dict.fromkeys(literals) if re.search(r"[+*}]", text) and "\n" not in text
    ]


def _pumped(pattern: str) -> Iterator[tuple[str, str]]:
    """What leads to each repetition of a pattern, and what it repeats."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree: Any = parser.parse(pattern)
    except (re.error, OverflowError, RecursionError):
        return
    found: list[tuple[str, str]] = []
    _walk(list(tree), "", found)
    yield from list(dict.fromkeys(found))[:4]


def _walk(nodes: list[Any], lead: str, found: list[tuple[str, str]]) -> str:
    """One text that the nodes match; notes repetitions on the way."""
    text = ""
    for kind, value in nodes:
        if kind in REPEATS:
            _, most, inner = value
            body = _walk(list(inner), lead + text, found)
            if most > 20 and body and _holds_repeat(list(inner)):
                found.append((lead + text, body))
            text += body
        else:
            text += _one(kind, value, lead + text, found)
    return text


def _one(kind: Any, value: Any, lead: str, found: list[tuple[str, str]]) -> str:
    if kind is constants.LITERAL:
        return chr(value)
    if kind is constants.NOT_LITERAL:
        return "a" if value != ord("a") else "b"
    if kind is constants.ANY:
        return "a"
    if kind is constants.IN:
        return _member(value)
    if kind is constants.SUBPATTERN:
        return _walk(list(value[-1]), lead, found)
    if kind is constants.BRANCH:
        texts = [_walk(list(branch), lead, found) for branch in value[1]]
        return texts[0]
    return ""


def _member(items: list[Any]) -> str:
    """A character of a set."""
    negated = items[0][0] is constants.NEGATE
    pattern = {"CATEGORY_DIGIT": "1", "CATEGORY_SPACE": " ", "CATEGORY_WORD": "a"}
    if negated:
        taken = {chr(value) for kind, value in items if kind is constants.LITERAL}
        return next((char for char in "a1 .-" if char not in taken), "~")
    for kind, value in items:
        if kind is constants.LITERAL:
            return chr(value)
        if kind is constants.RANGE:
            return chr(value[0])
        if kind is constants.CATEGORY:
            return pattern.get(str(value), "a")
    return "a"


def _holds_repeat(nodes: list[Any]) -> bool:
    for kind, value in nodes:
        if kind in REPEATS and value[1] > 20:
            return True
        if kind is constants.SUBPATTERN and _holds_repeat(list(value[-1])):
            return True
        if kind is constants.BRANCH and any(_holds_repeat(list(one)) for one in value[1]):
            return True
    return False
