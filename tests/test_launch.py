"""`launch:` of a pipeline: what may be said, and which stages it reaches."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from echo_plugin import pipeline

from rlvr_ops_core import Launch, PipelineError
from rlvr_ops_core.check import check_pipeline
from rlvr_ops_core.pipeline import run_pipeline
from rlvr_ops_core.plan import Plan

MANY = """
from rlvr_ops_core import hookimpl, launches

@launches("torchrun")
def wide(job, *, steps: int = 1):
    (job.output / "model.json").write_text('{"skill": %d}' % job.launch.processes)

def narrow(job, *, steps: int = 1):
    assert job.launch is None
    (job.output / "model.json").write_text("{}")

@hookimpl
def rlvr_trainers():
    return {"wide": wide, "narrow": narrow}
"""

WIDE = {"train": "policy", "use": "many/wide"}
NARROW = {"train": "first", "use": "many/narrow"}
TWO = {"engine": "torchrun", "processes": 2}


def plan_of(folder: Path, *stages: dict[str, Any], **sections: Any) -> Plan:
    (folder / "many.py").write_text(MANY)
    (folder / "accelerate.yaml").write_text("use_cpu: true\n")
    content = pipeline(*stages, **sections)
    content["plugins"].append("many.py")
    file = folder / "pipeline.yaml"
    file.write_text(yaml.safe_dump(content, sort_keys=False))
    return check_pipeline(file)


def test_launch_of_the_pipeline_reaches_the_stages_whose_trainer_can(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, NARROW, WIDE, launch=TWO)
    assert [stage.launch for stage in plan.stages] == [
        None,
        Launch(engine="torchrun", processes=2),
    ]


def test_launch_of_a_stage_goes_before_that_of_the_pipeline(tmp_path: Path) -> None:
    own = {"engine": "torchrun", "processes": 3, "accelerate_config": "accelerate.yaml"}
    plan = plan_of(tmp_path, WIDE | {"launch": own}, launch=TWO)
    file = str((tmp_path / "accelerate.yaml").resolve())
    expected = Launch(engine="torchrun", processes=3, accelerate_config=file)
    assert plan.stages[0].launch == expected


def test_trainer_is_given_its_processes_and_more_of_them_are_no_other_stage(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, WIDE, launch=TWO)
    run_pipeline(plan, tmp_path / "run")
    model = tmp_path / "run/stages/01-policy/model/model.json"
    assert json.loads(model.read_text()) == {"skill": 2}
    again = run_pipeline(plan_of(tmp_path, WIDE, launch=TWO | {"processes": 4}), tmp_path / "run")
    assert again.done_before == ("policy",)


@pytest.mark.parametrize(
    ("stage", "everywhere", "expected"),
    [
        (NARROW | {"launch": TWO}, None, "many/narrow can't be launched by torchrun"),
        (WIDE | {"launch": {"engine": "ray", "workers": 2}}, None, "it can by: torchrun"),
        (WIDE, {"engine": "torchrn", "processes": 2}, 'did you mean "torchrun"?'),
        (WIDE, {"processes": 2}, "launch: names no engine"),
        (WIDE, 2, "launch: names no engine"),
        (WIDE, {"engine": "torchrun", "workers": 2}, "launch.workers: unknown option"),
        (WIDE, {"engine": "torchrun"}, "launch.processes: is required"),
        (WIDE, TWO | {"processes": 0}, "launch.processes: must be at least 1 (got 0)"),
        (WIDE, {"engine": "ray", "workers": 2, "resources": {"GPU": -1}}, "must be at least 0"),
        (WIDE, TWO | {"accelerate_config": "nowhere.yaml"}, 'there is no file "nowhere.yaml"'),
    ],
)
def test_mistakes_are_found_by_the_check(
    tmp_path: Path, stage: dict[str, Any], everywhere: Any, expected: str
) -> None:
    with pytest.raises(PipelineError) as caught:
        plan_of(tmp_path, stage, launch=everywhere)
    assert expected in str(caught.value)
