"""What a reward makes of a task whose gold, or other data, is missing or can't be used."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rlvr_audit.bench import Ask, Bench, Outcome
from rlvr_audit.findings import Finding, Severity
from rlvr_audit.probing import probe
from rlvr_audit.trials import finding

GOLDS: tuple[Any, ...] = (
    None,
    "",
    "   ",
    [],
    {},
    r"\frac{",
    "{",
    "???",
    "N/A",
    float("nan"),
)
Judged = list[tuple[Ask, Outcome]]


@probe(
    about="says so if the gold is missing or can't be used",
    severity="critical",
    kinds=("answer", "code", "shape"),
    needs_levels=True,
)
def unusable_gold(bench: Bench) -> Iterator[Finding]:
    """Golds that are missing, empty or broken, and tasks without their data.

    Never paid, and no zero for what is missing.
    """
    if bench.kind == "answer":
        yield from _of_golds(bench)
    yield from _without_data(bench)


def _of_golds(bench: Bench) -> Iterator[Finding]:
    rows = []
    for case in bench.usable[:3]:
        for gold in GOLDS:
            rows.append(Ask(case, case.good[0], {"gold": gold}))
            for text in ("", bench.render(case, "")):
                if text is not None:
                    rows.append(Ask(case, text, {"gold": gold}))
    judged = list(zip(rows, bench.judge(rows), strict=True))
    good = [(a, o) for a, o in judged if a.completion in a.case.good]
    full = [(a, o) for a, o in good if bench.is_paid(a.case, o)]
    if full:
        in_full = any(not bench.is_refused(a.case, o) for a, o in full)
        what = "pays any answer if the gold can't be used"
        yield _about_gold(bench, full, "critical" if in_full else "high", what)
    others = [(a, o) for a, o in judged if a.completion not in a.case.good]
    empty = [(a, o) for a, o in others if bench.is_paid(a.case, o)]
    if empty:
        yield _about_gold(bench, empty, "high", "pays an empty answer if the gold is empty")
    zeros = [
        (a, o)
        for a, o in good
        if a.changes["gold"] in (None, "") and o.status == "ok" and not bench.is_paid(a.case, o)
    ]
    if zeros:
        yield _about_gold(bench, zeros, "high", "calls an answer wrong though there is no gold")


def _about_gold(bench: Bench, rows: Judged, severity: Severity, what: str) -> Finding:
    golds = ", ".join(dict.fromkeys(repr(a.changes["gold"]) for a, _ in rows))
    return _about(bench, rows, severity, f"{what}: {golds}")


def _without_data(bench: Bench) -> Iterator[Finding]:
    """The other columns of the data set, tests among them, all gone."""
    cases = [case for case in bench.usable[:3] if case.data]
    right = [Ask(case, case.good[0], {"data": {}}) for case in cases]
    wrong = [Ask(case, text, {"data": {}}) for case in cases for text in case.bad[:1]]
    judged = list(zip([*right, *wrong], bench.judge([*right, *wrong]), strict=True))
    paid = [(a, o) for a, o in judged if a in wrong and bench.is_paid(a.case, o)]
    if paid:
        what = "pays a wrong answer to a task without its data"
        yield _about(bench, paid, "critical", f"{what}: {_names(paid)}")
    zeros = [
        (a, o) for a, o in judged if a in right and o.status == "ok" and bench.is_refused(a.case, o)
    ]
    if zeros:
        what = "calls an answer wrong though the task has lost its data"
        yield _about(bench, zeros, "high", f"{what}: {_names(zeros)}")


def _names(rows: Judged) -> str:
    return ", ".join(sorted({name for ask, _ in rows for name in ask.case.data}))


def _about(bench: Bench, rows: Judged, severity: Severity, what: str) -> Finding:
    ask, outcome = rows[0]
    return finding(
        bench,
        severity,
        what,
        ask=ask,
        outcome=outcome,
        expected="no verdict (None), or an exception",
        failed=len(rows),
        tried=len(rows),
        advice="abstain (return None) if what the verdict needs is not there",
    )
