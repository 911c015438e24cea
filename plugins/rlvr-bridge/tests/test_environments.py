"""verifiers' tasks and OpenEnv's rubrics in the real packages, both ways."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from rlvr_bridge.scorer import close_all
from rlvr_bridge.sources import tasks_of

from rlvr_ops_core import Sample, Task, Verdict
from rlvr_ops_core.plugins import Plugins
from rlvr_ops_core.scoring import Engine, bind_component

needs_verifiers = pytest.mark.skipif(
    find_spec("verifiers") is None, reason="pip install verifiers==0.4.0 runs this: test_peers.py"
)
needs_openenv = pytest.mark.skipif(
    find_spec("openenv") is None, reason="pip install openenv==0.10.0 runs this: test_peers.py"
)

TASKSET = """
import verifiers.v1 as vf

class Data(vf.TaskData):
    answer: str

class Sum(vf.Task[Data]):
    @vf.reward(weight=2.0)
    async def right(self, task, trace):
        return float(trace.last_reply == task.answer)

    @vf.metric
    async def length(self, trace):
        return len(trace.last_reply)

class Sums(vf.Taskset[Sum, vf.TasksetConfig]):
    def load(self):
        for n in range(5):
            yield Sum(Data(prompt=f"{n} + {n} =", answer=str(2 * n)), self.config.task)

__all__ = ["Sums"]

async def plugged(task, trace):
    return 0.5 if trace.last_reply else 0.0
"""

RUBRICS = """
from openenv.core.rubrics.base import Rubric

class Right(Rubric):
    def forward(self, action, observation):
        return float(action.message == observation.metadata["answer"])

class Both(Rubric):
    def __init__(self, share=0.5):
        super().__init__()
        self.right = Right()
        self.share = share

    def forward(self, action, observation):
        return self.share * self.right(action, observation)
"""


def judged(component: str, options: dict[str, Any], *samples: Sample) -> list[Verdict]:
    found = Plugins.discover(only=["bridge"]).find("reward", component)
    with Engine(bind_component(found, options, timeout_s=60), workers=1) as engine:
        return engine.score(samples)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "their_sums.py").write_text(TASKSET)
    (tmp_path / "their_rubrics.py").write_text(RUBRICS)
    return tmp_path


@needs_verifiers
def test_a_verifiers_taskset_is_a_data_source_and_its_rewards_judge(place: Path) -> None:
    tasks = list(tasks_of("bridge/verifiers", {"taskset": "their-sums", "limit": 3}))
    assert [task.answer for task in tasks] == ["0", "2", "4"]
    assert tasks[1].prompt_text == "1 + 1 ="
    options = {"function": "their-sums", "high": 2.0}
    right, wrong = judged("bridge/verifiers", options, Sample(tasks[1], "2"), Sample(tasks[1], "3"))
    assert (right.value, wrong.value) == (2.0, 0.0), right.info
    assert right.components["right"].value == 1.0
    assert right.components["length"].value == 1.0


@needs_verifiers
def test_a_plugged_function_of_verifiers_judges(place: Path) -> None:
    (verdict,) = judged(
        "bridge/verifiers", {"function": "their_sums:plugged"}, Sample(Task("1", "?", "2"), "2")
    )
    assert verdict.value == 0.5, verdict.info
    (verdict,) = judged(
        "bridge/function", {"function": "their_sums:plugged"}, Sample(Task("1", "?", "2"), "")
    )
    assert verdict.value == 0.0, verdict.info


@needs_verifiers
def test_an_exported_environment_package_loads_and_scores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import asyncio

    import verifiers.v1 as vf
    from rlvr_bridge.export.files import export_files

    files = export_files(
        "verifiers",
        ["right=text/exact", "tidy=text/length"],
        options=["tidy.weight=0.5", "tidy.soft=2", "tidy.hard=4"],
        data="data/jsonl",
        data_options=[f"path={tmp_path / 'tasks.jsonl'}"],
        output=tmp_path / "square_env",
    )
    (tmp_path / "tasks.jsonl").write_text('{"prompt": "2 * 2 =", "answer": "4"}\n')
    for file, text in files.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path / "square_env"))
    loaders = sys.modules["verifiers.v1.utils.loaders"]
    config = loaders.taskset_config_type("square_env").model_validate({"id": "square_env"})
    (task,) = list(loaders.load_taskset(config))
    trace = vf.Trace(
        task=vf.TraceTask(type="RewardTask", data=task.data, key=task.key, hash=task.hash),
        agent=vf.AgentInfo(config=vf.AgentConfig()),
    )
    trace.root_reply = "4"
    asyncio.run(task.score(trace))
    assert trace.reward == 1.0
    assert trace.metrics["reward/right"] == 1.0
    close_all()


@needs_openenv
def test_a_rubric_of_openenv_judges(place: Path) -> None:
    task = Task("1", "2 + 2 =", "4")
    options = {"function": "their_rubrics:Both", "arguments": {"share": 0.25}}
    right, wrong = judged("bridge/openenv", options, Sample(task, "4"), Sample(task, "5"))
    assert (right.value, wrong.value) == (0.25, 0.0), right.info
    assert right.components["right"].value == 1.0
    (verdict,) = judged("bridge/function", {"function": "their_rubrics:Right"}, Sample(task, "4"))
    assert verdict.value == 1.0, verdict.info
