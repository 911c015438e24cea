"""Public rewards, each audited in one command; what docs/audit.md says of them."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from rlvr_audit import audit

PUBLIC = Path(__file__).parent / "public"
PAGE = Path(__file__).parents[3] / "docs" / "audit.md"
FOUND_IN_VERL = (
    "channel/hedge",
    "channel/uncommitted",
    "channel/lazy_expression",
    "contract/unusable_gold",
    "recall/context",
)


def findings(reference, cases, *only):
    report = audit(reference, cases=PUBLIC / cases, only=only)
    return {finding.probe: finding for finding in report.findings}


def needs(name):
    there = importlib.util.find_spec(name) is not None
    return pytest.mark.skipif(not there, reason=f"{name} is not installed: pip install {name}")


@pytest.mark.slow
@needs("trl")
def test_trl_accuracy_reward_does_arithmetic_pays_denials_and_hangs_in_a_thread():
    found = findings(
        "trl.rewards:accuracy_reward", "math.jsonl", "cases/*", "channel/*", "infrastructure/hang"
    )
    assert found["infrastructure/hang"].severity == "critical"
    for probe in ("channel/hedge", "channel/uncommitted", "channel/lazy_expression"):
        assert found[probe].severity == "high"


@pytest.mark.slow
@needs("trl")
def test_trl_think_format_reward_pays_empty_reasoning_and_refuses_a_prefilled_tag():
    only = ("cases/*", "shaping/empty_reasoning", "recall/template_prefill")
    found = findings("trl.rewards:think_format_reward", "think.jsonl", *only)
    assert set(found) == {"shaping/empty_reasoning", "recall/template_prefill"}


@needs("reasoning_gym")
def test_reasoning_gym_pays_what_contains_the_answer():
    score = "reasoning_gym.dataset:ProceduralDataset.score_answer"
    found = findings(score, "gym.jsonl", "cases/*", "channel/contained", "recall/*")
    assert found["channel/contained"].severity == "high"
    assert "recall/context" in found


@pytest.mark.isolation
def test_verl_scorers_are_audited_without_ray(tmp_path, monkeypatch):
    """verl alone, none of what it imports: its scorers, and what docs/audit.md shows of them."""
    pytest.importorskip("uv", reason="pip install uv runs this")
    uv = (sys.executable, "-m", "uv", "pip", "install", "--quiet", "--no-deps")
    subprocess.run([*uv, "--target", tmp_path, "verl==0.9.1"], check=True)
    paths = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    monkeypatch.setenv("PYTHONPATH", paths.rstrip(os.pathsep))
    monkeypatch.chdir(tmp_path)
    scorers = "verl.utils.reward_score"
    gsm8k = findings(f"{scorers}.gsm8k:compute_score", "gsm8k.jsonl", *FOUND_IN_VERL)
    assert set(gsm8k) == {*FOUND_IN_VERL}
    dapo = findings(f"{scorers}.math_dapo:compute_score", "dapo.jsonl", *FOUND_IN_VERL)
    assert set(dapo) == {*FOUND_IN_VERL} - {"channel/lazy_expression"}
    assert {one.severity for one in (*gsm8k.values(), *dapo.values())} == {"high"}
    for found in (gsm8k, dapo):
        ran = subprocess.run(
            [sys.executable, "-c", found["channel/hedge"].reproduce],
            capture_output=True,
            text=True,
            check=True,
        )
        assert ran.stdout, ran.stderr
    if PAGE.is_file():
        (shown,) = re.findall(r"<<'END'\n(import runpy.*?)END\n```", PAGE.read_text(), re.DOTALL)
        subprocess.run([sys.executable, "-c", shown], check=True)
