"""The tests hold the error rates that they state."""

from __future__ import annotations

import itertools
import math
import random

import pytest
from rlvr_monitor.health.sequential import (
    Cusum,
    EDetector,
    cusum_threshold,
    excess,
)
from rlvr_monitor.health.tracks import Track, level


def ar1(rng, count, memory):
    value, values = rng.gauss(0, 1), []
    for _ in range(count):
        value = memory * value + math.sqrt(1 - memory**2) * rng.gauss(0, 1)
        values.append(value)
    return values


def tracked(values):
    track = Track(level, 0.01)
    for value in values:
        track.add(value)
    return track


def test_the_threshold_is_that_of_the_tables():
    # Hawkins and Olwell (1998), table 3.2: k = 0.5, h = 5 has an in-control run length of 930
    assert cusum_threshold(930) == pytest.approx(5.0, abs=0.05)


@pytest.mark.parametrize("memory", [0.0, 0.6])
def test_a_level_at_its_boundary_gives_about_as_many_false_alarms_as_stated(memory):
    rng = random.Random(5)
    length = 200.0
    alarms = points = 0
    cusum = Cusum(cusum_threshold(length))
    values = ar1(rng, 60_000, memory)
    for before, now in itertools.pairwise(values):
        points += 1
        if cusum.update(excess(now, before, 1.0, memory)):
            alarms += 1
            cusum.height = 0.0
    assert 0.5 < alarms / points * length < 2


def test_noise_is_measured_through_trends_jumps_and_outliers():
    rng = random.Random(2)
    values = [0.01 * n + (3 if n > 100 else 0) + e for n, e in enumerate(ar1(rng, 200, 0.0))]
    values[50] += 40
    track = tracked(values)
    assert track.deviation == pytest.approx(1.0, rel=0.25)
    assert track.correlation < 0.3
    assert tracked(ar1(rng, 200, 0.6)).correlation > 0.3
    flat = tracked([1.0] * 50)
    assert (flat.deviation, flat.correlation) == (0.01, 0.0)


def test_one_series_in_many_crosses_the_bound_that_holds_forever():
    rng = random.Random(3)
    crossed = 0
    for _ in range(400):
        test = EDetector(0.05, once_in=20)
        crossed += any(
            test.update(sum(rng.random() < 0.05 for _ in range(8)), 8) for _ in range(200)
        )
    assert crossed / 400 <= 1 / 20


def test_a_changed_rate_is_found_soon_and_a_tolerated_one_takes_its_run_length():
    rng = random.Random(4)
    test = EDetector(0.02, run_length=5000)
    alarms = [test.update(sum(rng.random() < 0.02 for _ in range(32)), 32) for _ in range(500)]
    assert not any(alarms)
    delays = next(
        n for n in range(20) if test.update(sum(rng.random() < 0.2 for _ in range(32)), 32)
    )
    assert delays <= 4
