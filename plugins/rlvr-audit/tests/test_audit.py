"""An audit from end to end: what it finds, where its cases come from, how it fails."""

import json

import pytest
from rlvr_audit import Case, audit, probe
from rlvr_audit.probing import probes_of, selected

from rlvr_ops_core import DataError, OptionError, PluginError, RewardLoadError


def found(report, level="high"):
    return {finding.probe for finding in report.at_least(level)}


def test_sound_reward_has_no_finding_of_weight(sound, boxed):
    report = audit(sound, cases=boxed)
    assert not report.at_least("high"), [f"{one.probe}: {one.what}" for one in report.findings]


def test_gold_anywhere_is_found_with_a_reproduction_that_runs(buggy, boxed, capsys):
    report = audit(buggy, cases=boxed, only=["channel/shotgun"])
    (finding,) = report.findings
    assert (finding.severity, finding.got) == ("critical", "1")
    assert finding.failed == finding.tried
    exec(finding.reproduce, {})
    assert capsys.readouterr().out.strip() == "1.0"


def test_rates_say_what_the_sample_could_have_shown(buggy, boxed):
    report = audit(buggy, cases=boxed, only=["cases/*", "channel/shotgun"])
    known = report.rates["known wrong answers paid"]
    assert (known.failed, known.tried) == (0, 4)
    assert known.detectable == pytest.approx(1 - 0.05**0.25)
    assert report.rates["attacks paid"].value == 1.0


def test_reward_brings_its_own_cases(tmp_path):
    file = tmp_path / "own.py"
    file.write_text(
        "def reward(sample):\n    return float(sample.final == sample.task.answer)\n"
        "reward.__rlvr_cases__ = [{'prompt': 'Say hi.', 'gold': 'hi', 'good': 'hi', 'bad': 'ho'}]\n"
    )
    report = audit(f"{file}:reward", only=["cases/*"])
    assert report.cases_from == "the reward's __rlvr_cases__"
    assert report.worst == "none"


def test_bundled_cases_serve_our_rewards():
    report = audit("text/exact", only=["cases/*", "channel/*"])
    assert report.cases_from == "rlvr-audit"
    assert report.worst == "none"


def test_options_reach_the_reward(boxed):
    cases = [Case(id="1", prompt="?", gold="Paris", good=("<a>paris</a>",), bad=("<a>Rome</a>",))]
    options = {"tag": "a", "ignore_case": True}
    report = audit("text/exact", cases=cases, options=options, only=["cases/*"])
    assert report.worst == "none"
    with pytest.raises(OptionError, match="no such option|unknown|ignore_case"):
        audit("text/exact", cases=cases, options={"ignore_cases": True})


@pytest.mark.parametrize(
    ("reference", "error", "says"),
    [
        ("text/exacct", PluginError, "exacct"),
        ("no_such_module:f", PluginError, "no module"),
        ("json:no_such", PluginError, "json has no"),
        ("missing.py:f", PluginError, "there is no file"),
    ],
)
def test_what_is_not_there_is_said(reference, error, says):
    with pytest.raises(error, match=says):
        audit(reference, cases=[{"prompt": "?", "gold": "1", "good": "1", "bad": "2"}])


def test_reward_that_does_not_load_is_told_with_its_traceback(tmp_path):
    file = tmp_path / "broken.py"
    file.write_text("1 / 0\n")
    with pytest.raises(RewardLoadError, match="ZeroDivisionError") as caught:
        audit(f"{file}:reward", cases=[{"prompt": "?", "gold": "1", "good": "1", "bad": "2"}])
    assert "broken.py" in caught.value.hint


def test_reward_that_exits_while_it_loads_is_told(tmp_path):
    file = tmp_path / "gone.py"
    file.write_text("import os\nos._exit(3)\n")
    with pytest.raises(RewardLoadError, match="code 3"):
        audit(f"{file}:reward", cases=[{"prompt": "?", "gold": "1", "good": "1", "bad": "2"}])


def test_without_cases_it_says_how_to_make_some(sound):
    with pytest.raises(DataError, match="--init"):
        audit(sound)


def test_broken_probe_is_reported_and_stops_nobody(sound, boxed, monkeypatch):
    @probe(about="never", severity="low")
    def breaks(bench):
        raise RuntimeError("boom")

    @probe(about="always", severity="low")
    def says_hi(bench):
        yield from ()

    both = probes_of("mine", {"breaks": breaks, "says_hi": says_hi})
    monkeypatch.setattr("rlvr_audit.auditing.installed_probes", lambda: (both, {}))
    results = {one.probe: one for one in audit(sound, cases=boxed).results}
    assert results["mine/breaks"].status == "skipped"
    assert "boom" in results["mine/breaks"].reason
    assert results["mine/says_hi"].status == "passed"


def test_pattern_that_matches_no_probe_is_refused():
    with pytest.raises(PluginError, match="no probe"):
        selected({}, ["channel/*"], [])


@pytest.mark.parametrize(
    "row",
    ["{", "[]", '{"gold": "1"}', '{"prompt": "?"}', '{"prompt": "?", "good": 1}', ""],
)
def test_unusable_cases_say_file_and_line(tmp_path, row, sound):
    file = tmp_path / "cases.jsonl"
    file.write_text(row + "\n")
    with pytest.raises(DataError, match=r"cases\.jsonl"):
        audit(sound, cases=file)


def test_cases_take_other_names_and_columns(tmp_path):
    from rlvr_audit import read_cases

    file = tmp_path / "cases.jsonl"
    row = {"question": "?", "answer": "1", "known_good": "1", "known_bad": ["2"], "level": 5}
    file.write_text(json.dumps(row))
    (case,) = read_cases(file)
    assert (case.gold, case.good, case.bad, dict(case.data)) == ("1", ("1",), ("2",), {"level": 5})


def test_no_time_at_all_is_said_and_breaks_nothing(sound, boxed):
    report = audit(sound, cases=boxed, budget_s=0.0, only=["cases/*", "channel/*"])
    done = {one.probe for one in report.results if "time was up" not in one.reason}
    assert done == {"cases/known_good", "cases/known_bad"}  # the known answers are always judged
    assert report.worst == "none"


def test_reward_that_hangs_on_its_own_right_answers_is_found_in_time(tmp_path, boxed, monkeypatch):
    monkeypatch.setattr("rlvr_audit.thresholds.PATIENCE_S", 0.4)
    file = tmp_path / "hangs.py"
    file.write_text("def reward(completion, answer):\n    while True:\n        pass\n")
    report = audit(f"{file}:reward", cases=boxed[:1], deadline_s=0.3, only=["cases/*"])
    assert report.worst == "critical"
    assert report.work_seconds < 10
