r"""One spelling for the many ways to write the same mathematics: `\dfrac`, `−`, `\left(`, `\,`."""

from __future__ import annotations

import re

from rlvr_rewards_math.boxes import matching_brace

_UNICODE = str.maketrans(
    {
        "−": "-",
        "–": "-",
        "—": "-",
        "﹣": "-",
        "－": "-",
        "＋": "+",
        "＝": "=",
        "×": r"\times ",
        "✕": r"\times ",
        "·": r"\cdot ",
        "⋅": r"\cdot ",
        "∙": r"\cdot ",
        "•": r"\cdot ",
        "∗": "*",
        "÷": r"\div ",
        "∕": "/",
        "⁄": "/",
        "≤": r"\leq ",
        "⩽": r"\leq ",
        "≥": r"\geq ",
        "⩾": r"\geq ",
        "≠": r"\neq ",
        "≈": r"\approx ",
        "∞": r"\infty ",
        "π": r"\pi ",
        "√": r"\sqrt ",
        "°": r"^\circ ",
        "º": r"^\circ ",
        "∪": r"\cup ",
        "∩": r"\cap ",
        "∈": r"\in ",
        "∅": r"\emptyset ",
        "±": r"\pm ",
        "∓": r"\mp ",
        "²": "^2",
        "³": "^3",
        "¹": "^1",
        "⁴": "^4",
        "½": r"\frac{1}{2}",
        "⅓": r"\frac{1}{3}",
        "¼": r"\frac{1}{4}",
        "¾": r"\frac{3}{4}",
        "⅔": r"\frac{2}{3}",
        "ℝ": r"\mathbb{R}",
        "ℤ": r"\mathbb{Z}",
        "ℕ": r"\mathbb{N}",
        "…": r"\ldots ",
        "⋯": r"\ldots ",
        "’": "'",
        "′": "'",
        "“": '"',
        "”": '"',
        "（": "(",
        "）": ")",
        "，": ",",
        "：": ":",
        "％": "%",
        "＄": "$",
        "\u00a0": " ",
        "\u202f": " ",
        "\u2009": " ",
        "α": r"\alpha ",
        "β": r"\beta ",
        "γ": r"\gamma ",
        "θ": r"\theta ",
        "λ": r"\lambda ",
        "μ": r"\mu ",
        "φ": r"\phi ",
        "ω": r"\omega ",
        **{
            chr(0x2460 + index): f"{index + 1}," for index in range(20)
        },  # ① to ⑳, as lists of choices write them
    }
)
_SAME = {
    "dfrac": "frac",
    "tfrac": "frac",
    "cfrac": "frac",
    "dbinom": "binom",
    "tbinom": "binom",
    "le": "leq",
    "leqslant": "leq",
    "lt": "<",
    "ge": "geq",
    "geqslant": "geq",
    "gt": ">",
    "ne": "neq",
    "ast": "*",
    "varnothing": "emptyset",
    "to": "rightarrow",
    "dots": "ldots",
    "cdots": "ldots",
    "dotsc": "ldots",
    "dotsb": "ldots",
    "colon": ":",
    "lbrack": "[",
    "rbrack": "]",
    "lbrace": r"\{",
    "rbrace": r"\}",
    "vert": "|",
    "langle": "(",
    "rangle": ")",
    "lvert": "|",
    "rvert": "|",
    "mid": "|",
    "slash": "/",
    "cupdot": "cup",
    "smallsetminus": "setminus",
    "backslash": "setminus",
    "varphi": "phi",
    "textdegree": "degree",
    "textcirc": "circ",
    "tg": "tan",
    "ctg": "cot",
    "arctg": "arctan",
    "lg": "log",
}
_NOTHING_WRITTEN = """
    left right big Big bigg Bigg bigl bigr Bigl Bigr biggl biggr Biggl Biggr middle displaystyle
    textstyle limits nolimits rm bf it mathstrut strut hfill hline noindent centering small large
"""
_NOTHING = frozenset(_NOTHING_WRITTEN.split())
_COMMAND = re.compile(r"\\([a-zA-Z]+)")
_THIN = re.compile(r"(?<=\d)(?:\\[,!;: ]|\{,\}(?:\\!)?|,\\! ?|\\,\\!)+ ?(?=\d{3}(?!\d))")
_SPACED_THOUSANDS = re.compile(r"(?<![\d.,/ ])\d{1,3}(?: \d{3})+(?![\d/]| \d)")
_TEMPERATURE = re.compile(
    r"\^\s?\{?\s?\\circ\s?\}?\s*(?:\\(?:text|mathrm)\s?\{~?\s?([CF])\s?\}|([CF])(?![a-zA-Z]))"
)
_COLORED = re.compile(r"\\(?:text)?color\s?\{(?!white)\w{1,20}\}|\\underline(?![a-z])")
_ORDINAL = re.compile(r"(?<=\d)(?:st|nd|rd|th)\b")
_ESCAPED_TWICE = re.compile(r"\\\\(?=[a-zA-Z()\[\]{}%])")
_DOLLARS = re.compile(r"(?<!\\)\$\$?|\\[()\[\]](?![a-zA-Z]*\{?pt)")


def clean(text: str) -> str:
    """The text in the one spelling that the reader knows; what it doesn't know stays as it is."""
    if not text.isascii():
        text = text.translate(_UNICODE)
    if "\\" in text or "{" in text:
        text = _THIN.sub("", text)
    if " " in text:
        text = _SPACED_THOUSANDS.sub(lambda number: number[0].replace(" ", ""), text)
    text = _ORDINAL.sub("", text)
    if "\\" in text:
        if "\\\\" in text and "\\begin" not in text:
            text = _ESCAPED_TWICE.sub(r"\\", text)
        text = text.replace("\\!", "").replace('\\"', "")
        text = _COLORED.sub("", text)
        text = _TEMPERATURE.sub(_scale_of, text)
        text = _COMMAND.sub(_one_spelling, text)
    if "$" in text or "\\" in text:
        text = _DOLLARS.sub(" ", text)
    if "*" in text and "**" in text:
        text = text.removeprefix("**").removesuffix("**")
    return trim(text)


def trim(text: str) -> str:
    """The text without blanks and punctuation around it.

    A full stop ends a sentence, not a number.
    """
    text = text.strip(' \t\r\n`"')
    while text.endswith((".", ",", ";", ":", "\\", "~", "^")) and not text.endswith("..."):
        text = text[:-1].rstrip()
    while text.startswith(("\\ ", "\\,", "\\;", "~")):
        text = text[2 if text[0] == "\\" else 1 :].lstrip()
    if text.startswith("{") and matching_brace(text, 0) == len(text) - 1:
        return trim(text[1:-1]) if not text.startswith("{{{{") else text
    return text


def _scale_of(degrees: re.Match[str]) -> str:
    scale = degrees[1] or degrees[2]
    return "\\text{ celsius}" if scale == "C" else "\\text{ fahrenheit}"


def _one_spelling(command: re.Match[str]) -> str:
    name = command[1]
    if name in _NOTHING:
        return ""
    same = _SAME.get(name)
    if same is None and name.startswith(("quad", "qquad")):
        return f"\\quad {name.removeprefix('q' if name[1] == 'q' else '').removeprefix('quad')}"
    if same is None:
        return command[0]
    return f"\\{same} " if same.isalpha() else f"{same} "
