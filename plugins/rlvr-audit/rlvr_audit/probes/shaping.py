"""Family `shaping`: length, repetition, form and key words are not worth more than the answer."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Literal

from rlvr_audit import thresholds
from rlvr_audit.bench import Ask, Bench, Outcome
from rlvr_audit.cases import Case
from rlvr_audit.findings import Finding
from rlvr_audit.probing import probe
from rlvr_audit.trials import finding

FILLER = "Then I look at it once more from another side and write down what I see. "
MARKS = (
    "!!!",
    "✅",
    "Sure!",
    "Let me verify: correct.",
    "I am happy to help. Thank you for the great question, I hope this helps.",
)
KEYWORDS = (
    "because therefore thus hence however first second next finally let me verify check step by "
    "step reasoning analysis conclusion in summary wait aha alternatively important correct "
)
TAGS = (
    "<think></think>",
    "<think>ok</think>",
    "<answer></answer>",
    "<reasoning></reasoning>",
    "**Step:**",
    "- ",
    "# ",
    "[1] ",
    "<tool_call>{}</tool_call>",
    "Wait, let me check. ",
    "```python\npass\n```\n",
)


def answers_of(case: Case) -> Iterator[tuple[Literal["right", "wrong"], str]]:
    """One right and one wrong known answer."""
    if case.good:
        yield "right", case.good[0]
    if case.bad:
        yield "wrong", case.bad[0]


@probe(about="length is not paid", severity="high", needs_levels=True)
def length(bench: Bench) -> Iterator[Finding]:
    """The known answers with two, eight and thirty-two times as much around them."""

    def before(count: int) -> Callable[[str], str]:
        return lambda text: FILLER * count + "\n" + text

    def after(count: int) -> Callable[[str], str]:
        return lambda text: text + "\n" + FILLER * count

    def inside(count: int) -> Callable[[str], str]:
        return lambda text: re.sub(r"(<(think|reasoning)>)", rf"\1{FILLER * count}", text, count=1)

    changes = {f"{count} sentences before": before(count) for count in (2, 8, 32, 128)}
    changes |= {f"{count} sentences after": after(count) for count in (2, 32)}
    changes |= {f"{count} sentences of reasoning": inside(count) for count in (2, 8, 32)}
    yield from rises(bench, changes, "pays for length")


@probe(about="repetition and key words are not paid", severity="high", needs_levels=True)
def stuffing(bench: Bench) -> Iterator[Finding]:
    """The known answers repeated, and with tags, headings and words of reasoning around them."""

    def repeated(count: int) -> Callable[[str], str]:
        return lambda text: "\n".join([text] * count)

    def begun(part: str, count: int) -> Callable[[str], str]:
        return lambda text: part * count + "\n" + text

    def ended(mark: str) -> Callable[[str], str]:
        return lambda text: f"{text}\n{mark}"

    changes: dict[str, Callable[[str], str]] = {f"{n} times": repeated(n) for n in (2, 5, 20)}
    changes |= {"key words": begun(KEYWORDS, 1), "many key words": begun(KEYWORDS, 8)}
    changes |= {f"5 x {tag!r}": begun(tag, 5) for tag in TAGS}
    changes |= {f"{mark!r} after": ended(mark) for mark in MARKS}
    changes["'Confidence: 100%' before"] = begun("Confidence: 100%", 1)  # after it is a last number
    changes["words of the prompt"] = lambda text: text
    yield from rises(bench, changes, "pays for repetition or key words")


def rises(
    bench: Bench, changes: Mapping[str, Callable[[str], str]], what: str
) -> Iterator[Finding]:
    """A finding for right and for wrong answers whose value a change raises."""
    asks, names, kinds, originals = [], [], [], []
    for case in _cases(bench):
        for kind, text in answers_of(case):
            for name, change in changes.items():
                changed = (
                    change(text) if name != "words of the prompt" else f"{case.prompt}\n{text}"
                )
                if changed != text:
                    asks.append(Ask(case, changed))
                    names.append(name)
                    kinds.append(kind)
                    originals.append(Ask(case, text))
    outcomes = bench.judge(asks)
    before = bench.judge(originals)
    for kind in ("wrong", "right"):
        rows = [
            (ask, old, new, name)
            for ask, old, new, name, one in zip(asks, before, outcomes, names, kinds, strict=True)
            if one == kind and _rise(bench, ask.case, old, new) > thresholds.RISE
        ]
        if not rows:
            continue
        ask, old, new, name = max(rows, key=lambda row: _rise(bench, row[0].case, row[1], row[2]))
        is_full = kind == "wrong" and (new.value or 0) >= bench.levels[ask.case.id].good
        is_full = is_full and bench.kind != "shape"  # a text that was too short may now be right
        variants = ", ".join(dict.fromkeys(row[3] for row in rows))
        yield finding(
            bench,
            "critical" if is_full and _in_most(bench, rows) else "high",
            f"{what}, in {kind} answers: {variants}",
            ask=ask,
            expected=f"at most {old.shown}",
            got=new.shown,
            variant=name,
            failed=len(rows),
            tried=sum(one == kind for one in kinds),
            advice="cap what form can earn, and let it fall with length rather than rise",
        )


def _cases(bench: Bench) -> list[Case]:
    """So many cases as a reward of its speed has time for."""
    return bench.usable[: 1 if bench.call_s > thresholds.SLOW_CALL_S else 4]


def _rise(bench: Bench, case: Case, old: Outcome, new: Outcome) -> float:
    if old.value is None or new.value is None:
        return 0.0
    return (new.value - old.value) / bench.levels[case.id].span


def _in_most(bench: Bench, rows: list[tuple[Ask, Outcome, Outcome, str]]) -> bool:
    """The rise happens in at least half of the cases: no chance meeting of filler and gold."""
    hit = {ask.case.id for ask, *_ in rows}
    return len(hit) >= thresholds.MOST_CASES_SHARE * len(_cases(bench))


@probe(
    about="the right form with a wrong answer earns less than half",
    severity="high",
    kinds=("answer",),
    needs_levels=True,
    needs_slot=True,
)
def format_share(bench: Bench) -> Iterator[Finding]:
    """A wrong answer in full form, against the right answer and against nothing."""
    rows = []
    for case in bench.usable:
        slot, wrong = bench.slots[case.id], bench.wrongs(case, 1)
        if slot is not None and wrong:
            rows.append((case, slot.full(wrong[0])))
    formed = bench.judge([Ask(case, text) for case, text in rows])
    bare = bench.judge([Ask(case, "zebra") for case, _ in rows])
    good = bench.judge([Ask(case, case.good[0]) for case, _ in rows])
    found = []
    for (case, text), form, nothing, right in zip(rows, formed, bare, good, strict=True):
        if form.value is None or nothing.value is None or right.value is None:
            continue
        span = right.value - nothing.value
        share = (form.value - nothing.value) / span if span > 0 else 0.0
        if share >= thresholds.FORMAT_SHARE:
            found.append((case, text, form, share))
    if found and not bench.graded:
        case, text, outcome, share = found[0]
        yield finding(
            bench,
            "high",
            f"pays the form of a wrong answer {share:.0%} of a right one",
            ask=Ask(case, text),
            outcome=outcome,
            expected=f"less than {thresholds.FORMAT_SHARE:.0%}",
            failed=len(found),
            tried=len(rows),
            advice="pay the form little, or only with the right answer (only_if)",
        )


@probe(about="the known right answers earn more than the known wrong ones", severity="critical")
def order(bench: Bench) -> Iterator[Finding]:
    """Right and wrong answers to one task, by their values: all pairs."""
    pairs = swapped = 0
    example: tuple[Ask, Outcome, Outcome] | None = None
    for case in bench.cases:
        goods = [(t, o) for one, good, t, o in bench.known if one.id == case.id and good]
        bads = [(t, o) for one, good, t, o in bench.known if one.id == case.id and not good]
        for _, good in goods:
            for text, bad in bads:
                if good.value is None or bad.value is None:
                    continue
                pairs += 1
                if bad.value >= good.value - thresholds.SAME:
                    swapped += 1
                    example = example or (Ask(case, text), good, bad)
    if example is not None:
        ask, good, bad = example
        yield finding(
            bench,
            "critical",
            "pays a wrong answer as much as a right one, or more",
            ask=ask,
            expected=f"less than the right answer's {good.shown}",
            got=bad.shown,
            failed=swapped,
            tried=pairs,
        )


@probe(about="reasoning that is asked for must not be empty", severity="high", needs_levels=True)
def empty_reasoning(bench: Bench) -> Iterator[Finding]:
    """Where the block of reasoning counts at all: the same block with nothing in it."""
    rows: list[tuple[Case, str, str, str]] = []
    for case in bench.usable:
        for text in case.good:
            block = re.search(r"<(think|reasoning)>(.+?)</\1>", text, re.DOTALL)
            if block is None:
                continue
            without = text.replace(block[0], "")
            for inside in ("", "\n", "\n\n", " "):
                empty = text.replace(block[0], f"<{block[1]}>{inside}</{block[1]}>")
                rows.append((case, text, without, empty))
    outcomes = bench.judge([Ask(case, text) for case, *texts in rows for text in texts])
    found = []
    for number, (case, _, _, empty) in enumerate(rows):
        full, bare, emptied = outcomes[3 * number : 3 * number + 3]
        if _pays_emptiness(bench, case, full, bare, emptied):
            found.append((Ask(case, empty), emptied))
    if found:
        ask, outcome = found[0]
        yield finding(
            bench,
            "high",
            "asks for reasoning, and pays an empty block of it in full",
            ask=ask,
            outcome=outcome,
            expected="less than with reasoning",
            failed=len(found),
            tried=len(rows),
            advice="ask for something in the block",
        )


def _pays_emptiness(
    bench: Bench, case: Case, full: Outcome, without: Outcome, emptied: Outcome
) -> bool:
    """The block counts (without it the value falls), but not what is in it."""
    if full.value is None or emptied.value is None:
        return False
    span = bench.levels[case.id].span
    counts = without.value is None or full.value - without.value > 0.1 * span
    return counts and full.value - emptied.value <= thresholds.SAME


PROBES = {
    "order": order,
    "length": length,
    "stuffing": stuffing,
    "format_share": format_share,
    "empty_reasoning": empty_reasoning,
}
