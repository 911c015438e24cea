"""Numbers against slow, obvious references: enumeration, textbook values, simulation."""

from itertools import combinations, product
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlvr_ops_core.statistics import (
    Estimate,
    bootstrap_mean,
    compare,
    estimate_mean,
    paired_permutation,
    pass_at_k,
    pass_sizes,
    summarize,
    wilson,
)


def row(task, value, *, tokens=5, finish="stop", status="ok", **components):
    parts = components or {"correct": value}
    return {
        "task": task,
        "value": value,
        "status": status if value is not None else "error",
        "tokens": tokens,
        "finish": finish,
        "components": {name: {"value": part} for name, part in parts.items()},
    }


def rows_of(answers):
    """`{"a": [1, 0]}` as judged rows."""
    return [row(task, value) for task, values in answers.items() for value in values]


def summary(rows, *, samples=1, seed=0, solved=1.0):
    return summarize(rows, samples=samples, pass_on="correct", solved=solved, seed=seed)


# pass@k


@pytest.mark.parametrize("total", range(1, 8))
def test_pass_at_k_is_the_share_of_all_subsets_with_a_right_answer(total):
    for right in range(total + 1):
        answers = [1] * right + [0] * (total - right)
        for k in range(1, total + 1):
            subsets = list(combinations(answers, k))
            expected = sum(any(subset) for subset in subsets) / len(subsets)
            assert pass_at_k(right, total, k) == pytest.approx(expected, abs=1e-12)


def test_pass_at_k_stays_exact_for_many_answers():
    assert pass_at_k(1, 100_000, 50_000) == pytest.approx(0.5)
    assert pass_at_k(0, 100_000, 50_000) == 0.0
    assert pass_at_k(100_000, 100_000, 1) == 1.0


@pytest.mark.parametrize(("right", "total", "k"), [(1, 3, 4), (4, 3, 1), (0, 0, 1), (1, 3, 0)])
def test_pass_at_k_refuses_what_it_cannot_know(right, total, k):
    with pytest.raises(ValueError, match=f"pass@{k} of {right} right among {total}"):
        pass_at_k(right, total, k)


def test_pass_sizes_are_powers_of_two_and_the_number_of_samples():
    assert [pass_sizes(n) for n in (1, 2, 4, 6, 8)] == [
        [1],
        [1, 2],
        [1, 2, 4],
        [1, 2, 4, 6],
        [1, 2, 4, 8],
    ]


# Wilson


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),  # Newcombe 1998, table I, method 3
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
        (29, 29, 0.8830, 1.0),
    ],
)
def test_wilson_agrees_with_published_intervals(successes, n, low, high):
    estimate = wilson(successes, n)
    assert estimate.value == successes / n
    assert (round(estimate.low, 4), round(estimate.high, 4)) == (low, high)


