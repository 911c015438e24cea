"""A tiny model made from scratch, tasks to copy a digit, and jobs made by hand."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from rlvr_trainer_grpo import scratch
from rlvr_trainer_grpo.models import load_tokenizer

from rlvr_ops_core import TrainJob

sys.path.insert(0, str(Path(__file__).parent))  # importlib mode leaves this folder out

from copy_digits import VOCABULARY, copy_tasks, judge  # found by the line above


@pytest.fixture
def make_job(tmp_path: Path) -> Callable[..., TrainJob]:
    def make(name: str = "job", **fields: object) -> TrainJob:
        folder = tmp_path / name
        for part in ("model", "checkpoints"):
            (folder / part).mkdir(parents=True, exist_ok=True)
        defaults = {"tasks": copy_tasks(), "on_score": judge, "seed": 0}
        return TrainJob(
            **(defaults | fields), output=folder / "model", checkpoints=folder / "checkpoints"
        )

    return make


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    """The folder of a tiny model of a family, made once."""
    made: dict[str, str] = {}

    def folder(family: str = "llama") -> str:
        if family not in made:
            path = tmp_path_factory.mktemp(family)
            job = TrainJob(tasks=(), output=path, checkpoints=path, seed=0)
            scratch(
                job,
                family=family,
                hidden_size=32,
                layers=1,
                heads=2,
                context=32,
                vocabulary=VOCABULARY,
            )
            made[family] = str(path)
        return made[family]

    return folder


@pytest.fixture
def chatty(tmp_path: Path, tiny: Callable[[str], str]) -> str:
    """The tiny model with a chat template: the contents, then `=` or what `mark` says."""
    folder = tmp_path / "chatty"
    shutil.copytree(tiny(), folder)
    tokenizer = load_tokenizer(str(folder))
    tokenizer.chat_template = (
        "{% for m in messages %}{{ m.content }} {% endfor %}"
        "{% if add_generation_prompt %}{{ mark or '=' }}{% endif %}"
    )
    tokenizer.save_pretrained(folder)
    return str(folder)
