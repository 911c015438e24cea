r"""Which part of a completion is the answer: the last one that the model committed to.

In this order: the last `\boxed{…}` (several in a row, joined by commas or "and", are one list), `<answer>…</answer>`,
`#### …`, "the answer is …"; without any of these the whole text if it is nothing but an answer, what the last line
has in bold, or the formula that the last sentence ends in. The last number in prose only counts if asked for.
All of it takes time linear in the length of the text.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass
from typing import Literal

from rlvr_rewards_math.boxes import Box, find_boxes, matching_brace, redefines, unwrap_boxes
from rlvr_rewards_math.hidden import visible

Anchor = Literal["box", "final", "number"]
"""What counts as an answer: `box` only a box, `final` any of the marks, `number` also the last number."""

MAX_ANSWER = 2000
MAX_TEXT = 200_000

_UNUSUAL = re.compile(r"phantom|color|\\[xeg]?def|newcommand|providecommand|\\let\b")
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
    r"\bfor (?:some|all|any|every)\b|\bwhere\b|\b[a-zA-Z](?:_\{?\w{1,3}\}?)?(?:\(\w\))? ?=|\b(?:papers|bins)\b)*"
)
_NUMBER_AT_END = re.compile(r"[*$]{0,4}(-?\d[\d,]{0,30}(?:\.\d+)?)[*$]{0,4}\.?\s*$")
_CLAUSE = re.compile(r"[,.]?\s+(?:because|since|therefore|which|so that)\b|,\s+not\b")
_STRONG = re.compile(
    r"\b(?:wrong|incorrect|mistaken?|scratch that|retract|disregard|take (?:that|it) back|not (?:quite )?(?:correct|right)"
    r"|isn't (?:correct|right)|never ?mind|changed my mind)\b",
    re.IGNORECASE,
)
_WEAK = re.compile(
    r"\b(?:wait|hold on|actually|hmm+|on second thought|let me re\w+|i should re\w+)\b",
    re.IGNORECASE,
)
_NEGATED = re.compile(
    r"\b(?:no|not|nothing|any|without|never|avoid|if|common|isn't|wasn't)(?:\s+\w+){0,3}\s+$",
    re.IGNORECASE,
)
_REAFFIRMED = re.compile(
    r"\b(?:correct|right|confirm\w*|yes|indeed|verif\w*|consistent|match\w*|checks?|holds?|works)\b|✓|✅",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"-?\$?\d[\d,]*(?:\.\d+)?%?")
_LONE_NUMBER = re.compile(r"[-$]{0,2}\d[\d,]*(?:\.\d+)?(?:/\d+)?(?: ?%| [a-z]{1,12})?\.?")
_THEREFORE = re.compile(r"(?:^|(?<=[.!?]\s)|(?<=\n))(?:therefore|thus|hence|so)\b", re.IGNORECASE)
_POLITE = re.compile(r"I hope (?:it|this) is correct\.?\s*$")
_DELIMITER = re.compile(r"(?<!\\)\$\$?|\\[()\[\]]")
_SAYS = re.compile(r"\b(?:is|are|equals|be)\b[ :]*", re.IGNORECASE)
_WORD = re.compile(r"[A-Za-z]{3,}")
_NOT_WORDS = re.compile(r"\\[a-zA-Z]+|\b(?:sqrt|sin|cos|tan|log|exp|and|cup|pi)\b")


@dataclass(frozen=True, slots=True)
class Answer:
    """What was taken for the answer, and by which rule; `problem` says why there is none."""

    text: str
    rule: str
    problem: str = ""


@dataclass(frozen=True, slots=True)
class _Found:
    start: int
    end: int
    text: str
    rule: str


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
    if anchor != "box" and (later := _after(text, found, boxes)) is not None:
        found = later
    if found is None:
        return Answer("", "none", "the last box is empty" if boxes else "no final answer was given")
    if not found.text:
        return Answer("", found.rule, "the answer is empty, or its tag is not closed")
    if len(found.text) > MAX_ANSWER:
        return Answer("", found.rule, f"the answer has more than {MAX_ANSWER} characters")
    if _retracted(text[found.end :]):
        return Answer("", found.rule, "the answer was taken back")
    return Answer(found.text, found.rule)


def _only_box_at_the_end(text: str) -> Answer | None:
    r"""The commonest case without any search: one `\boxed{…}`, and nothing but punctuation behind it."""
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
    phrase = _phrased(text, 0)
    return phrase.text if phrase else text


def _after(text: str, boxed: _Found | None, boxes: list[Box]) -> _Found | None:
    """A marked answer that comes later than the last box; without boxes, any kind of answer."""
    place = boxes[-1].end if boxes else 0
    marked = [
        one for one in (_tagged(text, place), _hashed(text, place), _phrased(text, place)) if one
    ]
    if marked:
        return max(marked, key=lambda one: one.start)
    if boxes:
        return None
    return _bold(text) or _whole(text) or _last_line(text) or _formula(text) or _conclusion(text)


def _boxed(text: str, boxes: list[Box], *, gold: bool = False) -> _Found | None:
    first = len(boxes) - 1
    while first and _is_glue(text[boxes[first - 1].end : boxes[first].start], blank=gold):
        first -= 1
    run = [box for box in boxes[first:] if box.content is not None]
    contents = list(dict.fromkeys(unwrap_boxes(box.content or "").strip() for box in run))
    if not contents or not contents[-1]:
        return None
    rule = "box" if len(contents) == 1 else "boxes"
    return _Found(run[0].start, run[-1].end, " , ".join(contents), rule)


def _is_glue(between: str, *, blank: bool = False) -> bool:
    """What stands between two parts of one answer: commas, "and", "or"; only a blank if that may join."""
    if len(between) > 80 or _GLUE.fullmatch(between) is None:
        return False
    return blank or any(c.isalpha() or c in ",;&" for c in between.replace("quad", ""))


def _tagged(text: str, place: int) -> _Found | None:
    """What stands in the last `<answer>…</answer>`; nothing if it isn't closed."""
    if "nswer>" not in text and "NSWER>" not in text:
        return None
    last = None
    for last in _TAG.finditer(text, place):
        pass
    if last is None:
        return None
    closing = _END_TAG.search(text, last.end())
    end = closing.start() if closing else len(text)
    return _Found(
        last.start(), end, text[last.end() : end].strip() if closing else "", "answer tag"
    )


