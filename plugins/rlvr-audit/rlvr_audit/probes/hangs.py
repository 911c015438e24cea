"""Texts that hang a reward, and how its time grows with their length."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rlvr_audit import thresholds
from rlvr_audit.bench import NOT_TRIED, Ask, Bench, Context, Outcome
from rlvr_audit.findings import Finding, Severity
from rlvr_audit.probes.pumps import pumps_of
from rlvr_audit.probes.texts import HOSTILE
from rlvr_audit.probing import probe
from rlvr_audit.trials import finding

ENOUGH_HANGS = 3


SIZES = (1_000, 4_000, 16_000, 64_000)


@probe(about="is done with any text by its deadline", severity="critical", always=True)
def hang(bench: Bench) -> Iterator[Finding]:
    """Texts that hang patterns, parsers and evaluators, bare and where the answer belongs."""
    asks = _hostile_asks(bench)
    late: list[tuple[Ask, Outcome]] = []
    judged: list[tuple[Ask, Outcome]] = []
    longest = 0.0
    for start in range(0, len(asks), 8):
        part = asks[start : start + 8]
        outcomes = bench.judge(part, is_needed=True)
        late += [row for row in zip(part, outcomes, strict=True) if _is_late(row[1])]
        longest = max(longest, *(one.seconds for one in outcomes))
        judged += zip(part, outcomes, strict=True)
        if len(late) >= ENOUGH_HANGS or bench.is_over:
            break
    yield from _paid_or_crashed(bench, judged)
    bench.figures["longest judgement of a hostile text"] = f"{longest:.2f} s"
    if bench.info["fast"]:
        found = _hung_in(bench, "fast", [ask for ask, _ in late] or asks)
        if found:
            yield _about_hang(bench, "critical", "hangs in its fast path", found, len(asks))
            return
    yield from _hung_or_slow(bench, late, asks)


def _hung_or_slow(
    bench: Bench, late: list[tuple[Ask, Outcome]], asks: list[Ask]
) -> Iterator[Finding]:
    """What is done with a longer deadline is slow, and no hang; then the same in a thread."""
    limit = bench.deadline_s * (1 if bench.is_over else thresholds.HANG_FACTOR)
    again = [(a, bench.judge([a], deadline_s=limit, is_needed=True)[0]) for a, _ in late[:1]]
    if any(_is_late(outcome) for _, outcome in again):
        yield _about_hang(bench, _hang_severity(bench), "hangs", again, len(asks))
        return
    towers = [ask for ask in asks if "9^{9" in ask.completion or "9**9" in ask.completion]
    hung = _hung_in(bench, "thread", [*(ask for ask, _ in late[:1]), *towers[:4]])[:1]
    hung = [row for ask, _ in hung for row in _hung_in(bench, "thread", [ask], limit)]
    if hung:
        what = "hangs in a worker thread"
        yield _about_hang(bench, _hang_severity(bench), what, hung, len(asks))
    elif again and again[0][1].seconds > bench.deadline_s:
        severity: Severity = "medium" if _is_contained(bench) else "high"
        what = f"needs {again[0][1].seconds:.1f} s for a short text"
        yield _about_hang(bench, severity, what, again, len(asks))


def _is_late(outcome: Outcome) -> bool:
    return outcome.status == "timeout" and outcome is not NOT_TRIED


def _hung_in(
    bench: Bench, context: Context, asks: list[Ask], deadline_s: float | None = None
) -> list[tuple[Ask, Outcome]]:
    outcomes = bench.judge(asks, context=context, deadline_s=deadline_s, is_needed=True)
    return [row for row in zip(asks, outcomes, strict=True) if _is_late(row[1])]


def _hang_severity(bench: Bench) -> Severity:
    """Who stops it: our engine at a deadline that was declared, or at the default; or nobody."""
    if not _is_contained(bench):
        return "critical"
    return "medium" if bench.info["declared"] else "high"


def _about_hang(
    bench: Bench, severity: Severity, what: str, hung: list[tuple[Ask, Outcome]], tried: int
) -> Finding:
    ask, outcome = hung[0]
    stopped = ""
    if severity in ("high", "medium"):
        stopped = f"; our engine stops it after {bench.info['timeout_s']:g} s, without a verdict"
    return finding(
        bench,
        severity,
        what + stopped,
        ask=ask,
        outcome=outcome,
        expected=f"done in {bench.deadline_s:g} s",
        failed=len(hung),
        tried=tried,
        advice="bound the text before it is parsed; a thread or a signal can't stop this, only a "
        "process that is killed can",
    )


def _is_contained(bench: Bench) -> bool:
    """Our engine runs it in a worker that it kills; elsewhere nobody does."""
    return bool(bench.info["ours"] and not bench.info["inline"])


def _hostile_asks(bench: Bench) -> list[Ask]:
    texts = {**HOSTILE, **pumps_of(bench.info["source"])}
    asks = []
    for case in bench.cases[:1]:
        for text in texts.values():
            asks.append(Ask(case, text))
            if (rendered := bench.render(case, text)) not in (None, text):
                asks.append(Ask(case, rendered))
    return asks


def _paid_or_crashed(bench: Bench, judged: list[tuple[Ask, Outcome]]) -> Iterator[Finding]:
    """One finding for all that ended the process, and one for all that was paid."""
    crashed = [(ask, outcome) for ask, outcome in judged if outcome.status == "crash"]
    if crashed:
        yield finding(
            bench,
            "high" if _is_contained(bench) else "critical",
            "a text ends its process",
            ask=crashed[0][0],
            outcome=crashed[0][1],
            expected="a verdict",
            failed=len(crashed),
            tried=len(judged),
        )
    if bench.kind not in ("answer", "code"):
        return
    paid = [
        (ask, outcome)
        for ask, outcome in judged
        if ask.case.id in bench.levels and bench.is_paid(ask.case, outcome)
    ]
    if paid:
        in_full = [row for row in paid if not bench.is_refused(row[0].case, row[1])]
        ask, outcome = (in_full or paid)[0]
        yield finding(
            bench,
            "critical" if in_full else "high",
            "pays a text that makes it fail or run out of time",
            ask=ask,
            outcome=outcome,
            expected="not paid",
            failed=len(paid),
            tried=len(judged),
            advice="an exception or a timeout is no verdict: never a one",
        )


class Growth(NamedTuple):
    """How the time for one kind of text grows with its length."""

    ask: Ask
    size: int
    seconds: float
    exponent: float

    @property
    def projected_s(self) -> float:
        """For the longest text, if it grows on like this: one machine is quicker than another."""
        return self.seconds * math.pow(SIZES[-1] / self.size, self.exponent)


@probe(about="needs time in proportion to the text", severity="high")
def latency(bench: Bench) -> Iterator[Finding]:
    """Texts of 1,000 to 64,000 characters: how the reward's own time grows."""
    case = bench.cases[0]
    end = case.good[0] if case.good else ""
    steepest: tuple[str, Growth] | None = None
    late = 0
    for name, filler in FILLERS.items():
        asks = [Ask(case, (filler * size)[:size] + end) for size in SIZES]
        outcomes = bench.judge(asks)
        growth = _confirmed(bench, asks, _steepest(asks, outcomes))
        if growth and (steepest is None or growth.projected_s > steepest[1].projected_s):
            steepest = name, growth
        late += outcomes[-1].status == "timeout"
        if late >= (1 if steepest else thresholds.MOST_LATE):
            break  # the other texts would only wait for deadlines
    times = sorted(outcome.seconds for _, _, _, outcome in bench.known)
    if times:
        bench.figures["median of known answers"] = f"{times[len(times) // 2] * 1000:.3g} ms"
        bench.figures["slowest of known answers"] = f"{times[-1] * 1000:.3g} ms"
    if steepest is not None:
        yield _about_latency(bench, *steepest)


