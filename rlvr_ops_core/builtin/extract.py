"""What in a completion is the answer, and what in a task is the gold: shared by the text rewards.

Every step takes time linear in the text, and no reward reads more than `MAX_CHARS` characters, so
the text rewards may run inline whatever a model wrote.
"""

from __future__ import annotations

import math
import re
from typing import Any

from rlvr_ops_core.types import Json, Sample, Score

MAX_CHARS = 200_000
"""A longer final answer is wrong: about 50,000 tokens after the reasoning are no answer."""

SHOWN_CHARS = 200
"""As much of an answer as a verdict keeps for people."""

NEGATION = re.compile(
    r"(?:\b(?:not|no|never|neither|nor|cannot)|n['’]t)\s+"
    r"(?:(?:a|an|the|be|equal|to|in|really|quite|very)\s+)?[\"'“‘(*`]*$",
    re.IGNORECASE,
)
LOOK_BACK_CHARS = 40

DENIAL_AFTER = re.compile(
    r"[\"'”’)*`]*[,;:]?\s+(?:(?:is|was|would be|seems|must be)\s+|(?:isn|wasn)['’]t\s+)"
    r"(?:(?:quite|clearly|surely|also|plainly|not)\s+)?"
    r"(?:wrong|incorrect|mistaken|false|untrue|a mistake|not? (?:right|correct|true|the answer))\b"
    r"|[\"'”’)*`]*\s+(?:is not|is\s?n['’]t|was not|was\s?n['’]t)\s+"
    r"(?:right|correct|true|it|the answer)\b"
    r"|[\"'”’)*`]*\s*\\text\{\s*(?:is|was) (?:wrong|incorrect|false)",
    re.IGNORECASE,
)
LOOK_AHEAD_CHARS = 48


def committed(sample: Sample, *, tag: str | None = None) -> tuple[str, str]:
    """The text that the model gave as its answer, and why there is none ("" if there is one).

    Without a tag that is the whole final text. With one it is what stands in the last
    `<tag>…</tag>` of it; after that no second one may be left open.
    """
    text = sample.final
    if len(text) > MAX_CHARS:
        return "", f"the answer is longer than {MAX_CHARS:,} characters"
    if tag is not None:
        head, closed, tail = text.rpartition(f"</{tag}>")
        _, opened, text = head.rpartition(f"<{tag}>")
        if not closed or not opened or f"<{tag}>" in tail:
            return "", f"no closed <{tag}> … </{tag}> in the answer"
        text = text.strip()
    if not text:
        return "", "the answer is empty, or the reasoning was never closed"
    return text, ""


def accepted_answers(gold: Json) -> list[str]:
    """The accepted answers as texts: a text, a whole number, or a list of these; else none."""
    if type(gold) is str:
        return [text] if (text := gold.strip()) else []
    found = gold if isinstance(gold, list | tuple) else [gold]
    if any(isinstance(one, bool) or not isinstance(one, str | int) for one in found):
        return []
    return [text for one in found if (text := str(one).strip())]


def negated(text: str, start: int) -> bool:
    """What stands at `start` is denied by the English word before it: "not 4", "isn't a cat"."""
    return NEGATION.search(text[max(0, start - LOOK_BACK_CHARS) : start]) is not None


def denied_after(text: str, end: int) -> bool:
    """What ends at `end` is denied by the English words after it: "4 is wrong"."""
    return DENIAL_AFTER.match(text[end : end + LOOK_AHEAD_CHARS]) is not None


def abstain(reason: str, gold: Json) -> Score:
    """No verdict, because the task itself can't be used."""
    return Score(None, info={"reason": reason, "extracted": None, "gold": shown(gold)})


def judged(value: float, reason: str, *, extracted: Any, gold: Json, **components: float) -> Score:
    """A verdict with what a person wants to see."""
    info = {"reason": reason, "extracted": shown(extracted), "gold": shown(gold)}
    return Score(value, components, info)


def shown(value: Json) -> Json:
    """A value cut to what a verdict keeps: texts to `SHOWN_CHARS`, lists to ten entries, no NaN."""
    if isinstance(value, str):
        return value if len(value) <= SHOWN_CHARS else value[: SHOWN_CHARS - 1] + "…"
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, list | tuple):
        return [shown(one) for one in value[:10]]
    return value
