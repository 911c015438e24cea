"""What each component says it will take, beside what it took."""

import itertools

import pytest
from copy_digits import VOCABULARY, copy_tasks, judge
from rlvr_trainer_grpo import grpo, sample, scratch, sft
from rlvr_trainer_grpo.decoding import Sampling, decode
from rlvr_trainer_grpo.estimates import (
    estimate_best_of_n,
    estimate_grpo,
    estimate_sample,
    estimate_scratch,
    estimate_sft,
    spread,
)
from rlvr_trainer_grpo.foresight import ENOUGH_GROUPS, KEPT, foreseen, groups_decide
from rlvr_trainer_grpo.models import load_model
from rlvr_trainer_grpo.pruning import Pruning
from rlvr_trainer_grpo.rehearsal import Rehearsal, read_note, rehearsed_lengths, write_note
from rlvr_trainer_grpo.savings import Savings

from rlvr_ops_core import Task, Verdict
from rlvr_ops_core.options import resolve

TRAIN = {"steps": 30, "prompts_per_step": 2, "group_size": 4, "max_new_tokens": 6, "threads": 1}


def options_of(component, **given):
    supplied = frozenset({"samples", "seed"} if component is sample else ())
    return resolve(component, given, supplied=supplied)


def logged(component, make_job, name, **fields):
    rows = []
    options = fields.pop("options")
    component(make_job(name, on_log=lambda step, n: rows.append(n), **fields), **options)
    return {k: sum(row.get(k, 0.0) for row in rows) for row in rows for k in row}


def test_tokens_of_grpo_are_within_a_third_of_what_they_become(make_job, tiny):
    options = options_of(grpo, **TRAIN, save_steps=0)
    guess = estimate_grpo(make_job("guess", model=tiny()), **options)
    became = logged(grpo, make_job, "run", model=tiny(), options=options)
    for name in ("generated", "scored", "trained"):
        assert guess.tokens[name] == pytest.approx(became[f"tokens/{name}"], rel=0.3)
    assert guess.seconds > 0
    assert guess.assumes


def half_alike(samples, step=None):
    """Of every second task all answers are wrong, of the others every second answer."""
    return [
        Verdict(float(int(one.task.id.removeprefix("copy/")) % 2 and one.index % 2))
        for one in samples
    ]


def test_what_will_teach_is_judged_on_more_groups_than_were_rehearsed(make_job, tiny):
    options = options_of(grpo, **TRAIN, save_steps=0)
    rows = [
        {"groups_alike": 0.0, "tokens/trained": 900.0, "seconds/train": 50.0},  # the first: no rule
        {"groups_alike": 0.5, "tokens/trained": 300.0, "seconds/train": 6.0},
    ]
    found = Rehearsal(first=(60, 60), step=(10, 20), checkpoint=(0, 0), end=(1, 1), logged=rows)
    seen = []

    def score(samples, step):
        seen.extend(one.group for one in samples)
        return half_alike(samples)

    job = make_job(model=tiny(), on_score=score)
    tasks = copy_tasks(ENOUGH_GROUPS)
    foresight = foreseen(found, job, tasks, options)
    judged = ENOUGH_GROUPS - 2 * TRAIN["prompts_per_step"]
    assert len(set(seen)) == judged
    differ = (2 * 1.0 + 2 * 0.5 + judged / 2) / ENOUGH_GROUPS * KEPT
    factor = differ / 0.5
    assert foresight.a_step("tokens/trained") == pytest.approx(factor * 300)
    assert foresight.step == pytest.approx((10 - 6 + factor * 6, 2 * (10 - 6 + factor * 6)))
    assert (foresight.first, foresight.end) == (found.first, found.end)


@pytest.mark.parametrize(
    ("given", "decide"),
    [
        ({}, True),
        ({"beta": 0.1}, False),
        ({"pruning": Pruning(resample_rounds=1)}, False),
        ({"savings": Savings(idle_rows=False)}, False),
    ],
)
def test_groups_decide_what_is_trained_on_unless_an_option_says_otherwise(given, decide):
    assert groups_decide(options_of(grpo, **TRAIN, **given)) == decide


