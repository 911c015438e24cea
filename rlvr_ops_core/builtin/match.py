"""Rewards that compare texts: `text/exact` and `text/f1`."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable
from typing import Literal

from rlvr_ops_core.builtin.extract import (
    SHOWN_CHARS,
    abstain,
    accepted_answers,
    committed,
    judged,
)
from rlvr_ops_core.reward_spec import reward
from rlvr_ops_core.types import Sample, Score

ARTICLES = frozenset({"a", "an", "the"})

LONGEST_COMPOSED_WORD = 256
"""Unicode normalisation sorts combining marks in quadratic time: a longer word is left as it is."""

WORD_OR_SPACE = re.compile(r"\S+|\s+")

RIGHT = "same as an accepted answer"
WRONG = "not an accepted answer"
UNUSABLE_GOLD = "the task's answer must be a text or a list of accepted texts"


@reward(inline=True)
def exact(
    sample: Sample,
    *,
    ignore_case: bool = False,
    spaces: Literal["keep", "fold", "drop"] = "fold",
    ignore_punctuation: bool = False,
    ignore_articles: bool = False,
    tag: str | None = None,
) -> Score:
    """1 if the final text is one of the accepted answers, else 0.

    Characters are compared as Unicode composes them (NFC). Space around the answer never counts.

    Args:
        sample: the answer to judge; `task.answer` is a text or a list of accepted texts.
        ignore_case: "Paris" is "PARIS".
        spaces: `fold` makes every run of spaces one, `drop` removes them, `keep` compares them.
        ignore_punctuation: leave out punctuation and symbols; "U.S." is "US", but "-5" is "5".
        ignore_articles: leave out the English words a, an and the.
        tag: judge only what stands in the last `<tag>…</tag>`.
    """
    gold = sample.task.answer
    as_it_is = not (ignore_case or ignore_punctuation or ignore_articles or tag)
    if as_it_is and spaces == "fold" and type(gold) is str and len(gold) <= SHOWN_CHARS:
        text = sample.final
        if text and len(text) <= SHOWN_CHARS and text.isascii() and gold.isascii():
            words = gold.split()  # what follows comes to the same, and takes longer
            if text == gold or (words and text.split() == words):
                return Score(1.0, {}, {"reason": RIGHT, "extracted": text, "gold": gold})
            if words:
                return Score(0.0, {}, {"reason": WRONG, "extracted": text, "gold": gold})
    text, missing = committed(sample, tag=tag)
    fold = _folding(ignore_case, spaces, ignore_punctuation, ignore_articles)
    golds = _folded(sample, fold)
    if not golds:
        return abstain(UNUSABLE_GOLD, gold)
    right = not missing and fold(text) in golds
    return judged(float(right), missing or (RIGHT if right else WRONG), extracted=text, gold=gold)


def _folding(
    ignore_case: bool, spaces: str, ignore_punctuation: bool, ignore_articles: bool
) -> Callable[[str], str]:
    joint = " " if spaces == "fold" else ""

    def fold(text: str) -> str:
        text = text if text.isascii() else composed(text)
        text = text.casefold() if ignore_case else text
        text = without_punctuation(text) if ignore_punctuation else text
        text = without_articles(text) if ignore_articles else text
        return text.strip() if spaces == "keep" else joint.join(text.split())

    return fold


@reward(components=("exact",), inline=True)
def f1(sample: Sample, *, tag: str | None = None) -> Score:
    """Overlap of words with the best accepted answer: F1 in [0, 1]; component `exact` is 0 or 1.

    Texts are normalised as SQuAD and NQ-open do: lower case, no punctuation, no articles, single
    spaces. On ASCII text this is the official script; other scripts' punctuation goes too.
    An accepted answer that normalises to nothing ("The") is not used: the official script would
    give an empty prediction full marks for it.

    Source: Rajpurkar et al. 2016, arXiv:1606.05250, and its evaluate-v1.1.py.

    Args:
        sample: the answer to judge; `task.answer` is a text or a list of accepted texts.
        tag: judge only what stands in the last `<tag>…</tag>`.
    """
    golds = _folded(sample, squad_normalised)
    if not golds:
        return abstain(UNUSABLE_GOLD, sample.task.answer)
    text, missing = committed(sample, tag=tag)
    if missing:
        return judged(0.0, missing, extracted="", gold=sample.task.answer, exact=0.0)
    said = squad_normalised(text)
    words = Counter(said.split())
    value, best = max((word_f1(words, Counter(gold.split())), gold) for gold in golds)
    return judged(
        value,
        f'{value:.0%} overlap with "{best}"'[:200],
        extracted=text,
        gold=sample.task.answer,
        exact=float(said in golds),
    )


def _folded(sample: Sample, fold: Callable[[str], str]) -> set[str]:
    golds = set(map(fold, accepted_answers(sample.task.answer)))
    golds.discard("")
    return golds


def squad_normalised(text: str) -> str:
    """Lower case, without punctuation, articles and repeated spaces, in this order."""
    return without_articles(without_punctuation(composed(text).casefold()))


def word_f1(said: Counter[str], gold: Counter[str]) -> float:
    """Harmonic mean of precision and recall over words, with repetition; nothing common -> 0.0."""
    common = (said & gold).total()
    return 2 * common / (said.total() + gold.total()) if common else 0.0


def without_punctuation(text: str) -> str:
    """The text without any character of the Unicode categories P (punctuation) and S (symbol).

    In ASCII these are exactly `string.punctuation`.
    """
    marks = [char for char in set(text) if unicodedata.category(char)[0] in "PS"]
    return text.translate(dict.fromkeys(map(ord, marks)))


def without_articles(text: str) -> str:
    """The words of the text but a, an and the, one space apart; case does not count."""
    return " ".join(word for word in text.split() if word.lower() not in ARTICLES)


def composed(text: str) -> str:
    """The text in Unicode's form NFC, in linear time."""
    if text.isascii():
        return text
    return "".join(
        unicodedata.normalize("NFC", piece) if len(piece) <= LONGEST_COMPOSED_WORD else piece
        for piece in WORD_OR_SPACE.findall(text)
    )
