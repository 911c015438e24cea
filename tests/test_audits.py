"""`require_audit`: a pipeline trains only on rewards whose audit card is there, fresh and good."""

from __future__ import annotations

import importlib.metadata
import json
from pathlib import Path
from typing import Any

import pytest
from wrong_pipelines import SOUND, write_plugins

from rlvr_ops_core.audit_card import card_allows, card_hash, read_card, source_hash
from rlvr_ops_core.check import check_pipeline
from rlvr_ops_core.errors import DataError, PipelineError
from rlvr_ops_core.options import options_hash, resolve
from rlvr_ops_core.plugins import Component, Plugins

REQUIRED = SOUND.replace("seed: 0\n", "seed: 0\nrequire_audit: high\n")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with the plugin files; no plugin is installed."""
    write_plugins(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda **_: [])
    (tmp_path / "audits").mkdir()
    return tmp_path


def component(name: str) -> Component:
    return Plugins.discover(files=[Path("rlvr_echo.py")]).find("reward", name)


def card_for(name: str, **changes: Any) -> dict[str, Any]:
    one = component(name)
    card = {
        "format": 1,
        "kit": "no-such-auditor 0.1.0",
        "ref": f"{name}@{one.origin.version}#{options_hash(resolve(one.call, {}))}",
        "source": source_hash(one.call),
        "probes": {f"{family}/x": {"status": "passed"} for family in ("cases", "contract")},
        "counts": {"low": 0, "medium": 1, "high": 0, "critical": 0},
        "worst": "medium",
        "packages": {},
        "made": "2026-11-25T00:00:00+00:00",
    }
    card["probes"]["channel/x"] = {"status": "skipped", "reason": "not for rewards of kind shape"}
    card |= changes
    return {**card, "hash": card_hash(card)}


def write_card(name: str, **changes: Any) -> None:
    file = Path("audits", f"{name.replace('/', '-')}.json")
    file.write_text(json.dumps(card_for(name, **changes)))


def mistakes(content: str) -> list[str]:
    file = Path("pipeline.yaml")
    file.write_text(content)
    try:
        check_pipeline(file)
    except PipelineError as error:
        return str(error).splitlines()
    return []


def test_missing_card_is_named_with_its_line_and_the_command_that_makes_it(folder: Path) -> None:
    write_card("rlvr_echo/brief")
    assert mistakes(REQUIRED) == [
        (
            f"pipeline.yaml:{line_of('correct:')}: rewards.correct.use: require_audit: high: "
            "there is no audit card of rlvr_echo/exact in audits/"
        ),
        (
            "  audit it: rlvr audit rlvr_echo/exact --plugin rlvr_echo.py --card "
            "audits/rlvr_echo-exact.json"
        ),
    ]


def line_of(text: str) -> int:
    return next(n for n, line in enumerate(REQUIRED.splitlines(), start=1) if text in line)


def test_fresh_cards_without_bad_findings_let_the_pipeline_train(folder: Path) -> None:
    write_card("rlvr_echo/exact")
    write_card("rlvr_echo/brief")
    assert not mistakes(REQUIRED)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"ref": "rlvr_echo/exact@file-00000000#00000000"}, "the card is for rlvr_echo/exact@file"),
        ({"source": "0123456789abcdef"}, "the reward's file was changed after the audit"),
        ({"probes": {"cases/x": {"status": "passed"}}}, "left out: contract, channel"),
        ({"packages": {"click": "0.1"}}, "click was 0.1 at the audit and is"),
        ({"kit": "pluggy 0.0.1"}, "pluggy was 0.0.1 at the audit"),
        ({"worst": "high", "counts": {"high": 2}}, "the audit found 2 high; high is not allowed"),
        ({"worst": "terrible"}, "high is not allowed"),
    ],
)
def test_stale_or_bad_card_is_refused(folder: Path, change: dict[str, Any], reason: str) -> None:
    write_card("rlvr_echo/brief")
    write_card("rlvr_echo/exact", **change)
    assert reason in " ".join(mistakes(REQUIRED))


def test_reward_with_other_options_needs_a_card_of_its_own(folder: Path) -> None:
    write_card("rlvr_echo/exact")
    write_card("rlvr_echo/brief")
    other = REQUIRED.replace("weight: 0.1}", "weight: 0.1, limit: 9}")
    found = " ".join(mistakes(other))
    assert "rewards.brief" in found
    assert "the card is for rlvr_echo/brief@" in found
    assert "--option limit=9 --card audits/rlvr_echo-brief.json" in found


def test_edited_card_is_refused(folder: Path) -> None:
    card = card_for("rlvr_echo/exact") | {"worst": "none"}
    assert "changed after it was made" in card_allows(card, card["ref"]).reason


def test_file_that_is_no_card_is_named(folder: Path) -> None:
    Path("audits/broken.json").write_text("{")
    write_card("rlvr_echo/brief")
    assert "broken.json: is no JSON" in " ".join(mistakes(REQUIRED))
    Path("other.json").write_text("{}")
    with pytest.raises(DataError, match="no audit card"):
        read_card(Path("other.json"))


def test_reward_that_only_evaluates_needs_no_card(folder: Path) -> None:
    write_card("rlvr_echo/exact")
    only = REQUIRED.replace("rewards: [correct, brief]", "rewards: [correct]")
    assert not mistakes(only)


def test_member_of_a_sum_needs_a_card(folder: Path) -> None:
    write_card("rlvr_echo/exact")
    summed = REQUIRED.replace("stages:\n", "  both: {sum: [correct, brief]}\nstages:\n").replace(
        "rewards: [correct, brief]", "rewards: [both]"
    )
    assert "rewards.brief" in " ".join(mistakes(summed))


def test_level_that_is_none_is_refused(folder: Path) -> None:
    assert "require_audit" in " ".join(mistakes(REQUIRED.replace("audit: high", "audit: severe")))
    assert not mistakes(SOUND)
