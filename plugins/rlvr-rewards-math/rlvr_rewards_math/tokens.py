r"""Cutting cleaned mathematics into tokens, in one pass."""

from __future__ import annotations

import re
from typing import NamedTuple

MAX_TOKENS = 600
MAX_NESTING = 40
OPENING = {
    "(": "round",
    "[": "round",
    "{": "curly",
    "\\{": "set",
    "\\lfloor": "floor",
    "\\lceil": "ceil",
}
CLOSING = {
    ")": "round",
    "]": "round",
    "}": "curly",
    "\\}": "set",
    "\\rfloor": "floor",
    "\\rceil": "ceil",
}
_FUNCTIONS_WRITTEN = """
    sin cos tan cot sec csc arcsin arccos arctan sinh cosh tanh ln log exp sqrt abs floor ceil
    ceiling gcd lcm max min cbrt binom asin acos atan
"""
FUNCTIONS = frozenset(_FUNCTIONS_WRITTEN.split())
_WORD_COMMANDS = {
    "pi": "\\pi",
    "infinity": "\\infty",
    "infty": "\\infty",
    "inf": "\\infty",
    "oo": "\\infty",
}
_TEXT_WRITTEN = r"""
    \text \textbf \textit \textrm \textnormal \textsf \texttt \mbox \mathrm \mathbf \mathit
    \mathsf \operatorname \boldsymbol \bm \emph \hbox
"""
_TEXT = frozenset(_TEXT_WRITTEN.split())
_PLAIN_FONT = frozenset(
    ["\\mathrm", "\\mathbf", "\\mathit", "\\mathsf", "\\operatorname", "\\boldsymbol", "\\bm"]
)
_TOKEN = re.compile(
    r"(?P<space>(?:\s|~|\\[ ,;:>\n\t]|\\q?quad(?![a-zA-Z])|\\hspace\{[^{}]{0,10}\})+)"
    r"|(?P<num>\d+\.(?=\\overline)|\d{1,3}(?:,\d{3})+(?:\.\d+)?(?!\d)|(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d{1,3}(?![\d.]))?)"
    r"|(?P<cmd>\\[a-zA-Z]+|\\[{}%$&#_|\\])"
    r"|(?P<word>[^\W\d_]+)"
    r"|(?P<op><=|>=|!=|==|\*\*|\.\.\.|.)",
    re.DOTALL,
)
_JOINT = re.compile(r"(?:^|(?<=\s))(and|or)(?=\s|$)")
_SAME_OPERATOR = {
    "<=": "\\leq",
    ">=": "\\geq",
    "!=": "\\neq",
    "==": "=",
    "**": "^",
    "...": "\\ldots",
    "\\times": "*",
    "\\cdot": "*",
    "\\div": "/",
    "\\%": "%",
    "\\$": "$",
    "\\&": "&",
    "\\_": "_",
    "\\|": "|",
}


class Unreadable(Exception):
    """The text is no mathematics that the reader knows; says which part."""


class Refused(Unreadable):
    """The text can't be an answer to anything, so nothing else need try to read it."""


class Token(NamedTuple):
    """`kind` is num, sym, cmd, op, text (words) or func; `spaced` if a blank stands before it."""

    kind: str
    text: str
    spaced: bool = False


def tokenize(text: str) -> list[Token]:
    """The tokens of a cleaned text.

    Raises:
        Unreadable: there are more than 600.
    """
    tokens: list[Token] = []
    place, spaced = 0, False
    while place < len(text):
        match = _TOKEN.match(text, place)
        assert match is not None  # the last alternative takes any character
        place = match.end()
        kind, piece = match.lastgroup or "", match[0]
        if kind == "space":
            spaced = True
            continue
        if piece in _TEXT:
            place = _read_text(tokens, text, place, piece, spaced)
        elif kind == "word":
            tokens += _split_word(piece, spaced, tokens)
        else:
            tokens.append(_operator(kind, piece, spaced))
        if len(tokens) > MAX_TOKENS:
            raise Unreadable(f"more than {MAX_TOKENS} symbols")
        spaced = False
    return _drop_noise(tokens)


