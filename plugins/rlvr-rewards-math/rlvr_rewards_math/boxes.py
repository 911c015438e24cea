r"""Finding `\boxed{…}` in a text, in one pass over its braces."""

from __future__ import annotations

import re
from dataclasses import dataclass

_BRACE = re.compile(r"\\[\\{}]|[{}]")
_BOX = re.compile(r"\\(?:boxed|fbox|framebox)(?![a-zA-Z])[ \t\r\n]*")
_BARE = re.compile(r"-?\d[\d.,]*")
_ESCAPED_END = re.compile(r"\{([^{}\n\\]{0,3}(?:\\ )?[\w., /-]{1,80})\\\}[^{}\\]*$")
_INVISIBLE = re.compile(r"\\(?:[hv]?phantom|(?:text)?color\{white\})[ \t]*\{")
_DEFINITION = re.compile(
    r"\\(?:re)?newcommand\*?|\\providecommand|\\(?:g|e|x)?def(?![a-zA-Z])|\\let(?![a-zA-Z])"
)


@dataclass(frozen=True, slots=True)
class Box:
    r"""One outermost box: where it starts and ends, and what is in it; None if it never closes."""

    start: int
    end: int
    content: str | None


def find_boxes(text: str) -> list[Box]:
    r"""The outermost boxes of a text in order; `\boxed` named without content is no box.

    A box in `\phantom{…}` or in white is left out; a box in a box is part of its content.
    """
    marks = list(_BOX.finditer(text))
    if not marks:
        return []
    pairs = _brace_pairs(text, marks[0].start())
    hidden = _hidden_spans(text, _brace_pairs(text, 0)) if _INVISIBLE.search(text) else []
    boxes: list[Box] = []
    inside = -1
    for mark in marks:
        if mark.start() < inside or any(a <= mark.start() < b for a, b in hidden):
            continue
        box = _box_at(text, mark, pairs)
        if box is not None:
            boxes.append(box)
            inside = box.end
    return boxes


def redefines(text: str) -> bool:
    r"""The text defines TeX macros, so what is printed isn't what is written."""
    return _DEFINITION.search(text) is not None


def unwrap_boxes(content: str) -> str:
    r"""Content without boxes around parts of it: `\boxed{\boxed{7}}` holds `7`."""
    for _ in range(4):
        boxes = find_boxes(content)
        if not boxes or any(box.content is None for box in boxes):
            return content
        parts, place = [], 0
        for box in boxes:
            parts += [content[place : box.start], box.content or ""]
            place = box.end
        content = "".join([*parts, content[place:]])
    return content


def _box_at(text: str, mark: re.Match[str], pairs: dict[int, int]) -> Box | None:
    after = mark.end()
    if text[after : after + 1] == "{":
        close = pairs.get(after)
        if close is None:
            escaped = _ESCAPED_END.match(text, after)
            if escaped:
                return Box(mark.start(), escaped.end(1) + 2, escaped[1])
            return Box(mark.start(), len(text), None)
        return Box(mark.start(), close + 1, text[after + 1 : close])
    bare = None if "\n" in mark[0] else _BARE.match(text, after)
    return Box(mark.start(), bare.end(), bare[0].rstrip(".,")) if bare else None


def matching_brace(text: str, opening: int) -> int:
    """Where the brace that opens at `opening` closes; -1 if it never does."""
    depth = 0
    for brace in _BRACE.finditer(text, opening):
        if brace[0] == "{":
            depth += 1
        elif brace[0] == "}":
            depth -= 1
            if depth == 0:
                return brace.start()
    return -1


def _brace_pairs(text: str, start: int) -> dict[int, int]:
    r"""Opening brace to closing brace, for braces that aren't escaped."""
    pairs: dict[int, int] = {}
    stack: list[int] = []
    for brace in _BRACE.finditer(text, start):
        if brace[0] == "{":
            stack.append(brace.start())
        elif brace[0] == "}" and stack:
            pairs[stack.pop()] = brace.start()
    return pairs


def _hidden_spans(text: str, pairs: dict[int, int]) -> list[tuple[int, int]]:
    spans: list[tuple[int, int]] = []
    end = -1
    for mark in _INVISIBLE.finditer(text):
        if mark.start() >= end:
            end = pairs.get(mark.end() - 1, len(text))
            spans.append((mark.start(), end))
        if len(spans) > 50:
            break
    return spans
