"""Leaving out groups and answers: which ones, and what remains."""

import dataclasses
import math
from itertools import combinations
from statistics import pvariance

import pytest
import torch
from copy_digits import judge
from rlvr_trainer_grpo import grpo
from rlvr_trainer_grpo.pruning import Pruning, downsample, groups_alike, most_varied, replace_groups
from rlvr_trainer_grpo.selection import Selection
from rlvr_trainer_grpo.settled import completed, undecided_first

from rlvr_ops_core import OptionError, StopRun, Task

STEP = {"prompts_per_step": 3, "group_size": 4, "max_new_tokens": 3, "threads": 1}
STEP |= {"learning_rate": 1e-2}


@pytest.mark.parametrize("keep", [2, 3, 5])
def test_kept_answers_have_the_greatest_variance_of_all_choices(keep):
    generator = torch.Generator().manual_seed(keep)
    for _ in range(20):
        values = torch.rand(7, generator=generator).round(decimals=1).tolist()
        greatest = max(map(pvariance, combinations(values, keep)))
        chosen = most_varied(values, keep)
        assert len(set(chosen)) == keep
        assert pvariance([values[place] for place in chosen]) == pytest.approx(greatest)


def make_batch(rewards, *, prompt_width=2, answer_width=3):
    rows = len(rewards)
    return {
        "prompt_ids": torch.arange(rows)[:, None].repeat(1, prompt_width),
        "prompt_mask": torch.ones(rows, prompt_width, dtype=torch.long),
        "completion_ids": torch.arange(rows)[:, None].repeat(1, answer_width) + 100,
        "completion_mask": torch.ones(rows, answer_width, dtype=torch.long),
        "advantages": torch.tensor(rewards)
        - torch.tensor(rewards).view(-1, 4).mean(1).repeat_interleave(4),
        "num_items_in_batch": torch.tensor(rows * answer_width),
    }


def test_advantages_of_kept_answers_are_those_among_themselves():
    rewards = [0.0, 0.0, 0.0, 1.0, 0.5, float("nan"), float("nan"), float("nan")]
    batch = make_batch([0.0] * 8)
    kept = downsample(batch, torch.tensor(rewards), group=4, keep=2, scale=True)
    assert kept["prompt_ids"][:, 0].tolist()[1:3] == [3, 4]
    expected = 0.5 / (2**-0.5 + 1e-4)
    torch.testing.assert_close(kept["advantages"], torch.tensor([-expected, expected, 0, 0]))
    assert kept["num_items_in_batch"] == 4 * 3


def test_dead_groups_are_replaced_by_live_ones_of_other_widths():
    batch = make_batch([0.0, 0, 0, 0, 0, 1, 0, 1, 1, 1, 1, 1])
    more = make_batch([0.0, 0, 0, 0, 1, 0, 0, 0], prompt_width=4, answer_width=5)
    dead = groups_alike(batch, 4)
    assert dead == [0, 2]
    found = replace_groups(batch, more, dead, 4)
    assert groups_alike(found, 4) == [2]
    assert found["completion_ids"][:4, 0].tolist() == [104, 105, 106, 107]  # the live one of more
    assert found["prompt_mask"].sum(1).tolist() == [4] * 4 + [2] * 8
    assert found["prompt_mask"][4].tolist() == [0, 0, 1, 1]
    assert found["num_items_in_batch"] == 4 * 5 + 8 * 3


def test_fewer_tokens_are_trained_and_the_log_says_so(make_job, tiny):
    rows = []
    job = make_job(model=tiny(), on_log=lambda step, numbers: rows.append(numbers))
    grpo(job, steps=2, pruning=Pruning(keep_answers=2), **STEP)
    assert all(row["tokens/pruned"] > 0 for row in rows)
    assert all(row.get("tokens/trained", 0) < row["tokens/generated"] / 1.5 for row in rows)


@pytest.mark.parametrize("first_answers", [None, 2])
def test_groups_that_teach_nothing_are_sampled_again_and_resume_finds_the_same(
    make_job, tiny, first_answers
):
    tasks = {"whole": [], "cut": []}

    def scorer(name):
        def score(samples, step):
            tasks[name].append((step, [sample.task.id for sample in samples]))
            return judge(samples, step)

        return score

    def log(step, _):
        if step == 3:
            raise StopRun("killed")

    pruning = Pruning(resample_rounds=2, first_answers=first_answers)
    options = STEP | {"steps": 4, "save_steps": 2, "pruning": pruning}
    grpo(make_job("whole", model=tiny(), on_score=scorer("whole")), **options)
    with pytest.raises(StopRun):
        grpo(make_job("cut", model=tiny(), on_log=log), **options)
    grpo(make_job("cut", model=tiny(), on_score=scorer("cut")), **options)
    steps = [step for step, _ in tasks["whole"]]
    assert len(steps) > len(set(steps))  # at least one step had a second round
    assert tasks["cut"] == [row for row in tasks["whole"] if row[0] > 2]


@pytest.mark.parametrize(
    ("pruning", "options", "says"),
    [
        ({"keep_answers": 1}, {}, "1 of the 4 answers"),
        ({"keep_answers": 2}, {"scale_rewards": "batch"}, "does not go with scale_rewards"),
        ({"first_answers": 1}, {}, "1 of the 4 answers"),
        ({"first_answers": 4}, {}, "take 2 to 3"),
        ({"first_answers": 2}, {"scale_rewards": "batch"}, "does not go with scale_rewards"),
    ],
)
def test_pruning_that_leaves_nothing_to_compare_is_refused(make_job, tiny, pruning, options, says):
    with pytest.raises(OptionError) as caught:
        grpo(make_job(model=tiny()), steps=1, pruning=Pruning(**pruning), **STEP, **options)
    assert says in f"{caught.value} {caught.value.hint}"


