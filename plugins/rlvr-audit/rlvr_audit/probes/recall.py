"""Family `recall`: right answers must be paid however they are written down."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from rlvr_audit.bench import Ask, Bench
from rlvr_audit.cases import Case
from rlvr_audit.findings import Finding
from rlvr_audit.probing import probe
from rlvr_audit.slots import number_of
from rlvr_audit.trials import Text, finding, refused_findings

LONG = "First I look at what is asked, then I work it out in small steps and check each of them. "
WIDER = "accept every common way to write the value"


@probe(
    about="the gold itself, in the form that is asked for, is paid",
    severity="critical",
    kinds=("answer",),
    needs_levels=True,
    needs_slot=True,
)
def gold_roundtrip(bench: Bench) -> Iterator[Finding]:
    """The gold where the known right answer has it."""

    def make(case: Case) -> str | None:
        slot = bench.slots[case.id]
        return slot.full(slot.gold) if slot else None

    yield from refused_findings(
        bench,
        {"gold": make},
        severity="critical",
        what="refuses the gold itself",
        advice="the gold must be read as an answer is",
    )


@probe(
    about="what stands around a right answer does not count",
    severity="high",
    kinds=("answer",),
    needs_levels=True,
    needs_slot=True,
)
def context(bench: Bench) -> Iterator[Finding]:
    """Reasoning before, line ends and spaces around, a sentence after a marked answer."""

    def around(before: str, after: str, *, marked_only: bool = True) -> Text:
        def make(case: Case) -> str | None:
            slot = bench.slots[case.id]
            if slot is None or (marked_only and not slot.has_mark):
                return None
            block = re.match(r"\s*<(?:think|reasoning|thought|scratchpad)>", case.good[0])
            place = block.end() if block and before.startswith(LONG[:9]) else 0
            return case.good[0][:place] + before + case.good[0][place:] + after

        return make

    benign: dict[str, Text] = {
        "2,000 characters before": around(LONG * 24, ""),
        "20,000 characters before": around(LONG * 230, ""),
        "a line end after": around("", "\n"),
        "Windows line ends": lambda case: _windows(bench, case),
    }
    yield from refused_findings(
        bench,
        benign,
        severity="high",
        what="refuses right answers for what stands around them",
        advice="find the answer's place wherever it is in the text",
    )
    yield from _windows_of(bench, around)
    contested: dict[str, Text] = {
        "spaces around a bare answer": around(" ", "\n", marked_only=False),
        "a sentence after": around("", "\nI hope this helps."),
        "a line end before": around("\n\n", ""),
        "a reasoning block before": around("<think>\nLet me see.\n</think>\n", ""),
    }
    yield from refused_findings(
        bench,
        contested,
        severity="medium",
        what="refuses right answers for what stands around them",
        advice="allow a sentence after the answer and a reasoning block before it",
        counts=False,
    )


def _windows_of(bench: Bench, around: Callable[..., Text]) -> Iterator[Finding]:
    """An answer that a sentence may follow, ten may follow: there is no window."""
    short, long = around("", "\nI hope this helps."), around("", "\n" + LONG * 12)
    asks = [
        (Ask(case, short(case)), Ask(case, text)) for case in bench.usable if (text := long(case))
    ]
    outcomes = bench.judge([ask for both in asks for ask in both])
    cut = [
        (both[1], after)
        for both, before, after in zip(asks, outcomes[::2], outcomes[1::2], strict=True)
        if not bench.is_refused(both[0].case, before) and bench.is_refused(both[1].case, after)
    ]
    if len(cut) * 2 > len(asks):
        ask, outcome = cut[0]
        yield finding(
            bench,
            "high",
            "refuses right answers with a thousand characters after them, not with twenty",
            ask=ask,
            outcome=outcome,
            expected="paid",
            failed=len(cut),
            tried=len(asks),
            advice="look for the answer in the whole text, not in a window at its end",
        )


def _windows(bench: Bench, case: Case) -> str | None:
    slot = bench.slots[case.id]
    if slot is None or not slot.has_mark:
        return None
    return case.good[0].replace("\n", "\r\n") + "\r\n"


@probe(
    about="a value is paid in every common way of writing it",
    severity="medium",
    kinds=("answer",),
    needs_levels=True,
    needs_slot=True,
)
def surface_forms(bench: Bench) -> Iterator[Finding]:
    """Spaces, dollars, thousands commas, trailing zeros, case."""

    def form(template: str) -> Text:
        def make(case: Case) -> str | None:
            slot = bench.slots[case.id]
            return bench.render(case, template.replace("G", slot.gold)) if slot else None

        return make

    def integer(template: str) -> Text:
        def make(case: Case) -> str | None:
            slot = bench.slots[case.id]
            value = number_of(slot.gold) if slot else None
            if slot is None or value is None or value.denominator != 1:
                return None
            text = f"{int(value):,}" if template == "G,000" else template.replace("G", str(value))
            return None if text == slot.gold else bench.render(case, text)

        return make

    yield from refused_findings(
        bench,
        {"spaces in the slot": form(" G ")},
        severity="medium",
        what="refuses other ways to write a right answer",
        advice=WIDER,
    )
    yield from refused_findings(
        bench,
        {
            "dollars": form("$G$"),
            "bold": form("**G**"),
            "trailing zeros": integer("G.0"),
            "thousands commas": integer("G,000"),
            "a full stop": form("G."),
        },
        severity="low",
        what="refuses other ways to write a right answer",
        advice=WIDER,
        counts=False,
    )


@probe(
    about="an answer that corrects itself is paid for its last word",
    severity="medium",
    kinds=("answer",),
    needs_levels=True,
    needs_slot=True,
)
def self_correction(bench: Bench) -> Iterator[Finding]:
    """A wrong answer first, the gold last, both in the form that is asked for."""

    def make(case: Case) -> str | None:
        slot, wrong = bench.slots[case.id], bench.wrongs(case, 1)
        if slot is None or not wrong or not slot.has_mark:
            return None
        first, last = bench.render(case, wrong[0]), bench.render(case, slot.gold)
        return f"{first}\nWait, that is wrong. I check again.\n{last}"

    yield from refused_findings(
        bench,
        {"wrong, then right": make},
        severity="medium",
        what="refuses an answer that corrects itself",
        advice="say which answer counts if there are several; the last is what people expect",
        counts=False,
    )


@probe(
    about="a long right answer is read to its end",
    severity="high",
    kinds=("answer",),
    needs_levels=True,
    needs_slot=True,
)
def long_answer(bench: Bench) -> Iterator[Finding]:
    """A gold of a few hundred characters, answered exactly."""
    asks = []
    for case in bench.usable[:3]:
        slot = bench.slots[case.id]
        if slot is None:
            continue
        is_number = number_of(slot.gold) is not None
        if is_number:
            golds = ["0." + "14285" * 30]
        elif re.fullmatch(r"[A-Ja-j]|\w+", slot.gold):
            continue  # a label: a long one makes no sense
        else:
            golds = [" ".join([slot.gold] * 12)]
        for gold in golds:
            asks.append(Ask(case, bench.render(case, gold), {"gold": gold}))
    rows = [
        (ask, outcome)
        for ask, outcome in zip(asks, bench.judge(asks), strict=True)
        if outcome.status == "ok" and bench.is_refused(ask.case, outcome)
    ]
    if rows and len(rows) * 2 > len(asks):
        ask, outcome = rows[0]
        yield finding(
            bench,
            "high",
            "refuses a long right answer",
            ask=ask,
            outcome=outcome,
            expected="paid",
            failed=len(rows),
            tried=len(asks),
            advice="don't cut the answer before it is compared",
        )


@probe(
    about="what the chat template writes is not asked of the model",
    severity="high",
    needs_levels=True,
)
def template_prefill(bench: Bench) -> Iterator[Finding]:
    """A right answer without the `<think>` that templates write at the end of the prompt."""
    asks = []
    for case in bench.usable:
        for text in case.good:
            stripped = text.lstrip()
            if stripped.startswith("<think>") and "</think>" in stripped:
                asks.append(Ask(case, stripped.removeprefix("<think>")))
    rows = [
        (a, o) for a, o in zip(asks, bench.judge(asks), strict=True) if bench.is_refused(a.case, o)
    ]
    if rows and len(rows) * 2 >= len(asks):
        ask, outcome = rows[0]
        yield finding(
            bench,
            "medium" if bench.kind == "shape" else "high",
            "refuses right answers whose <think> was written by the chat template",
            ask=ask,
            outcome=outcome,
            expected="paid",
            failed=len(rows),
            tried=len(asks),
            advice="let the opening tag be absent: the prompt ends with it",
        )


PROBES = {
    "gold_roundtrip": gold_roundtrip,
    "context": context,
    "surface_forms": surface_forms,
    "self_correction": self_correction,
    "long_answer": long_answer,
    "template_prefill": template_prefill,
}
