"""GRPO's relatives and rejection fine-tuning: their defaults, and that they train."""

import pytest
import torch
from copy_digits import copy_tasks, judge
from rlvr_trainer_grpo import best_of_n, dapo, dr_grpo, grpo, gspo, rloo, rlvr_trainers, sample
from rlvr_trainer_grpo.best_of_n import best
from rlvr_trainer_grpo.models import load_model

from rlvr_ops_core import DataError, Sample, Task, Verdict
from rlvr_ops_core.options import mistakes_in, resolve

STEP = {"prompts_per_step": 2, "group_size": 4, "max_new_tokens": 3, "threads": 1, "steps": 2}


def weights(job):
    return load_model(str(job.output), dtype=torch.float32).state_dict()


@pytest.mark.parametrize("trainer", [dapo, dr_grpo, gspo, rloo])
def test_relative_trains_and_is_not_plain_grpo(make_job, tiny, trainer):
    ours, plain = make_job("ours", model=tiny()), make_job("plain", model=tiny())
    trainer(ours, learning_rate=1e-1, **STEP)
    grpo(plain, learning_rate=1e-1, **STEP)
    ours, plain = weights(ours), weights(plain)
    assert all(torch.isfinite(weight).all() for weight in ours.values())
    assert any(not torch.equal(ours[name], plain[name]) for name in ours)


def test_relative_has_its_own_defaults_and_every_option_of_grpo():
    assert resolve(dr_grpo, {"steps": 1})["scale_rewards"] == "none"
    assert resolve(dr_grpo, {"steps": 1, "scale_rewards": "group"})["scale_rewards"] == "group"
    assert resolve(dapo, {"steps": 1})["pruning"].resample_rounds == 3
    assert not mistakes_in(gspo, {"steps": 1, "epsilon_high": 0.1, "group_size": 4})
    assert "epsilon_hihg" in str(mistakes_in(gspo, {"steps": 1, "epsilon_hihg": 0.1}))


def test_option_of_trl_goes_before_the_default_of_the_relative(make_job, tiny):
    with pytest.raises(ValueError, match="Unknown importance sampling level: nonsense"):
        gspo(make_job(model=tiny()), **STEP, importance_sampling_level="nonsense")


def test_leave_one_out_compares_with_the_mean_of_the_others(make_job, tiny, monkeypatch):
    from rlvr_trainer_grpo.policy_sampling import FrugalSampling

    seen = []
    real = FrugalSampling._generate_and_score_completions

    def spy(self, inputs):
        batch = real(self, inputs)
        seen.append((batch["advantages"].view(-1, 4), self.rewards.view(-1, 4)))
        return batch

    monkeypatch.setattr(FrugalSampling, "_generate_and_score_completions", spy)
    rloo(make_job(model=tiny()), **STEP)
    for advantages, rewards in seen:
        others = (rewards.sum(1, keepdim=True) - rewards) / 3
        torch.testing.assert_close(advantages, rewards - others)


def test_best_of_n_teaches_what_passed(make_job, tiny):
    rows = []

    def right(samples, step):
        return [Verdict(float(one.text == one.task.answer)) for one in samples]

    job = make_job(model=tiny(), on_score=right, on_log=lambda step, n: rows.append((step, n)))
    options = {"max_new_tokens": 2, "learning_rate": 1e-2, "threads": 1, "save_steps": 0}
    best_of_n(job, steps=30, samples=64, tasks=20, batch_size=8, **options)
    assert rows[0][0] == 0
    assert 0 < rows[0][1]["passed"] <= 1
    groups = sample(str(job.output), copy_tasks(10), samples=16, seed=0, max_new_tokens=2)
    after = [one.text == one.task.answer for group in groups for one in group]
    assert sum(after) / len(after) > 4 * rows[0][1]["reward"]


def test_best_of_n_without_a_passing_answer_is_an_error(make_job, tiny):
    job = make_job(model=tiny(), on_score=lambda samples, _: [Verdict(0.0) for _ in samples])
    with pytest.raises(DataError, match="none of the 8 answers reached 1"):
        best_of_n(job, steps=1, samples=2, tasks=4, max_new_tokens=1, threads=1)


def test_best_answers_pass_are_whole_and_differ():
    task = Task("t", "1 =", data={"kept": 1})
    rows = [("a", 0.5, "stop"), ("b", 1.0, "stop"), ("b", 1.0, "stop"), ("c", 2.0, "length")]
    answers = [Sample(task, text, finish=finish) for text, _, finish in rows]
    verdicts = [Verdict(value) for _, value, _ in rows]
    found = best([*answers, Sample(task, "d")], [*verdicts, Verdict(None)], threshold=0.5, keep=3)
    assert [one.data for one in found] == [{"kept": 1, "passed": "b"}, {"kept": 1, "passed": "a"}]
    assert best(answers, [Verdict(0.0)] * 4, threshold=1, keep=1) == []


def test_every_trainer_says_what_it_needs():
    for name, trainer in rlvr_trainers().items():
        assert name == "scratch" or trainer.__rlvr_needs__, name
    assert judge([], 0) == []