FILLERS = {
    "letters": "a",
    "digits": "1",
    "words": "word and ",
    "brackets": "(",
    "spaces": " ",
    "boxes": r"\boxed{1} ",
    "tags": "<think>x</think> ",
    "lines": "step: 1 = 1\n",
}


def _steepest(asks: Sequence[Ask], outcomes: Sequence[Outcome]) -> Growth | None:
    """The longest step between two lengths in which time grows steeply; None if none does.

    What was stopped at the deadline may be as steep as can be: it is tried again with a longer one.
    """
    found = None
    for place in range(1, len(asks)):
        last, before = outcomes[place].seconds, outcomes[place - 1].seconds
        if _is_late(outcomes[place - 1]) or outcomes[place] is NOT_TRIED:
            break  # what was stopped says only that it takes longer
        exponent = math.inf if _is_late(outcomes[place]) else _exponent(place, before, last)
        growth = Growth(asks[place], SIZES[place], last, exponent)
        is_slow = growth.projected_s > thresholds.SLOW_S
        if exponent > thresholds.STEEP_EXPONENT and is_slow and _goes_on(growth, outcomes[place:]):
            found = growth
    return found


def _exponent(place: int, before_s: float, last_s: float) -> float:
    """Of the power of the length with which time grows from one of SIZES to the one at `place`."""
    times = max(last_s, 1e-6) / max(before_s, 1e-6)
    return math.log(times) / math.log(SIZES[place] / SIZES[place - 1])


def _goes_on(growth: Growth, outcomes: Sequence[Outcome]) -> bool:
    """Longer texts take longer still, or are stopped: else this one was slow for other reasons."""
    longer = [one for one in outcomes[1:] if one is not NOT_TRIED and not _is_late(one)]
    return growth.seconds > 1 or all(one.seconds > growth.seconds for one in longer)


def _confirmed(bench: Bench, asks: Sequence[Ask], growth: Growth | None) -> Growth | None:
    """The same growth in the best of some more tries: one slow answer proves nothing."""
    if growth is None:
        return None
    place = SIZES.index(growth.size)
    shorter, longer = asks[place - 1], asks[place]
    if growth.exponent == math.inf:
        limit = bench.deadline_s * thresholds.HANG_FACTOR
        *befores, last = bench.judge([shorter, shorter, shorter, longer], deadline_s=limit)
        lasts = [last.seconds]
    else:
        tries = bench.judge([shorter, longer] * (2 if growth.seconds < 0.5 else 1))
        befores = tries[::2]
        lasts = [growth.seconds, *(one.seconds for one in tries[1::2])]
    last_s = min(lasts)
    exponent = _exponent(place, min(one.seconds for one in befores), last_s)
    again = Growth(growth.ask, growth.size, last_s, exponent)
    is_steep = exponent > thresholds.STEEP_EXPONENT and last_s > thresholds.MEASURABLE_S
    return again if is_steep and again.projected_s > thresholds.SLOW_S else None


def _about_latency(bench: Bench, name: str, growth: Growth) -> Finding:
    what = f"needs {growth.seconds:.1f} s for {growth.size:,} characters of {name}"
    power = f"time grows with the power {growth.exponent:.1f} of the length"
    return finding(
        bench,
        "high" if growth.projected_s > 1 else "medium",
        f"{what}; {power}: some {growth.projected_s:.0f} s for {SIZES[-1]:,}",
        ask=growth.ask,
        expected="time in proportion to the length",
        got=f"{growth.seconds:.2f} s",
        advice="look for nested quantifiers, re-scanning in a loop, text += text",
    )
