"""The marks that say "this is my answer".

Tags, hashes, phrases, and the last resort where there are none.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass

MAX_ANSWER = 2000
_TAG = re.compile(r"<answer>", re.IGNORECASE)
_END_TAG = re.compile(r"</answer>", re.IGNORECASE)
_HASHES = re.compile(r"####[ \t]*:?[ \t]*")
_PHRASE = re.compile(
    r"\banswers?\b[ \t*_]{0,4}(?:to [^.:\n]{1,80}? )?"
    r"(?:(?:is|are|equals)\b|[:=：]|(?=\$|\\[(\[]))[ \t*_:]{0,6}(?:\n[ \t]{0,8}){0,2}",
    re.IGNORECASE,
)
_POSTFIX = re.compile(
    r"(?:^|[\s*])(\$?-?[\d.,/]{1,40}%?) is (?:the|our|my) (?:final |correct )?answer", re.IGNORECASE
)
_BOLD = re.compile(r"\*\*([^*\n]{1,200})\*\*")
_MATH_MARK = re.compile(r"\\\\|\\\$|\$\$?|\\[()\[\]]|\n|[.!?;](?=\s|$|[\"*<])")
_GLUE = re.compile(
    r"(?:\s|[,;&.$*]|\\[()\[\] ,;:!]|\\q?quad\b|\\text\{|\}|\band\b|\bor\b|\bfor part \(?\w\)?|"
    r"\bfor (?:some|all|any|every)\b|\bwhere\b|\b[a-zA-Z](?:_\{?\w{1,3}\}?)?(?:\(\w\))? ?=)*"
)
_NUMBER_AT_END = re.compile(r"[*$]{0,4}(-?\d[\d,]{0,30}(?:\.\d+)?)[*$]{0,4}\.?\s*$")
_CLAUSE = re.compile(r"[,.]?\s+(?:because|since|therefore|which|so that)\b|,\s+not\b")
NUMBER = re.compile(r"-?\$?\d[\d,]*(?:\.\d+)?%?")
_LONE_NUMBER = re.compile(r"[-$]{0,2}\d[\d,]*(?:\.\d+)?(?:/\d+)?(?: ?%| [a-z]{1,12})?\.?")
_THEREFORE = re.compile(r"(?:^|(?<=[.!?]\s)|(?<=\n))(?:therefore|thus|hence|so)\b", re.IGNORECASE)
_POLITE = re.compile(r"I hope (?:it|this) is correct\.?\s*$")
_DELIMITER = re.compile(r"(?<!\\)\$\$?|\\[()\[\]]")
_SAYS = re.compile(r"\b(?:is|are|equals|be)\b[ :]*", re.IGNORECASE)
_WORD = re.compile(r"[A-Za-z]{3,}")
_NOT_WORDS = re.compile(r"\\[a-zA-Z]+|\b(?:sqrt|sin|cos|tan|log|exp|and|cup|pi)\b")


@dataclass(frozen=True, slots=True)
class Found:
    """A stretch of text taken for an answer, its place, and the rule that found it."""

    start: int
    end: int
    text: str
    rule: str


def unmarked(text: str) -> Found | None:
    """The answer of a text without any mark; None if it has none."""
    return _bold(text) or _whole(text) or _last_line(text) or _formula(text) or _conclusion(text)


def is_glue(between: str, *, blank: bool = False) -> bool:
    """What stands between two parts of one answer: commas, "and", "or".

    Only a blank if that may join.
    """
    if len(between) > 80 or _GLUE.fullmatch(between) is None:
        return False
    return blank or any(c.isalpha() or c in ",;&" for c in between.replace("quad", ""))


def tagged(text: str, place: int) -> Found | None:
    """What stands in the last `<answer>…</answer>`; nothing if it isn't closed."""
    if "nswer>" not in text and "NSWER>" not in text:
        return None
    found = deque(_TAG.finditer(text, place), maxlen=1)
    if not found:
        return None
    last = found[0]
    closing = _END_TAG.search(text, last.end())
    end = closing.start() if closing else len(text)
    return Found(last.start(), end, text[last.end() : end].strip() if closing else "", "answer tag")


def hashed(text: str, place: int) -> Found | None:
    """What stands behind the last `####` that is no heading."""
    start = text.rfind("####")
    while start >= place:
        mark = _HASHES.match(text, start)
        assert mark is not None  # it starts with ####
        end = text.find("\n", mark.end())
        line = text[mark.end() : end if end >= 0 else len(text)].strip()
        if line and _few_words(line[:300], most=4):
            return Found(start, mark.end() + len(line), line, "####")
        start = text.rfind("####", 0, start)
    return None


def _few_words(text: str, *, most: int) -> bool:
    return (text[:1].isdigit() and " " not in text) or len(
        _WORD.findall(_NOT_WORDS.sub(" ", text))
    ) <= most