def test_tokens_of_sft_are_what_they_become(make_job, tiny):
    tasks = [Task(f"t/{n}", "1 2 =", data={"demonstration": "! " * (n % 3)}) for n in range(30)]
    options = options_of(sft, steps=20, batch_size=3, threads=1, save_steps=0)
    job = make_job("guess", model=tiny(), tasks=tasks)
    guess = estimate_sft(job, **options)
    became = logged(sft, make_job, "run", model=tiny(), tasks=tasks, options=options)
    assert guess.tokens["trained"] == became["tokens/trained"] == 20 * 3 * 2
    assert sorted(read_note(str(job.output))) == sorted([1, 2, 3] * 10)
    assert (job.output / "config.json").is_file(), "a model stands in for the trained one"


def test_answers_of_a_stand_in_are_as_long_as_its_note_says(make_job, tiny):
    blank = make_job("blank")
    made = options_of(scratch, hidden_size=32, layers=1, heads=2, context=32, vocabulary=VOCABULARY)
    assert estimate_scratch(blank, **made).seconds > 0
    write_note(blank.output, [4, 4])
    options = options_of(sample, max_new_tokens=10, batch_size=8, threads=1)
    guess = estimate_sample(str(blank.output), copy_tasks(20), samples=2, seed=0, **options)
    assert guess.tokens["generated"] == 20 * 2 * 4
    policy = make_job("policy", model=str(blank.output))
    trained = estimate_grpo(policy, **options_of(grpo, **TRAIN, save_steps=10))
    assert trained.tokens["generated"] == pytest.approx(30 * 2 * 4 * 4)
    assert 0 < trained.tokens["trained"] < trained.tokens["generated"]
    assert read_note(str(policy.output)) == [4, 4], "the note goes on to the next stage"
    assert rehearsed_lengths(3) is None, "a real run knows nothing of it"


def test_best_of_n_is_sampling_and_imitation(make_job, tiny):
    from rlvr_trainer_grpo import best_of_n

    options = options_of(best_of_n, steps=3, samples=2, tasks=10, max_new_tokens=6, threads=1)
    guess = estimate_best_of_n(make_job("guess", model=tiny()), **options)
    assert guess.tokens["generated"] > 0
    assert guess.tokens["trained"] > 0


def test_tokens_of_an_evaluation_are_those_that_it_samples(tiny):
    options = options_of(sample, max_new_tokens=8, batch_size=4, threads=1)
    guess = estimate_sample(tiny(), copy_tasks(200), samples=2, seed=0, **options)
    groups = sample(tiny(), copy_tasks(200), samples=2, seed=0, **options)
    became = sum(len(one.token_ids) for one in itertools.chain.from_iterable(groups))
    assert guess.tokens["generated"] == pytest.approx(became, rel=0.3)
    assert len(judge(list(guess.samples), None)) == len(guess.samples)


def test_lengths_that_are_given_are_kept_to(tiny):
    model = load_model(tiny(), dtype=None)
    how = Sampling(max_new_tokens=9, ends={2}, lengths=[1, 9, 3, 5])
    import torch

    with torch.inference_mode():
        ids = decode(model, [[5, 6, 7]] * 4, how).ids
    assert [len(row) for row in ids] == [1, 9, 3, 5]
    assert all(row[-1] == 2 and 2 not in row[:-1] for row in ids)


def test_a_whole_training_is_its_parts():
    found = Rehearsal(first=(3, 2), step=(1, 1), checkpoint=(4, 1), end=(2, 2), logged=[])
    assert found.whole(10, 4) == (3 + 9 + 3 * 4 + 2, 2 + 9 + 3 + 2)
    assert found.whole(10, 0) == (3 + 9 + 2, 2 + 9 + 2)


def test_tasks_are_spread_over_all():
    assert [task.id for task in spread(copy_tasks(10), 3)] == ["copy/0", "copy/3", "copy/6"]
    assert len(spread(copy_tasks(2), 5)) == 2
