"""What changed between two windows of steps: the phrases that came, and those that went.

Log-odds of a phrase in the completions of one window against the other, with a prior from both.
Source: Monroe, Colaresi and Quinn, "Fightin' Words" (2008), eq. 16, 18, 22. Where we differ: a
phrase counts once a completion, so that one that repeats itself does not speak for all.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import log, sqrt

WORD = re.compile(r"\w+|[^\w\s]")
LONGEST = 3
WORDS_READ = 400
"""Of each completion; a phrase that only comes later is not seen."""


@dataclass(frozen=True, slots=True)
class Change:
    """A phrase and how it changed."""

    phrase: str
    before: float
    """Share of completions that hold it, 0 to 1."""
    after: float
    z: float
    """Standard deviations from no change; positive: it came."""


def phrases(text: str) -> set[str]:
    """Every run of one to three words or signs."""
    words = WORD.findall(text)[:WORDS_READ]
    return set(_runs(words))


def _runs(words: Sequence[str]) -> Iterator[str]:
    for size in range(1, LONGEST + 1):
        for start in range(len(words) - size + 1):
            yield " ".join(words[start : start + size])


def changes(before: Sequence[str], after: Sequence[str], *, most: int = 12) -> list[Change]:
    """The phrases that came or went most clearly, of those in at least 2% of a window.

    An empty window -> none. Numbers alone are left out: they change with the tasks.
    """
    if not before or not after:
        return []
    old, new = (Counter(p for text in texts for p in phrases(text)) for texts in (before, after))
    found = []
    for phrase in old.keys() | new.keys():
        shares = old[phrase] / len(before), new[phrase] / len(after)
        if max(shares) >= 0.02 and not phrase.isnumeric():
            z = _z(old[phrase], len(before), new[phrase], len(after))
            found.append(Change(phrase, *shares, z))
    found.sort(key=lambda one: -abs(one.z))
    return _without_parts([one for one in found if abs(one.z) > 3], most)


def _z(old: int, before: int, new: int, after: int) -> float:
    prior = (old + new) / (before + after)
    a, b = new + prior, old + prior
    not_a, not_b = after - new + 1 - prior + 1e-9, before - old + 1 - prior + 1e-9
    difference = log(a / not_a) - log(b / not_b)
    return difference / sqrt(1 / a + 1 / b)


def _without_parts(found: Sequence[Change], most: int) -> list[Change]:
    """Not "is ." and "is" as well as "answer is .": a part that says the same is left out."""
    kept: list[Change] = []
    for one in found:
        same = (
            other
            for other in kept
            if (one.phrase in other.phrase or other.phrase in one.phrase)
            and abs(one.after - other.after) < 0.05
            and abs(one.before - other.before) < 0.05
        )
        if not any(same):
            kept.append(one)
        if len(kept) == most:
            break
    return kept
