"""Warm start and GRPO on tiny models: they learn, and what they report and save is right."""

import pytest
import torch
from copy_digits import copy_tasks, judge
from rlvr_trainer_grpo import grpo, sample, sft
from rlvr_trainer_grpo.models import load_model, load_tokenizer

from rlvr_ops_core import (
    DataError,
    ErrorBudgetExceeded,
    ModelError,
    Part,
    RunError,
    StopRun,
    Task,
    Verdict,
)

STEP = {"prompts_per_step": 2, "group_size": 4, "max_new_tokens": 3, "threads": 1}


@pytest.mark.parametrize("family", ["llama", "gpt2"])
def test_warm_start_teaches_to_copy_a_digit(make_job, tiny, family):
    losses = []
    job = make_job(model=tiny(family), on_log=lambda step, numbers: losses.append(numbers["loss"]))
    sft(job, steps=60, batch_size=16, learning_rate=1e-2, save_steps=0, threads=1)
    assert len(losses) == 60
    assert losses[-1] < losses[0] / 4
    answers = sample(
        str(job.output), copy_tasks(10), samples=1, seed=0, temperature=0, max_new_tokens=3
    )
    assert [group[0].text for group in answers] == [task.answer for task in copy_tasks(10)]


def test_demonstration_goes_before_the_answer_and_none_of_them_is_an_error(make_job, tiny):
    tasks = [Task("t", "1 =", answer="2", data={"demonstration": "! 3"})]
    job = make_job(model=tiny(), tasks=tasks)
    sft(job, steps=40, batch_size=2, learning_rate=1e-2, save_steps=0, threads=1)
    (group,) = sample(str(job.output), tasks, samples=1, seed=0, temperature=0, max_new_tokens=4)
    assert group[0].text == "! 3"
    with pytest.raises(DataError, match="task t has nothing to imitate"):
        sft(make_job("other", model=tiny(), tasks=[Task("t", "1 =")]), steps=1)


def test_grpo_raises_the_reward_and_reports_every_number(make_job, tiny):
    rows = []
    job = make_job(model=tiny(), on_log=lambda step, numbers: rows.append((step, numbers)))
    grpo(job, steps=12, prompts_per_step=4, group_size=8, max_new_tokens=2, learning_rate=1e-2)
    assert [step for step, _ in rows] == list(range(1, 13))
    wanted = {"loss", "reward", "reward_std", "completion_length", "entropy", "learning_rate"}
    wanted |= {"grad_norm", "clip_ratio", "groups_alike", "no_verdict", "truncated", "seconds"}
    assert all(wanted | {"reward/digit"} <= numbers.keys() for _, numbers in rows)
    assert rows[-1][1]["reward"] > rows[0][1]["reward"]
    assert rows[-1][1]["reward"] > 0.9


def test_samples_know_their_task_group_and_tokens(make_job, tiny):
    seen = []

    def score(samples, step):
        seen.append((step, samples))
        return judge(samples, step)

    grpo(make_job(model=tiny(), on_score=score), steps=2, shuffle=False, **STEP)
    assert [step for step, _ in seen] == [1, 2]
    _, samples = seen[1]
    assert [s.group for s in samples] == ["2/0"] * 4 + ["2/1"] * 4
    assert [s.index for s in samples] == [0, 1, 2, 3] * 2
    assert [s.task.id for s in samples] == ["copy/2"] * 4 + ["copy/3"] * 4
    tokenizer = load_tokenizer(tiny())
    for one in samples:
        assert one.text == tokenizer.decode(one.token_ids, skip_special_tokens=True)
        assert (one.finish == "stop") == (one.token_ids[-1] == tokenizer.eos_token_id)


def test_accumulated_step_is_judged_once_with_all_its_groups(make_job, tiny):
    groups = []

    def score(samples, step):
        groups.append(sorted({s.group for s in samples}))
        return judge(samples, step)

    grpo(make_job(model=tiny(), on_score=score), steps=2, micro_batch_size=2, **STEP)
    assert groups == [["1/0", "1/1"], ["2/0", "2/1"]]


def test_answers_that_are_sampled_in_parts_of_a_step_are_in_groups_of_their_own(make_job, tiny):
    groups = []

    def score(samples, step):
        groups.append(sorted({s.group for s in samples}))
        return judge(samples, step)

    parts = {"micro_batch_size": 4, "steps_per_generation": 1, "top_entropy_quantile": 0.5}
    grpo(make_job(model=tiny(), on_score=score), steps=2, **STEP | parts)
    assert groups == [["1/0"], ["1/1"], ["2/0"], ["2/1"]]


def test_answers_without_a_verdict_are_left_out(make_job, tiny, caplog):
    rows = []

    def score(samples, step):
        half = [Verdict(None, "error") if s.index % 2 else v for s, v in judged(samples, step)]
        return half if step == 1 else [Verdict(None, "abstain") for _ in samples]

    def judged(samples, step):
        return zip(samples, judge(samples, step), strict=True)

    job = make_job(model=tiny(), on_score=score, on_log=lambda step, numbers: rows.append(numbers))
    grpo(job, steps=2, **STEP)
    assert rows[0]["no_verdict"] == 0.5
    assert rows[1]["no_verdict"] == 1.0
    assert "reward" not in rows[1]
    assert rows[1]["groups_alike"] == 1.0
    weights = load_model(str(job.output), dtype=torch.float32).state_dict()
    assert all(torch.isfinite(weight).all() for weight in weights.values())
    assert not [one for one in caplog.records if one.name.startswith("rlvr_")]


