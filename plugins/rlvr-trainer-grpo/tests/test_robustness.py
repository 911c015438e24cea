"""Memory that runs out, a loss that is no number, SIGTERM, a reward that is away: tested."""

import json
import os
import signal

import pytest
import torch
from copy_digits import judge
from rlvr_trainer_grpo import grpo
from rlvr_trainer_grpo.models import load_model
from rlvr_trainer_grpo.outage import ask_again

from rlvr_ops_core import ErrorBudgetExceeded, RunError, Verdict

STEP = {"prompts_per_step": 2, "group_size": 4, "max_new_tokens": 3, "threads": 1}
STEP |= {"learning_rate": 1e-2}


def weights(job):
    return load_model(str(job.output), dtype=torch.float32).state_dict()


def test_step_that_runs_out_of_memory_goes_on_in_smaller_parts(make_job, tiny, monkeypatch):
    """The first backward pass of step 2 fails halfway, after it has left some gradients."""
    from accelerate import Accelerator

    whole = make_job("whole", model=tiny())
    grpo(whole, steps=3, **STEP)
    rows, scored, calls = [], [], []
    real = Accelerator.backward

    def backward(self, loss, **settings):
        calls.append(1)
        real(self, loss, **settings)
        if len(calls) == 2:
            raise torch.OutOfMemoryError("no memory left on this pretended device")

    monkeypatch.setattr(Accelerator, "backward", backward)

    def score(samples, step):
        scored.append(step)
        return judge(samples, step)

    job = make_job(
        "short", model=tiny(), on_score=score, on_log=lambda step, numbers: rows.append(numbers)
    )
    grpo(job, steps=3, **STEP)
    assert scored == [1, 2, 3]  # the answers of step 2 were kept
    assert "rows_at_once" not in rows[0]
    assert rows[1]["rows_at_once"] == 4
    for name, weight in weights(whole).items():
        torch.testing.assert_close(weights(job)[name], weight, rtol=0, atol=1e-5)


def test_memory_that_does_not_suffice_for_one_answer_is_an_error(make_job, tiny, monkeypatch):
    from accelerate import Accelerator

    def backward(self, loss, **settings):
        raise torch.OutOfMemoryError("no memory left on this pretended device")

    monkeypatch.setattr(Accelerator, "backward", backward)
    with pytest.raises(torch.OutOfMemoryError):
        grpo(make_job(model=tiny()), steps=1, **STEP)


def test_loss_that_is_no_number_stops_with_the_answers_that_made_it(make_job, tiny):
    job = make_job(model=tiny(), on_score=lambda samples, step: infinite(samples, step))
    with pytest.raises(RunError, match="step 2: the loss is not a number") as caught:
        grpo(job, steps=3, save_steps=1, scale_rewards="none", **STEP)
    (file,) = job.checkpoints.glob("not_a_number-*.jsonl")
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    assert str(file) in str(caught.value)
    assert len(rows) == 4
    assert all("=" in row["prompt"] and row["completion"] for row in rows)
    assert (job.checkpoints / "checkpoint-1").is_dir()
    assert not (job.checkpoints / "checkpoint-2").exists()


def infinite(samples, step):
    """In step 2 the first group's rewards are so great that their loss overflows."""
    verdicts = judge(samples, step)
    if step == 2:
        verdicts[:4] = [Verdict(1e38 * sign) for sign in (-3, 3, 3, 3)]
    return verdicts


def test_sigterm_saves_the_step_and_exits_with_0_and_the_rest_follows(make_job, tiny):
    whole = make_job("whole", model=tiny())
    grpo(whole, steps=4, **STEP)

    def score(samples, step):
        if step == 2:
            os.kill(os.getpid(), signal.SIGTERM)
        return judge(samples, step)

    cut = make_job("cut", model=tiny(), on_score=score)
    with pytest.raises(SystemExit) as caught:
        grpo(cut, steps=4, **STEP)
    assert caught.value.code == 0
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    steps = []
    grpo(make_job("cut", model=tiny(), on_log=lambda step, _: steps.append(step)), steps=4, **STEP)
    assert steps == [3, 4]
    for name, weight in weights(whole).items():
        torch.testing.assert_close(weights(cut)[name], weight, rtol=0, atol=1e-7)


def test_reward_that_is_away_is_asked_again_and_no_zero_is_taught(make_job, tiny):
    whole = make_job("whole", model=tiny())
    grpo(whole, steps=3, **STEP)
    asked = []

    def score(samples, step):
        asked.append(step)
        if asked.count(2) == 1 and step == 2:
            raise ErrorBudgetExceeded("the server is away", hint="", rows=())
        if asked.count(2) == 2 and step == 2:
            return [Verdict(None, "timeout") for _ in samples]
        return judge(samples, step)

    job = make_job("away", model=tiny(), on_score=score)
    grpo(job, steps=3, outage_pauses_s=(0, 0), **STEP)
    assert asked == [1, 2, 2, 2, 3]
    for name, weight in weights(whole).items():
        torch.testing.assert_close(weights(job)[name], weight, rtol=0, atol=0)


def test_reward_that_stays_away_is_an_error_after_the_last_pause():
    waited = []
    gone = [Verdict(None, "error", info={"error": "connection refused"})] * 3
    with pytest.raises(ErrorBudgetExceeded, match="3 times in a row") as caught:
        ask_again(lambda: gone, (1, 5), waited.append)
    assert waited == [1, 5]
    assert "connection refused" in caught.value.hint
    some = [Verdict(None, "error"), Verdict(0.0)]
    assert ask_again(lambda: some, (1,), waited.append) == some
    assert ask_again(lambda: gone, (), waited.append) == gone
