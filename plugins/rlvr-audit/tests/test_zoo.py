"""The zoo of planted bugs: each is found, and no sound twin has a critical finding."""

import importlib.util
import json
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
def audited(reference, cases):
    file, _, name = reference.partition(":")
    return audit(f"{ZOO / file}.py:{name}", cases=getattr(CASES, cases))


def worst_by_probe(report):
    worst = {}
    for finding in report.findings:
        worst[finding.probe] = max(worst.get(finding.probe, -1), rank(finding.severity))
    return worst


def caught_by(pair):
    """Probes that find the bug at `high` or worse, and find less in its twin."""
    bug = worst_by_probe(audited(pair.bug, pair.cases))
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
    """At least 57 found, no critical finding on a twin, at most 60 s a reward."""
    monkeypatch.chdir(tmp_path)
    missed = [pair.bug for pair in PAIRS if not caught_by(pair)]
    twins = {(pair.twin, pair.cases) for pair in PAIRS}
    critical = [twin for twin in twins if audited(*twin).worst == "critical"]
    slow = [
        (name, round(report.seconds))
        for pair in PAIRS
        for name, report in (
            (pair.bug, audited(pair.bug, pair.cases)),
            (pair.twin, audited(pair.twin, pair.cases)),
        )
        if report.seconds > 60
    ]
    print(json.dumps({"pairs": len(PAIRS), "missed": missed, "critical": critical, "slow": slow}))
    assert len(PAIRS) - len(missed) >= 57
    assert not critical
    assert not slow
