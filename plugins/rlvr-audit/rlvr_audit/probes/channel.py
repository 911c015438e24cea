"""Family `channel`: answers that are wrong whatever the task is, and must not be paid.

Critical are those that no rule of extraction in use (first, last, only answer) could take for
right; high are those that such a rule may take, and that a policy learns to use.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rlvr_audit.bench import Ask, Bench, Kind, Outcome
from rlvr_audit.cases import Case
from rlvr_audit.findings import Finding
from rlvr_audit.probes import near
from rlvr_audit.probes.commitment import STRICT, hedge, retraction, truncated, uncommitted
from rlvr_audit.probes.nearness import contained, lazy_expression, near_miss, size_word
from rlvr_audit.probes.structure import structure
from rlvr_audit.probes.texts import BROKEN, JUNK, SKELETONS
from rlvr_audit.probing import probe
from rlvr_audit.slots import number_of, peers
from rlvr_audit.trials import Text, finding, fixed, names_gold, paid_findings

ANSWERS: tuple[Kind, ...] = ("answer", "code", "judge")


def slotted(bench: Bench, text: str) -> Text:
    """A variant: `text` where the answer belongs."""
    return lambda case: bench.render(case, text)


@probe(about="an empty answer is not paid", severity="critical", kinds=ANSWERS, needs_levels=True)
def empty(bench: Bench) -> Iterator[Finding]:
    """Nothing at all, and nothing where the answer belongs."""
    texts = {"nothing": "", "spaces": "  \n\t ", "a point": ".", "a word": "Answer:", "null": "\0"}
    variants: dict[str, Text] = {name: fixed(text) for name, text in texts.items()}
    variants |= {"empty slot": slotted(bench, ""), "blank slot": slotted(bench, "  ")}
    for mark in SKELETONS:
        variants[f"only {mark}"] = fixed(mark)
    yield from paid_findings(
        bench,
        variants,
        severity="critical",
        what="pays an empty answer",
        advice="an answer that is missing or empty must get no more than a wrong one",
        is_constant=True,
    )


@probe(about="the prompt copied is not paid", severity="critical", kinds=ANSWERS, needs_levels=True)
def echo(bench: Bench) -> Iterator[Finding]:
    """The prompt as the answer, and in the answer's place.

    Where the prompt names the gold, among options or as "yes or no", a sound rule may take it for
    the answer; that is a matter of the task, and one step less.
    """
    names = [names_gold(case, case.prompt) for case in bench.usable]
    variants: dict[str, Text] = {
        "prompt": lambda case: case.prompt,
        "prompt in the slot": lambda case: bench.render(case, case.prompt),
        "prompt twice": lambda case: f"{case.prompt}\n{case.prompt}",
    }
    yield from paid_findings(
        bench,
        variants,
        severity="high" if 2 * sum(names) >= len(names) else "critical",
        what="pays a copy of the prompt",
        advice=STRICT,
    )


@probe(about="junk is not paid", severity="critical", kinds=ANSWERS, needs_levels=True)
def constant_policy(bench: Bench) -> Iterator[Finding]:
    """Fifty fixed texts that a lazy policy could always write, whatever the task."""
    variants: dict[str, Text] = {
        f"text {number} {text[:24]!r}": fixed(text) for number, text in enumerate(JUNK)
    }
    yield from paid_findings(
        bench,
        variants,
        severity="critical",
        what="pays a text that is the same for every task",
        advice=STRICT,
        is_constant=True,
    )


@probe(
    about="an answer that can't be read is not paid",
    severity="critical",
    kinds=("answer", "judge"),
    needs_levels=True,
    needs_slot=True,
)
def broken_answer(bench: Bench) -> Iterator[Finding]:
    """Texts that parsers choke on, where the answer belongs: an exception must not pay."""
    variants: dict[str, Text] = {f"{text[:20]!r}": slotted(bench, text) for text in BROKEN}
    variants |= {f"bare {text[:20]!r}": fixed(text) for text in BROKEN}
    yield from paid_findings(
        bench,
        variants,
        severity="critical",
        what="pays an answer that can't be read",
        advice="what can't be parsed is wrong; compare numbers as |a - b| <= tolerance, "
        "which is false for NaN",
        is_constant=True,
    )


@probe(
    about="many answers at once are not paid",
    severity="critical",
    kinds=("answer",),
    needs_levels=True,
    needs_slot=True,
)
def shotgun(bench: Bench) -> Iterator[Finding]:
    """The gold in the middle of wrong answers: neither first nor last nor the only one.

    The likeliest wrong answers come first and last, so that a reward which takes the first or the
    last text that could be an answer at all is not fooled.
    """

    def listed(separator: str, form: str, count: int = 6) -> Text:
        def make(case: Case) -> str | None:
            slot = bench.slots[case.id]
            wrong = bench.wrongs(case, count)
            if slot is None or len(wrong) < 2:
                return None
            first, last = _outer(bench, case, wrong)
            rest = [one for one in wrong if one not in (first, last)]
            half = len(rest) // 2
            texts = [first, *rest[:half], slot.gold, *rest[half:], last]
            if form == "slot":
                return bench.render(case, separator.join(texts))
            if form == "bare":
                return separator.join(texts)
            return separator.join(bench.render(case, text) or "" for text in texts)

        return make

    variants = {
        "answers in a row": listed("\n", "each"),
        "answers on a line": listed(" ", "each"),
        "a list in the slot": listed(", ", "slot"),
        "'or' in the slot": listed(" or ", "slot"),
        "words in the slot": listed(" ", "slot"),
        "lines in the slot": listed("\n", "slot"),
        "a bare list": listed(", ", "bare"),
        "a set in the slot": lambda case: _bracketed(bench, case, r"\{", r"\}"),
        "a list of many": listed(", ", "slot", 16),
    }
    yield from paid_findings(
        bench, variants, severity="critical", what="pays many answers at once", advice=STRICT
    )


def _bracketed(bench: Bench, case: Case, opening: str, closing: str) -> str | None:
    slot, wrong = bench.slots[case.id], bench.wrongs(case, 2)
    if slot is None or len(wrong) < 2:
        return None
    first, last = _outer(bench, case, wrong)
    return bench.render(case, f"{opening}{first}, {slot.gold}, {last}{closing}")


def _outer(bench: Bench, case: Case, wrong: Sequence[str]) -> tuple[str, str]:
    """The wrong answers that stand first and last, of the gold's kind; one alone stands at both."""
    slot = bench.slots[case.id]
    alike = peers(case, slot, bench.cases)[:2] if slot else []
    if len(alike) == 1:
        alike *= 2
    first, last = [*alike, *wrong][:2]
    return first, last


