"""Public rewards, each audited in one command; what docs/audit.md says of them."""

import importlib.util
from pathlib import Path

import pytest
from rlvr_audit import audit

PUBLIC = Path(__file__).parent / "public"


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


@needs("verl")
def test_verl_gsm8k_reads_a_window_of_300_characters():
    found = findings("verl.utils.reward_score.gsm8k:compute_score", "gsm8k.jsonl", "recall/context")
    assert found["recall/context"].severity == "high"
