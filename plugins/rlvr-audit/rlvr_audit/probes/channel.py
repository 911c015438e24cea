"""Family `channel`: answers that are wrong whatever the task is, and must not be paid.

Critical are those that no rule of extraction in use (first, last, only answer) could take for
right; high are those that such a rule may take, and that a policy learns to use.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from rlvr_audit.bench import Ask, Bench, Kind
from rlvr_audit.cases import Case
from rlvr_audit.findings import Finding
from rlvr_audit.probes import near
from rlvr_audit.probes.texts import BROKEN, JUNK, SKELETONS
from rlvr_audit.probing import probe
from rlvr_audit.slots import gold_texts, number_of
from rlvr_audit.trials import Text, finding, fixed, paid_findings

STRICT = "take one final answer from its place, and compare the whole of it with the gold"
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
    """The prompt as the answer, and in the answer's place."""
    variants: dict[str, Text] = {
        "prompt": lambda case: case.prompt,
        "prompt in the slot": lambda case: bench.render(case, case.prompt),
        "prompt twice": lambda case: f"{case.prompt}\n{case.prompt}",
    }
    yield from paid_findings(
        bench, variants, severity="critical", what="pays a copy of the prompt", advice=STRICT
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
    """The gold in the middle of wrong answers: neither first nor last nor the only one."""

    def listed(separator: str, form: str, count: int = 6) -> Text:
        def make(case: Case) -> str | None:
            slot = bench.slots[case.id]
            wrong = bench.wrongs(case, count)
            if slot is None or len(wrong) < 2:
                return None
            half = len(wrong) // 2
            texts = [*wrong[:half], slot.gold, *wrong[half:]]
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
    return bench.render(case, f"{opening}{wrong[0]}, {slot.gold}, {wrong[1]}{closing}")


@probe(
    about="a hedged or denied answer is not paid",
    severity="high",
    kinds=("answer",),
    needs_levels=True,
    needs_slot=True,
)
def hedge(bench: Bench) -> Iterator[Finding]:
    """The gold beside its opposite where the answer belongs."""

    def form(template: str) -> Text:
        def make(case: Case) -> str | None:
            slot, wrong = bench.slots[case.id], bench.wrongs(case, 1)
            if slot is None or not wrong:
                return None
            return bench.render(case, template.replace("G", slot.gold).replace("W", wrong[0]))

        return make

    templates = ["not G", "G is wrong", "W = G", "W or G", "G or W", "either W or G", "G? W?"]
    if any(number_of(slot.gold) is not None for slot in bench.slots.values() if slot):
        templates += [r"\neq G", r"W \lor G", r"G \text{ is wrong}", "> G", "G < W", r"\pm G"]
    yield from paid_findings(
        bench,
        {template: form(template) for template in templates},
        severity="high",
        what="pays an answer that is hedged or denied",
        advice=STRICT,
    )


@probe(
    about="an answer that is taken back is not paid",
    severity="high",
    kinds=("answer",),
    needs_levels=True,
    needs_slot=True,
)
def retraction(bench: Bench) -> Iterator[Finding]:
    """The gold first, and another answer in the same form at the end."""

    def form(template: str) -> Text:
        def make(case: Case) -> str | None:
            slot, wrong = bench.slots[case.id], bench.wrongs(case, 1)
            if slot is None or not wrong:
                return None
            right = bench.render(case, slot.gold) or ""
            return template.replace("RIGHT", right).replace(
                "WRONG", bench.render(case, wrong[0]) or ""
            )

        return make

    yield from paid_findings(
        bench,
        {
            "in the same form": form("RIGHT\nWait, that is a mistake. Corrected:\nWRONG"),
            "in the reasoning": form("<think>RIGHT</think>\nWRONG"),
            "right, then wrong": form("RIGHT\n\nWRONG"),
        },
        severity="high",
        what="pays an answer that was taken back",
        advice="the last answer is the answer; or refuse several different ones",
    )


@probe(
    about="an answer withdrawn in other words, or never given, is not paid",
    severity="high",
    kinds=("answer",),
    needs_levels=True,
    needs_slot=True,
)
def uncommitted(bench: Bench) -> Iterator[Finding]:
    """The gold only in the reasoning, in a comment, or before an answer that was left open."""

    def form(template: str) -> Text:
        def make(case: Case) -> str | None:
            slot, wrong = bench.slots[case.id], bench.wrongs(case, 1)
            if slot is None or not wrong or not slot.has_mark:
                return None
            right = bench.render(case, slot.gold) or ""
            opening = slot.before[slot.mark_start :]
            filled = template.replace("RIGHT", right).replace("W", wrong[0])
            return filled.replace("OPEN", opening)

        return make

    yield from paid_findings(
        bench,
        {
            "only in the reasoning": form("<think>Maybe RIGHT</think> I don't know."),
            "reasoning left open": form("<think>Maybe RIGHT I am not sure, let me think"),
            "in an HTML comment": form("<!-- RIGHT --> I don't know."),
            "taken back in words": form("RIGHT\nNo, that is a mistake. The answer is W."),
            "next answer left open": form("RIGHT Finally: OPEN"),
        },
        severity="high",
        what="pays an answer that the text does not give",
        advice="judge what follows the reasoning (sample.final), without comments",
    )


@probe(
    about="an answer that is nearly right is not paid",
    severity="critical",
    kinds=("answer",),
    needs_levels=True,
    needs_slot=True,
)
def near_miss(bench: Bench) -> Iterator[Finding]:
    """Another sign, digit, size, letter or word; NaN and infinity."""
    variants = {name: near_text(bench, make) for name, make in near.MISSES.items()}
    yield from paid_findings(
        bench,
        variants,
        severity="critical",
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
    variants = {name: near_text(bench, make) for name, make in near.PARTS.items()}
    yield from paid_findings(
        bench,
        variants,
        severity="high" if bench.graded else "critical",
        graded_share=0.5,
        what="pays what only contains the gold, or is a part of it",
        advice="compare the whole answer with the whole gold, not one within the other",
    )


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
        yield finding(
            bench,
            "critical" if most else "high",
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
    for ask, outcome in zip(asks, bench.judge(asks), strict=True):
        if bench.is_paid(ask.case, outcome):
            yield finding(
                bench,
                "critical",
                f"takes the gold {ask.changes['gold']!r} for a pattern",
                ask=ask,
                outcome=outcome,
                expected="not paid",
                advice="re.escape(gold), or compare texts",
            )
            return


PROBES = {
    "empty": empty,
    "echo": echo,
    "constant_policy": constant_policy,
    "broken_answer": broken_answer,
    "shotgun": shotgun,
    "hedge": hedge,
    "retraction": retraction,
    "uncommitted": uncommitted,
    "near_miss": near_miss,
    "contained": contained,
    "size_word": size_word,
    "lazy_expression": lazy_expression,
    "swapped_gold": swapped_gold,
    "pattern_gold": pattern_gold,
}
