"""Somebody else's package of probes: an entry point is all it takes."""

import subprocess
import sys
from pathlib import Path

import pytest

PROBES = '''
from rlvr_audit import Ask, Finding, probe


@probe(about="an apology is not paid", severity="high", needs_levels=True)
def apology(bench):
    """Says sorry instead of answering."""
    for case in bench.usable:
        (outcome,) = bench.judge([Ask(case, "Sorry.")])
        if bench.is_paid(case, outcome):
            yield Finding(probe="", severity="high", what="pays an apology", got=outcome.shown)


PROBES = {"apology": apology}
'''
POLITE = """
def reward(sample):
    return float(sample.text == sample.task.answer or sample.text == "Sorry.")
"""


@pytest.fixture
def package(tmp_path) -> Path:
    """A folder as pip leaves it: a module, and its metadata with the entry point."""
    folder = tmp_path / "site"
    metadata = folder / "rlvr_manners-0.1.dist-info"
    metadata.mkdir(parents=True)
    (folder / "rlvr_manners.py").write_text(PROBES)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: rlvr-manners\nVersion: 0.1\n")
    (metadata / "entry_points.txt").write_text("[rlvr_audit_probes]\nmanners = rlvr_manners\n")
    return folder


def rlvr(package, *arguments):
    code = f"import sys; sys.path.insert(0, {str(package)!r}); from rlvr_ops_core.cli import cli; cli()"
    command = [sys.executable, "-c", code, "audit", *map(str, arguments)]
    return subprocess.run(command, cwd=package.parent, capture_output=True, text=True, check=False)


def test_probe_of_another_package_is_listed_and_finds_its_bug(package, tmp_path):
    assert "manners/apology" in rlvr(package, "--list").stdout
    (tmp_path / "polite.py").write_text(POLITE)
    (tmp_path / "cases.jsonl").write_text('{"prompt": "6 * 7?", "gold": "42", "good": ["42"]}\n')
    done = rlvr(
        package, "polite.py:reward", "--cases", "cases.jsonl", "--only", "manners/*", "--card", "c"
    )
    assert done.returncode == 5, done.stdout + done.stderr
    assert "pays an apology" in done.stdout
    assert '"manners/apology"' in (tmp_path / "c").read_text()


def test_package_of_probes_that_does_not_load_is_named(package):
    (package / "rlvr_manners.py").write_text("raise RuntimeError('oh no')\n")
    done = rlvr(package, "--list")
    assert done.returncode == 0
    assert "broken: manners: rlvr_manners: RuntimeError: oh no" in done.stderr