@given(st.integers(1, 2000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_holds_its_value_and_mirrors(counts):
    successes, n = counts
    estimate, mirror = wilson(successes, n), wilson(n - successes, n)
    assert 0 <= estimate.low <= estimate.value <= estimate.high <= 1
    assert estimate.low == pytest.approx(1 - mirror.high, abs=1e-12)


def test_wilson_of_nothing_is_no_value():
    assert wilson(0, 0) == Estimate(None, None, None, 0)
    with pytest.raises(ValueError, match="2 successes of 1"):
        wilson(2, 1)


# bootstrap


def test_bootstrap_interval_matches_the_enumerated_resamples():
    values = [0.0, 0.25, 1.0, 1.0]
    every = sorted(sum(drawn) / 4 for drawn in product(values, repeat=4))
    estimate = bootstrap_mean(values, seed=1, confidence=0.8, draws=20_000)
    assert estimate.value == 0.5625
    assert estimate.low == pytest.approx(every[int(0.1 * len(every))], abs=0.07)
    assert estimate.high == pytest.approx(every[int(0.9 * len(every))], abs=0.07)


def test_bootstrap_width_is_that_of_the_normal_interval_for_many_tasks():
    rng = Random(3)
    values = [rng.choice([0, 0.25, 0.5, 0.75, 1]) for _ in range(800)]
    mean = sum(values) / 800
    spread = (sum((value - mean) ** 2 for value in values) / 800) ** 0.5
    estimate = bootstrap_mean(values, seed=0)
    assert estimate.high - estimate.low == pytest.approx(2 * 1.96 * spread / 800**0.5, rel=0.06)


def test_bootstrap_is_the_same_for_the_same_seed():
    values = [0.1, 0.9, 0.4, 0.5, 0.2]
    assert bootstrap_mean(values, seed=7) == bootstrap_mean(values, seed=7)
    assert bootstrap_mean(values, seed=7) != bootstrap_mean(values, seed=8)


def test_bootstrap_edges():
    assert bootstrap_mean([], seed=0) == Estimate(None, None, None, 0)
    assert bootstrap_mean([0.3], seed=0) == Estimate(0.3, None, None, 1)
    assert bootstrap_mean([0.5] * 9, seed=0) == Estimate(0.5, 0.5, 0.5, 9)


def test_bootstrap_covers_the_truth_about_as_often_as_it_says():
    """300 evaluations of 60 tasks x 4 answers, each task with its own chance of being solved."""
    rng, covered = Random(11), 0
    for trial in range(300):
        chances = [rng.betavariate(1, 1) for _ in range(60)]  # mean 0.5
        values = [sum(rng.random() < chance for _ in range(4)) / 4 for chance in chances]
        estimate = bootstrap_mean(values, seed=trial, draws=400)
        covered += estimate.low <= 0.5 <= estimate.high
    assert 0.91 <= covered / 300 <= 0.98


@pytest.mark.parametrize("chance", [0.03, 0.5])
def test_wilson_covers_the_truth_about_as_often_as_it_says(chance):
    rng, covered = Random(5), 0
    for _ in range(2000):
        estimate = wilson(sum(rng.random() < chance for _ in range(100)), 100)
        covered += estimate.low <= chance <= estimate.high
    assert 0.93 <= covered / 2000 <= 0.98


def test_a_mean_of_all_right_tasks_keeps_a_doubt():
    assert estimate_mean([1.0] * 20, seed=0) == wilson(20, 20)
    assert estimate_mean([1.0] * 20, seed=0).low < 0.9


# paired test


def slow_sign_flip_p(before, after):
    differences = [b - a for a, b in zip(before, after, strict=True)]
    seen = abs(sum(differences))
    sums = [
        abs(sum(sign * difference for sign, difference in zip(signs, differences, strict=True)))
        for signs in product([-1, 1], repeat=len(differences))
    ]
    return sum(total >= seen - 1e-9 for total in sums) / len(sums)


scores = st.sampled_from([0.0, 0.25, 1 / 3, 0.5, 2 / 3, 0.75, 1.0])


@given(st.lists(st.tuples(scores, scores), min_size=1, max_size=9))
def test_paired_test_counts_every_sign_flip(pairs):
    before, after = zip(*pairs, strict=True)
    test = paired_permutation(before, after, seed=0)
    assert test.exact
    assert test.p == pytest.approx(slow_sign_flip_p(before, after))


def test_paired_test_of_right_and_wrong_is_mcnemar():
    # 2 lost, 10 won: twice the binomial tail, 2 * (1 + 12 + 66) / 2**12
    before = [1.0] * 2 + [0.0] * 10 + [1.0] * 30
    after = [0.0] * 2 + [1.0] * 10 + [1.0] * 30
    test = paired_permutation(before, after, seed=0)
    assert test.exact
    assert test.p == pytest.approx(158 / 4096)


def test_random_flips_agree_with_counting_all(monkeypatch):
    rng = Random(2)
    before = [rng.choice([0, 0.25, 0.5, 0.75]) for _ in range(30)]
    after = [value + rng.choice([-0.25, 0, 0.25, 0.25]) for value in before]
    exact = paired_permutation(before, after, seed=0)
    monkeypatch.setattr("rlvr_ops_core.statistics.MAX_ENUMERATED", 10)
    drawn = paired_permutation(before, after, seed=0, draws=20_000)
    assert (exact.exact, drawn.exact) == (True, False)
    assert drawn.p == pytest.approx(exact.p, abs=0.01)


def test_random_flips_never_give_zero(monkeypatch):
    monkeypatch.setattr("rlvr_ops_core.statistics.MAX_ENUMERATED", 10)
    assert paired_permutation([0.0] * 200, [1.0] * 200, seed=0, draws=999).p == 1 / 1000


def test_equal_models_are_called_different_about_as_often_as_alpha_says():
    rng, rejected = Random(9), 0
    for trial in range(400):
        chances = [rng.random() for _ in range(40)]
        before = [sum(rng.random() < chance for _ in range(4)) / 4 for chance in chances]
        after = [sum(rng.random() < chance for _ in range(4)) / 4 for chance in chances]
        rejected += paired_permutation(before, after, seed=trial, draws=500).p <= 0.05
    assert 0.025 <= rejected / 400 <= 0.075


def test_paired_test_edges():
    assert paired_permutation([], [], seed=0).p is None
    assert paired_permutation([0.5, 1.0], [0.5, 1.0], seed=0).p == 1.0
    with pytest.raises(ValueError, match="zip"):
        paired_permutation([1.0], [], seed=0)


# summarize


def test_summary_of_one_answer_a_task_has_wilson_intervals():
    block = summary(rows_of({f"t{n}": [float(n < 12)] for n in range(40)}))
    expected = wilson(12, 40)
    assert block["pass@1"] == {
        "value": 0.3,
        "low": expected.low,
        "high": expected.high,
        "tasks": 40,
    }
    assert (block["interval"], block["tasks"], block["answers"]) == ("wilson", 40, 40)


def test_summary_of_many_answers_resamples_tasks():
    rng = Random(0)
    answers = {f"t{n}": [float(rng.random() < n / 50) for _ in range(4)] for n in range(50)}
    block = summary(rows_of(answers), samples=4)
    assert block["interval"] == "bootstrap"
    assert list(block)[4:7] == ["pass@1", "pass@2", "pass@4"]
    flat = [value for few in answers.values() for value in few]
    assert block["pass@1"]["value"] == pytest.approx(sum(flat) / len(flat))
    assert block["pass@4"]["value"] == sum(any(few) for few in answers.values()) / 50
    # four answers to one task are not four tasks: wider than Wilson over the answers
    naive = wilson(round(sum(flat)), len(flat))
    assert block["pass@1"]["high"] - block["pass@1"]["low"] > 1.2 * (naive.high - naive.low)


def test_answers_without_verdict_are_counted_and_never_wrong():
    block = summary(rows_of({"a": [1.0, None], "b": [0.0, 1.0], "c": [None, None]}), samples=2)
    assert block["no_verdict"] == 3
    assert (block["tasks"], block["tasks_without_verdict"]) == (3, 1)
    assert block["pass@1"]["value"] == 0.75
    assert block["pass@2"] == {**block["pass@2"], "value": 1.0, "tasks": 1}


def test_tasks_weigh_the_same_however_many_answers_were_judged():
    block = summary(rows_of({"a": [1.0, 1.0, 1.0, 1.0], "b": [0.0, None, None, None]}), samples=4)
    assert block["pass@1"]["value"] == 0.5


def test_right_is_the_named_component_at_its_threshold_whatever_the_total():
    rows = [
        row("a", 1.1, correct=1.0, tidy=1.0),
        row("b", 0.1, correct=0.0, tidy=1.0),
        row("c", 0.8, correct=0.8, tidy=0.0),
        row("d", None, correct=1.0, tidy=None),
    ]
    assert summary(rows)["pass@1"]["value"] == 0.5
    block = summary(rows, solved=0.8)
    assert block["pass@1"]["value"] == 0.75
    assert block["reward"] == {**block["reward"], "value": pytest.approx(2 / 3), "tasks": 3}
    assert block["components"]["tidy"]["value"] == pytest.approx(2 / 3)
    assert block["no_verdict"] == 0


def test_tokens_and_truncation_are_means_over_all_answers():
    rows = [row("a", 1.0, tokens=10), row("b", 0.0, tokens=30, finish="length")]
    block = summary([*rows, row("c", None, tokens=None)])
    assert block["mean_tokens"] == 20
    assert block["truncated"] == pytest.approx(1 / 3)


def test_summary_of_nothing_has_no_values():
    block = summary([], samples=2)
    nothing = {"value": None, "low": None, "high": None, "tasks": 0}
    assert block["pass@1"] == block["pass@2"] == block["reward"] == nothing
    assert (block["components"], block["mean_tokens"], block["truncated"]) == ({}, None, None)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "1.0", None])
