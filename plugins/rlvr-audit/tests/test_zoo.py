"""The zoo of planted bugs: each is found, and no sound twin has a critical finding."""

import importlib.util
from concurrent.futures import ThreadPoolExecutor
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

import pytest
from rlvr_audit import audit
from rlvr_audit.findings import rank

ZOO = Path(__file__).parent / "zoo"


def load(name):
    spec = importlib.util.spec_from_file_location(f"zoo_{name}", ZOO / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    import sys

    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


CASES, PAIRS = load("cases"), load("table").PAIRS
QUICK = {
    "extraction:substring",
    "extraction:symmetric",
    "failures:gold_unreadable_pays",
    "batches:shifted",
    "batches:by_prompt",
    "shaping:length_bonus",
}


@cache
def audited(reference, cases, only=()):
    file, _, name = reference.partition(":")
    return audit(f"{ZOO / file}.py:{name}", cases=getattr(CASES, cases), only=only)


def worst_by_probe(report):
    worst = {}
    for finding in report.findings:
        worst[finding.probe] = max(worst.get(finding.probe, -1), rank(finding.severity))
    return worst


def caught_by(pair):
    """Probes that find the bug at `high` or worse, and find less in its twin."""
    bug = worst_by_probe(audited(pair.bug, pair.cases, pair.found_by))
    twin = worst_by_probe(audited(pair.twin, pair.cases))
    return [
        name
        for name, level in bug.items()
        if level >= rank("high")
        and level > twin.get(name, -1)
        and any(fnmatch(name, pattern) for pattern in pair.found_by)
    ]


def test_zoo_is_large_and_reproduces_public_reports():
    assert len(PAIRS) >= 60
    assert len({pair.bug for pair in PAIRS}) == len(PAIRS)
    assert len([pair for pair in PAIRS if "#" in pair.issue]) >= 12


@pytest.mark.parametrize(
    "pair", [one for one in PAIRS if one.bug in QUICK], ids=lambda one: one.bug
)
def test_bug_is_found_and_its_twin_is_clean(pair):
    assert caught_by(pair)
    assert audited(pair.twin, pair.cases).worst != "critical"


@pytest.mark.slow
def test_whole_zoo(tmp_path, monkeypatch):
    """Nearly all bugs are found, by the probes that are meant to; no twin is called critical.

    A bug meets only the probes that must find it; `make bench-audit` lets it meet all of them.
    """
    monkeypatch.chdir(tmp_path)
    twins = sorted({(pair.twin, pair.cases) for pair in PAIRS})
    jobs = [*twins, *((pair.bug, pair.cases, pair.found_by) for pair in PAIRS)]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda job: audited(*job), jobs))
    missed = [pair.bug for pair in PAIRS if not caught_by(pair)]
    critical = [twin for twin in twins if audited(*twin).worst == "critical"]
    slow = [job[0] for job in jobs if audited(*job).seconds > 60]
    assert len(missed) <= 3, missed
    assert not critical
    assert not slow
