"""Text that a model wrote, as it goes into a page: escaped, and what hides in it made visible."""

from __future__ import annotations

import re
import unicodedata

from markupsafe import Markup, escape

HIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb"
    "\U000e0000-\U000e0fff]"
)
"""Control characters, changes of direction, and what has no width: they could hide text."""


def visible(text: object) -> Markup:
    """Escaped text in which every hidden character is shown as a small sign with its number."""
    parts = []
    text = "" if text is None else str(text)
    done = 0
    for match in HIDDEN.finditer(text):
        parts.append(escape(text[done : match.start()]))
        parts.append(_sign(match.group()))
        done = match.end()
    parts.append(escape(text[done:]))
    return Markup("").join(parts)


def _sign(character: str) -> Markup:
    code = f"U+{ord(character):04X}"
    name = unicodedata.name(character, "control character")
    return Markup('<span class="unseen" title="{} {}">{}</span>').format(code, name, code[2:])


def plain(text: object) -> str:
    """The same for a terminal: one line, no control characters; a hidden one becomes ·."""
    found = "" if text is None else str(text)
    found = found.replace("\n", "⏎").replace("\t", " ").replace("\r", "⏎")
    return HIDDEN.sub("·", found).encode("utf-8", "replace").decode()
