"""Family `cases`: the answers of which we know what they are worth."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rlvr_audit import thresholds
from rlvr_audit.bench import Ask, Bench, Outcome
from rlvr_audit.cases import Case
from rlvr_audit.findings import Finding
from rlvr_audit.probing import probe
from rlvr_audit.trials import finding


@probe(about="known right answers are paid", severity="critical", always=True)
def known_good(bench: Bench) -> Iterator[Finding]:
    """A known right answer that gets less than half of what the best gets, or no verdict."""
    line = _line(bench)
    refused = []
    for case, is_good, text, outcome in bench.known:
        if not is_good:
            continue
        is_refused = outcome.value is None or outcome.value < line
        bench.tried.append(("known", True, is_refused))
        if is_refused:
            refused.append((case, text, outcome))
    yield from _one(
        bench, refused, _count(bench, is_good=True), "refuses known right answers", "paid"
    )


@probe(about="known wrong answers are not paid", severity="critical", always=True)
def known_bad(bench: Bench) -> Iterator[Finding]:
    """A known wrong answer that is paid like a right one: promoted rollouts are among these."""
    line = _line(bench)
    paid = []
    for case, is_good, text, outcome in bench.known:
        if is_good:
            continue
        level = bench.levels.get(case.id)
        if level is not None:
            is_paid = outcome.status == "ok" and bench.is_paid(case, outcome)
        else:  # nothing separates right from wrong in this case
            is_paid = outcome.value is not None and outcome.value >= line
        bench.tried.append(("known", False, is_paid))
        if is_paid:
            paid.append((case, text, outcome))
    yield from _one(
        bench, paid, _count(bench, is_good=False), "pays known wrong answers", "not paid"
    )


def _line(bench: Bench) -> float:
    """Halfway between the least that a wrong and the most that a right answer gets.

    Where right answers get no more than wrong ones it is above the least value there is: then right
    answers that get that least are refused, and wrong answers that get more are paid.
    """
    best = max(_values(bench, is_good=True), default=1.0)
    worst = min(_values(bench, is_good=False), default=0.0)
    if best > worst:
        return worst + 0.5 * (best - worst)
    least: float = bench.info["range"][0] if bench.info["range"] else 0.0
    return least + thresholds.SAME


def _one(
    bench: Bench,
    rows: list[tuple[Case, str, Outcome]],
    count: int,
    what: str,
    expected: str,
) -> Iterable[Finding]:
    if not rows:
        return
    rows.sort(key=lambda row: not row[0].promoted)  # what a real run found comes first
    case, text, outcome = rows[0]
    from_run = f" (from the run {case.promoted.get('run')})" if case.promoted else ""
    yield finding(
        bench,
        "critical",
        f"{what}{from_run}",
        ask=Ask(case, text),
        outcome=outcome,
        expected=expected,
        failed=len(rows),
        tried=count,
        advice="fix the reward, or the case if it is wrong",
    )


def _values(bench: Bench, *, is_good: bool) -> list[float]:
    return [o.value for _, good, _, o in bench.known if good == is_good and o.value is not None]


def _count(bench: Bench, *, is_good: bool) -> int:
    return sum(good == is_good for _, good, _, _ in bench.known)


PROBES = {"known_good": known_good, "known_bad": known_bad}
