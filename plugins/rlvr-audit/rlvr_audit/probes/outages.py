"""What a reward gives while something it depends on is down."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rlvr_audit import thresholds
from rlvr_audit.bench import Ask, Bench, Outcome
from rlvr_audit.findings import Finding, Severity
from rlvr_audit.probes.comparing import known_asks
from rlvr_audit.probing import probe
from rlvr_audit.trials import finding


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
    seams = [one for one in bench.info["seams"] if one != "deadlines" or bench.kind != "code"]
    targets = [*seams, *bench.info["dependencies"][:40]]
    for target in targets:
        if bench.is_over:
            return
        used, gives_text = _used(bench, asks, target)
        if not used:
            continue
        is_late = target == "deadlines"
        is_outside = target in seams or bool(
            re.search(bench.info["outside"], target, re.IGNORECASE)
        )
        is_outside = is_outside and not is_late
        for how in ("timeout",) if is_late else ("refused", "timeout", "down", "garbage"):
            if how == "garbage" and not gives_text:
                continue
            found = _swallowed(
                bench, asks, baseline, target, how, is_outside=is_outside and not is_late
            )
            if found is not None:
                yield found
                break


def _used(bench: Bench, asks: list[Ask], target: str) -> tuple[bool, bool]:
    """Whether the reward uses a dependency, and whether it gives a text."""
    request = {"op": "fault", "target": target, "how": "watch"}
    replies = bench.ask({**request, "calls": calls_of(bench, asks)}, deadline_s=patience(bench))
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
    request = {"op": "fault", "target": target, "how": how, "calls": calls_of(bench, asks)}
    replies = bench.ask(request, deadline_s=patience(bench))
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
        is_program = bench.kind == "code" and how == "timeout"  # a program that is late is wrong
        severity: Severity = "critical" if paid or (is_outside and not is_program) else "high"
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


def calls_of(bench: Bench, asks: list[Ask]) -> list[list[dict[str, object]]]:
    """One call for each ask, as the reward's process takes them."""
    return [[bench.row(one) for one in (ask, *bench.company(ask))] for ask in asks]


def patience(bench: Bench) -> float:
    """How long to wait for one reply of a reward that may retry."""
    return max(bench.deadline_s, 10 * bench.call_s) + 1
