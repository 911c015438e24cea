"""Run the probes on a reward: the one function behind the command, the fixture and the card."""

from __future__ import annotations

import tempfile
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import Any

from rlvr_audit import thresholds
from rlvr_audit.bench import Bench, TimeUp
from rlvr_audit.bundled import bundled_cases
from rlvr_audit.cases import HOW_TO_MAKE, Case, case_of, cases_hash, read_cases, with_own_ids
from rlvr_audit.findings import Finding, ProbeResult, rank, worst_of
from rlvr_audit.probing import Probe, in_order, installed_probes, selected
from rlvr_audit.process import RewardProcess
from rlvr_audit.rates import Rate, rates_of
from rlvr_audit.target import Target
from rlvr_ops_core import DataError

BUDGET_S = 36.0
TIME_UP = "the audit's time was up; give it more: --budget SECONDS"


@dataclass(frozen=True, kw_only=True)
class Report:
    """What an audit found."""

    target: Target
    ref: str
    """`plugin/name@version#options`; for a function its place and the hash of its file."""
    shape: str
    kind: str
    cases: Sequence[Case]
    cases_from: str
    results: Sequence[ProbeResult]
    rates: Mapping[str, Rate]
    broken: Mapping[str, str] = field(default_factory=dict)
    """Packages of probes that could not be used, and why."""
    info: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    work_seconds: float = 0.0
    """`seconds` without those in which the machine was busy with something else."""
    made: str = ""

    @property
    def findings(self) -> list[Finding]:
        """All findings, the worst first."""
        found = [finding for result in self.results for finding in result.findings]
        return sorted(found, key=lambda finding: -rank(finding.severity))

    @property
    def worst(self) -> str:
        """The worst severity; "none" without a finding."""
        return worst_of(self.findings)

    def at_least(self, level: str) -> list[Finding]:
        """The findings of a severity and above."""
        return [finding for finding in self.findings if rank(finding.severity) >= rank(level)]

    @property
    def cases_hash(self) -> str:
        """Changes if a case does."""
        return cases_hash(self.cases)


