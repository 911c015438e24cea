"""Answers that the text denies, takes back, hides or never gives."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rlvr_audit.bench import Bench
from rlvr_audit.cases import Case
from rlvr_audit.findings import Finding
from rlvr_audit.probing import probe
from rlvr_audit.slots import number_of
from rlvr_audit.trials import Text, paid_findings

STRICT = "take one final answer from its place, and compare the whole of it with the gold"


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
    """The gold only in the reasoning, in a comment, before an answer that was left open.

    Where a reward is given messages also: said by a tool or by the user, and not by the model.
    """

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

    def said_by(role: str) -> Text:
        def make(case: Case) -> Any:
            slot = bench.slots[case.id]
            if slot is None or not case.good:
                return None
            turns = (("assistant", "Let me see."), (role, case.good[0]), ("assistant", "Hm."))
            return [{"role": one, "content": text} for one, text in turns]

        return make

    takes_messages = bench.info["ours"] or bench.process.form == "messages"
    by_others = {f"said by the {role}": said_by(role) for role in ("tool", "user")}
    yield from paid_findings(
        bench,
        {
            **(by_others if takes_messages else {}),
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
    about="reasoning that was cut off is no answer",
    severity="high",
    kinds=("answer",),
    needs_levels=True,
    needs_slot=True,
)
def truncated(bench: Bench) -> Iterator[Finding]:
    """A block of reasoning that ends, unclosed, with the gold: the tokens ran out there.

    High where the reward or the answers know of blocks of reasoning, else medium.
    """

    def left_open(before: str) -> Text:
        def make(case: Case) -> str | None:
            slot = bench.slots[case.id]
            return before + slot.marked(slot.gold) if slot and slot.has_mark else None

        return make

    is_known = "think" in bench.info["source"] or any(
        "<think>" in text for case in bench.cases for text in case.good
    )
    yield from paid_findings(
        bench,
        {
            "left open": left_open("<think>Maybe "),
            "opened twice": left_open("<think>Hm.</think>\n<think>Maybe "),
        },
        severity="high" if is_known else "medium",
        what="pays an answer in reasoning that was cut off",
        advice="no answer is there before the reasoning is closed (sample.final)",
    )