def _hashed(text: str, place: int) -> _Found | None:
    """What stands behind the last `####` that is no heading."""
    start = text.rfind("####")
    while start >= place:
        mark = _HASHES.match(text, start)
        assert mark is not None  # it starts with ####
        end = text.find("\n", mark.end())
        line = text[mark.end() : end if end >= 0 else len(text)].strip()
        if line and _few_words(line[:300], most=4):
            return _Found(start, mark.end() + len(line), line, "####")
        start = text.rfind("####", 0, start)
    return None


def _few_words(text: str, *, most: int) -> bool:
    return (
        text[:1].isdigit()
        and " " not in text
        or len(_WORD.findall(_NOT_WORDS.sub(" ", text))) <= most
    )


def _phrased(text: str, place: int) -> _Found | None:
    """What the last "the answer is …" says."""
    if "nswer" not in text and "NSWER" not in text:
        return None
    last = None
    for mark in reversed(deque(_PHRASE.finditer(text, place), maxlen=20)):
        number = _NUMBER_AT_END.match(text, mark.end())
        if number is not None:
            return _Found(mark.start(), len(text), number[1], "answer is")
        end = _sentence_end(text, mark.end())
        payload = _CLAUSE.split(text[mark.end() : end], maxsplit=1)[0]
        payload = _said(payload.strip().strip('"').rstrip(".").strip())
        if _says_something(payload, after_box=place > 0):
            last = _Found(mark.start(), end, payload, "answer is")
            break
    if " is the " not in text and " is our " not in text and " is my " not in text:
        return last
    for mark in deque(_POSTFIX.finditer(text, place), maxlen=1):
        if last is None or mark.start() > last.start:
            last = _Found(mark.start(), mark.end(), mark[1], "is the answer")
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
    """Where the sentence that goes on at `start` ends; full stops and line ends in formulas don't end it."""
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


def _whole(text: str) -> _Found | None:
    """The whole text, if it has no more than three words and no sentence around them."""
    if len(text) > 400 or "?" in text or "\n" in text.strip("$ \n"):
        return None
    bare, delimiters = _DELIMITER.subn(" ", text)
    most = 3 if not delimiters else int(not re.match(r"\s*\w+[,:]", bare))
    if len(_WORD.findall(_NOT_WORDS.sub(" ", bare))) > most or bare.rstrip(" .").endswith(
        ("=", ":")
    ):
        return None
    return _Found(0, len(text), text.strip(), "whole text")


def _last_line(text: str) -> _Found | None:
    """The last line, if it is nothing but a number, maybe with a unit."""
    start = text.rfind("\n") + 1
    line = text[start:].strip()
    if not start or len(line) > 60 or not _LONE_NUMBER.fullmatch(line):
        return None
    return _Found(start, len(text), line, "last line")


def _conclusion(text: str) -> _Found | None:
    """The only number in a last sentence that begins with "therefore", "thus", "hence" or "so"."""
    tail = _POLITE.sub("", text[-1000:]).rstrip()
    starts = list(_THEREFORE.finditer(tail))
    if not starts:
        return None
    sentence = tail[starts[-1].start() :]
    numbers = list(_NUMBER.finditer(sentence))
    if (
        len(numbers) != 1
        or re.search(r"[.!?]\s+\S", sentence)
        or any(c in sentence for c in "$\\=")
    ):
        return None
    return _Found(len(text) - 1, len(text), numbers[0][0], "conclusion")


def _bold(text: str) -> _Found | None:
    line_start = text.rfind("\n") + 1
    last = None
    for last in _BOLD.finditer(text, line_start):
        pass
    if last is None or not _NUMBER.search(last[1]) or len(_WORD.findall(last[1])) > 3:
        return None
    return _Found(last.start(), last.end(), last[1].strip(), "bold")


def _formula(text: str) -> _Found | None:
    """The last formula, with those before it that are joined to it, if the last sentence ends with it."""
    spans = _formulas(text[-20_000:])
    offset = max(0, len(text) - 20_000)
    if not spans:
        return None
    tail = text[offset + spans[-1][1] :]
    if len(tail) > 60 or any(c.isdigit() for c in tail):
        return None
    first = len(spans) - 1
    while first and _is_glue(text[offset + spans[first - 1][1] : offset + spans[first][0]]):
        first -= 1
    start, end = offset + spans[first][0], offset + spans[-1][1]
    return _Found(start, end, text[start:end], "formula")


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


def last_number(completion: str) -> Answer:
    """The last number of the visible text, for those who ask for it."""
    numbers = _NUMBER.findall(visible(completion)[-MAX_TEXT:])
    if not numbers:
        return Answer("", "none", "there is no number in the text")
    return Answer(numbers[-1].replace("$", ""), "last number")


def _retracted(tail: str) -> bool:
    """What follows the answer takes it back and does not confirm it again."""
    if not tail:
        return False
    tail = tail[:4000]
    for word in _STRONG.finditer(tail):
        if not _NEGATED.search(tail[max(0, word.start() - 30) : word.start()]):
            return True
    weak = _WEAK.search(tail)
    return weak is not None and not _REAFFIRMED.search(tail, weak.end())
