"""Variants of an attack tried on every case, and the findings they come to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from rlvr_audit import thresholds
from rlvr_audit.bench import Ask, Bench, Outcome
from rlvr_audit.cases import Case
from rlvr_audit.findings import Finding, Severity, lowered
from rlvr_audit.reproduce import reproduction
from rlvr_audit.slots import gold_texts, number_of

Text: TypeAlias = Callable[[Case], str | None]
"""The completion of a variant for a case; None where it does not apply."""


def fixed(text: str) -> Text:
    """A variant that is the same text for every case."""
    return lambda _case: text


@dataclass(frozen=True)
class Trial:
    """One completion of one variant, and what became of it."""

    variant: str
    ask: Ask
    outcome: Outcome


def tried(
    bench: Bench, variants: Mapping[str, Text], cases: Sequence[Case] | None = None
) -> list[Trial]:
    """Every variant on every case, judged one by one in one process."""
    pairs = [
        (name, Ask(case, text))
        for case in (bench.usable if cases is None else cases)
        for name, make in variants.items()
        if (text := make(case)) is not None
    ]
    outcomes = bench.judge([ask for _, ask in pairs])
    return [Trial(name, ask, outcome) for (name, ask), outcome in zip(pairs, outcomes, strict=True)]


def paid_findings(
    bench: Bench,
    variants: Mapping[str, Text],
    *,
    severity: Severity,
    what: str,
    advice: str,
    is_constant: bool = False,
    graded_share: float = thresholds.GRADED_PAID_SHARE,
    is_grave: Callable[[Trial], bool] = lambda _: True,
) -> Iterator[Finding]:
    """A finding for each variant of a wrong answer that is paid like a right one.

    A variant that works on fewer than half the cases loses one step of severity: it may be luck.
    Critical is only what is paid in full, or nearly, by a trial that `is_grave`: part pay may be a
    design, such as silence that costs less than a wrong answer.
    `is_constant` says that the texts are not made for their case; then a case whose gold stands in
    the text does not count, the text may be right for it.
    """
    groups: dict[str, list[Trial]] = {}
    few = bench.usable[:1] if is_constant and bench.call_s > thresholds.SLOW_CALL_S else None
    for trial in tried(bench, variants, few):
        if is_constant and names_gold(trial.ask.case, trial.ask.completion):
            continue
        groups.setdefault(trial.variant, []).append(trial)
    found: dict[Severity, list[tuple[str, list[Trial], int]]] = {}
    for name, trials in groups.items():
        paid = [one for one in trials if bench.is_paid(one.ask.case, one.outcome, graded_share)]
        for one in trials:
            bench.tried.append(("attack", False, one in paid))
        if paid:
            most = len(paid) >= thresholds.MOST_CASES_SHARE * len(trials)
            level = severity if most else lowered(severity)
            if not any(is_grave(one) and _is_full(bench, one) for one in paid):
                level = "high" if level == "critical" else level
            found.setdefault(level, []).append((name, paid, len(trials)))
    for one_severity, hits in found.items():
        yield _merged(bench, hits, one_severity, what, advice, expected="not paid")


def _is_full(bench: Bench, trial: Trial) -> bool:
    """A wrong answer gets as much as what would not be called refused."""
    return not bench.is_refused(trial.ask.case, trial.outcome)


def refused_findings(
    bench: Bench,
    variants: Mapping[str, Text],
    *,
    severity: Severity,
    what: str,
    advice: str,
    counts: bool = True,
) -> Iterator[Finding]:
    """A finding if variants of a right answer are refused."""
    hits: list[tuple[str, list[Trial], int]] = []
    groups: dict[str, list[Trial]] = {}
    for trial in tried(bench, variants):
        groups.setdefault(trial.variant, []).append(trial)
    for name, trials in groups.items():
        refused = [one for one in trials if bench.is_refused(one.ask.case, one.outcome)]
        if counts:
            bench.tried += [("attack", True, one in refused) for one in trials]
        if len(refused) >= thresholds.MOST_CASES_SHARE * len(trials):
            hits.append((name, refused, len(trials)))
    if hits:
        yield _merged(bench, hits, severity, what, advice, expected="paid")


def names_gold(case: Case, text: str) -> bool:
    """The text holds the case's gold as a word, so it may be right by chance."""
    from rlvr_audit.slots import NUMBER

    folded = f" {text.casefold()} "
    numbers = {number_of(match[0]) for match in NUMBER.finditer(text)}
    for gold in gold_texts(case.gold):
        value = number_of(gold)
        if value is not None and value in numbers:
            return True
        place = folded.find(gold.casefold())
        while place > 0:
            end = place + len(gold)
            if not folded[place - 1].isalnum() and not folded[end].isalnum():
                return True
            place = folded.find(gold.casefold(), place + 1)
    return False


def _merged(
    bench: Bench,
    hits: Sequence[tuple[str, list[Trial], int]],
    severity: Severity,
    what: str,
    advice: str,
    *,
    expected: str,
) -> Finding:
    """One finding for all variants that worked; the first is the example."""
    name, trials, _ = max(hits, key=lambda hit: len(hit[1]) / hit[2])
    example = trials[0]
    names = ", ".join(hit[0] for hit in hits)
    return Finding(
        probe="",
        severity=severity,
        what=f"{what}: {names}",
        advice=advice,
        variant=name,
        case=example.ask.case.id,
        completion=shown(example.ask.completion),
        expected=expected,
        got=example.outcome.shown,
        failed=sum(len(hit[1]) for hit in hits),
        tried=sum(hit[2] for hit in hits),
        reproduce=reproduction(bench, example.ask),
    )


def finding(
    bench: Bench,
    severity: Severity,
    what: str,
    *,
    ask: Ask | None = None,
    outcome: Outcome | None = None,
    advice: str = "",
    expected: str = "",
    got: str = "",
    variant: str = "",
    failed: int = 1,
    tried: int = 1,
) -> Finding:
    """A finding, with its example if there is one."""
    return Finding(
        probe="",
        severity=severity,
        what=what,
        advice=advice,
        variant=variant,
        case=ask.case.id if ask else "",
        completion=shown(ask.completion) if ask else None,
        expected=expected,
        got=got or (outcome.shown if outcome else ""),
        failed=failed,
        tried=tried,
        reproduce=reproduction(bench, ask) if ask else "",
    )


def shown(completion: object) -> str:
    """A completion for people: messages as their text, cut where it gets long."""
    text = completion if isinstance(completion, str) else repr(completion)
    if len(text) <= 600:
        return text
    return f"{text[:400]} … [{len(text):,} characters] … {text[-120:]}"