def match_brackets(tokens: list[Token]) -> dict[int, int]:
    """Opening bracket to closing bracket; `[` may close with `)`.

    Raises:
        Unreadable: a bracket is never closed, or closes what was never opened, or they are
            nested too deep.
    """
    pairs: dict[int, int] = {}
    stack: list[tuple[int, str]] = []
    for index, token in enumerate(tokens):
        if token.kind == "text":
            continue
        if token.text in OPENING:
            stack.append((index, OPENING[token.text]))
            if len(stack) > MAX_NESTING:
                raise Unreadable(f"more than {MAX_NESTING} brackets in each other")
        elif token.text in CLOSING:
            if not stack or stack[-1][1] != CLOSING[token.text]:
                raise Unreadable(f"{token.text} closes nothing")
            pairs[stack.pop()[0]] = index
    if stack:
        raise Unreadable(f"{tokens[stack[-1][0]].text} is not closed")
    return pairs


def _operator(kind: str, piece: str, spaced: bool) -> Token:
    piece = _SAME_OPERATOR.get(piece, piece)
    if kind == "cmd" and piece[1:] in FUNCTIONS and piece != "\\binom":
        return Token("func", piece[1:], spaced)
    return Token(kind if kind != "cmd" or piece[0] == "\\" else "op", piece, spaced)


def _read_text(tokens: list[Token], text: str, place: int, command: str, spaced: bool) -> int:
    r"""Add what `\text{…}` holds as one token; gives the place after it."""
    while place < len(text) and text[place] == " ":
        place += 1
    if place >= len(text):
        return place
    if text[place] != "{":
        return place
    depth, end = 0, place
    for end in range(place, len(text)):
        depth += (text[end] == "{") - (text[end] == "}")
        if depth == 0:
            break
    content = text[place + 1 : end].strip().strip("()").strip() if depth == 0 else text[place + 1 :]
    bare = content.replace("{", "").replace("}", "").strip()
    bare = bare.strip("~ ")
    if bare in FUNCTIONS or (command in _PLAIN_FONT and len(bare) == 1):
        tokens += _split_word(bare, spaced, tokens) if bare.isalpha() else tokenize(bare)
    elif bare and bare.replace(".", "").replace(",", "").isdigit():
        tokens += tokenize(bare)
    else:
        pieces = [piece.strip(" ,") for piece in _JOINT.split(bare)]
        tokens += [Token("text", piece, spaced) for piece in pieces if piece]
    return end + 1


def _split_word(word: str, spaced: bool, before: list[Token]) -> list[Token]:
    """A run of letters as symbols, a function, a constant, or words of text."""
    lower = word.lower()
    if not word.isascii():
        return [Token("text", word, spaced)]
    if lower in FUNCTIONS:
        return [Token("func", lower, spaced)]
    if lower in _WORD_COMMANDS:
        return [Token("cmd", _WORD_COMMANDS[lower], spaced)]
    if len(word) == 1:
        return [Token("sym", word, spaced)]
    after_number = bool(before) and before[-1].kind == "num" and spaced
    if (
        len(word) > 3
        or after_number
        or word in _SHORT_WORDS
        or word[0].isupper() is not word[1:].isupper()
    ):
        return [Token("text", word, spaced)]
    if word.isupper():
        return [Token("sym", word, spaced)]
    return [Token("sym", letter, spaced and not index) for index, letter in enumerate(word)]


_SHORT_WORDS_WRITTEN = """
    or and is in no yes the odd all one two six ten not for any are was per day hr min sec cm mm
    km kg mg ml in ft mph if we it at to by of an as on be he his her its mi lb oz yd cup men non
    nan usd
"""
_SHORT_WORDS = frozenset(_SHORT_WORDS_WRITTEN.split())


def _drop_noise(tokens: list[Token]) -> list[Token]:
    """Tokens without what only looks.

    Empty braces, alignment marks, dollar signs that are no money.
    """
    kept: list[Token] = []
    for token in tokens:
        if token.text == "}" and kept and kept[-1].text == "{" and kept[-1].kind == "op":
            kept.pop()
        elif token.text == "." and token.kind == "op":
            continue  # a full stop before a bracket
        else:
            kept.append(token)
    return kept
