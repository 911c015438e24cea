"""Family `contract`: what every trainer relies on, whatever the reward judges."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from rlvr_audit import thresholds
from rlvr_audit.bench import Ask, Bench
from rlvr_audit.findings import Finding
from rlvr_audit.probes import fresh
from rlvr_audit.probes.batches import batch_equals_single, batch_of, batch_sizes, permutation
from rlvr_audit.probes.comparing import differences, known_asks, varied_asks
from rlvr_audit.probes.missing import unusable_gold
from rlvr_audit.probes.texts import BROKEN, JUNK, SKELETONS
from rlvr_audit.probing import probe
from rlvr_audit.trials import finding

DAY_S = 86_400.0
CLOCKS_S = (
    *(40 * DAY_S + 5 * 3_600 + 31 * 60 + 7, -3 * 3_600.0 - 17 * 60, 183 * DAY_S + 1),
    *(2 * DAY_S, 3 * DAY_S),
)
"""How far off the clock is set: another day, hour, minute, second and season; on whatever day it
is, at least one weekday and one day of a weekend."""

WRONG_KINDS = {
    "type": "returns something that is no number",
    "nan": "returns NaN or infinity",
    "range": "returns a value outside its declared range",
    "length": "returns another number of values than it was given answers",
}


@probe(about="gives finite numbers in its range, or abstains", severity="critical")
def verdicts(bench: Bench) -> Iterator[Finding]:
    """Types, NaN, range and count of what comes back, for ordinary and for odd answers."""
    asks = known_asks(bench, 24)
    for case in bench.cases[:2]:
        asks += [Ask(case, text) for text in ("", "   ", *SKELETONS[:6], *BROKEN[:8], *JUNK[::6])]
        asks += [Ask(case, text) for one in BROKEN[:6] if (text := bench.render(case, one))]
        asks += [Ask(case, text * 50) for text in (*case.good[:1], *case.bad[:1])]
    outcomes = bench.judge(asks)
    for kind, what in WRONG_KINDS.items():
        rows = [(a, o) for a, o in zip(asks, outcomes, strict=True) if o.kind == kind]
        if rows:
            ask, outcome = rows[0]
            yield finding(
                bench,
                "critical",
                what,
                ask=ask,
                outcome=outcome,
                expected="a finite number, or None",
                failed=len(rows),
                tried=len(asks),
            )


@probe(about="leaves what it is given as it is", severity="high")
def immutability(bench: Bench) -> Iterator[Finding]:
    """Prompts, answers and data after the call; with spaces, which many a reward strips."""
    batch = batch_of(bench, 4) if bench.info["batched"] else known_asks(bench, 6)
    batch += [ask._replace(completion=f"  {ask.completion} \n") for ask in batch[:2]]
    calls = [batch] if bench.info["batched"] else [[ask] for ask in batch]
    for call, outcomes in zip(calls, bench.judge_calls(calls), strict=True):
        if any(outcome.changed for outcome in outcomes):
            yield finding(
                bench,
                "high",
                "changes what it was given",
                ask=call[0],
                advice="copy before changing: rewards after this one see the change",
            )
            return


@probe(about="judges the same answer alike every time", severity="critical")
def repeatable(bench: Bench) -> Iterator[Finding]:
    """The same answers ten times over, and with another clock."""
    is_quick = bench.call_s < 0.005
    asks = varied_asks(bench)[: 20 if is_quick else 6]
    rounds = thresholds.REPEATS if is_quick else 3
    outcomes = bench.judge(asks * rounds)
    first = outcomes[: len(asks)]
    for number in range(1, rounds):
        later = outcomes[number * len(asks) : (number + 1) * len(asks)]
        found = list(differences(bench, asks, first, later, "judges the same answer differently"))
        if found:
            yield from found
            return
    for shift_s in CLOCKS_S:
        later = bench.judge(asks, shift_s=shift_s)
        found = list(differences(bench, asks, first, later, "judges by the time of day"))
        if found:
            yield from found
            return


@probe(about="judges alike in every process", severity="critical")
def fresh_processes(bench: Bench) -> Iterator[Finding]:
    """Fresh processes with other hash seeds, time zones, languages and working folders."""
    asks = varied_asks(bench)[: 24 if bench.call_s < 0.02 else 6]
    first = bench.judge(asks)
    for what, outcomes in fresh.outcomes_elsewhere(bench, asks):
        if isinstance(outcomes, str):
            yield finding(
                bench, "medium", f"does not load {what}", got=outcomes, expected="it loads anywhere"
            )
            continue
        found = list(differences(bench, asks, first, outcomes, f"judges differently {what}"))
        if found:
            yield from found
            return


@probe(about="remembers nothing from one answer to the next", severity="critical")
def state(bench: Bench) -> Iterator[Finding]:
    """Answers, prompts and golds in every pairing, in one process and each in a fresh one."""
    asks = _pairings(bench)[: bench.at_most(40 if bench.call_s < 0.01 else 8)]
    alone = [bench.judge([ask])[0] for ask in asks]
    there = bench.judge([*asks, *asks[::-1], *asks])
    count = len(asks)
    rounds = [there[:count], there[count : 2 * count][::-1], there[2 * count :]]
    for later in rounds:
        found = list(
            differences(bench, asks, alone, later, "remembers earlier answers, prompts or golds")
        )
        if found:
            yield from found
            return


def _pairings(bench: Bench) -> list[Ask]:
    """Each answer with its own task, another task, and its task with another gold."""
    asks: list[Ask] = []
    cases = [case for case in bench.cases if case.good][:5]
    for number, case in enumerate(cases):
        other = cases[(number + 1) % len(cases)]
        asks.append(Ask(case, case.good[0]))
        asks += [Ask(case, text) for text in case.bad[:1]]
        if other is not case:
            swapped = {"gold": other.gold, "data": dict(other.data)}
            asks.append(Ask(case, other.good[0]))
            asks.append(Ask(case, case.good[0], swapped))
            asks.append(Ask(case, other.good[0], swapped))
    return asks


@probe(about="judges alike from many threads and on an event loop", severity="critical")
def concurrency(bench: Bench) -> Iterator[Finding]:
    """The same answers at once: eight threads that switch at every line, and a running loop."""
    asks = _pairings(bench)[: 24 if bench.call_s < 0.02 else 8]
    asks = asks * (3 if bench.call_s < 0.005 else 1)
    if not asks:
        return
    first = bench.judge(asks)
    limit = max(bench.deadline_s, 5 + 20 * bench.call_s * len(asks))
    for name in ("a thread", "eight threads", "an event loop"):
        context = {"a thread": "thread", "eight threads": "threads", "an event loop": "asyncio"}
        later = bench.judge(asks, context=context[name], deadline_s=limit)  # type: ignore[arg-type]
        found = list(differences(bench, asks, first, later, f"judges differently in {name}"))
        refuses_loops = name == "an event loop" and all("asyncio.run" in o.reason for o in later)
        if found:
            yield replace(found[0], severity="high") if refuses_loops else found[0]
            return


@probe(about="takes what its trainer passes, and no less", severity="high")
def arguments(bench: Bench) -> Iterator[Finding]:
    """Unknown columns, missing ones and short ones, in the shapes that pass columns."""
    shape, takes_all = bench.info["shape"], bench.info["takes_all"]
    if shape == "trl" and not takes_all:
        yield finding(
            bench,
            "high",
            "has no **kwargs: TRL passes every column of the data set, log_extra and more",
            advice="add **kwargs",
        )
    asked = {"data_source", "solution_str", "ground_truth", "extra_info"}
    missing = sorted(asked - set(bench.info["parameters"]))
    if shape == "verl" and missing and not takes_all:
        yield finding(
            bench, "medium", f"does not take {', '.join(missing)}, which verl passes by name"
        )
    if shape != "trl" or bench.kind == "shape":
        return
    batch = [Ask(ask.case, ask.completion, {"short": 1}) for ask in batch_of(bench, 3)]
    outcomes = bench.judge_calls([batch])[0]
    if outcomes[0].kind == "length" or any(one.status == "ok" for one in outcomes):
        yield finding(
            bench,
            "high",
            "goes on with a column of golds that is too short",
            got=outcomes[-1].shown,
            expected="an exception",
            advice="zip(…, strict=True)",
        )
    names = ["answer", "solution", "ground_truth", "gold", "target", "label", "labels"]
    batch = [Ask(ask.case, ask.completion, {"without": names}) for ask in batch_of(bench, 2)]
    outcomes = bench.judge_calls([batch])[0]
    if any(one.status == "ok" for one in outcomes):
        yield finding(
            bench,
            "high",
            "goes on without the column of golds",
            got=outcomes[0].shown,
            expected="an exception, or no verdict",
            advice="make the column a parameter without a default",
        )


PROBES = {
    "verdicts": verdicts,
    "batch_sizes": batch_sizes,
    "batch_equals_single": batch_equals_single,
    "permutation": permutation,
    "immutability": immutability,
    "repeatable": repeatable,
    "fresh_processes": fresh_processes,
    "state": state,
    "concurrency": concurrency,
    "unusable_gold": unusable_gold,
    "arguments": arguments,
}
