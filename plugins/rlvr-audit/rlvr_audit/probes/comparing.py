"""The same answers judged twice, and what came out differently."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rlvr_audit import thresholds
from rlvr_audit.bench import Ask, Bench, Outcome
from rlvr_audit.findings import Finding
from rlvr_audit.probes.texts import JUNK
from rlvr_audit.trials import finding


def known_asks(bench: Bench, most: int = 12) -> list[Ask]:
    """Known answers of several cases, good and bad in turn."""
    goods = [Ask(case, text) for case in bench.cases for text in case.good[:2]]
    bads = [Ask(case, text) for case in bench.cases for text in case.bad[:2]]
    mixed = [ask for pair in zip(goods, bads, strict=False) for ask in pair]
    rest = [ask for ask in (*goods, *bads) if ask not in mixed]
    return [*mixed, *rest][:most]


def is_same(one: Outcome, other: Outcome) -> bool:
    """Two outcomes of one answer agree; their texts and times don't count.

    One that was too late says nothing: `infrastructure/hang` is about that.
    """
    if "timeout" in (one.status, other.status):
        return True
    if one.status != other.status:
        return False
    if one.value is None or other.value is None:
        return one.value is other.value
    return abs(one.value - other.value) <= thresholds.SAME


def varied_asks(bench: Bench) -> list[Ask]:
    """Known answers, and texts that hold several answers: they show an order that is not fixed."""
    asks = known_asks(bench)
    for case in bench.cases[:3]:
        slot, wrong = bench.slots[case.id], bench.wrongs(case, 6)
        if slot is not None and wrong:
            asks.append(Ask(case, " ".join([*wrong[:3], slot.gold, *wrong[3:]])))
            asks.append(Ask(case, "\n".join(slot.marked(text) for text in [*wrong, slot.gold])))
        asks.append(Ask(case, JUNK[40]))
    return asks


def differences(
    bench: Bench, asks: Sequence[Ask], one: Sequence[Outcome], other: Sequence[Outcome], what: str
) -> Iterator[Finding]:
    """One finding for all answers that were judged differently."""
    rows = [(ask, a, b) for ask, a, b in zip(asks, one, other, strict=True) if not is_same(a, b)]
    if rows:
        ask, first, second = rows[0]
        yield finding(
            bench,
            "critical",
            what,
            ask=ask,
            expected=first.shown,
            got=second.shown,
            failed=len(rows),
            tried=len(asks),
            advice="compute each row from that row alone, and keep the order of the rows",
        )
