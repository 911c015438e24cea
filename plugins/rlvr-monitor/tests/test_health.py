"""Health: what is found in a run, how soon, what is not invented, and what an alarm says."""

from __future__ import annotations

import math
import random
import time
from pathlib import Path

import pytest
from rlvr_monitor.health import health
from rlvr_monitor.health.advice import WHAT_TO_DO, DetectorName
from rlvr_monitor.health.rules import RULES, SCALES
from simulated_runs import FAULTS, VARIANTS, healthy, simulate

from rlvr_ops_core import Event, OptionError, RolloutRef, Sample, StopRun, Task, Verdict
from rlvr_ops_core.check import check_pipeline
from rlvr_ops_core.pipeline import run_pipeline
from rlvr_ops_core.runs import read_lines
from rlvr_ops_core.testing import check_monitor

NAMES = set(DetectorName.__args__)


def told(events):
    watch = health()
    return [alarm for event in events for alarm in watch(event)]


def logged(**series):
    """Metrics events of series of equal length."""
    length = len(next(iter(series.values())))
    for step in range(length):
        data = {name: values[step] for name, values in series.items()}
        yield Event("metrics", "run", "policy", step + 1, data)


def noisy(level, count, spread=0.05, seed=0):
    rng = random.Random(seed)
    return [level * math.exp(rng.gauss(0, spread)) for _ in range(count)]


def judged(step, values, *, text="an answer", statuses=(), **fields):
    task = Task("t", "prompt", "gold")
    samples = [
        Sample(task, text, group=f"{step}/{n // 4}", index=n % 4, **fields)
        for n in range(len(values))
    ]
    verdicts = [
        Verdict(value, statuses[n] if n < len(statuses) else "ok") for n, value in enumerate(values)
    ]
    return Event("rollouts", "run", "policy", step, {"samples": samples, "verdicts": verdicts})


def test_health_is_a_monitor_as_the_core_wants_it():
    check_monitor(health)
    check_monitor(health, stop_on=["nan_loss"], ignore=["truncation"])


def test_every_detector_has_advice_and_every_rule_a_scale():
    assert set(WHAT_TO_DO) == NAMES
    assert {rule.detector for rule in RULES} <= NAMES
    assert {rule.signal for rule in RULES} <= set(SCALES)


def test_a_loss_that_is_no_number_is_told_at_once():
    (alarm,) = told(logged(loss=[0.1, math.nan, math.nan]))
    assert (alarm.detector, alarm.severity) == ("nan_loss", "critical")
    assert alarm.hint == WHAT_TO_DO["nan_loss"]


def test_names_that_nobody_knows_are_left_alone():
    wild = [10.0**n * (-1) ** n for n in range(30)]
    assert told(logged(strange=wild, other=[math.nan] * 30)) == []