def test_stop_string_ends_answers_in_training_and_is_not_saved_with_the_model(make_job, tiny):
    texts = []

    def score(samples, step):
        texts.extend((s.text, s.finish) for s in samples)
        return judge(samples, step)

    job = make_job(model=tiny(), on_score=score)
    options = STEP | {"max_new_tokens": 8}
    grpo(job, steps=3, stop=["7", "8", "9", "= 1"], **options)
    assert not any(mark in text for text, _ in texts for mark in ("7", "8", "9", "= 1"))
    saved = load_model(str(job.output), dtype=torch.float32).generation_config.eos_token_id
    assert saved == load_tokenizer(tiny()).eos_token_id


def test_messages_stay_messages_in_training(make_job, chatty):
    seen = []

    def score(samples, step):
        seen.extend(samples)
        return judge(samples, step)

    tasks = [Task(f"t{n}", [{"role": "user", "content": f"{n}"}], answer=str(n)) for n in range(4)]
    sft(make_job("warm", model=chatty, tasks=tasks), steps=1, batch_size=2, save_steps=0)
    grpo(make_job(model=chatty, tasks=tasks, on_score=score), steps=1, stop=["7"], **STEP)
    assert all(one.completion[0]["role"] == "assistant" for one in seen)
    assert not any("7" in one.text for one in seen)
    assert all(one.task in tasks for one in seen)


def test_lora_is_merged_into_a_plain_model(make_job, tiny):
    from rlvr_trainer_grpo.lora import Lora

    job = make_job(model=tiny())
    grpo(job, steps=2, lora=Lora(r=2, alpha=4), learning_rate=1e-1, **STEP)
    before = load_model(tiny(), dtype=torch.float32).state_dict()
    after = load_model(str(job.output), dtype=torch.float32).state_dict()
    assert before.keys() == after.keys()
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed
    assert all("proj" in name for name in changed)


def test_lora_can_be_saved_alone(make_job, tiny):
    from rlvr_trainer_grpo.lora import Lora

    job = make_job(model=tiny())
    sft(job, steps=1, batch_size=2, lora=Lora(r=2, save="adapter"), save_steps=0)
    assert (job.output / "adapter_config.json").is_file()
    assert len(list(sample(str(job.output), copy_tasks(2), samples=1, seed=0, max_new_tokens=1)))


def test_misspelt_lora_option_is_found_before_anything_runs():
    from pydantic import TypeAdapter, ValidationError
    from rlvr_trainer_grpo.lora import Lora

    assert TypeAdapter(Lora).validate_python({"r": 4}) == Lora(r=4)
    with pytest.raises(ValidationError, match="rnak"):
        TypeAdapter(Lora).validate_python({"rnak": 4})


def test_kl_is_reported_where_it_counts(make_job, tiny):
    rows = []
    job = make_job(model=tiny(), on_log=lambda step, numbers: rows.append(numbers))
    grpo(job, steps=2, beta=0.1, learning_rate=1e-2, **STEP)
    assert rows[0]["kl"] == pytest.approx(0, abs=1e-6)
    assert rows[1]["kl"] > 0


@pytest.mark.parametrize("error", [StopRun("enough"), ErrorBudgetExceeded("x", hint="y", rows=())])
def test_what_the_job_raises_comes_out_unchanged(make_job, tiny, error):
    def raise_it(*_):
        raise error

    with pytest.raises(type(error)) as caught:
        grpo(make_job(model=tiny(), on_score=raise_it), steps=2, outage_pauses_s=(), **STEP)
    assert caught.value is error
    with pytest.raises(type(error)) as caught:
        sft(make_job(model=tiny(), on_log=raise_it), steps=2, batch_size=2)
    assert caught.value is error


def test_training_writes_nothing_to_the_terminal(make_job, tiny, capfd):
    grpo(make_job("a", model=tiny()), steps=2, save_steps=1, **STEP)
    sft(make_job("b", model=tiny()), steps=2, batch_size=2, save_steps=1)
    list(sample(tiny(), copy_tasks(2), samples=1, seed=0, max_new_tokens=1))
    assert capfd.readouterr() == ("", "")


def test_tasks_that_can_not_be_used_are_refused(make_job, tiny):
    chat = Task("chat", [{"role": "user", "content": "1"}], answer="1")
    with pytest.raises(DataError, match="no tasks"):
        grpo(make_job(model=tiny(), tasks=[]), steps=1)
    with pytest.raises(DataError, match="some prompts are text and some are messages"):
        grpo(make_job(model=tiny(), tasks=[chat, *copy_tasks(1)]), steps=1)
    with pytest.raises(ModelError, match="no chat template"):
        sft(make_job(model=tiny(), tasks=[chat]), steps=1)


def test_several_processes_are_refused(make_job, tiny, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(RunError, match="WORLD_SIZE is 2"):
        grpo(make_job(model=tiny()), steps=1)


def test_component_means_are_those_of_known_parts(make_job, tiny):
    rows = []

    def score(samples, step):
        return [
            Verdict(1.0, components={"a": Part(0.5, 1.0, 0.5), "b": Part(None)}) for _ in samples
        ]

    job = make_job(model=tiny(), on_score=score, on_log=lambda step, numbers: rows.append(numbers))
    grpo(job, steps=1, **STEP)
    assert rows[0]["reward/a"] == 0.5
    assert "reward/b" not in rows[0]
    assert rows[0]["groups_alike"] == 1.0
