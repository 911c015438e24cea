"""Scoring overlaps generation: the same samples, verdicts and weights, and seconds saved."""

from __future__ import annotations

import time
from concurrent.futures import Future
from dataclasses import replace

import pytest
import torch
from rlvr_trainer_grpo import grpo
from rlvr_trainer_grpo.decoding import Sampling, decode
from rlvr_trainer_grpo.models import load_model
from rlvr_trainer_grpo.overlap import WORTH_S, Overlap
from rlvr_trainer_grpo.savings import OFF, Savings

from rlvr_ops_core import Judged, Sample, Task, reward
from rlvr_ops_core.scoring import Ahead, Engine, Entry, Rewards, bind_function

STEP = {"prompts_per_step": 6, "group_size": 2, "max_new_tokens": 24, "threads": 1}
STEP |= {"steps": 3, "learning_rate": 1e-2, "save_steps": 0}


def pays(sample):
    """A digit pays, after a while."""
    time.sleep(WORTH_S / 6)
    return float(any(character.isdigit() for character in sample.text))


@reward(inline=True)
def slow(sample):
    return pays(sample)


@reward(inline=True)
def slow_by_group(group):
    return [pays(sample) / len(group) for sample in group]


@reward(inline=True)
def quick(sample):
    return float(any(character.isdigit() for character in sample.text))


class Rewarding:
    """A reward that notes what was begun and what was asked for, and the numbers of each step."""

    def __init__(self, function):
        entry = Entry("reward", Engine(bind_function(function, {})))
        self.ahead = Ahead(Rewards({"reward": entry}, ("reward",)))
        self.begun, self.asked, self.numbers = [], [], []

    def fields(self):
        return {
            "on_begin_scoring": self.begin,
            "on_score": self.score,
            "on_log": lambda _, numbers: self.numbers.append(numbers),
        }

    def begin(self, samples):
        self.begun.append((len(self.asked), samples))
        return self.ahead.begin(samples)

    def score(self, samples, step):
        self.asked.append(samples)
        return self.ahead.score(samples)


def train(make_job, name, model, function, **options):
    rewarding = Rewarding(function)
    job = make_job(name, model=model, **rewarding.fields())
    grpo(job, **(STEP | options))
    rewarding.ahead.close()
    return rewarding, load_model(str(job.output), dtype=torch.float32).state_dict()


@pytest.mark.parametrize("function", [slow, slow_by_group])
@pytest.mark.parametrize("pruning", [None, {"first_answers": 2, "resample_rounds": 1}])
def test_the_same_answers_and_weights_with_groups_judged_early(make_job, tiny, function, pruning):
    more = {} if pruning is None else {"pruning": pruning, "group_size": 4}
    if pruning is not None:
        from rlvr_trainer_grpo.pruning import Pruning

        more["pruning"] = Pruning(**pruning)
    early, weights = train(make_job, "early", tiny(), function, **more)
    late, expected = train(
        make_job, "late", tiny(), function, savings=replace(Savings(), overlap=False), **more
    )
    assert early.asked == late.asked
    assert all(torch.equal(weights[name], tensor) for name, tensor in expected.items())
    assert not late.begun
    assert all("seconds/saved/overlap" not in numbers for numbers in late.numbers)
    assert {call for call, _ in early.begun} >= {1}  # not in the first step: nobody knew it is slow
    assert 0 not in {call for call, _ in early.begun}
    assert any(numbers.get("seconds/saved/overlap", 0) > 0 for numbers in early.numbers)
    for call, lot in early.begun:
        asked = {id(sample) for sample in early.asked[call]}
        assert {id(sample) for sample in lot} <= asked
        assert len({sample.group for sample in lot}) == 1


def test_messages_are_judged_early_too(make_job, chatty):
    tasks = [Task(f"t/{n}", [{"role": "user", "content": str(n % 10)}]) for n in range(24)]
    rewarding = Rewarding(slow)
    grpo(make_job(model=chatty, tasks=tasks, **rewarding.fields()), **STEP)
    rewarding.ahead.close()
    assert rewarding.begun
    for call, lot in rewarding.begun:
        assert {id(sample) for sample in lot} <= {id(sample) for sample in rewarding.asked[call]}


@pytest.mark.parametrize(
    ("function", "options"),
    [(quick, {}), (slow, {"savings": OFF}), (slow, {"savings": Savings(overlap=False)})],
)
def test_nothing_is_begun_where_it_is_not_worth_it_or_not_wanted(make_job, tiny, function, options):
    rewarding, _ = train(make_job, "job", tiny(), function, **options)
    assert len(rewarding.asked) == 3
    assert not rewarding.begun


def test_an_answer_that_reads_otherwise_takes_its_group_out(make_job):
    task, lot = Task("t", "1 ="), Future()
    overlap = Overlap(make_job(on_begin_scoring=lambda _: lot))
    places = [(0, 0), (0, 1), (1, 0), (1, 1)]

    def sample_of(row, ids):
        group, index = places[row]
        return Sample(task, f"answer {row}", group=f"1/{group}", index=index, token_ids=ids)

    overlap.watch(places, sample_of)({0: [1], 1: [1], 2: [1], 3: [1]})
    asked = [sample_of(row, [1]) for row in range(4)]
    asked[1] = replace(asked[1], completion="another text")
    taken = overlap.take(asked, places)
    assert taken == asked
    assert [one is two for one, two in zip(taken, asked, strict=True)] == [True, True, False, False]


def test_seconds_that_overlap_each_other_count_once(make_job):
    overlap = Overlap(make_job())
    now = time.perf_counter()
    for began, ended in ((-9, -7), (-8, -6), (-5, -4), (-3, 1)):
        lot = Future()
        lot.set_result(Judged([], now + began, now + ended))
        overlap._lots.append(lot)
    overlapped = overlap.judged(waited_s=2)  # asked two seconds ago
    assert overlapped == pytest.approx(3 + 1 + 1, abs=0.1)
    assert overlap.last_s == pytest.approx(7, abs=0.1)


def test_decoding_tells_of_each_answer_that_ends_before_the_last(tiny):
    model = load_model(tiny(), dtype=torch.float32)
    told = {}
    torch.manual_seed(3)
    how = Sampling(max_new_tokens=24, ends={0, 1, 2, 5})
    with torch.inference_mode():
        answers = decode(model.eval(), [[3, 4]] * 16, how, on_finished=told.update)
    longest = max(map(len, answers.ids))
    shorter = {row: ids for row, ids in enumerate(answers.ids) if len(ids) < longest}
    assert told == shorter
    assert 8 <= len(told) < 16
