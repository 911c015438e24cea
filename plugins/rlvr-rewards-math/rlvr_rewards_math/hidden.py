"""What a reader of the answer doesn't see: comments, reasoning blocks, invisible text.

Everything here is linear in the length of the text, whatever the text is.
"""

from __future__ import annotations

import re

_PAIRS = (
    ("<!--", "-->"),
    ("\\begin{comment}", "\\end{comment}"),
    ("\\iffalse", "\\fi"),
    ("<thinking>", "</thinking>"),
    ("<thought>", "</thought>"),
    ("<reasoning>", "</reasoning>"),
    ("<scratchpad>", "</scratchpad>"),
)
_END_OF_TURN = re.compile(r"<\|(?:im_end|im_start|endoftext|eot_id|end|return|user)\|>|</s>")
_FINAL_CHANNEL = "<|channel|>final<|message|>"
_TAG = re.compile(r"<([a-zA-Z]{1,10})\b([^<>]{1,200})>")
_HIDES = re.compile(r"display\s{0,3}:\s{0,3}none|visibility\s{0,3}:\s{0,3}hidden|\bhidden\b")
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")
_MARKDOWN_COMMENT = ("[//]:", "[comment]:")
_COMMENT = re.compile(r"(?<![\\0-9])(?<![0-9] )%")
_COMMITS = ("\\boxed", "\\fbox", "####", "nswer")


def visible(text: str) -> str:
    """The part of a completion that commits the model: after the reasoning, without hidden text.

    An open reasoning block or comment hides everything after it.
    """
    text = _after_reasoning(text)
    for opening, closing in _PAIRS:
        if opening in text:
            text = _without(text, opening, closing)
    if "<" in text:
        text = _without_hidden_tags(text)
    if "%" in text or "[" in text:
        text = "\n".join(_without_comment(line) for line in text.split("\n"))
    return text if text.isascii() else _INVISIBLE.sub("", text)


def _after_reasoning(text: str) -> str:
    if "<|" in text or "</s>" in text:
        start = text.rfind(_FINAL_CHANNEL)
        if start >= 0:
            text = text[start + len(_FINAL_CHANNEL) :]
        elif "<|channel|>" in text:
            return ""
        text = text.removeprefix("<|im_start|>assistant")
        end = _END_OF_TURN.search(text)
        text = text[: end.start()] if end else text
    if "think>" not in text:
        return text
    tail = text.rpartition("</think>")[2]
    return "" if "<think>" in tail else tail


def _without(text: str, opening: str, closing: str) -> str:
    """The text without everything between the two marks; an open one hides the rest."""
    kept, place = [], 0
    while (start := text.find(opening, place)) >= 0:
        kept.append(text[place:start])
        end = text.find(closing, start + len(opening))
        if end < 0:
            return "".join(kept)
        place = end + len(closing)
    kept.append(text[place:])
    return "".join(kept)


def _without_hidden_tags(text: str) -> str:
    kept, place = [], 0
    for tag in _TAG.finditer(text):
        if tag.start() < place or not _HIDES.search(tag[2]):
            continue
        kept.append(text[place : tag.start()])
        closing = f"</{tag[1]}>"
        end = text.find(closing, tag.end())
        if end < 0:
            return "".join(kept)
        place = end + len(closing)
    kept.append(text[place:])
    return "".join(kept)


def _without_comment(line: str) -> str:
    """A line without a LaTeX comment that holds an answer.

    `50% of` is a percentage: only a `%` that follows no number, with an answer behind it, counts.
    """
    if line.lstrip().startswith(_MARKDOWN_COMMENT):
        return ""
    mark = _COMMENT.search(line)
    if mark is None or not any(word in line[mark.start() :] for word in _COMMITS):
        return line
    return line[: mark.start()]
