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


CASES, TABLE = load("cases"), load("table")
PAIRS = TABLE.PAIRS
CHOSEN = [pair for place, pair in enumerate(PAIRS) if "#" in pair.issue or not place % 4]
"""What CI runs: all that reproduce a public report, and a quarter of the rest."""
WAITING = ("infrastructure/hang", "infrastructure/latency", "infrastructure/leaks")
SLOW = (*WAITING, "contract/fresh_processes")
"""Probes that take most of an audit's time: here a twin meets those that its bugs are found by."""
QUICK = {
    "extraction:substring",
    "extraction:symmetric",
    "failures:gold_unreadable_pays",
    "batches:shifted",
    "batches:by_prompt",
    "shaping:length_bonus",
}


@cache
def audited(reference, cases, only=(), skip=()):
    file, _, name = reference.partition(":")
    return audit(f"{ZOO / file}.py:{name}", cases=getattr(CASES, cases), only=only, skip=skip)


def worst_by_probe(report):
    worst = {}
    for finding in report.findings:
        worst[finding.probe] = max(worst.get(finding.probe, -1), rank(finding.severity))
    return worst


def of_bug(pair):
    """The audit of a bug, by the probes that must find it."""
    return audited(pair.bug, pair.cases, pair.found_by)


def of_twin(twin, cases):
    """The audit of a sound twin, by all probes but the slow ones that none of its bugs is about."""
    wanted = [
        one for pair in PAIRS if (pair.twin, pair.cases) == (twin, cases) for one in pair.found_by
    ]
    skip = tuple(name for name in SLOW if not any(fnmatch(name, one) for one in wanted))
    return audited(twin, cases, (), skip)


def caught_by(pair):
    """Probes that find the bug at `high` or worse, and find less in its twin."""
    bug, twin = worst_by_probe(of_bug(pair)), worst_by_probe(of_twin(pair.twin, pair.cases))
    return [
        name
        for name, level in bug.items()
        if level >= rank("high")
        and level > twin.get(name, -1)
        and any(fnmatch(name, pattern) for pattern in pair.found_by)
    ]


def test_zoo_is_large_and_reproduces_public_reports():
    assert len(CHOSEN) >= 60
    assert len({pair.bug for pair in PAIRS}) == len(PAIRS)
    assert len([pair for pair in CHOSEN if "#" in pair.issue]) >= 12


@pytest.mark.parametrize(
    "pair", [one for one in PAIRS if one.bug in QUICK], ids=lambda one: one.bug
)
def test_bug_is_found_and_its_twin_is_clean(pair):
    assert caught_by(pair)
    assert of_twin(pair.twin, pair.cases).worst != "critical"


@pytest.mark.slow
def test_zoo(tmp_path, monkeypatch):
    """Nearly all bugs are found, by the probes that are meant to; no twin is called critical.

    `make bench-audit` does the same with the whole zoo and all probes.
    """
    monkeypatch.chdir(tmp_path)
    twins = sorted({(pair.twin, pair.cases) for pair in CHOSEN} | set(TABLE.UNCOMMON[::4]))
    with ThreadPoolExecutor(2) as pool:
        reports = [*pool.map(lambda twin: of_twin(*twin), twins), *pool.map(of_bug, CHOSEN)]
    missed = [pair.bug for pair in CHOSEN if not caught_by(pair)]
    assert len(missed) <= 3, missed
    assert not [twin for twin in twins if of_twin(*twin).worst == "critical"]
    assert not [one.target.reference for one in reports if one.work_seconds > 60]