def phrased(text: str, place: int) -> Found | None:
    """What the last "the answer is …" says."""
    if "nswer" not in text and "NSWER" not in text:
        return None
    last = None
    for mark in reversed(deque(_PHRASE.finditer(text, place), maxlen=20)):
        number = _NUMBER_AT_END.match(text, mark.end())
        if number is not None:
            return Found(mark.start(), len(text), number[1], "answer is")
        end = _sentence_end(text, mark.end())
        payload = _CLAUSE.split(text[mark.end() : end], maxsplit=1)[0]
        payload = _said(payload.strip().strip('"').rstrip(".").strip())
        if _says_something(payload, after_box=place > 0):
            last = Found(mark.start(), end, payload, "answer is")
            break
    if " is the " not in text and " is our " not in text and " is my " not in text:
        return last
    for mark in deque(_POSTFIX.finditer(text, place), maxlen=1):
        if last is None or mark.start() > last.start:
            last = Found(mark.start(), mark.end(), mark[1], "is the answer")
    return last


def _said(payload: str) -> str:
    """What a sentence says: `The largest $n$ is 34` says 34."""
    if len(_WORD.findall(payload[:400])) < 2:
        return payload
    said = _SAYS.split(payload)[-1].strip()
    return said or payload


def _says_something(payload: str, *, after_box: bool) -> bool:
    """A payload is mathematics, or a few words; behind a box only mathematics takes its place."""
    if any(c.isdigit() or c in "$\\" for c in payload[:400]):
        return True
    return bool(payload) and not after_box and len(_WORD.findall(payload[:400])) <= 3


def _sentence_end(text: str, start: int) -> int:
    """Where the sentence that goes on at `start` ends.

    Full stops and line ends in formulas don't end it.
    """
    depth = False
    for mark in _MATH_MARK.finditer(text, start, start + MAX_ANSWER):
        if mark[0] in ("$", "$$"):
            depth = not depth
        elif mark[0] in ("\\(", "\\["):
            depth = True
        elif mark[0] in ("\\)", "\\]"):
            depth = False
        elif mark[0][0] in ".!?;\n" and not depth:
            return mark.start()
    return min(len(text), start + MAX_ANSWER)


def _whole(text: str) -> Found | None:
    """The whole text, if it has no more than three words and no sentence around them."""
    if len(text) > 400 or "?" in text or "\n" in text.strip("$ \n"):
        return None
    bare, delimiters = _DELIMITER.subn(" ", text)
    most = 3 if not delimiters else int(not re.match(r"\s*\w+[,:]", bare))
    if len(_WORD.findall(_NOT_WORDS.sub(" ", bare))) > most or bare.rstrip(" .").endswith(
        ("=", ":")
    ):
        return None
    return Found(0, len(text), text.strip(), "whole text")


def _last_line(text: str) -> Found | None:
    """The last line, if it is nothing but a number, maybe with a unit."""
    start = text.rfind("\n") + 1
    line = text[start:].strip()
    if not start or len(line) > 60 or not _LONE_NUMBER.fullmatch(line):
        return None
    return Found(start, len(text), line, "last line")


def _conclusion(text: str) -> Found | None:
    """The only number in a last sentence that begins with "therefore", "thus", "hence" or "so"."""
    tail = _POLITE.sub("", text[-1000:]).rstrip()
    starts = list(_THEREFORE.finditer(tail))
    if not starts:
        return None
    sentence = tail[starts[-1].start() :]
    numbers = list(NUMBER.finditer(sentence))
    if (
        len(numbers) != 1
        or re.search(r"[.!?]\s+\S", sentence)
        or any(c in sentence for c in "$\\=")
    ):
        return None
    return Found(len(text) - 1, len(text), numbers[0][0], "conclusion")


def _bold(text: str) -> Found | None:
    line_start = text.rfind("\n") + 1
    found = deque(_BOLD.finditer(text, line_start), maxlen=1)
    if not found or not NUMBER.search(found[0][1]) or len(_WORD.findall(found[0][1])) > 3:
        return None
    last = found[0]
    return Found(last.start(), last.end(), last[1].strip(), "bold")


def _formula(text: str) -> Found | None:
    """The last formula, with those before it that are joined to it.

    If the last sentence ends with it.
    """
    spans = _formulas(text[-20_000:])
    offset = max(0, len(text) - 20_000)
    if not spans:
        return None
    tail = text[offset + spans[-1][1] :]
    if len(tail) > 60 or any(c.isdigit() for c in tail):
        return None
    first = len(spans) - 1
    while first and is_glue(text[offset + spans[first - 1][1] : offset + spans[first][0]]):
        first -= 1
    start, end = offset + spans[first][0], offset + spans[-1][1]
    return Found(start, end, text[start:end], "formula")


def _formulas(text: str) -> list[tuple[int, int]]:
    spans: list[tuple[int, int]] = []
    opened: tuple[int, str] | None = None
    closes = {"$": "$", "$$": "$$", "\\(": "\\)", "\\[": "\\]"}
    for mark in _MATH_MARK.finditer(text):
        if opened is None and mark[0] in closes:
            opened = (mark.start(), closes[mark[0]])
        elif opened is not None and mark[0] == opened[1]:
            spans.append((opened[0], mark.end()))
            opened = None
    return spans
