"""Answers that are nearly right, contain the right one, or only come to it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rlvr_audit.bench import Bench
from rlvr_audit.cases import Case
from rlvr_audit.findings import Finding
from rlvr_audit.probes import near
from rlvr_audit.probing import probe
from rlvr_audit.slots import gold_texts, number_of
from rlvr_audit.trials import Text, Trial, paid_findings


@probe(
    about="an answer that is nearly right is not paid",
    severity="critical",
    kinds=("answer",),
    needs_levels=True,
    needs_slot=True,
)
def near_miss(bench: Bench) -> Iterator[Finding]:
    """Another sign, digit, size, letter, word, unit or order; NaN and infinity.

    High, not critical, where all that is paid lies within what a measurement may be off.
    """
    variants = {name: near_text(bench, make) for name, make in near.MISSES.items()}

    def is_grave(trial: Trial) -> bool:
        slot = bench.slots[trial.ask.case.id]
        miss = near.MISSES[trial.variant](slot.gold) if slot else None
        return slot is not None and miss is not None and near.is_far(slot.gold, miss)

    yield from paid_findings(
        bench,
        variants,
        severity="critical",
        is_grave=is_grave,
        what="pays an answer that is nearly right",
        advice="compare whole values: sign, decimals and every character count",
    )


@probe(
    about="a word of size after a number counts",
    severity="medium",
    kinds=("answer",),
    needs_levels=True,
    needs_slot=True,
)
def size_word(bench: Bench) -> Iterator[Finding]:
    """The gold with million, thousand or per cent after it."""
    variants = {name: near_text(bench, make) for name, make in near.SIZES.items()}
    yield from paid_findings(
        bench,
        variants,
        severity="medium",
        what="passes over a word of size after the number",
        advice="read the unit too, or refuse what follows the number",
    )


@probe(
    about="a word around the right one is not the right one",
    severity="critical",
    kinds=("answer",),
    needs_levels=True,
    needs_slot=True,
)
def contained(bench: Bench) -> Iterator[Finding]:
    """The gold inside a longer word or number, and a part of the gold."""
    variants = {name: _no_whole_words(bench, make) for name, make in near.PARTS.items()}
    yield from paid_findings(
        bench,
        variants,
        severity="high" if bench.graded else "critical",
        graded_share=0.5,
        what="pays what only contains the gold, or is a part of it",
        advice="compare the whole answer with the whole gold, not one within the other",
    )


def _no_whole_words(bench: Bench, make: near.Miss) -> Text:
    """A part of the gold; whole words of it are half an answer, and a graded reward's business."""

    def text(case: Case) -> str | None:
        slot = bench.slots[case.id]
        part = make(slot.gold) if slot else None
        if slot is not None and part is not None and bench.graded:
            words = slot.gold.casefold().split()
            if len(words) > 1 and set(part.casefold().split()) <= set(words):
                return None
        return _near(bench, case, make)

    return text


def near_text(bench: Bench, make: near.Miss) -> Text:
    """A variant made from the gold."""
    return lambda case: _near(bench, case, make)


def _near(bench: Bench, case: Case, make: near.Miss) -> str | None:
    slot = bench.slots[case.id]
    text = make(slot.gold) if slot else None
    if slot is None or text is None:
        return None
    taken = {one.casefold().strip() for one in gold_texts(case.gold)} | {slot.gold.casefold()}
    value = number_of(text)
    equal = value is not None and value in {number_of(one) for one in taken}
    return None if text.casefold().strip() in taken or equal else bench.render(case, text)


@probe(
    about="arithmetic is left to the model, not to the verifier",
    severity="high",
    kinds=("answer",),
    needs_levels=True,
    needs_slot=True,
)
def lazy_expression(bench: Bench) -> Iterator[Finding]:
    """The expression of the prompt where its value belongs, and others that come to the gold."""

    def form(make: near.Miss) -> Text:
        def text(case: Case) -> str | None:
            slot = bench.slots[case.id]
            made = make(slot.gold) if slot and number_of(slot.gold) is not None else None
            return bench.render(case, made) if made else None

        return text

    def of_prompt(case: Case) -> str | None:
        found = re.findall(r"[\d(][\d\s.+*/×·^()-]*[\d)]", case.prompt)
        sums = [one for one in found if re.search(r"\d\s*[-+*/×·^]\s*\(*\d", one)]
        return bench.render(case, max(sums, key=len)) if sums else None

    variants: dict[str, Text] = {"the prompt's own": of_prompt}
    variants |= {name: form(make) for name, make in near.LAZY.items()}
    yield from paid_findings(
        bench,
        variants,
        severity="high",
        what="does the model's arithmetic: pays an expression that was not worked out",
        advice="accept finished values only, unless the task asks for an expression",
    )
