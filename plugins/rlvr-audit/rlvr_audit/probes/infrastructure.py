"""Family `infrastructure`: hangs, crashes, outages, leaks, and what else stops a run at night."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from rlvr_audit import thresholds
from rlvr_audit.bench import NOT_TRIED, Ask, Bench, Context, Outcome
from rlvr_audit.effects import CANARY_CODE
from rlvr_audit.findings import Finding, Severity
from rlvr_audit.probes.contract import known_asks
from rlvr_audit.probes.pumps import pumps_of
from rlvr_audit.probes.texts import HOSTILE, MALFORMED
from rlvr_audit.probing import probe
from rlvr_audit.trials import finding

ENOUGH_HANGS = 3
SIZES = (1_000, 4_000, 16_000, 64_000)


@probe(about="is done with any text by its deadline", severity="critical")
def hang(bench: Bench) -> Iterator[Finding]:
    """Texts that hang patterns, parsers and evaluators, bare and where the answer belongs."""
    asks = _hostile_asks(bench)
    late: list[tuple[Ask, Outcome]] = []
    longest = 0.0
    for start in range(0, len(asks), 8):
        part = asks[start : start + 8]
        outcomes = bench.judge(part)
        late += [(a, o) for a, o in zip(part, outcomes, strict=True) if o.status == "timeout"]
        late = [row for row in late if row[1] is not NOT_TRIED]
        longest = max(longest, *(one.seconds for one in outcomes))
        yield from _paid_or_crashed(bench, part, outcomes)
        if len(late) >= ENOUGH_HANGS or bench.is_over:
            break
    bench.figures["longest judgement of a hostile text"] = f"{longest:.2f} s"
    if bench.info["fast"]:
        found = _hung_in(bench, "fast", [ask for ask, _ in late] or asks)
        if found:
            yield _about_hang(bench, "critical", "hangs in its fast path", found, len(asks))
            return
    limit = bench.deadline_s * thresholds.HANG_FACTOR
    again = [(ask, bench.judge([ask], deadline_s=limit, is_needed=True)[0]) for ask, _ in late[:1]]
    hung = [(ask, outcome) for ask, outcome in again if outcome.status == "timeout"]
    where = "hangs"
    if not hung:  # what is done by then is slow, and no hang
        towers = [ask for ask in asks if "9^{9" in ask.completion or "9**9" in ask.completion]
        hung = _hung_in(bench, "thread", [*(ask for ask, _ in late[:1]), *towers[:4]])[:1]
        hung = [row for ask, _ in hung for row in _hung_in(bench, "thread", [ask], limit)]
        where = "hangs in a worker thread"
    if hung:
        yield _about_hang(bench, _hang_severity(bench), where, hung, len(asks))
    elif again and again[0][1].seconds > bench.deadline_s:
        severity: Severity = "medium" if _is_contained(bench) else "high"
        what = f"needs {again[0][1].seconds:.1f} s for a short text"
        yield _about_hang(bench, severity, what, again, len(asks))


def _hung_in(
    bench: Bench, context: Context, asks: list[Ask], deadline_s: float | None = None
) -> list[tuple[Ask, Outcome]]:
    outcomes = bench.judge(asks, context=context, deadline_s=deadline_s, is_needed=True)
    return [
        (a, o)
        for a, o in zip(asks, outcomes, strict=True)
        if o is not NOT_TRIED and o.status == "timeout"
    ]


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


def _paid_or_crashed(bench: Bench, asks: list[Ask], outcomes: list[Outcome]) -> Iterator[Finding]:
    for ask, outcome in zip(asks, outcomes, strict=True):
        is_paid = ask.case.id in bench.levels and bench.is_paid(ask.case, outcome)
        if outcome.status == "crash":
            yield finding(
                bench,
                "high" if _is_contained(bench) else "critical",
                "a text ends its process",
                ask=ask,
                outcome=outcome,
                expected="a verdict",
            )
            return
        if is_paid and bench.kind in ("answer", "code"):
            yield finding(
                bench,
                "critical",
                "pays a text that makes it fail or run out of time",
                ask=ask,
                outcome=outcome,
                expected="not paid",
                advice="an exception or a timeout is no verdict: never a one",
            )
            return


@probe(about="judges malformed texts without an error", severity="critical")
def malformed(bench: Bench) -> Iterator[Finding]:
    """Odd characters, endless numbers, open tags; and messages without a text."""
    texts = [*MALFORMED.values()]
    asks = []
    for case in bench.cases[:2]:
        asks += [Ask(case, text) for text in texts]
        asks += [Ask(case, one) for text in texts if (one := bench.render(case, text))]
    outcomes = bench.judge(asks)
    rows = list(zip(asks, outcomes, strict=True))
    yield from _failures(bench, rows, "error", "high", "raises on what a model may write")
    yield from _failures(bench, rows, "crash", "critical", "a text ends its process")
    if not bench.info["ours"] and bench.process.form == "text":
        return
    case = bench.cases[0]
    odd = [
        [{"role": "assistant", "content": None}],
        [],
        [{"role": "assistant", "content": [{"type": "text", "text": "4"}]}],
        [{"role": "assistant", "content": None, "tool_calls": [{"function": {"name": "f"}}]}],
        [{"role": "user", "content": "4"}],
    ]
    asks = [Ask(case, messages) for messages in odd]
    rows = list(zip(asks, bench.judge(asks), strict=True))
    yield from _failures(bench, rows, "error", "medium", "raises on messages without a text")


def _failures(
    bench: Bench, rows: list[tuple[Ask, Outcome]], status: str, severity: Severity, what: str
) -> Iterator[Finding]:
    failed = [(a, o) for a, o in rows if o.status == status and o.kind in ("", "raised")]
    if failed:
        ask, outcome = min(failed, key=lambda row: len(str(row[0].completion)))
        yield finding(
            bench,
            severity,
            what,
            ask=ask,
            outcome=outcome,
            expected="a value, or None",
            failed=len(failed),
            tried=len(rows),
        )


@probe(about="says so if what it depends on is down", severity="critical")
def outage(bench: Bench) -> Iterator[Finding]:
    """The network, programs, the disk, and what its own module calls: each broken in turn.

    A number while a dependency is down is a wrong zero or one that training takes for a verdict.
    """
    asks = [ask for ask in known_asks(bench, 8) if ask.completion]
    goods = [ask for ask in asks if ask.completion in ask.case.good][:2]
    bads = [ask for ask in asks if ask.completion in ask.case.bad][:1]
    asks = [*goods, *bads]
    baseline = bench.judge(asks)
    targets = [*bench.info["seams"], *bench.info["dependencies"][:40]]
    for target in targets:
        if bench.is_over:
            return
        used, gives_text = _used(bench, asks, target)
        if not used:
            continue
        is_outside = target in bench.info["seams"] or bool(
            re.search(bench.info["outside"], target, re.IGNORECASE)
        )
        for how in ("refused", "timeout", "down", "garbage"):
            if how == "garbage" and not gives_text:
                continue
            found = _swallowed(bench, asks, baseline, target, how, is_outside=is_outside)
            if found is not None:
                yield found
                break


def _used(bench: Bench, asks: list[Ask], target: str) -> tuple[bool, bool]:
    """Whether the reward uses a dependency, and whether it gives a text."""
    request = {"op": "fault", "target": target, "how": "watch"}
    replies = bench.ask({**request, "calls": _calls(bench, asks)}, deadline_s=_patience(bench))
    used = [reply for reply in replies if reply.get("used")]
    return bool(used), any(reply.get("texts") for reply in used)


def _swallowed(
    bench: Bench,
    asks: list[Ask],
    baseline: list[Outcome],
    target: str,
    how: str,
    *,
    is_outside: bool,
) -> Finding | None:
    request = {"op": "fault", "target": target, "how": how, "calls": _calls(bench, asks)}
    replies = bench.ask(request, deadline_s=_patience(bench))
    for ask, before, reply in zip(asks, baseline, replies, strict=False):
        if not reply.get("used") or before.status != "ok":
            continue
        result = reply["results"][0]
        if result["status"] != "ok":
            continue
        is_bad = ask.completion in ask.case.bad
        value = result["value"]
        paid = is_bad and before.value is not None and value > before.value + thresholds.SAME
        if not is_bad and how == "garbage" and (value == before.value or not is_outside):
            continue  # a helper that takes texts apart may well find nothing in garbage
        if is_bad and not paid:
            continue  # a wrong answer called wrong: right by chance
        if how == "garbage" and not is_outside and reply["used"] != 1:
            continue  # a helper for gold and answer alike makes both the same
        severity: Severity = "critical" if is_outside or paid else "high"
        if how == "garbage" and not paid:
            severity = "high"
        what = "gives a text that is no verdict" if how == "garbage" else f"fails ({how})"
        return finding(
            bench,
            severity,
            f"gives {value:g} as if nothing were wrong when {target} {what}",
            ask=ask,
            expected="no verdict (None), or the exception",
            got=f"{value:g}",
            variant=f"{target}:{how}",
            advice="let the exception out, or return None: an outage is neither right nor wrong",
        )
    return None


def _calls(bench: Bench, asks: list[Ask]) -> list[list[dict[str, object]]]:
    return [[bench.row(ask)] for ask in asks]


def _patience(bench: Bench) -> float:
    return max(bench.deadline_s, 10 * bench.call_s) + 1


@probe(about="needs time in proportion to the text", severity="high")
def latency(bench: Bench) -> Iterator[Finding]:
    """Texts of 1,000 to 64,000 characters: how the time grows."""
    case = bench.cases[0]
    fillers = {"letters": "a", "digits": "1", "words": "word and ", "brackets": "(", "spaces": " "}
    fillers |= {"boxes": r"\boxed{1} ", "tags": "<think>x</think> ", "lines": "step: 1 = 1\n"}
    steepest: tuple[float, float, str, Ask] | None = None
    for name, filler in fillers.items():
        end = case.good[0] if case.good else ""
        asks = [Ask(case, (filler * size)[:size] + end) for size in SIZES]
        outcomes = bench.judge(asks)
        last, before = outcomes[-1].seconds, outcomes[-2].seconds
        exponent = math.log(max(last, 1e-6) / max(before, 1e-6)) / math.log(SIZES[-1] / SIZES[-2])
        is_steep = last > thresholds.SLOW_S and exponent > thresholds.STEEP_EXPONENT
        if is_steep and (steepest is None or last > steepest[0]):
            steepest = (last, exponent, name, asks[-1])
        if outcomes[-1].status == "timeout":
            break
    times = sorted(outcome.seconds for _, _, _, outcome in bench.known)
    if times:
        bench.figures["median of known answers"] = f"{times[len(times) // 2] * 1000:.3g} ms"
        bench.figures["slowest of known answers"] = f"{times[-1] * 1000:.3g} ms"
    if steepest is not None:
        yield _about_latency(bench, *steepest)


def _about_latency(bench: Bench, last: float, exponent: float, name: str, ask: Ask) -> Finding:
    what = f"needs {last:.1f} s for 64,000 characters of {name}"
    return finding(
        bench,
        "high" if last > 1 else "medium",
        f"{what}; time grows with the power {exponent:.1f} of the length",
        ask=ask,
        expected="time in proportion to the length",
        got=f"{last:.2f} s",
        advice="look for nested quantifiers, re-scanning in a loop, text += text",
    )


@probe(about="leaves nothing behind", severity="high")
def leaks(bench: Bench) -> Iterator[Finding]:
    """Memory, files, threads, processes and temporary files after many unlike answers."""
    asks = known_asks(bench, 4)
    length = 20_000 if bench.call_s < 0.005 else 4_000
    request = {
        "op": "soak",
        "rows": [bench.row(ask) for ask in asks],
        "count": 900,
        "seconds": 1.5,
        "length": length,
    }
    marks = [
        reply for reply in bench.ask(request, deadline_s=20 + 30 * bench.call_s) if "marks" in reply
    ]
    if not marks or len(marks[0]["marks"]) < 2 or marks[0]["judged"] < 8:
        return
    before, after = marks[0]["marks"]
    judged = marks[0]["judged"]
    grown = after["bytes"] - before["bytes"]
    bench.figures["memory grew by"] = f"{grown / 2**20:.1f} MiB in {judged} answers"
    if grown > thresholds.LEAK_BYTES and grown > thresholds.LEAK_SHARE * judged * length:
        yield finding(
            bench,
            "high",
            f"keeps {grown / 2**20:.0f} MiB after {judged} answers of {length:,} characters",
            expected="memory that is given back",
            advice="bound every cache: lru_cache(maxsize=…), and never by completion",
        )
    for name in ("open files", "threads", "child processes", "temporary files"):
        more = after[name] - before[name]
        if more >= min(thresholds.LEAK_COUNT, judged // 2):
            yield finding(
                bench,
                "high",
                f"leaves {more} {name} behind after {judged} answers",
                expected="none",
            )


@probe(about="leaves the trainer's process as it was", severity="critical")
def side_effects(bench: Bench) -> Iterator[Finding]:
    """Seeds, signal handlers, folders, files; and code in an answer that must not be run."""
    case = bench.cases[0]
    texts = [CANARY_CODE, f"```python\n{CANARY_CODE}\n```", bench.render(case, CANARY_CODE)]
    asks = [*known_asks(bench, 4), *(Ask(case, text) for text in texts if text)]
    request = {
        "op": "watch",
        "warm": [[bench.row(ask)] for ask in asks[:2]],
        "calls": _calls(bench, asks),
    }
    replies = bench.ask(request, deadline_s=_patience(bench))
    for effect in [one for reply in replies for one in reply.get("effects", ())]:
        severity: Severity = "medium"
        if effect.startswith("evaluates"):
            severity = "critical"
        elif effect.startswith("changes"):
            severity = "high"
        yield finding(
            bench,
            severity,
            effect,
            ask=asks[-1] if severity == "critical" else None,
            expected="nothing but a verdict",
        )


PROBES = {
    "side_effects": side_effects,
    "malformed": malformed,
    "outage": outage,
    "leaks": leaks,
    "latency": latency,
    "hang": hang,
}
