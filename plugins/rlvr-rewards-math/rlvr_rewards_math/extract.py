r"""Which part of a completion is the answer: the last one that the model committed to.

In this order: the last `\boxed{…}` (several in a row, joined by commas or "and", are one list),
`<answer>…</answer>`,
`#### …`, "the answer is …"; without any of these the whole text if it is nothing but an answer,
what the last line
has in bold, or the formula that the last sentence ends in. The last number in prose only counts
if asked for.
All of it takes time linear in the length of the text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from rlvr_rewards_math.anchors import (
    MAX_ANSWER,
    NUMBER,
    Found,
    hashed,
    is_glue,
    phrased,
    tagged,
    unmarked,
)
from rlvr_rewards_math.boxes import Box, find_boxes, matching_brace, redefines, unwrap_boxes
from rlvr_rewards_math.hidden import visible
from rlvr_rewards_math.retraction import is_taken_back

Anchor = Literal["box", "final", "number"]
"""What counts as an answer.

`box` only a box, `final` any of the marks, `number` also the last number.
"""

MAX_TEXT = 200_000
_UNUSUAL = re.compile(r"phantom|color|\\[xeg]?def|newcommand|providecommand|\\let\b")


@dataclass(frozen=True, slots=True)
class Answer:
    """What was taken for the answer, and by which rule; `problem` says why there is none."""

    text: str
    rule: str
    problem: str = ""


def extract_answer(completion: str, *, anchor: Anchor = "final") -> Answer:
    """The answer of a completion, or the reason why there is none.

    Edge cases: empty text -> no answer; an unclosed last box -> no answer, whatever came before;
    an empty last box -> only what follows it counts; an answer that is taken back -> no answer.
    """
    text = visible(completion).strip()[-MAX_TEXT:]
    quick = _only_box_at_the_end(text)
    if quick is not None:
        return quick
    if not text:
        return Answer("", "none", "there is no visible text")
    if "\\" in text and redefines(text):
        return Answer("", "none", "the text defines macros: what it prints isn't what it says")
    boxes = find_boxes(text) if "box" in text else []
    if boxes and boxes[-1].content is None:
        return Answer("", "box", "the last box is not closed")
    found = _boxed(text, boxes) if boxes else None
    if anchor != "box" and (later := _after(text, boxes)) is not None:
        found = later
    if found is None:
        return Answer("", "none", "the last box is empty" if boxes else "no final answer was given")
    if not found.text:
        return Answer("", found.rule, "the answer is empty, or its tag is not closed")
    if len(found.text) > MAX_ANSWER:
        return Answer("", found.rule, f"the answer has more than {MAX_ANSWER} characters")
    if is_taken_back(text[found.end :]):
        return Answer("", found.rule, "the answer was taken back")
    return Answer(found.text, found.rule)


def _only_box_at_the_end(text: str) -> Answer | None:
    r"""The commonest case without any search.

    One `\boxed{…}`, and nothing but punctuation behind it.
    """
    start = text.rfind("\\boxed{")
    if start < 0 or text.count("box") != 1 or (start and _UNUSUAL.search(text, 0, start)):
        return None
    close = matching_brace(text, start + 6)
    if close < 0 or text[close + 1 :].strip(" .$\n*])\\}"):
        return None
    content = text[start + 7 : close].strip()
    return Answer(content, "box") if content and len(content) <= MAX_ANSWER else None


def extract_gold(gold: str) -> str:
    """The answer in a gold text: a bare answer, a solution with a box, or a text with `#### …`."""
    text = gold.strip()
    boxes = find_boxes(text) if "box" in text else []
    if boxes and boxes[-1].content is not None and (found := _boxed(text, boxes, gold=True)):
        return found.text
    hashes = text.rfind("####")
    if hashes >= 0:
        return text[hashes + 4 :].strip(" :\n\t")
    phrase = phrased(text, 0)
    return phrase.text if phrase else text


def last_number(completion: str) -> Answer:
    """The last number of the visible text, for those who ask for it."""
    numbers = NUMBER.findall(visible(completion)[-MAX_TEXT:])
    if not numbers:
        return Answer("", "none", "there is no number in the text")
    return Answer(numbers[-1].replace("$", ""), "last number")


def _after(text: str, boxes: list[Box]) -> Found | None:
    """A marked answer that comes later than the last box; without boxes, any kind of answer."""
    place = boxes[-1].end if boxes else 0
    marked = [
        one for one in (tagged(text, place), hashed(text, place), phrased(text, place)) if one
    ]
    if marked:
        return max(marked, key=lambda one: one.start)
    if boxes:
        return None
    return unmarked(text)


def _boxed(text: str, boxes: list[Box], *, gold: bool = False) -> Found | None:
    first = len(boxes) - 1
    while first and is_glue(text[boxes[first - 1].end : boxes[first].start], blank=gold):
        first -= 1
    run = [box for box in boxes[first:] if box.content is not None]
    contents = list(dict.fromkeys(unwrap_boxes(box.content or "").strip() for box in run))
    if not contents or not contents[-1]:
        return None
    rule = "box" if len(contents) == 1 else "boxes"
    return Found(run[0].start, run[-1].end, " , ".join(contents), rule)
