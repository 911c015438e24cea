"""Drift: as often wrong as stated, right about what moved and whose doing it is."""

from __future__ import annotations

import json

import numpy as np
import pytest
from click.testing import CliRunner
from rlvr_monitor.drift.command import drift_command
from rlvr_monitor.drift.comparing import compare_windows
from rlvr_monitor.drift.tests import (
    Shuffles,
    ks_test,
    mean_test,
    paired_test,
    population_stability,
    random_signs,
    step_down,
)
from rlvr_monitor.drift.window import units_of
from scipy.stats import ks_2samp
from simulated_windows import rows

from rlvr_ops_core import DataError


def compare(a, b, **options):
    return compare_windows(units_of(a), units_of(b), **options)


def moved(found):
    return {shift.signal for shift in found.shifts if shift.drifted}


def test_kolmogorov_smirnov_agrees_with_scipy():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=60), rng.normal(0.4, size=80)
    found = ks_test(a, b, Shuffles(60, 80, rng))
    reference = ks_2samp(a, b)
    assert found.statistic == pytest.approx(reference.statistic)
    assert found.p_value == pytest.approx(reference.pvalue, abs=0.03)


def test_a_constant_signal_has_no_evidence():
    rng = np.random.default_rng(0)
    same = np.ones(30)
    shuffles = Shuffles(30, 30, rng)
    assert ks_test(same, same, shuffles).p_value == 1.0
    assert mean_test(same, same, shuffles).p_value == 1.0
    assert paired_test(same - 1, random_signs(30, rng)).p_value == 1.0


def test_tests_that_say_the_same_cost_nothing_and_others_share_the_rate():
    chances = np.arange(1, 2001) / 2000  # of one test, if each permutation had been seen
    one = np.append(0.04, chances)
    assert step_down([one] * 8, 0.05) == [True] * 8
    rng = np.random.default_rng(0)
    apart = [np.append(0.04, rng.permutation(chances)) for _ in range(8)]
    assert step_down(apart, 0.05) == [False] * 8
    apart[3][0], apart[5][0] = 0.001, 0.004
    assert step_down(apart, 0.05) == [place in (3, 5) for place in range(8)]


def test_a_permutation_has_the_p_value_that_it_would_have_had():
    rng = np.random.default_rng(0)
    tested = mean_test(rng.normal(size=40), rng.normal(size=40), Shuffles(40, 40, rng))
    assert len(tested.p_values) == 2000
    assert tested.p_values.min() == pytest.approx(1 / 2000)
    assert (tested.p_values <= 0.05).mean() == pytest.approx(0.05, abs=0.001)


def test_psi_has_a_critical_value_for_its_size():
    rng = np.random.default_rng(1)
    above = fixed = 0
    for _ in range(200):
        value, critical = population_stability(rng.normal(size=100), rng.normal(size=100))
        above += value > critical
        fixed += value > 0.1
    assert above / 200 < 0.12
    assert fixed / 200 > 0.5  # what a fixed limit of 0.1 would cry


@pytest.mark.slow
def test_without_drift_it_is_wrong_about_as_often_as_stated():
    pairs = 120
    wrong = sum(
        compare(rows(f"a{n}", 40), rows(f"b{n}", 40), alpha=0.1).drifted for n in range(pairs)
    )
    assert wrong / pairs <= 0.2  # `make bench-drift` holds it to twice the rate from both sides


@pytest.mark.parametrize(
    ("change", "signal", "cause"),
    [
        ({"skill": 0.2}, "pass_rate", "the input is as before: the policy moved"),
        ({"length": 200.0}, "completion_length", "the input is as before: the policy moved"),
        ({"seconds": 0.03}, "verdict_seconds", "the input is as before: the verifier moved"),
    ],
)
def test_what_moved_is_named_with_its_cause(change, signal, cause):
    found = compare(rows("c", 150), rows("d", 150, **change))
    assert signal in moved(found)
    assert found.cause == cause


def test_other_prompts_are_drift_of_the_input_not_of_the_policy():
    found = compare(rows("a", 150), rows("b", 150, words="xyz"))
    assert "prompt_mix" in moved(found)
    assert found.cause == "the input moved; nothing else did"


def test_another_mix_of_the_same_tasks_is_not_taken_for_another_policy():
    hard = [row for row in rows("a", 600, tasks=60) if int(row["task"][1:]) < 45]
    easy = [row for row in rows("b", 600, tasks=60) if int(row["task"][1:]) >= 15]
    found = compare(hard, easy)
    assert found.shared_tasks >= 20
    assert not moved(found) & {"pass_rate", "completion_length"}


def test_the_command_says_by_its_exit_code_whether_there_is_drift(tmp_path):
    for name, made in (("a", rows("a")), ("b", rows("b")), ("c", rows("c", skill=0.1))):
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in made))
    run = CliRunner().invoke
    same = run(drift_command, [str(tmp_path / "a.jsonl"), str(tmp_path / "b.jsonl")])
    assert same.exit_code == 0, same.output
    assert "nothing moved" in same.output
    textfile = tmp_path / "drift.prom"
    arguments = [str(tmp_path / "a.jsonl"), str(tmp_path / "c.jsonl")]
    other = run(drift_command, [*arguments, "--json", "--textfile", str(textfile)])
    assert other.exit_code == 1
    assert json.loads(other.output)["drifted"] is True
    assert 'rlvr_drift_alarm{detector="permutation",kind="policy",signal="pass_rate"} 1.0' in (
        textfile.read_text()
    )


def test_files_that_hold_no_rollouts_are_refused(tmp_path):
    (tmp_path / "few.jsonl").write_text(json.dumps(rows("a", 1)[0]) + "\n")
    with pytest.raises(DataError, match="at least 20"):
        compare(rows("a", 5), rows("b"))
    result = CliRunner().invoke(drift_command, [str(tmp_path / "no"), str(tmp_path / "few.jsonl")])
    assert isinstance(result.exception, DataError)
