"""The test kit tested: planted bugs and their sound twins, and texts that hang.

Every bug of the zoo (plugins/rlvr-audit/tests/zoo) and every twin meets all probes, two at a time.
Found is a bug if a probe that is meant to find it gives `high` or worse, and worse than for the twin.
Then twenty texts that hang a reward, in the main thread, a worker thread and asyncio: how long after
the deadline each was stopped.

Run: make bench-audit. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import statistics
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from fnmatch import fnmatch
from pathlib import Path
from time import perf_counter
from types import ModuleType

from rlvr_audit import Ask, Bench, Case, audit
from rlvr_audit.auditing import Report
from rlvr_audit.findings import rank
from rlvr_audit.process import RewardProcess
from rlvr_audit.target import Target
from rlvr_audit.thresholds import GRACE_S

TESTS = Path(__file__).resolve().parents[2] / "plugins" / "rlvr-audit" / "tests"
CONTEXTS = ("main", "thread", "asyncio")


def main() -> None:
    """Print a line for each bug and twin, then the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--workers", type=int, default=2, help="rewards audited at a time")
    parser.add_argument("--only", default="*", help="a pattern of bugs, such as shapes:*")
    chosen = parser.parse_args()
    figures = zoo(chosen.only, chosen.workers) | hostile()
    print(json.dumps({"load_before": round(LOAD, 2), **figures}))


LOAD = os.getloadavg()[0]


def zoo(pattern: str, workers: int) -> dict[str, object]:
    """How many bugs are found, and how long an audit takes."""
    cases, table = loaded("cases", TESTS / "zoo/cases.py"), loaded("table", TESTS / "zoo/table.py")
    pairs = [pair for pair in table.PAIRS if fnmatch(pair.bug, pattern)]
    uncommon = {one for one in table.UNCOMMON if fnmatch(one[0], pattern)}
    twins = {(pair.twin, pair.cases) for pair in pairs} | uncommon
    jobs = sorted(twins | {(pair.bug, pair.cases) for pair in pairs})

    def audited(job: tuple[str, str]) -> Report:
        file, _, name = job[0].partition(":")
        report = audit(f"{TESTS / 'zoo' / file}.py:{name}", cases=getattr(cases, job[1]))
        print(f"{job[0]} ({job[1]}): {report.worst}, {report.seconds:.0f} s", flush=True)
        return report

    os.chdir(tempfile.mkdtemp(prefix="rlvr-audit-bench-"))
    with ThreadPoolExecutor(workers) as pool:
        reports = dict(zip(jobs, pool.map(audited, jobs), strict=True))
    missed = []
    for pair in pairs:
        bug, twin = reports[pair.bug, pair.cases], reports[pair.twin, pair.cases]
        probes = caught(bug, twin, pair.found_by)
        print(f"{'found' if probes else 'MISSED'} {pair.bug}: {', '.join(probes)}")
        missed += [] if probes else [pair.bug]
    critical = [name for name, given in sorted(twins) if reports[name, given].worst == "critical"]
    seconds = sorted(report.seconds for report in reports.values())
    work = sorted(report.work_seconds for report in reports.values())
    return {
        "bugs": len(pairs),
        "from_public_reports": len([pair for pair in pairs if "#" in pair.issue]),
        "found": len(pairs) - len(missed),
        "missed": missed,
        "twins": len(twins),
        "false_criticals": critical,
        "seconds_median": round(statistics.median(seconds), 1),
        "seconds_max": round(seconds[-1], 1),
        "work_seconds_median": round(statistics.median(work), 1),
        "work_seconds_max": round(work[-1], 1),
    }


def caught(bug: Report, twin: Report, meant: tuple[str, ...]) -> list[str]:
    """Probes that are meant to find a bug, and find it, and less in its twin."""
    worst, other = worst_by_probe(bug), worst_by_probe(twin)
    return [
        name
        for name, level in worst.items()
        if level >= rank("high")
        and level > other.get(name, -1)
        and any(fnmatch(name, pattern) for pattern in meant)
    ]


def worst_by_probe(report: Report) -> dict[str, int]:
    """The rank of the worst finding of each probe that has one."""
    worst: dict[str, int] = {}
    for finding in report.findings:
        worst[finding.probe] = max(worst.get(finding.probe, -1), rank(finding.severity))
    return worst


def hostile() -> dict[str, object]:
    """How late texts that hang are stopped, in seconds after the deadline."""
    tests = loaded("hostile", TESTS / "test_hostile.py")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "hangs.py"
        file.write_text(tests.REWARD)
        process = RewardProcess(Target(reference=f"{file}:reward"))
        try:
            process.ready()
            case = Case(id="1", prompt="?", gold="1", good=("eval :: 1",))
            deadline_s = tests.DEADLINE_S
            bench = Bench(process.target, process, [case], deadline_s=deadline_s, budget_s=1e9)
            late, not_stopped = [], []
            for context in CONTEXTS:
                for name, text in tests.STRINGS.items():
                    started = perf_counter()
                    (outcome,) = bench.judge([Ask(case, text)], context=context)
                    late.append(perf_counter() - started - deadline_s)
                    if outcome.status != "timeout":
                        not_stopped.append(f"{name} in {context}")
        finally:
            process.close()
    return {
        "hostile_texts": len(late),
        "not_stopped": not_stopped,
        "stopped_late_by_median": round(statistics.median(late), 3),
        "stopped_late_by_max": round(max(late), 3),
        "later_than_half_a_second": sum(one > GRACE_S for one in late),
    }


def loaded(name: str, file: Path) -> ModuleType:
    """A Python file as a module."""
    spec = importlib.util.spec_from_file_location(f"zoo_{name}", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    main()