def test_groups_are_settled_by_two_verdicts_that_are_alike():
    nan = math.nan
    rewards = torch.tensor([1.0, 1, 0, 1, nan, 0, 0, 0, nan, nan])
    assert undecided_first(rewards, 2) == ([1, 2, 4, 0, 3], 3)


def test_a_settled_group_is_filled_up_with_rows_that_weigh_nothing():
    early = make_batch([0.0, 0, 1, 0, 1, 1, 0, 1]) | {"reward": torch.tensor([[0.0]] * 8)}
    early["reward"][2] = 1.0  # groups of two: settled, undecided, settled, settled
    late = make_batch([0.0, 1, 1, 1], prompt_width=3, answer_width=4)
    late = {name: value[:2] if value.ndim else value for name, value in late.items()}
    late["reward"] = torch.tensor([[math.nan], [1.0]])
    whole = completed(early, late, [1], group=4, first=2, scale=False)
    answers = whole["completion_mask"].sum(1).tolist()
    assert answers == [3, 3, 0, 0, 3, 3, 4, 4, 3, 3, 0, 0, 3, 3, 0, 0]
    assert whole["num_items_in_batch"] == 8 * 3 + 2 * 4
    assert whole["completion_ids"][4:8, 0].tolist() == [102, 103, 100, 101]
    expected = torch.zeros(16)
    expected[4:8] = torch.tensor([1 / 3, -2 / 3, 0.0, 1 / 3])
    torch.testing.assert_close(whole["advantages"], expected)
    assert whole["reward"].isnan().sum() == 7


def test_a_group_whose_first_answers_are_alike_gets_no_more(make_job, tiny):
    """Tasks 0 and 1 of each step pass and fail whatever is answered, the third may do either."""
    asked, logged = {}, {}

    def score(samples, step):
        for sample in samples:
            asked.setdefault((step, sample.group), []).append((sample.index, sample.task))
        sure = {"0": 0.0, "1": 1.0}
        return [
            dataclasses.replace(verdict, value=sure.get(sample.task.id, float(sample.index % 2)))
            for sample, verdict in zip(samples, judge(samples, step), strict=True)
        ]

    tasks = [Task(str(number), f"{number} {number} =", "1") for number in range(3)]
    job = make_job(model=tiny(), tasks=tasks, on_score=score, on_log=logged.__setitem__)
    grpo(job, steps=2, pruning=Pruning(first_answers=2), **STEP)
    assert len(asked) == 6
    for answers in asked.values():
        numbers, tasks_asked = zip(*answers, strict=True)
        assert len({task.id for task in tasks_asked}) == 1
        assert list(numbers) == ([0, 1, 2, 3] if tasks_asked[0].id == "2" else [0, 1])
    for numbers in logged.values():
        assert numbers["tokens/settled"] > 0
        assert numbers["groups_alike"] == pytest.approx(2 / 3)
        assert numbers["tokens/trained"] < numbers["tokens/generated"]


def selection(**options):
    tasks = [Task(f"t/{n}", "?", data={"level": n % 3}) for n in range(300)]
    return Selection(tasks, **({"by": "level", "candidates": 4, "seed": 0} | options))


def test_tasks_of_uncertain_outcome_are_chosen():
    one = selection()
    for step in range(10):  # level 0 always fails, level 1 always passes, level 2 does either
        places = one.choose(step, 12)
        one.learn(places, [(0.0, 1.0, float(n % 2))[place % 3] for n, place in enumerate(places)])
    chosen = one.choose(10, 40)
    assert sum(place % 3 == 2 for place in chosen) > 30
    assert len(set(chosen)) == 40


def test_what_is_chosen_depends_on_the_seed_the_step_and_what_was_learned(tmp_path):
    assert selection().choose(3, 8) == selection().choose(3, 8) != selection().choose(4, 8)
    assert selection(seed=1).choose(3, 8) != selection().choose(3, 8)
    learned, again = selection(), selection()
    learned.learn(range(30), [float(place % 3 == 0) for place in range(30)])
    learned.save(tmp_path)
    again.load(tmp_path)
    assert again.choose(3, 8) == learned.choose(3, 8)
    learned.learn([0], [math.nan])
    assert sum(learned.passed.values()) < sum(again.passed.values()), "it fades, and NaN is nothing"


def test_entry_that_no_task_has_is_named():
    with pytest.raises(OptionError, match=r"task t/0 has no data\['depth'\]"):
        selection(by="depth")
    assert len(set(selection(by="id").buckets)) == 300


def test_training_that_selects_goes_on_with_the_same_tasks_after_a_stop(make_job, tiny):
    tasks = [Task(f"t/{n}", f"{n} {n} =", data={"n": n % 2}) for n in range(10)]
    options = {"steps": 4, "prompts_per_step": 2, "group_size": 2, "max_new_tokens": 3}
    options |= {"pruning": Pruning(select_by="n"), "threads": 1, "save_steps": 1}
    seen = {"whole": {}, "stopped": {}}

    def job(name):
        def score(samples, step):
            seen[name][step] = [one.task.id for one in samples]
            return judge(samples, step)

        def log(step, numbers):
            if step == 2 and name == "stopped" and 3 not in seen[name]:
                raise StopRun("here")

        return make_job(name, model=tiny(), tasks=tasks, on_score=score, on_log=log)

    grpo(job("whole"), **options)
    with pytest.raises(StopRun):
        grpo(job("stopped"), **options)
    seen["stopped"][3] = []
    grpo(job("stopped"), **options)
    assert seen["stopped"] == seen["whole"]
