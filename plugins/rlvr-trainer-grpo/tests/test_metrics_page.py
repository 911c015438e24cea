"""docs/metrics.md names every number that a training logs."""

import re
from pathlib import Path

import pytest
from rlvr_trainer_grpo import grpo, sft
from rlvr_trainer_grpo.accounts import WORKED_IN, Costs
from rlvr_trainer_grpo.pruning import Pruning
from rlvr_trainer_grpo.reporting import METRICS

PAGE = Path(__file__).parents[3] / "docs" / "metrics.md"


def documented():
    names = re.findall(r"^\| `([^`]+)` \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(set(names)) == len(names)
    return set(names)


def general(name):
    name = "reward/NAME" if name.startswith("reward/") else name
    return "seconds/saved/NAME" if name.startswith("seconds/saved/") else name


@pytest.mark.skipif(not PAGE.is_file(), reason="needs docs/metrics.md of the repository")
def test_page_names_every_number_and_no_other(make_job, tiny):
    logged = set()

    def log(step, numbers):
        logged.update(map(general, numbers))

    step = {"steps": 2, "threads": 1, "learning_rate": 1e-2}
    group = {"prompts_per_step": 3, "group_size": 4, "max_new_tokens": 3, "beta": 0.1}
    sft(make_job("a", model=tiny(), on_log=log), batch_size=4, **step)
    grpo(
        make_job("b", model=tiny(), on_log=log),
        costs=Costs(price_per_hour=1, watts=10),
        pruning=Pruning(resample_rounds=3, keep_answers=2, first_answers=3),
        **step,
        **group,
    )
    assert logged <= documented()
    only_sometimes = {"passed", "rows_at_once", "restarts", "gpu/utilisation", "gpu/memory_gb"}
    only_sometimes |= {"turns", "unfinished", "environment_failed"}  # in test_turns.py
    only_sometimes |= {"seconds/saved/overlap"}  # in test_overlap.py
    assert documented() - logged <= only_sometimes | {"tokens/saved/idle_rows"}
    assert {f"tokens/{name}" for name in WORKED_IN} <= documented()
    assert set(METRICS.values()) <= documented()
