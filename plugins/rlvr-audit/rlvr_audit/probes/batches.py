"""Several answers in one call: their number, their neighbours and their order."""

from __future__ import annotations

from collections.abc import Iterator

from rlvr_audit.bench import Ask, Bench, Outcome
from rlvr_audit.findings import Finding
from rlvr_audit.probes.comparing import differences, is_same, known_asks
from rlvr_audit.probing import probe
from rlvr_audit.trials import finding


@probe(about="gives one value an answer, for any number", severity="critical", batched_only=True)
def batch_sizes(bench: Bench) -> Iterator[Finding]:
    """Batches of 1, 2, 3 and 7, and of equal answers."""
    for size in (1, 2, 3, 7):
        batch = batch_of(bench, size)
        outcomes = bench.judge_calls([batch])[0]
        wrong = [o for o in outcomes if o.kind in ("length", "type") or o.status == "crash"]
        if wrong:
            yield finding(
                bench,
                "critical",
                f"fails on a batch of {size}",
                got=wrong[0].shown,
                expected=f"{size} values",
            )
            return
    yield from _equal_answers(bench)


def _equal_answers(bench: Bench) -> Iterator[Finding]:
    """A batch in which all answers are right, and one in which all are wrong: no spread at all."""
    for case in bench.cases[:1]:
        for text in (*case.good[:1], *case.bad[:1]):
            batch = [Ask(case, text)] * 4
            outcomes = bench.judge_calls([batch])[0]
            wrong = [one for one in outcomes if one.status in ("error", "crash")]
            if wrong and bench.judge(batch[:1])[0].status == "ok":
                yield finding(
                    bench,
                    "critical",
                    "fails on a batch of equal answers",
                    ask=batch[0],
                    got=wrong[0].shown,
                    expected="4 values",
                    advice="don't divide by a spread that may be zero",
                )
                return


def batch_of(bench: Bench, size: int) -> list[Ask]:
    """A batch as trainers make them: answers to several prompts, or to one for a group reward."""
    if bench.info["shape"] == "group":
        case = max(bench.cases, key=lambda one: len(one.good) + len(one.bad))
        texts = [*case.good, *case.bad, "I don't know."]
        return [Ask(case, texts[number % len(texts)]) for number in range(size)]
    asks = known_asks(bench, max(size, 2))
    return [asks[number % len(asks)] for number in range(size)]


def crossed(bench: Bench) -> list[Ask]:
    """One text as the answer to several tasks: right for one of them."""
    cases = [case for case in bench.cases if case.good][:4]
    return [Ask(case, other.good[0]) for other in cases[:2] for case in cases]


@probe(about="judges an answer alike alone and in a batch", severity="critical", batched_only=True)
def batch_equals_single(bench: Bench) -> Iterator[Finding]:
    """The same answers in one call and in a call each; group rewards compare, so not they."""
    if bench.info["shape"] == "group":
        return
    batch = [*batch_of(bench, 9), *crossed(bench)]
    alone = bench.judge(batch)
    together = bench.judge_calls([batch])[0]
    yield from differences(bench, batch, alone, together, "judges an answer by its neighbours")


@probe(about="the order of a batch does not count", severity="critical", batched_only=True)
def permutation(bench: Bench) -> Iterator[Finding]:
    """The batch turned round and shuffled, and each answer twice."""
    batch = batch_of(bench, 8)
    straight = bench.judge_calls([batch])[0]
    for name, order in {
        "turned round": list(reversed(range(8))),
        "rotated": [3, 4, 5, 6, 7, 0, 1, 2],
        "mixed": [5, 2, 7, 0, 3, 6, 1, 4],
    }.items():
        judged = bench.judge_calls([[batch[place] for place in order]])[0]
        back: list[Outcome] = [judged[order.index(place)] for place in range(8)]
        found = list(differences(bench, batch, straight, back, f"the order counts ({name})"))
        if found:
            yield from found
            return
    double = [ask for ask in batch for _ in range(2)]
    twice = bench.judge_calls([double])[0]
    for place in range(0, len(double), 2):
        if not is_same(twice[place], twice[place + 1]):
            yield finding(
                bench,
                "critical",
                "judges the same answer twice in one batch differently",
                ask=double[place],
                got=f"{twice[place].shown}, then {twice[place + 1].shown}",
                expected="the same",
            )
            return
