"""Family `infrastructure`: hangs, crashes, outages, leaks, and what else stops a run at night."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator

from rlvr_audit import thresholds
from rlvr_audit.bench import Ask, Bench, Outcome
from rlvr_audit.effects import CANARY_CODE
from rlvr_audit.findings import Finding, Severity
from rlvr_audit.probes.comparing import known_asks
from rlvr_audit.probes.hangs import hang, latency
from rlvr_audit.probes.outages import calls_of, outage, patience
from rlvr_audit.probes.texts import MALFORMED
from rlvr_audit.probing import probe
from rlvr_audit.trials import finding


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
    yield from _slower(bench, marks[0]["times"])
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
    for name in sorted(after.keys() - {"bytes"}):
        more = after[name] - before[name]
        if more >= min(thresholds.LEAK_COUNT, judged // 2):
            yield finding(
                bench,
                "high",
                f"leaves {more} {name} behind after {judged} answers",
                expected="none",
            )


def _slower(bench: Bench, times: list[float]) -> Iterator[Finding]:
    """Texts of one length, and each takes longer than the one before."""
    if len(times) < 4 * thresholds.SLOWING_CALLS:
        return
    count = thresholds.SLOWING_CALLS
    parts = [times[count : 2 * count], times[len(times) // 2 :][:count], times[-count:]]
    early, middle, late = (sorted(part)[count // 2] for part in parts)
    if late > thresholds.SLOWING * early + thresholds.SLOWING_S and early < middle < late:
        bench.figures["time of one answer"] = f"{early * 1000:.2f} ms, then {late * 1000:.2f} ms"
        yield finding(
            bench,
            "high",
            f"gets slower with every answer: {late / early:.1f} times after {len(times)}",
            expected="the same time for the last answer as for the first",
            advice="keep nothing from one answer to the next",
        )


@probe(about="leaves the trainer's process as it was", severity="critical")
def side_effects(bench: Bench) -> Iterator[Finding]:
    """Seeds, signal handlers, folders, files; and code in an answer that must not be run."""
    case = bench.cases[0]
    yaml = f'!!python/object/apply:builtins.eval ["{CANARY_CODE}"]'
    texts = [CANARY_CODE, f"```python\n{CANARY_CODE}\n```", bench.render(case, CANARY_CODE), yaml]
    with tempfile.TemporaryDirectory(prefix="rlvr-audit-") as folder:
        file = f"{folder}/canary"
        for text in (f"$(touch {file})", f"'; touch '{file}", f'"; touch "{file}'):
            texts += [text, bench.render(case, text)]
        asks = [*known_asks(bench, 4), *(Ask(case, text) for text in texts if text)]
        yield from _effects(bench, asks, file)


def _effects(bench: Bench, asks: list[Ask], canary_file: str) -> Iterator[Finding]:
    request = {
        "op": "watch",
        "canary_file": canary_file,
        "warm": [[bench.row(ask)] for ask in asks[:2]],
        "calls": calls_of(bench, asks),
    }
    replies = bench.ask(request, deadline_s=patience(bench))
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
            ask=asks[-1 if "shell" in effect else 4] if severity == "critical" else None,
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
