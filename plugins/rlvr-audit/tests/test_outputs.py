"""What an audit writes: whole, escaped, and as the formats want it."""

import json
from xml.etree import ElementTree

import pytest
from rlvr_audit import audit, card_allows, card_of, read_card
from rlvr_audit.card import card_hash
from rlvr_audit.outputs import write_outputs
from rlvr_audit.outputs.html import html_of

QUICK = ("cases/*", "channel/shotgun", "channel/empty", "contract/verdicts")
"""Probes that are done at once: these tests are about what is written."""

HOSTILE = "</pre><script>alert(1)</script>\x1b[2J\u202e\ud83d ]]> & \x00 \\boxed{42}"


@pytest.fixture
def report(buggy, boxed):
    rows = [{**boxed[0], "id": "<b>x</b>", "bad": [HOSTILE]}, *boxed[1:]]
    return audit(buggy, cases=rows, only=QUICK)


def test_all_outputs_are_written_and_parse(report, tmp_path):
    names = {
        "html": "a.html",
        "json_file": "a.json",
        "junit": "a.xml",
        "sarif": "a.sarif",
        "card": "a.card",
    }
    files = list(write_outputs(report, {name: tmp_path / file for name, file in names.items()}))
    assert len(files) == 5
    whole = json.loads((tmp_path / "a.json").read_text())
    assert whole["worst"] == "critical"
    assert whole["rates"]["known wrong answers paid"]["failed"] == 1


def test_page_escapes_what_a_model_wrote(report):
    page = html_of(report)
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "\x1b" not in page
    assert "\u202e" not in page
    assert "<b>x" not in page
    assert "http" not in page.split("</style>")[0].replace("http-equiv", "")


def test_junit_has_a_case_a_probe_and_a_failure_a_finding(report, tmp_path):
    file = tmp_path / "a.xml"
    list(write_outputs(report, {"junit": file}))
    root = ElementTree.fromstring(file.read_text())
    cases = root.findall("testsuite/testcase")
    assert len(cases) == len(report.results)
    assert len(root.findall("testsuite/testcase/failure")) == len(report.findings)


def test_sarif_has_what_the_standard_asks_for(report, tmp_path):
    file = tmp_path / "a.sarif"
    list(write_outputs(report, {"sarif": file}))
    log = json.loads(file.read_text())
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert len(run["results"]) == len(report.findings)
    for result in run["results"]:
        assert rules[result["ruleIndex"]] == result["ruleId"]
        assert result["level"] in ("error", "warning", "note")
        assert result["message"]["text"]
        place = result["locations"][0]["physicalLocation"]
        assert place["artifactLocation"]["uri"]
        assert place["region"]["startLine"] >= 1


def test_card_is_for_one_reward_and_one_level(sound, boxed):
    report = audit(sound, cases=boxed, only=QUICK)
    card = card_of(report)
    assert card_allows(card, report.ref, "low")
    assert "not for" in card_allows(card, "math/equal@0.1.0#0", "critical").reason
    with pytest.raises(ValueError, match="none of"):
        card_allows(card, report.ref, "severe")


def test_card_with_findings_is_refused(report):
    card = card_of(report)
    refused = card_allows(card, report.ref, "critical")
    assert not refused
    assert "critical" in refused.reason


def test_card_that_was_edited_is_no_card(report):
    card = card_of(report) | {"worst": "none"}
    assert "changed" in card_allows(card, report.ref, "critical").reason


def test_card_without_the_families_that_matter_is_refused(sound, boxed):
    report = audit(sound, cases=boxed, only=["cases/*"])
    assert "left out" in card_allows(card_of(report), report.ref, "critical").reason


def test_card_goes_stale_with_its_packages(sound, boxed):
    report = audit(sound, cases=boxed, only=QUICK)
    card = card_of(report)
    card["packages"] = {"pytest": "0.0.1"}
    card["hash"] = card_hash(card)
    assert "pytest was 0.0.1" in card_allows(card, report.ref, "critical").reason


def test_card_is_read_back(sound, boxed, tmp_path):
    report = audit(sound, cases=boxed, only=QUICK)
    file = tmp_path / "card.json"
    list(write_outputs(report, {"card": file}))
    assert card_allows(read_card(file), report.ref, "critical")
