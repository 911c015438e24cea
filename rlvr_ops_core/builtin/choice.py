"""Reward for classification: `text/choice`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from rlvr_ops_core.builtin.extract import (
    LOOK_BACK_CHARS,
    NEGATION,
    abstain,
    committed,
    denied_after,
    judged,
    negated,
)
from rlvr_ops_core.errors import OptionError
from rlvr_ops_core.reward_spec import reward
from rlvr_ops_core.types import Json, Sample, Score


@reward(inline=True)
@dataclass(frozen=True, kw_only=True)
class Choice:
    """1 if the answer names the right label and no other, else 0.

    Labels count as whole words; where one holds another ("not entailed", "entailed") the longest
    counts. A label that the English words beside it deny ("not positive", "positive is wrong") is
    not named; a word that is itself a label ("no") denies nothing.
    The task's answer is a label, an alias, or a label's place in `labels`, counted from 0.
    """

    labels: list[str] = field(default_factory=lambda: ["yes", "no"])
    """The labels, in the order of the data set's label numbers."""
    aliases: dict[str, list[str]] = field(default_factory=dict)
    """Other names of a label: `{positive: [good, favourable]}`."""
    read: Literal["only", "first", "last"] = "only"
    """An answer that names several labels is wrong (`only`), or its first or last one counts."""
    ignore_case: bool = True
    """"Positive" is "positive". Switch it off for labels like A and B: "a" is also a word."""
    tag: str | None = None
    """Judge only what stands in the last `<tag>…</tag>`."""

    def __post_init__(self) -> None:
        unknown = sorted(set(self.aliases) - set(self.labels))
        if unknown:
            raise OptionError(
                f"text/choice: aliases for {unknown}, which are no labels",
                hint=f"the labels are {self.labels}",
            )
        names = [self._fold(name) for label in self.labels for name in self._names(label)]
        if len(self.labels) < 2 or "" in names or len(set(names)) < len(names):
            raise OptionError(
                f"text/choice: labels {self.labels} with aliases {self.aliases}",
                hint="give at least two labels; every label and alias once, and none empty",
            )

    def __call__(self, sample: Sample) -> Score:
        """Judge one answer."""
        gold = self._gold(sample.task.answer)
        if gold is None:
            return abstain(f"the task's answer is none of {self.labels}"[:200], sample.task.answer)
        text, missing = committed(sample, tag=self.tag)
        if missing:
            return judged(0.0, missing, extracted=None, gold=gold)
        named = self._named(text)
        if not named:
            return judged(0.0, "names no label", extracted=None, gold=gold)
        if self.read == "only" and len(set(named)) > 1:
            several = list(dict.fromkeys(named))
            return judged(0.0, "names several labels", extracted=several, gold=gold)
        label = named[0] if self.read == "first" else named[-1]
        reason = "the right label" if label == gold else "another label"
        return judged(float(label == gold), reason, extracted=label, gold=gold)

    def _gold(self, answer: Json) -> str | None:
        """The label that the task's answer means; None if it is none of them."""
        if isinstance(answer, str):
            return self._label_of.get(self._fold(answer))
        if isinstance(answer, int) and not isinstance(answer, bool):
            by_name = self._label_of.get(str(answer))
            return by_name or (self.labels[answer] if 0 <= answer < len(self.labels) else None)
        return None

    def _named(self, text: str) -> list[str]:
        folded = self._fold(text)
        matches = list(self._pattern.finditer(folded))
        starts = {match.start() for match in matches}
        return [
            self._label_of[match.group()]
            for match in matches
            if not (negated(folded, match.start()) and self._denier(folded, match) not in starts)
            and not denied_after(folded, match.end())
        ]

    def _denier(self, folded: str, match: re.Match[str]) -> int:
        """Where the word begins that denies a label."""
        first = max(0, match.start() - LOOK_BACK_CHARS)
        found = NEGATION.search(folded[first : match.start()])
        return first + found.start() if found else -1

    @cached_property
    def _label_of(self) -> Mapping[str, str]:
        return {self._fold(name): label for label in self.labels for name in self._names(label)}

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        names = sorted(self._label_of, key=len, reverse=True)
        return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, names))})(?!\w)")

    def _names(self, label: str) -> list[str]:
        return [label, *self.aliases.get(label, [])]

    def _fold(self, text: str) -> str:
        text = " ".join(text.split())
        return text.casefold() if self.ignore_case else text
