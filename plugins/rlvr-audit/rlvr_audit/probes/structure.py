"""Answers of several parts: objects and lists with a part missing, changed or added."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from rlvr_audit import thresholds
from rlvr_audit.bench import Ask, Bench
from rlvr_audit.cases import Case
from rlvr_audit.findings import Finding, Severity, lowered
from rlvr_audit.probing import probe
from rlvr_audit.trials import finding

OTHERS = ("zebra", "Quito", "granite", "Tuesday")


@probe(
    about="an answer of several parts counts whole",
    severity="critical",
    kinds=("answer",),
    needs_levels=True,
)
def structure(bench: Bench) -> Iterator[Finding]:
    """Objects and lists with a part changed, missing or added: never full pay.

    Part pay for a part is fine: only what earns as much as the whole answer counts here.
    """
    rows = [
        (kind, Ask(case, text))
        for case in bench.usable
        for text in case.good[:1]
        for kind, texts in variants_of(case, text, bench.cases).items()
        for text in texts
    ]
    outcomes = bench.judge([ask for _, ask in rows])
    for kind, (severity, what) in KINDS.items():
        tried = [(ask, out) for (one, ask), out in zip(rows, outcomes, strict=True) if one == kind]
        paid = [
            (ask, out)
            for ask, out in tried
            if bench.is_paid(ask.case, out, thresholds.GRADED_PAID_SHARE, is_graded=True)
        ]
        bench.tried += [("attack", False, row in paid) for row in tried]
        if paid:
            ask, outcome = paid[0]
            cases = {one.case.id for one, _ in tried}
            most = len({one.case.id for one, _ in paid}) * 2 >= len(cases)
            yield finding(
                bench,
                severity if most else lowered(severity),
                f"pays in full an answer {what}",
                ask=ask,
                outcome=outcome,
                expected="less than the whole answer",
                variant=kind,
                failed=len(paid),
                tried=len(tried),
                advice="compare the whole of what was said with the whole gold, both ways",
            )


KINDS: Mapping[str, tuple[Severity, str]] = {
    "changed": ("critical", "of which a part was changed"),
    "missing": ("critical", "of which a part is missing"),
    "many": ("critical", "with many wrong parts added"),
    "one more": ("medium", "with one part more"),
    "reordered": ("high", "in another order, where the task asks for one"),
}
ASKS_ORDER = re.compile(
    r"\b(?:sort\w*|order\w*|rank\w*|ascending|descending|sequence|chronological\w*|steps?)\b",
    re.IGNORECASE,
)


def variants_of(case: Case, text: str, others: list[Case]) -> dict[str, list[str]]:
    """The variants of an answer by kind; empty if it is neither an object nor a list."""
    found = _json_in(text)
    if found is not None:
        before, value, after = found
        made = _of_object(value) if isinstance(value, dict) else _of_list(value, case, others)
        return {
            kind: [f"{before}{json.dumps(one, ensure_ascii=False)}{after}" for one in values]
            for kind, values in made.items()
        }
    return _of_written_list(case, text, others)


def _json_in(text: str) -> tuple[str, dict[str, Any] | list[Any], str] | None:
    """The JSON object or list with at least two parts in an answer, and what is around it."""
    for match in re.finditer(r"[\[{]", text):
        start = match.start()
        try:
            value, size = json.JSONDecoder().raw_decode(text[start:])
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict | list) and len(value) >= 2:
            return text[:start], value, text[start + size :]
        return None
    return None


def _of_object(value: Mapping[str, Any]) -> dict[str, list[Any]]:
    changed = [{**value, key: _changed(part)} for key, part in value.items()]
    missing = [{k: v for k, v in value.items() if k != key} for key in value]
    return {"changed": changed[:6], "missing": missing[:6], "one more": [{**value, "zebra": "x"}]}


def _changed(part: Any) -> Any:
    match part:
        case bool():
            return not part
        case int() | float():
            return part + 1
        case str():
            digits = re.search(r"\d", part)
            return re.sub(r"\d", lambda d: str((int(d[0]) + 1) % 10), part) if digits else "zebra"
        case list():
            return [*part[:-1], "zebra"] if part else ["zebra"]
        case dict():
            return {**part, next(iter(part), "zebra"): "zebra"}
    return "zebra"


def _of_list(value: list[Any], case: Case, others: list[Case]) -> dict[str, list[Any]]:
    wrong = _wrong_parts(value, others)
    turned = [value[::-1], [*value[1:], value[0]]] if ASKS_ORDER.search(case.prompt) else []
    return {
        "reordered": [one for one in turned if one != value],
        "changed": [[*value[:-1], wrong[0]], [wrong[0], *value[1:]]],
        "missing": [value[:-1], value[1:]],
        "many": [[*value, *wrong]],
        "one more": [[*value, wrong[0]]],
    }


def _wrong_parts(value: list[Any], others: list[Case]) -> list[Any]:
    """Parts that are in no way in the list: of its own kind."""
    numbers = [one for one in value if isinstance(one, int | float) and not isinstance(one, bool)]
    if len(numbers) == len(value):
        return [max(numbers) + step for step in (1, 2, 5, 9)]
    theirs = [one for other in others if isinstance(other.gold, list) for one in other.gold]
    taken = {str(one).casefold() for one in value}
    parts = [one for one in (*theirs, *OTHERS) if str(one).casefold() not in taken]
    return list(dict.fromkeys(map(str, parts)))[:6]


def _of_written_list(case: Case, text: str, others: list[Case]) -> dict[str, list[str]]:
    """A list written with commas or on lines, whose parts the gold names."""
    gold = case.gold
    parts = [str(one) for one in gold] if isinstance(gold, list) else []
    if isinstance(gold, str) and not re.search(r"[(\[{\\]|\d,\d{3}\b", gold):
        parts = [one.strip() for one in re.split(r"[,;\n]", gold) if one.strip()]
    places = sorted((text.rfind(one), one) for one in parts)
    if len(parts) < 2 or len(set(parts)) < len(parts) or places[0][0] < 0:
        return {}
    start, end = places[0][0], places[-1][0] + len(places[-1][1])
    separator = text[places[0][0] + len(places[0][1]) : places[1][0]]
    if not 0 < len(separator) <= 5:
        return {}
    ordered: list[Any] = [one for _, one in places]
    made = _of_list(ordered, case, others)
    return {
        kind: [text[:start] + separator.join(map(str, one)) + text[end:] for one in values]
        for kind, values in made.items()
    }
