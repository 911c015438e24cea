"""Rewards that shape how an answer looks, whatever it says: `text/format` and `text/length`."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from rlvr_ops_core.builtin.extract import abstain, judged
from rlvr_ops_core.errors import OptionError
from rlvr_ops_core.reward_spec import reward
from rlvr_ops_core.types import Sample, Score

PATTERN_CHARS = 4_000
"""A final text longer than this matches no pattern: it bounds what a slow pattern can cost."""


@reward(components=("tags", "pattern"), inline=True)
@dataclass(frozen=True, kw_only=True)
class Format:
    """1 if the completion has the wanted form, else 0.

    Each tag must be opened and closed once, in the given order, with something in it and nothing
    around it. Component `tags` is the share of tags that stand right, `pattern` is 0 or 1.
    """

    tags: list[str] = field(default_factory=lambda: ["think", "answer"])
    """The tags by name, in order; empty to ask for a pattern alone."""
    opened: bool = False
    """The prompt ends with the first tag already open (`<think>`), so the completion only closes
    it."""
    outside: bool = False
    """Let text stand before, between and after the tags."""
    partial: bool = False
    """Give the mean of the components instead of all or nothing."""
    pattern: str | None = None
    """A regular expression that must be found in the final text, of at most 4,000 characters.
    It is the pipeline's author's: choose one without nested repetition."""

    def __post_init__(self) -> None:
        if not self.tags and self.pattern is None:
            raise OptionError("text/format: nothing to ask for", hint="give tags or a pattern")
        if len(set(self.tags)) < len(self.tags) or not all(map(str.isidentifier, self.tags)):
            raise OptionError(
                f"text/format: tags {self.tags}", hint="name each tag once, without < and >"
            )
        try:
            _ = self._compiled
        except re.error as error:
            raise OptionError(
                f"text/format: pattern {self.pattern!r}: {error}",
                hint="write it as for Python's re.search",
            ) from error

    def __call__(self, sample: Sample) -> Score:
        """Judge one completion."""
        components = {}
        reasons = []
        if self.tags:
            wrong = self._misplaced(sample.text)
            components["tags"] = 1 - len(wrong) / len(self.tags)
            reasons += [f"<{tag}>: {what}" for tag, what in wrong.items()]
        if self._compiled is not None:
            final = sample.final
            found = len(final) <= PATTERN_CHARS and self._compiled.search(final) is not None
            components["pattern"] = float(found)
            reasons += [] if found else ["the pattern is not found"]
        mean = sum(components.values()) / len(components)
        value = mean if self.partial else float(not reasons)
        reason = "; ".join(reasons) or "in the wanted form"
        return judged(value, reason, extracted=sample.text, gold=self.tags, **components)

    def _misplaced(self, text: str) -> dict[str, str]:
        """The tags that don't stand as they should, each with what is wrong."""
        text = f"<{self.tags[0]}>{text}" if self.opened else text
        wrong = {}
        end = 0
        for tag in self.tags:
            start, stop, what = _place(text, tag)
            if not what and start < end:
                what = "out of order"
            elif not what and not self.outside and text[end:start].strip():
                what = "text before it"
            if what:
                wrong[tag] = what
            end = max(end, stop)
        if not self.outside and text[end:].strip():
            wrong.setdefault(self.tags[-1], "text after it")
        return wrong

    @cached_property
    def _compiled(self) -> re.Pattern[str] | None:
        return None if self.pattern is None else re.compile(self.pattern)


def _place(text: str, tag: str) -> tuple[int, int, str]:
    """Where a tag's block starts and stops (0, 0 if there is not one), and what is wrong."""
    before, after = f"<{tag}>", f"</{tag}>"
    counts = text.count(before), text.count(after)
    if counts != (1, 1):
        return 0, 0, f"opened {counts[0]} times, closed {counts[1]} times"
    start, close = text.find(before), text.find(after)
    if close < start:
        return 0, 0, "closed before it is opened"
    stop = close + len(after)
    body = text[start + len(before) : close]
    return start, stop, "" if body.strip() else "nothing in it"


@reward(range=(-1, 0), inline=True)
@dataclass(frozen=True, kw_only=True)
class Length:
    """A penalty for long completions: 0 up to `soft`, falling in a line to -1 at `hard`.

    This is DAPO's soft overlong punishment (eq. 13, arXiv:2503.14476) with hard = L_max and
    soft = L_max - L_cache. Its range stays [-1, 0], as in the paper, so that weight 1 adds it to
    the reward for a right answer. The whole completion counts, its reasoning too.
    """

    soft: int = 2_000
    """The greatest length without a penalty."""
    hard: int = 4_000
    """The length from which the penalty is -1."""
    unit: Literal["characters", "tokens"] = "characters"
    """What to count. Where a sample brings no token ids, `tokens` abstains."""

    def __post_init__(self) -> None:
        if not 0 <= self.soft < self.hard:
            raise OptionError(
                f"text/length: soft {self.soft}, hard {self.hard}",
                hint="soft must be at least 0 and less than hard",
            )

    def __call__(self, sample: Sample) -> Score:
        """Judge one completion."""
        limits = f"{self.soft} to {self.hard} {self.unit}"
        if self.unit == "characters":
            length = len(sample.text)
        elif sample.token_ids is not None:
            length = len(sample.token_ids)
        else:
            return abstain("the sample has no token ids; use unit: characters", limits)
        over = (length - self.soft) / (self.hard - self.soft)
        value = -min(1.0, max(0.0, over))
        return judged(value, f"{length} {self.unit}", extracted=length, gold=limits)
