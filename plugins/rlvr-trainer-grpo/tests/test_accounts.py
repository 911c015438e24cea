"""What a step cost: phases that sum to the wall time, tokens, and what was saved."""

import time

import pytest
from copy_digits import judge
from rlvr_trainer_grpo import grpo
from rlvr_trainer_grpo.accounts import PHASES, Accounts, Costs
from rlvr_trainer_grpo.gpus import gpu_gauge
from rlvr_trainer_grpo.savings import OFF

STEP = {"prompts_per_step": 2, "group_size": 4, "max_new_tokens": 6, "threads": 1, "steps": 3}


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def test_inner_phase_takes_its_time_out_of_the_outer():
    clock = Clock()
    accounts = Accounts(Costs(price_per_hour=7200, devices=2, watts=100), clock=clock)
    clock.now = 1
    with accounts.phase("train"):
        clock.now = 3
        with accounts.phase("generate"):
            clock.now = 7
        clock.now = 8
    clock.now = 8.5
    numbers = accounts.close_step()
    assert [numbers[f"seconds/{name}"] for name in PHASES] == [4, 0, 3, 1.5]
    assert numbers["seconds/wall"] == 8.5
    assert numbers["cost/money"] == pytest.approx(34)
    assert numbers["cost/watt_hours"] == pytest.approx(8.5 * 200 / 3600)
    assert accounts.close_step()["seconds/wall"] == 0


def test_seconds_saved_are_tokens_saved_at_the_price_of_computed_ones():
    clock = Clock()
    accounts = Accounts(clock=clock)
    with accounts.phase("train"):
        clock.now = 2
    accounts.count(computed__train=100, saved__idle_rows=50)
    numbers = accounts.close_step()
    assert numbers["seconds/saved/idle_rows"] == 1
    assert numbers["tokens/saved/idle_rows"] == 50
    assert "seconds/saved/padding" not in numbers


def test_energy_that_a_gpu_counts_goes_before_the_estimate():
    accounts = Accounts(Costs(watts=1000), gauge=lambda: {"joules": 7200.0, "gpu/memory_gb": 3.0})
    numbers = accounts.close_step()
    assert (numbers["cost/watt_hours"], numbers["gpu/memory_gb"]) == (2.0, 3.0)


def test_machine_without_a_gpu_has_nothing_to_read():
    assert set(gpu_gauge()()) <= {"gpu/utilisation", "gpu/memory_gb", "joules"}


def test_phases_of_a_run_sum_to_its_wall_time(make_job, tiny):
    rows = []

    def score(samples, step):
        time.sleep(0.05)
        return judge(samples, step)

    job = make_job(model=tiny(), on_score=score, on_log=lambda step, numbers: rows.append(numbers))
    started = time.perf_counter()
    grpo(job, save_steps=0, **STEP)
    wall = time.perf_counter() - started
    booked = sum(row[f"seconds/{name}"] for row in rows for name in PHASES)
    assert booked == pytest.approx(sum(row["seconds/wall"] for row in rows))
    assert booked == pytest.approx(wall, rel=0.05, abs=0.2)  # the model is saved after the steps
    assert all(row["seconds/score"] >= 0.05 for row in rows)
    assert all(row["seconds/generate"] > 0 and row["seconds/train"] > 0 for row in rows)
    for row in rows:
        assert row["tokens/scored"] == row["tokens/generated"] == 8 * row["completion_length"]
        assert row.get("tokens/trained", 0) <= row["tokens/generated"]


def test_plain_training_saves_nothing_and_counts_the_same_slots(make_job, tiny):
    rows = {}
    for name, savings in (("plain", OFF), ("frugal", None)):
        job = make_job(name, model=tiny(), on_log=lambda s, n, name=name: rows.update({name: n}))
        grpo(job, savings=savings, **(STEP | {"steps": 1}))
    plain, frugal = rows["plain"], rows["frugal"]
    assert not any(value for name, value in plain.items() if "saved" in name)
    assert frugal["tokens/saved/sampled_prompts"] == 6 * 2
    assert frugal["tokens/saved/idle_rows"] > 0 or frugal["groups_alike"] == 0
