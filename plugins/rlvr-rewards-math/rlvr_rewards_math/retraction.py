"""Does what follows an answer take it back?"""

from __future__ import annotations

import re

_STRONG = re.compile(
    r"\b(?:wrong|incorrect|mistaken?|scratch that|retract|disregard|take (?:that|it) back"
    r"|not (?:quite )?(?:correct|right)"
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


def is_taken_back(tail: str) -> bool:
    """What follows the answer takes it back and does not confirm it again."""
    if not tail:
        return False
    tail = tail[:4000]
    for word in _STRONG.finditer(tail):
        if not _NEGATED.search(tail[max(0, word.start() - 30) : word.start()]):
            return True
    weak = _WEAK.search(tail)
    return weak is not None and not _REAFFIRMED.search(tail, weak.end())