def test_a_value_that_is_no_finite_number_is_no_verdict(value):
    assert summary([row("a", value)])["no_verdict"] == 1


# compare


def pair(before, after):
    names = {"before": "old", "after": "new"}
    rows = rows_of(before), rows_of(after)
    return compare(*rows, **names, pass_on="correct", solved=1.0, seed=0)


def test_compare_pairs_tasks_by_name_whatever_their_order():
    before = {f"t{n}": [float(n % 4 == 0)] for n in range(80)}
    after = {f"t{n}": [float(n % 4 != 1)] for n in reversed(range(80))}
    found = pair(before, after)
    assert (found["before"], found["after"], found["tasks"]) == ("old", "new", 80)
    assert found["difference"] == pytest.approx(0.5)
    assert 0.35 < found["low"] < 0.5 < found["high"] < 0.65
    assert found["p"] == pytest.approx(2 / 2**40)


def test_compare_leaves_out_tasks_that_only_one_model_has_a_verdict_for():
    found = pair({"a": [1.0], "b": [0.0], "c": [None]}, {"b": [1.0], "c": [1.0], "d": [1.0]})
    assert (found["tasks"], found["unpaired"], found["difference"]) == (1, 3, 1.0)
    assert (found["low"], found["high"]) == (None, None)


def test_compare_of_nothing_says_nothing():
    found = pair({}, {})
    assert (found["difference"], found["low"], found["p"], found["tasks"]) == (None, None, None, 0)


def test_the_paired_interval_covers_the_gain_about_as_often_as_it_says():
    rng, covered = Random(21), 0
    for trial in range(200):
        before, after = {}, {}
        for n in range(50):
            chance = rng.random() * 0.8
            before[str(n)] = [float(rng.random() < chance) for _ in range(2)]
            after[str(n)] = [float(rng.random() < chance + 0.2) for _ in range(2)]
        gains = [(sum(after[n]) - sum(before[n])) / 2 for n in before]
        estimate = bootstrap_mean(gains, seed=trial, draws=400)
        covered += estimate.low <= 0.2 <= estimate.high
    assert covered / 200 >= 0.9