@pytest.mark.parametrize(
    ("series", "detector"),
    [
        ({"reward": noisy(0.6, 20) + noisy(0.01, 6)}, "reward_collapse"),
        ({"reward": noisy(0.4, 20) + [1.0] * 6}, "reward_jump"),
        ({"entropy": noisy(0.9, 15) + noisy(0.02, 6)}, "entropy_collapse"),
        ({"actor/entropy": noisy(0.1, 15) + noisy(0.6, 6)}, "entropy_explosion"),
        ({"completions/mean_length": noisy(300, 15) + noisy(1500, 6)}, "length_explosion"),
        ({"completion_length": noisy(50, 15) + noisy(2.6, 6)}, "length_collapse"),
        ({"completions/clipped_ratio": noisy(0.05, 15) + noisy(0.9, 6)}, "truncation"),
        ({"frac_reward_zero_std": noisy(0.3, 15) + noisy(0.98, 8, 0.01)}, "groups_alike"),
        ({"grad_norm": [*noisy(0.5, 15), 20.0, 0.5]}, "grad_spike"),
        ({"grad_norm": noisy(0.5, 15) + [0.0] * 6}, "dead_gradient"),
        ({"kl": noisy(0.01, 20) + [0.05 * 1.8**n for n in range(10)]}, "kl_blowup"),
        ({"no_verdict": [0.0] * 15 + noisy(0.4, 6)}, "verifier_errors"),
        ({"seconds/score": noisy(0.5, 15) + noisy(4.0, 6)}, "verifier_latency"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_short_log_that_breaks_is_told_by_its_name(series, detector):
    found = told(logged(**series))
    assert detector in [alarm.detector for alarm in found]
    assert all(alarm.message and alarm.hint for alarm in found)


def test_failed_verdicts_are_told_with_their_rows_and_their_evidence():
    watch = health()
    statuses = ["error"] * 8
    for step in range(1, 4):
        assert watch(judged(step, [0.0, 1.0] * 16)) == []
    found = watch(judged(4, [None] * 8 + [1.0] * 24, statuses=statuses)) or watch(
        judged(5, [None] * 8 + [1.0] * 24, statuses=statuses)
    )
    (alarm,) = [one for one in found if one.detector == "verifier_errors"]
    assert alarm.p_value < 1e-4
    assert alarm.rows[0] == RolloutRef("policy", alarm.rows[0].step, f"{alarm.rows[0].step}/0", 0)
    assert len(alarm.rows) == 8


def test_long_answers_are_the_rows_of_a_length_alarm():
    watch = health()
    rng = random.Random(0)
    found = []
    for step in range(1, 30):
        size = 20 if step < 20 else 200
        event = judged(step, [float(rng.random() < 0.5) for _ in range(32)])
        samples = [
            Sample(one.task, one.text, one.group, one.index, range(size + rng.randrange(5)))
            for one in event.data["samples"]
        ]
        found += watch(Event("rollouts", "run", "policy", step, {**event.data, "samples": samples}))
    (alarm,) = [one for one in found if one.detector == "length_explosion"]
    assert all(row.stage == "policy" and row.step >= 20 for row in alarm.rows)


def test_answers_of_an_evaluation_are_not_taken_for_training():
    watch = health()
    bad = judged(1, [None] * 32, statuses=["error"] * 32)
    for _ in range(5):
        assert watch(Event("rollouts", "run", "evaluate", None, bad.data)) == []


def test_one_fault_is_told_once():
    found = told(logged(entropy=noisy(0.9, 20) + noisy(0.01, 80)))
    assert [alarm.detector for alarm in found] == ["entropy_collapse"]


def test_an_outlier_is_no_alarm():
    lengths = noisy(300, 40)
    lengths[25] = 3000
    rewards = noisy(0.5, 40)
    rewards[20] = 0.0
    assert told(logged(completion_length=lengths, reward=rewards)) == []


def test_longer_answers_that_earn_more_are_healthy():
    count = 60
    lengths = [60 * (1 + 1.6 * n / count) * noise for n, noise in enumerate(noisy(1, count))]
    rewards = [0.3 + 0.5 * n / count + 0.02 * (noise - 1) for n, noise in enumerate(noisy(1, 60))]
    assert told(logged(completion_length=lengths, reward=rewards)) == []
    unearned = [0.3 * noise for noise in noisy(1, count)]
    found = told(logged(completion_length=[length * 1.6 for length in lengths], reward=unearned))
    assert found == [] or found[0].detector == "length_explosion"


def test_a_held_out_reward_that_falls_while_training_rises_is_told():
    train = [0.3 + 0.004 * n for n in range(100)]
    held_out = [0.3 + 0.003 * n if n < 50 else 0.45 - 0.006 * (n - 50) for n in range(100)]
    events = []
    for n in range(100):
        data = {"reward": train[n] + 0.01 * math.sin(n)}
        if n % 10 == 9:
            data["eval_reward"] = held_out[n]
        events.append(Event("metrics", "run", "policy", n + 1, data))
    assert [alarm.detector for alarm in told(events)] == ["eval_divergence"]


@pytest.mark.slow
def test_planted_faults_are_found_and_healthy_runs_are_left_alone():
    """`make bench-health` in small, on seeds that neither it nor the tuning uses."""
    missed, found, invented, points = [], 0, [], 0
    for number, (fault, (kind, _)) in enumerate(FAULTS.items()):
        rng = random.Random(f"ci {fault}")
        setting = healthy(VARIANTS[number % 4], rng)
        setting.points = onset = 40
        setting.points += 140 if kind == "evaluated" else 60
        watch = health()
        rollouts = kind == "rollouts" or fault == "abstains"
        events = simulate(
            setting, rng, fault=fault, onset=onset, rollouts=rollouts, log=not rollouts
        )
        alarms = [(t, alarm.detector) for t, event in events for alarm in watch(event)]
        invented += [name for t, name in alarms if t < onset]
        points += onset
        if any(t >= onset for t, _ in alarms):
            found += 1
        else:
            missed.append(fault)
    for variant in VARIANTS:
        rng = random.Random(f"ci {variant}")
        setting = healthy(variant, rng)
        watch = health()
        alarms = [alarm for _, event in simulate(setting, rng) for alarm in watch(event)]
        invented += [f"{variant}: {alarm.detector}" for alarm in alarms]
        points += setting.points
    assert found >= 0.9 * len(FAULTS), missed
    assert len(invented) <= 2, (invented, points)


def test_a_point_costs_little():
    watch = health()
    setting = healthy("plain", random.Random(1))
    setting.prompts, setting.group, setting.points = 8, 8, 60
    events = [event for _, event in simulate(setting, random.Random(1), rollouts=True)]
    started = time.process_time()
    for event in events:
        watch(event)
    assert (time.process_time() - started) / 60 < 0.05  # a step of a real model takes seconds


# in a run


def run(file: Path):
    events = []
    try:
        run_pipeline(check_pipeline(file), file.parent / "run", show=[events.append])
    except StopRun as stop:
        return events, str(stop)
    return events, ""


def test_an_alarm_ends_the_run_where_the_pipeline_says_so(write_pipeline):
    file = write_pipeline({"health": {"use": "monitor/health", "stop_on": ["nan_loss"]}}, nan_at=7)
    events, reason = run(file)
    assert 'monitor "health": loss is nan' in reason
    assert max(event.step or 0 for event in events) == 7
    (kept,) = [
        row for row in read_lines(file.parent / "run/events.jsonl") if row["kind"] == "alarm"
    ]
    assert kept["data"]["stop"] is True
    assert kept["data"]["detector"] == "nan_loss"


def test_a_misspelt_detector_is_found_before_the_run(write_pipeline):
    file = write_pipeline({"health": {"use": "monitor/health", "stop_on": ["nan_los"]}})
    with pytest.raises(Exception, match="nan_los"):
        check_pipeline(file)


def test_the_shadow_finds_a_hole_soon_after_it_is_used(write_pipeline):
    """At 10 % of the best answers, within 5 steps; the rows are answers that use the hole."""
    monitors = {"health": {"use": "monitor/health", "shadow": {"use": "toy/equal"}}}
    file = write_pipeline(monitors, steps=40, hole_from=25, prevalence=0.1, pause_s=0.1)
    events, _ = run(file)
    (alarm,) = [event for event in events if event.kind == "alarm"]
    assert alarm.data["detector"] == "shadow_disagreement"
    assert alarm.data["p_value"] < 1e-3
    assert 25 <= alarm.data["rows"][0].step <= 30
    assert 25 <= (alarm.step or 0) <= 30
    kept = {
        (row["step"], row["group"], row["index"]): row
        for row in read_lines(next(file.parent.glob("run/stages/*/rollouts.jsonl")))
    }
    for row in alarm.data["rows"]:
        assert kept[row.step, row.group, row.index]["completion"] == "it is so."


def test_the_shadow_is_silent_where_the_rewards_agree(write_pipeline):
    monitors = {"health": {"use": "monitor/health", "shadow": {"use": "toy/equal"}}}
    events, _ = run(write_pipeline(monitors, steps=60))
    assert [event for event in events if event.kind == "alarm"] == []


def test_a_shadow_that_is_not_there_is_told_and_the_run_goes_on(write_pipeline):
    monitors = {"health": {"use": "monitor/health", "shadow": {"use": "toy/equl"}}}
    events, reason = run(write_pipeline(monitors, steps=3))
    (alarm,) = [event for event in events if event.kind == "alarm"]
    assert 'did you mean "toy/equal"' in alarm.data["message"]
    assert reason == ""


def test_a_shadow_without_a_reward_is_refused():
    with pytest.raises(OptionError, match="use"):
        health(shadow={"per_step": 4})


def paid(values_of, steps=30, group=8):
    """The alarms of a run in which an answer of so many words, in a group, gets this value."""
    watch, found, rng = health(), [], random.Random(0)
    for step in range(1, steps + 1):
        lengths = [[rng.randint(3, 9) for _ in range(group)] for _ in range(6)]
        samples = [
            Sample(Task("t", "?"), "word " * n, f"{step}/{place}", index, range(n))
            for place, these in enumerate(lengths)
            for index, n in enumerate(these)
        ]
        verdicts = [Verdict(values_of(step, len(one.token_ids), rng)) for one in samples]
        data = {"samples": samples, "verdicts": verdicts}
        found += [(step, one) for one in watch(Event("rollouts", "run", "policy", step, data))]
    return [(step, one) for step, one in found if one.detector.startswith("reward_")]


def by_length(n, rng):
    """Longer answers are right more often."""
    return float(rng.random() < (n - 2.5) / 7)


def test_a_reward_that_turns_round_is_told_with_the_rows_that_it_pays():
    told_at = paid(lambda step, n, rng: by_length(n, rng) if step < 20 else 1 - by_length(n, rng))
    step, alarm = next((step, one) for step, one in told_at if one.detector == "reward_reversed")
    assert step == 22
    assert "longer answers were paid better, now shorter ones are" in alarm.message
    assert paid(lambda step, n, rng: by_length(n, rng), steps=120) == []


@pytest.mark.parametrize("other", [lambda n: 1 / n, lambda n: 0.5, lambda n: n / 9])
def test_a_reward_that_gives_other_values_is_told_at_once(other):
    told_at = paid(lambda step, n, rng: by_length(n, rng) if step < 20 else other(n))
    assert (20, "reward_values") in [(step, one.detector) for step, one in told_at]


def test_a_reward_that_gives_one_more_value_now_and_then_is_no_other_reward():
    def value(step, n, rng):
        return by_length(n, rng) + 0.1 * (step > 15 and rng.random() < 0.3)

    assert not [one for _, one in paid(value, steps=60) if one.detector == "reward_values"]


def test_two_high_gradients_in_a_row_are_told_where_one_of_them_is_not():
    assert told(logged(grad_norm=[*noisy(0.5, 20, 0.05), 2.6, *noisy(0.5, 10, 0.05)])) == []
    found = told(logged(grad_norm=[*noisy(0.5, 20, 0.05), 2.6, 3.1, *noisy(0.5, 10, 0.05)]))
    assert [alarm.detector for alarm in found] == ["grad_spike"]


def test_answers_that_are_shorter_at_once_and_paid_better_are_a_shortcut():
    sudden = {"reward": noisy(0.8, 20, 0.02) + noisy(0.95, 6, 0.01)}
    sudden |= {"completion_length": noisy(200, 20) + noisy(100, 6)}
    (alarm,) = told(logged(**sudden))
    assert (alarm.detector, alarm.severity) == ("reward_jump", "critical")
    assert "while answers became as short as" in alarm.message
    learnt = {"reward": [0.8 + 0.15 * n / 60 for n in range(60)]}
    learnt |= {"completion_length": [200 * 0.5 ** (n / 60) for n in range(60)]}
    assert told(logged(**learnt)) == []
