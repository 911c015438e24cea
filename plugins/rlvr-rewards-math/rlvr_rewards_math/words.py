"""Words as answers: their normal form, which of them mean the same.

And which may stand beside a number.
"""

from __future__ import annotations

import re

from rlvr_rewards_math.quantities import exact_or_none
from rlvr_rewards_math.tokens import Unreadable
from rlvr_rewards_math.units import unit_of
from rlvr_rewards_math.values import Group, Quantity, Text, Value

_NOT_WORDS = re.compile(r"[^\w\s.+-]|_")
_ARTICLES = re.compile(r"\b(?:the|a|an)\b")
DOUBTFUL = re.compile(
    r"\b(?:is|are|was|not|isn't|wrong|incorrect|or|maybe|perhaps|but|if|between|either|neither|no|approx\w*|about|"
    r"to|from|at (?:least|most)|more|less|than|nor|correct|right|except\w*|without|exclud\w*|"
    r"never|unless|guess\w*|"
    r"minus|plus|negative|percent|half|twice|double|error|false|invalid)\b",
    re.IGNORECASE,
)
_NUMBER_WORDS_WRITTEN = """
    zero one two three four five six seven eight nine ten eleven twelve
"""
_NUMBER_WORDS = dict(
    zip(
        _NUMBER_WORDS_WRITTEN.split(),
        range(13),
        strict=True,
    )
)
_SYNONYMS = {
    "infinitely many": "infinity",
    "infinite": "infinity",
    "∞": "infinity",
    "no solution": "none",
    "no solutions": "none",
    "no real solution": "none",
    "no real solutions": "none",
    "empty set": "none",
    "∅": "none",
    "true": "yes",
    "false": "no",
    "does not exist": "undefined",
    "dne": "undefined",
}


def normal_words(text: str) -> str:
    r"""Words in normal form: lower case, no punctuation, no articles, no `\text`."""
    text = re.sub(r"\\(?:text\w*|math\w+|mbox)\s*\{", " ", text)
    text = _NOT_WORDS.sub(" ", text.casefold())
    words = " ".join(_ARTICLES.sub(" ", text).split()).strip(". ")
    return words or text.strip(". ")


def is_prose(text: str, words: str) -> bool:
    """The text is words and no mathematics that went wrong."""
    letters = sum(1 for letter in words if letter.isalpha())
    commands = text.replace("\\text", "").count("\\")
    return (
        letters >= 2
        and commands == 0
        and not set(text) & set("=<>^_{}+*/|") - ({"{", "}"} if "\\text" in text else set())
    )


def check_noun(text: str) -> None:
    """A few words behind a number may name what is counted; a sentence may not."""
    doubtful = len(text.split()) > 6 or DOUBTFUL.search(text) or any(c.isdigit() for c in text)
    if doubtful and unit_of(text) is None:
        raise Unreadable(f"words behind the value: {text!r}")


def same_text(gold: Value, answer: Value) -> bool:
    """Whether words mean the same; a symbol and a small number have words too."""
    ours, theirs = text_of(gold), text_of(answer)
    if ours is None or theirs is None:
        return False
    return ours == theirs or _SYNONYMS.get(ours, ours) == _SYNONYMS.get(theirs, theirs)


def text_of(value: Value) -> str | None:
    """Words in normal form; a symbol and a small number have words too."""
    if isinstance(value, Text):
        return str(_NUMBER_WORDS.get(value.words, value.words))
    if isinstance(value, Quantity):
        if value.node[0] == "sym":
            return normal_words(value.node[1]) or str(value.node[1])
        number = exact_or_none(value.node)
        return str(number) if number is not None else None
    if isinstance(value, Group) and value.kind == "list":
        parts = [text_of(item) for item in value.items]
        return None if None in parts else " and ".join(part or "" for part in parts)
    return None
