"""Components that break their contract are told so; progress says what happens."""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import yaml
from echo_plugin import pipeline
from rich.console import Console

from rlvr_ops_core import DataError, ModelError, RlvrError
from rlvr_ops_core.check import check_pipeline
from rlvr_ops_core.pipeline import run_pipeline
from rlvr_ops_core.progress import RunProgress, duration
from rlvr_ops_core.stages import context

UNRULY = '''
"""Components that break their contract."""
from itertools import count
from rlvr_ops_core import Sample, Task, hookimpl

def endless(*, split="train", limit=None):
    for n in count():
        yield Task(str(n), "?")

def twins(*, split="train", limit=None):
    yield Task("a", "?")
    yield Task("a", "!")

def empty(*, split="train", limit=None):
    return iter(())

def idle(job):
    """Write no model."""

def unjudged(job):
    job.score([Sample(job.tasks[0], "text")])

def short(model, tasks, *, samples, seed):
    for task in tasks[:-1]:
        yield [Sample(task, "x")] * samples

def few(model, tasks, *, samples, seed):
    for task in tasks:
        yield [Sample(task, "x")]

def swapped(model, tasks, *, samples, seed):
    for task in reversed(tasks):
        yield [Sample(task, "x")] * samples

@hookimpl
def rlvr_data_sources():
    return {"endless": endless, "twins": twins, "empty": empty}

@hookimpl
def rlvr_trainers():
    return {"idle": idle, "unjudged": unjudged}

@hookimpl
def rlvr_samplers():
    return {"short": short, "few": few, "swapped": swapped}
'''

LEARN = {"train": "policy", "use": "rlvr_echo/learn", "data": "train", "rewards": ["correct"]}


def run(
    folder: Path, *stages: dict[str, Any], show: Any = None, monitors: Any = None, **data: Any
) -> None:
    (folder / "unruly.py").write_text(UNRULY)
    content = pipeline(*stages, **({"monitors": monitors} if monitors else {}))
    content["plugins"].append("unruly.py")
    content["data"] |= data
    file = folder / "pipeline.yaml"
    file.write_text(yaml.safe_dump(content))
    run_pipeline(check_pipeline(file), folder / "run", show=[show] if show else [])


@pytest.mark.parametrize(
    ("source", "what"),
    [
        ("endless", "does not end after 1,000 tasks"),
        ("twins", "gives the task id 'a' twice"),
        ("empty", "gives no task"),
    ],
)
def test_a_source_that_gives_no_usable_tasks_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, what: str
) -> None:
    monkeypatch.setattr(context, "MOST_TASKS", 1000)
    with pytest.raises(DataError, match=what):
        run(tmp_path, LEARN, train={"use": f"unruly/{source}"})


def test_a_trainer_that_writes_no_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="unruly/idle wrote no model"):
        run(tmp_path, {"train": "policy", "use": "unruly/idle", "data": "train"})
    assert not (tmp_path / "run" / "stages" / "01-policy" / "model").exists()


def test_a_trainer_that_scores_without_rewards_is_told_what_to_add(tmp_path: Path) -> None:
    with pytest.raises(RlvrError, match="names no rewards"):
        run(tmp_path, {"train": "policy", "use": "unruly/unjudged", "data": "train"})


@pytest.mark.parametrize(
    ("sampler", "what"),
    [
        ("short", "answered 19 of 20 tasks"),
        ("few", "where 2 to 'test/0' were due"),
        ("swapped", "where 2 to 'test/0' were due"),
    ],
)
def test_a_sampler_that_breaks_its_contract_is_named(
    tmp_path: Path, sampler: str, what: str
) -> None:
    stage = {
        "evaluate": ["base"],
        "use": f"unruly/{sampler}",
        "data": "test",
        "rewards": ["correct"],
        "samples": 2,
    }
    with pytest.raises(RlvrError, match=what):
        run(tmp_path, stage)
    assert not list(tmp_path.glob("run/stages/*/answers/base.jsonl"))


def test_progress_says_what_runs_and_what_came_out(tmp_path: Path) -> None:
    text = StringIO()
    evaluate = {
        "evaluate": ["base", "policy"],
        "use": "rlvr_echo/answer",
        "data": "test",
        "rewards": ["correct"],
    }
    with RunProgress(Console(file=text, width=200)) as progress:
        run(tmp_path, LEARN, evaluate, show=progress)
    with RunProgress(Console(file=text, width=200)) as progress:
        run(tmp_path, {**LEARN, "steps": 3}, evaluate, show=progress)
    said = text.getvalue()
    for line in (
        "policy: train with rlvr_echo/learn",
        "policy: pass@1 ",
        "policy: changed, so it is done again",
        "component.options.steps: 10 -> 3",
        "superseded-1",
    ):
        assert line in said


def test_progress_shows_hostile_names_as_text(tmp_path: Path) -> None:
    text = StringIO()
    with RunProgress(Console(file=text, width=200)) as progress:
        run(tmp_path, LEARN, show=progress)
    assert "[bold]" not in text.getvalue()


def test_progress_shows_an_alarm_with_what_to_do(tmp_path: Path) -> None:
    text = StringIO()
    with RunProgress(Console(file=text, width=200)) as progress:
        run(tmp_path, LEARN, show=progress, monitors={"guard": {"use": "rlvr_echo/siren"}})
    assert "  critical: siren at step 3: it [bold]burns\n" in text.getvalue()
    assert "    run [/] for \\x1b[31mit\n" in text.getvalue()


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.04, "0.0 s"), (42, "42 s"), (200, "3 min 20 s"), (7500, "2 h 5 min")]
)
def test_durations_are_read_easily(seconds: float, text: str) -> None:
    assert duration(seconds) == text
