"""Is this output the expected one? Compared here, never where the program can reach.

- `exact`: byte for byte;
- `lines`: white space at the ends of lines and of the text does not count (the default);
- `tokens`: any white space separates;
- `floats`: as `tokens`, and numbers may differ by a tolerance;
- a checker: the task's own `check(given, output, expected)`, True, False or a share from 0 to 1.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from rlvr_rewards_code.jail import wire
from rlvr_rewards_code.jail.plain import is_plain
from rlvr_rewards_code.jail.trainer import Trainer

HOW = ("exact", "lines", "tokens", "floats")
_WHITE = " \t\r\n\v\f"
"""White space of ASCII only: a no-break space is not what was asked for."""
_BREAKS = re.compile(f"[{_WHITE}]+")


def judge(job: Mapping[str, Any], trainer: Trainer) -> dict[str, Any]:
    """The report on one case; the output follows the job as a frame of its own."""
    _, output = trainer.read()
    text = output.decode(errors="surrogateescape")  # so that no byte looks like a text
    if job["checker"]:
        if not is_plain(compile(job["checker"], "checker", "exec", dont_inherit=True)):
            trainer.say(wire.ALONE, b"")  # said before any of it runs
        share = _checked(job["checker"], job["input"], text, job["expected"])
        why = "" if share == 1.0 else "the checker says no"
    else:
        why = difference(text, job["expected"], job["how"], job["tolerance"])
        share = 0.0 if why else 1.0
    return {"share": share, "why": why}


def difference(output: str, expected: str, how: str, tolerance: float) -> str:
    """Where an output differs from the expected one; "" if it is right."""
    if how == "exact":
        return (
            "" if output == expected else _first(output.split("\n"), expected.split("\n"), "line")
        )
    if how == "lines":
        ours, theirs = _lines(output), _lines(expected)
        return "" if ours == theirs else _first(ours, theirs, "line")
    ours, theirs = _words(output), _words(expected)
    if how == "tokens":
        return "" if ours == theirs else _first(ours, theirs, "word")
    if len(ours) != len(theirs):
        return f"{len(ours)} words instead of {len(theirs)}"
    for index, (one, other) in enumerate(zip(ours, theirs, strict=True), 1):
        if one != other and not _near(one, other, tolerance):
            return f"word {index} is {one[:80]!r} instead of {other[:80]!r}"
    return ""


def _lines(text: str) -> list[str]:
    return [line.rstrip(_WHITE) for line in text.rstrip(_WHITE).split("\n")]


def _words(text: str) -> list[str]:
    return [word for word in _BREAKS.split(text) if word]


def _first(ours: list[str], theirs: list[str], unit: str) -> str:
    for index, (one, other) in enumerate(zip(ours, theirs, strict=False), 1):
        if one != other:
            return f"{unit} {index} is {one[:80]!r} instead of {other[:80]!r}"
    return f"{len(ours)} {unit}s instead of {len(theirs)}"


def _near(one: str, other: str, tolerance: float) -> bool:
    """Both are numbers, and near. `nan` and `inf` must match as text; other digits are none."""
    if "_" in one or "_" in other or not one.isascii():
        return False
    try:
        ours, theirs = float(one), float(other)
    except ValueError:
        return False
    if not (math.isfinite(ours) and math.isfinite(theirs)):
        return False
    return math.isclose(ours, theirs, rel_tol=tolerance, abs_tol=tolerance)


def _checked(source: str, given: str, output: str, expected: str) -> float:
    scope: dict[str, Any] = {"__name__": "checker"}
    exec(compile(source, "checker", "exec", dont_inherit=True), scope)  # noqa: S102  # a task's own code, in its sandbox
    try:
        said = scope["check"](given, output, expected)
    except Exception:  # noqa: BLE001  # most often on output that has not the shape it expects
        return 0.0
    if isinstance(said, bool):
        return float(said)
    return float(said) if isinstance(said, int | float) and 0 <= said <= 1 else 0.0