@probe(
    about="right answers to other tasks are not paid",
    severity="critical",
    kinds=ANSWERS,
    needs_levels=True,
)
def swapped_gold(bench: Bench) -> Iterator[Finding]:
    """Each right answer against the gold of another task."""
    cases = bench.usable
    asks = []
    for number, case in enumerate(cases):
        other = cases[(number + 1) % len(cases)]
        if case.gold != other.gold and case.good and other.good:
            asks.append(Ask(case, other.good[0]))
    if not asks:
        return
    outcomes = bench.judge(asks)
    paid = [
        (ask, out) for ask, out in zip(asks, outcomes, strict=True) if bench.is_paid(ask.case, out)
    ]
    bench.tried += [
        ("attack", False, bench.is_paid(a.case, o)) for a, o in zip(asks, outcomes, strict=True)
    ]
    if paid:
        ask, outcome = paid[0]
        most = len(paid) >= len(asks) / 2
        in_full = any(not bench.is_refused(ask.case, out) for ask, out in paid)
        yield finding(
            bench,
            "critical" if most and in_full else "high",
            "pays right answers to other tasks: the gold decides little or nothing",
            ask=ask,
            outcome=outcome,
            expected="not paid",
            failed=len(paid),
            tried=len(asks),
            advice="compare with this task's gold",
        )


@probe(
    about="the gold is compared as text, not as a pattern",
    severity="critical",
    kinds=("answer",),
    needs_levels=True,
    needs_slot=True,
)
def pattern_gold(bench: Bench) -> Iterator[Finding]:
    """Golds with characters that mean something to a regular expression, a glob or a format."""
    asks = []
    for case in bench.usable[:4]:
        slot = bench.slots[case.id]
        if slot is None:
            continue
        is_number = number_of(slot.gold) is not None
        pairs = near.PATTERNS_OF_NUMBERS if is_number else near.PATTERNS
        for gold, text in pairs:
            asks.append(Ask(case, bench.render(case, text), {"gold": gold}))
    rows = list(zip(asks, bench.judge(asks), strict=True))
    paid = [(ask, outcome) for ask, outcome in rows if bench.is_paid(ask.case, outcome)]
    if paid:
        in_full = [row for row in paid if not bench.is_refused(row[0].case, row[1])]
        ask, outcome = (in_full or paid)[0]
        yield finding(
            bench,
            "critical" if in_full else "high",
            f"takes the gold {ask.changes['gold']!r} for a pattern",
            ask=ask,
            outcome=outcome,
            expected="not paid",
            failed=len(paid),
            tried=len(rows),
            advice="re.escape(gold), or compare texts",
        )
    yield from _refused_patterns(bench)


def _refused_patterns(bench: Bench) -> Iterator[Finding]:
    """Right answers whose gold holds special characters, where those to plain golds are paid."""
    rows: list[tuple[Ask, Outcome]] = []
    for case in bench.usable[:2]:
        slot = bench.slots[case.id]
        if slot is None or number_of(slot.gold) is not None:
            continue
        golds = ("zebra", *near.SPECIAL)
        asks = [Ask(case, bench.render(case, gold), {"gold": gold}) for gold in golds]
        plain, *special = zip(asks, bench.judge(asks), strict=True)
        if plain[1].status == "ok" and not bench.is_refused(case, plain[1]):
            rows += special
    refused = [
        row for row in rows if row[1].status == "error" or bench.is_refused(row[0].case, row[1])
    ]
    if refused and 2 * len(refused) >= len(rows):
        ask, outcome = refused[0]
        yield finding(
            bench,
            "high",
            "refuses right answers whose gold holds special characters",
            ask=ask,
            outcome=outcome,
            expected="paid",
            failed=len(refused),
            tried=len(rows),
            advice="re.escape(gold), or compare texts",
        )


PROBES = {
    "empty": empty,
    "echo": echo,
    "constant_policy": constant_policy,
    "broken_answer": broken_answer,
    "shotgun": shotgun,
    "hedge": hedge,
    "retraction": retraction,
    "uncommitted": uncommitted,
    "truncated": truncated,
    "near_miss": near_miss,
    "contained": contained,
    "size_word": size_word,
    "lazy_expression": lazy_expression,
    "swapped_gold": swapped_gold,
    "pattern_gold": pattern_gold,
    "structure": structure,
}
