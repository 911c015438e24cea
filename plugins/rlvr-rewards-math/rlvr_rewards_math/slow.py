"""The slow path: math-verify and sympy, for what exact rules can't decide.

Only ever in a worker that can be killed.

math-verify's own timeouts are off: they are signal handlers. The engine's deadline is the limit.
"""

from __future__ import annotations

import logging
import re
from functools import lru_cache
from typing import Any

from rlvr_ops_core import RewardLoadError
from rlvr_rewards_math.clean import clean

_ALTERNATIVES = re.compile(r"\bor\b")


@lru_cache(maxsize=1)
def check_runtime() -> None:
    r"""See that this math-verify reads math as expected; its verdicts depend on the ANTLR runtime.

    Raises:
        RewardLoadError: it doesn't, as with antlr 4.11, which reads `28\%` as 28.
    """
    logging.getLogger("math_verify").setLevel(logging.ERROR)
    percent = [str(value) for value in _read("28\\%")]
    reads = (
        percent != ["28"]
        and _same(_read("3+2i"), _read("2i+3"))
        and _same(_read("\\frac{1}{2}"), _read("0.5"))
    )
    if not reads:
        raise RewardLoadError(
            f"math-verify misreads math here: 28\\% is {percent}",
            hint="install the runtime it was tested with: "
            "pip install antlr4-python3-runtime==4.13.2",
        )


def sympy_equal(gold: str, answer: str) -> bool | None:
    """Whether sympy finds two LaTeX texts equal, in either order.

    None if it can't read the gold.
    """
    check_runtime()
    gold, answer = clean(gold), clean(answer)
    gold_values = _read(gold)
    if not gold_values:
        return None
    answer_values = _read(answer)
    if not answer_values or not _same_kind(gold, answer):
        return False
    found = _same(gold_values, answer_values) or _same(answer_values, gold_values)
    return found and not _far_apart(gold_values[0], answer_values[0])


def sympy_reads(text: str) -> bool:
    """Whether math-verify makes anything of a LaTeX text."""
    check_runtime()
    return bool(_read(clean(text)))


def _same_kind(gold: str, answer: str) -> bool:
    """Neither names alternatives that the other doesn't.

    Math-verify reads `42 or 43` as it likes.
    """
    return bool(_ALTERNATIVES.search(gold)) == bool(_ALTERNATIVES.search(answer))


def _far_apart(ours: Any, theirs: Any) -> bool:
    """Two numbers that differ by more than one part in a billion.

    Math-verify rounds to six decimals.
    """
    if not (getattr(ours, "is_number", False) and getattr(theirs, "is_number", False)):
        return False
    difference, size = abs((ours - theirs).evalf(20)), abs(ours.evalf(20))
    return bool(difference > size * 1e-9)


def _read(text: str) -> list[Any]:
    from math_verify import parse
    from math_verify.parser import LatexExtractionConfig

    # LaTeX only and no fallback: math-verify else takes any number out of LaTeX it can't parse.
    found = parse(
        f"${text}$",
        extraction_config=[LatexExtractionConfig()],
        extraction_mode="first_match",
        fallback_mode="no_fallback",
        parsing_timeout=None,  # never its timeouts: they are signal handlers
    )
    return list(found)


def _same(gold: list[Any], answer: list[Any]) -> bool:
    from math_verify import verify

    return bool(verify(gold, answer, timeout_seconds=None))