def audit(
    reference: str,
    *,
    cases: Path | str | Sequence[Case | Mapping[str, Any]] | None = None,
    options: Mapping[str, Any] | None = None,
    only: Iterable[str] = (),
    skip: Iterable[str] = (),
    shape: str = "",
    deadline_s: float | None = None,
    budget_s: float = BUDGET_S,
    plugin_files: Sequence[Path | str] = (),
    progress: Callable[[str], None] = lambda _: None,
) -> Report:
    """Test and attack a reward.

    Args:
        reference: `plugin/name`, `package.module:function` or `file.py:function`.
        cases: a file, or cases; without them those that the reward or this package brings.
        options: the reward's options.
        only: patterns of probes to run, such as `contract/*`; all without any.
        skip: patterns of probes to leave out.
        shape: how the function takes its arguments, if its signature does not tell.
        deadline_s: one judgement of a hostile text may take so long.
        budget_s: when so many seconds of work are used up the probes that are left are skipped,
            and said to be; time in which the machine was busy with something else does not count.
        plugin_files: plugins that are one file.
        progress: is told the name of each probe before it runs.

    Raises:
        PluginError: there is no such reward or probe.
        RewardLoadError: the reward does not load.
        DataError: there are no cases, or they can't be read.
    """
    started = perf_counter()
    probes, broken = installed_probes()
    chosen = selected(probes, only, skip)
    files = tuple(str(Path(file).resolve()) for file in plugin_files)
    target = Target(
        reference=reference, options=dict(options or {}), plugin_files=files, shape=shape
    )
    process = RewardProcess(target)
    try:
        info = process.ready()
        found, cases_from = _cases(target, cases, info)
        limit = deadline_s or min(info["timeout_s"] or thresholds.DEADLINE_S, thresholds.DEADLINE_S)
        process = _with_right_form(process, target, found, limit, budget_s)
        bench = Bench(target, process, found, deadline_s=limit, budget_s=budget_s)
        with tempfile.TemporaryDirectory(prefix="rlvr-audit-") as folder:
            bench.calibrate()
            bench.folder = folder if bench.kind == "code" else ""
            results = [_run(one, bench, progress) for one in in_order(chosen, bench.kind)]
    finally:
        process.close()
    return Report(
        target=target,
        ref=_ref(target, info),
        shape=info["shape"],
        kind=bench.kind,
        cases=found,
        cases_from=cases_from,
        results=results,
        rates=rates_of(bench.tried),
        broken=broken,
        info=info,
        seconds=perf_counter() - started,
        work_seconds=process.clock.seconds,
        made=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _ref(target: Target, info: Mapping[str, Any]) -> str:
    """Which reward this is: a plugin's by its version, a function by the hash of its file."""
    from rlvr_ops_core.options import options_hash

    if target.is_component:
        return str(info["ref"])
    return f"{target.reference}@file-{info['source_hash'][:8]}#{options_hash(target.options)}"


def _cases(
    target: Target,
    given: Path | str | Sequence[Case | Mapping[str, Any]] | None,
    info: Mapping[str, Any],
) -> tuple[list[Case], str]:
    """The cases to use, and where they come from."""
    if isinstance(given, Path | str):
        return read_cases(Path(given)), str(given)
    if given is not None:
        rows = [case_of(row, f"cases:{number}") for number, row in enumerate(given, start=1)]
        if not rows:
            raise DataError("no case was given", hint=HOW_TO_MAKE)
        return with_own_ids(rows), "given"
    if info["cases"] is not None:
        rows = [case_of(row, f"case:{n}") for n, row in enumerate(info["cases"], start=1)]
        return with_own_ids(rows), "the reward's __rlvr_cases__"
    bundled = bundled_cases(target.reference)
    if bundled:
        return bundled, "rlvr-audit"
    raise DataError(f"there are no cases for {target.reference}: --cases FILE", hint=HOW_TO_MAKE)


def _with_right_form(
    process: RewardProcess, target: Target, cases: Sequence[Case], limit: float, budget_s: float
) -> RewardProcess:
    """A foreign function takes completions as texts or as messages: whichever does not raise."""
    if process.info["ours"] or process.info["shape"] not in ("trl", "verifiers"):
        return process
    from rlvr_audit.bench import Ask

    bench = Bench(target, process, cases, deadline_s=limit, budget_s=budget_s)
    asks = [Ask(case, text) for case in cases[:4] for text in case.good[:1]]
    as_text = bench.judge(asks, deadline_s=thresholds.PATIENCE_S, is_needed=True)
    if not asks or any(outcome.value for outcome in as_text):
        return process
    other = RewardProcess(target, form="messages", clock=process.clock)
    other.ready()
    bench = Bench(target, other, cases, deadline_s=limit, budget_s=budget_s)
    as_messages = bench.judge(asks, deadline_s=thresholds.PATIENCE_S, is_needed=True)
    text_score = sum(outcome.value is not None for outcome in as_text)
    message_score = sum(outcome.value is not None for outcome in as_messages)
    if any(outcome.value for outcome in as_messages) or message_score > text_score:
        process.close()
        return other
    other.close()
    return process


def _run(one: Probe, bench: Bench, progress: Callable[[str], None]) -> ProbeResult:
    """One probe's result; a probe that breaks is reported, and stops nobody else."""
    progress(one.name)
    reason = TIME_UP if bench.is_over and not one.always else one.not_for(bench)
    if reason:
        return ProbeResult(probe=one.name, about=one.about, status="skipped", reason=reason)
    started, before = perf_counter(), len(bench.tried)
    bench.figures = {}
    found: list[Finding] = []
    try:
        for finding in one.run(bench):
            found.append(replace(finding, probe=one.name))  # kept if it breaks off
    except TimeUp:
        reason = TIME_UP
    except Exception as error:  # noqa: BLE001  # a third party's probe: record and go on
        what = "".join(traceback.format_exception(error))[-1500:]
        reason = f"the probe broke: {what}"
    return ProbeResult(
        probe=one.name,
        about=one.about,
        status="failed" if found else "skipped" if reason else "passed",
        reason=reason,
        trials=len(bench.tried) - before,
        seconds=perf_counter() - started,
        findings=tuple(found),
        figures=dict(bench.figures),
    )
