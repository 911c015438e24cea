"""Runs: stages in order, skipped when done, resumed when killed; monitors, budgets, failures."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from echo_plugin import listen_to_ctrl_c, pipeline

from rlvr_ops_core import (
    DataError,
    ErrorBudgetExceeded,
    Event,
    OptionError,
    RlvrError,
    RunError,
    StopRun,
)
from rlvr_ops_core.check import check_pipeline
from rlvr_ops_core.pipeline import Outcome, run_pipeline
from rlvr_ops_core.runs import read_json, read_lines

TRAIN = {"train": "policy", "use": "rlvr_echo/learn", "data": "train", "rewards": ["correct"]}
EVALUATE = {
    "evaluate": ["base", "policy"],
    "use": "rlvr_echo/answer",
    "data": "test",
    "rewards": ["correct"],
    "samples": 4,
}


class Runs:
    """Writes a pipeline into a folder and runs it there, in this process or in another."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "pipeline.yaml"
        self.folder = folder / "run"
        self.events: list[Event] = []

    def write(self, content: dict[str, Any]) -> None:
        self.file.write_text(yaml.safe_dump(content, sort_keys=False))

    def run(self, *, until: str | None = None, settings: Sequence[str] = ()) -> Outcome:
        plan = check_pipeline(self.file, settings=settings)
        return run_pipeline(plan, self.folder, until=until, show=[self.events.append])

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "rlvr_ops_core", "run", str(self.file)]
        command += ["--output", str(self.folder), *arguments]
        return subprocess.Popen(
            command,
            preexec_fn=listen_to_ctrl_c,  # noqa: PLW1509  # it only resets a signal
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def stage(self, name: str) -> Path:
        (folder,) = self.folder.glob(f"stages/[0-9][0-9]-{name}")
        return folder

    def manifest(self) -> dict[str, Any]:
        found: dict[str, Any] = read_json(self.folder / "run.json")
        return found

    def rows(self, stage: str, series: str) -> list[dict[str, Any]]:
        return list(read_lines(self.stage(stage) / series))

    def kinds(self) -> list[str]:
        return [event.kind for event in self.events]


@pytest.fixture
def runs(tmp_path: Path) -> Runs:
    return Runs(tmp_path)


def test_a_run_trains_evaluates_and_leaves_everything_in_its_folder(runs: Runs) -> None:
    runs.write(pipeline(TRAIN, EVALUATE))
    outcome = runs.run()
    assert outcome.done_now == ("policy", "evaluate")
    assert [row["step"] for row in runs.rows("policy", "metrics.jsonl")] == list(range(1, 11))
    rollouts = runs.rows("policy", "rollouts.jsonl")
    assert len(rollouts) == 10 * 4 * 4
    assert rollouts[0]["components"]["correct"]["weight"] == 1.0
    assert rollouts[0]["ref"].startswith("rlvr_echo/exact@file-")
    assert (runs.stage("policy") / "model" / "model.json").is_file()
    assert not (runs.stage("policy") / "checkpoints").exists()
    result = read_json(runs.stage("evaluate") / "result.json")
    before, after = result["models"]["base"], result["models"]["policy"]
    assert after["pass@1"]["value"] > before["pass@1"]["value"]
    assert set(before) >= {"pass@1", "pass@2", "pass@4", "components", "no_verdict"}
    assert result["pairs"][0]["difference"] > 0
    manifest = runs.manifest()
    assert manifest["status"] == "finished"
    assert [stage["status"] for stage in manifest["stages"]] == ["done", "done"]
    assert read_json(runs.folder / "environment.json")["python"]
    assert yaml.safe_load((runs.folder / "pipeline.yaml").read_text())["name"] == "echo"


def test_a_finished_run_started_again_does_nothing(runs: Runs) -> None:
    runs.write(pipeline(TRAIN, EVALUATE))
    runs.run()
    before = {path: path.stat().st_mtime_ns for path in runs.folder.glob("stages/**/*")}
    manifest = runs.manifest()
    outcome = runs.run()
    assert outcome.done_now == ()
    assert outcome.done_before == ("policy", "evaluate")
    assert {path: path.stat().st_mtime_ns for path in runs.folder.glob("stages/**/*")} == before
    assert runs.manifest() == manifest


def test_the_same_file_gives_the_same_run(tmp_path: Path) -> None:
    found = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        runs = Runs(tmp_path / name)
        runs.write(pipeline(TRAIN))
        runs.run()
        rows = runs.rows("policy", "rollouts.jsonl")
        found.append([(row["step"], row["task"], row["completion"], row["value"]) for row in rows])
    assert found[0] == found[1]


def test_another_seed_gives_another_run(runs: Runs) -> None:
    runs.write(pipeline(TRAIN))
    runs.run()
    first = [row["completion"] for row in runs.rows("policy", "rollouts.jsonl")]
    runs.run(settings=["seed=1"])
    assert [row["completion"] for row in runs.rows("policy", "rollouts.jsonl")] != first


@pytest.mark.parametrize("moment", ["checkpoint", "between checkpoints"])
def test_a_killed_run_goes_on_and_ends_as_if_it_had_not_been_killed(
    runs: Runs, tmp_path: Path, moment: str
) -> None:
    every = 1 if moment == "checkpoint" else 4
    options = {"steps": 12, "checkpoint_every": every}
    (tmp_path / "whole").mkdir()
    whole = Runs(tmp_path / "whole")
    whole.write(pipeline({**TRAIN, **options, "sleep_s": 0.05}, EVALUATE))
    whole.run()

    runs.write(pipeline({**TRAIN, **options, "sleep_s": 0.05}, EVALUATE))
    with runs.start() as process:
        metrics = runs.folder / "stages" / "01-policy" / "metrics.jsonl"
        while len(list(read_lines(metrics))) < 6:
            assert process.poll() is None
            time.sleep(0.01)
        os.killpg(process.pid, signal.SIGKILL)
    assert runs.manifest()["status"] == "running"
    runs.run()
    for series in ("metrics.jsonl", "rollouts.jsonl"):
        rows, expected = (
            [{key: value for key, value in row.items() if key != "seconds"} for row in found]
            for found in (runs.rows("policy", series), whole.rows("policy", series))
        )
        assert rows == expected
    finished = list(read_lines(runs.folder / "events.jsonl"))
    ends = [event["stage"] for event in finished if event["kind"] == "stage_finished"]
    assert ends == ["policy", "evaluate"], "every stage is done once"
    assert runs.manifest()["status"] == "finished"


def test_a_kill_during_evaluation_keeps_the_models_that_were_done(runs: Runs) -> None:
    runs.write(pipeline(TRAIN, {**EVALUATE, "sleep_s": 0.02}))
    with runs.start() as process:
        first = runs.folder / "stages" / "02-evaluate" / "answers" / "base.jsonl"
        while not first.exists():
            assert process.poll() is None
            time.sleep(0.01)
        os.killpg(process.pid, signal.SIGKILL)
    written = first.stat().st_mtime_ns
    outcome = runs.run()
    assert outcome.done_before == ("policy",)
    assert first.stat().st_mtime_ns == written
    assert len(runs.rows("evaluate", "answers/policy.jsonl")) == 20 * 4


def test_a_changed_stage_is_done_again_and_the_old_one_kept(runs: Runs) -> None:
    runs.write(pipeline(TRAIN, EVALUATE))
    runs.run()
    outcome = runs.run(settings=["stages.0.steps=3"])
    assert outcome.done_now == ("policy", "evaluate"), "the evaluation used the changed model"
    assert len(runs.rows("policy", "metrics.jsonl")) == 3
    changed = [event for event in runs.events if event.kind == "stage_changed"]
    assert changed[0].data["changes"] == ["component.options.steps: 10 -> 3"]
    kept = runs.folder / "stages" / "01-policy.superseded-1" / "metrics.jsonl"
    assert len(list(read_lines(kept))) == 10


def test_a_change_that_a_stage_does_not_use_leaves_it_done(runs: Runs) -> None:
    runs.write(pipeline(TRAIN, EVALUATE))
    runs.run()
    outcome = runs.run(settings=["stages.evaluate.samples=2"])
    assert outcome.done_before == ("policy",)
    assert outcome.done_now == ("evaluate",)


def test_until_ends_after_a_stage_or_a_verb(runs: Runs) -> None:
    runs.write(pipeline(TRAIN, EVALUATE))
    assert runs.run(until="policy").done_now == ("policy",)
    assert runs.manifest()["status"] == "stopped"
    assert runs.run(until="evaluate").done_now == ("evaluate",)
    with pytest.raises(OptionError, match='did you mean "evaluate"'):
        runs.run(until="evaluat")


def test_a_monitor_sees_every_event_and_may_stop_the_run(runs: Runs, tmp_path: Path) -> None:
    tape = tmp_path / "tape.jsonl"
    monitor = {"use": "rlvr_echo/tape", "path": str(tape), "stop_at": 4}
    runs.write(pipeline(TRAIN, monitors={"watch": monitor}))
    with pytest.raises(StopRun, match='monitor "watch": step 4'):
        runs.run()
    seen = [json.loads(line) for line in tape.read_text().splitlines()]
    kinds = [event["kind"] for event in seen]
    assert kinds[:3] == ["run_started", "stage_started", "rollouts"]
    assert kinds[-2:] == ["stage_failed", "run_finished"]
    assert seen[2]["data"] == {"count": 16, "samples": 16, "verdicts": 16}
    assert runs.manifest()["status"] == "stopped"
    assert "step 4 is where the tape ends" in runs.manifest()["reason"]


def test_a_monitor_that_breaks_stops_nobody(runs: Runs) -> None:
    runs.write(pipeline(TRAIN, monitors={"watch": {"use": "rlvr_echo/tape", "raise_at": 2}}))
    runs.run()
    failed = [
        event
        for event in read_lines(runs.folder / "events.jsonl")
        if event["kind"] == "monitor_failed"
    ]
    assert len(failed) == 1
    assert "the tape broke at step 2" in failed[0]["data"]["traceback"]


def alarms_of(runs: Runs) -> list[dict[str, Any]]:
    return [row for row in read_lines(runs.folder / "events.jsonl") if row["kind"] == "alarm"]


def test_an_alarm_reaches_the_event_log_the_display_and_the_other_monitors(
    runs: Runs, tmp_path: Path
) -> None:
    tape = tmp_path / "tape.jsonl"
    monitors = {
        "listener": {"use": "rlvr_echo/tape", "path": str(tape)},
        "guard": {"use": "rlvr_echo/siren"},
    }
    runs.write(pipeline(TRAIN, monitors=monitors))
    runs.run()
    (alarm,) = alarms_of(runs)
    assert (alarm["stage"], alarm["step"]) == ("policy", 3)
    expected = {"monitor": "guard", "detector": "siren", "severity": "critical", "value": 2.0}
    assert expected.items() <= alarm["data"].items()
    row = alarm["data"]["rows"][1]
    kept = [
        found
        for found in runs.rows("policy", "rollouts.jsonl")
        if [found["step"], found["group"], found["index"]]
        == [row["step"], row["group"], row["index"]]
    ]
    assert row["stage"] == "policy"
    assert len(kept) == 1
    assert [event.data["detector"] for event in runs.events if event.kind == "alarm"] == ["siren"]
    heard = [json.loads(line) for line in tape.read_text().splitlines()]
    assert [event["data"]["message"] for event in heard if event["kind"] == "alarm"] == [
        "it [bold]burns"
    ]


def test_an_alarm_that_stops_is_told_before_the_run_ends(runs: Runs) -> None:
    runs.write(pipeline(TRAIN, monitors={"guard": {"use": "rlvr_echo/siren", "stop": True}}))
    with pytest.raises(StopRun, match=r'monitor "guard": it \[bold\]burns'):
        runs.run()
    assert runs.manifest()["status"] == "stopped"
    kinds = runs.kinds()
    assert kinds[kinds.index("alarm") :] == ["alarm", "stage_failed", "run_finished"]


def test_monitors_that_answer_alarms_with_alarms_end_no_run(runs: Runs) -> None:
    runs.write(pipeline(TRAIN, monitors={"guard": {"use": "rlvr_echo/siren", "endless": True}}))
    runs.run()
    assert len(alarms_of(runs)) == 1


def test_a_monitor_that_returns_nonsense_is_left_out(runs: Runs) -> None:
    runs.write(pipeline(TRAIN, monitors={"guard": {"use": "rlvr_echo/siren", "nonsense": True}}))
    runs.run()
    rows = list(read_lines(runs.folder / "events.jsonl"))
    (failed,) = [row for row in rows if row["kind"] == "monitor_failed"]
    assert "a monitor may return alarms or None, not 'f'" in failed["data"]["traceback"]
    assert runs.manifest()["status"] == "finished"


def test_the_error_budget_stops_a_run_and_shows_the_rows(runs: Runs) -> None:
    content = pipeline({**TRAIN, "wrong": "raise"})
    content["rewards"]["correct"] = {"use": "rlvr_echo/nasty"}
    runs.write(content)
    with pytest.raises(ErrorBudgetExceeded, match=r"error budget is 2\.0%") as caught:
        runs.run()
    assert "ValueError: as the completion asked" in str(caught.value)
    assert runs.manifest()["status"] == "failed"
    kept = runs.rows("policy", "rollouts.jsonl")
    assert {row["status"] for row in kept} >= {"error"}
    assert all(row["value"] is None for row in kept if row["status"] == "error")


def test_a_failed_verdict_teaches_nothing_within_the_budget(runs: Runs) -> None:
    content = pipeline({**TRAIN, "wrong": "none"})
    content["rewards"]["correct"] = {"use": "rlvr_echo/nasty"}
    runs.write(content)
    runs.run()
    rows = runs.rows("policy", "rollouts.jsonl")
    assert {row["status"] for row in rows} == {"ok", "abstain"}
    assert all(row["reward"] == 1.0 for row in runs.rows("policy", "metrics.jsonl")[1:])


def test_a_trainer_that_fails_leaves_its_reason_and_can_go_on(runs: Runs) -> None:
    runs.write(pipeline({**TRAIN, "fail_at": 5}))
    with pytest.raises(RuntimeError, match="failed at step 5"):
        runs.run()
    assert runs.manifest()["status"] == "failed"
    assert "RuntimeError: failed at step 5" in runs.manifest()["reason"]
    assert len(runs.rows("policy", "metrics.jsonl")) == 4


def test_a_data_source_that_fails_says_where(runs: Runs) -> None:
    content = pipeline(TRAIN)
    content["data"]["train"]["broken_row"] = 7
    runs.write(content)
    with pytest.raises(DataError, match=r"sums\.jsonl:8: no column 'prompt'"):
        runs.run()


def test_a_model_of_a_missing_stage_is_named(runs: Runs) -> None:
    runs.write(pipeline(TRAIN, EVALUATE))
    runs.run(until="policy")
    (runs.stage("policy") / "model" / "model.json").unlink()
    (runs.stage("policy") / "model").rmdir()
    with pytest.raises(RlvrError, match='the model "policy" is not there'):
        runs.run()


def test_serving_lasts_until_ctrl_c(runs: Runs) -> None:
    runs.write(pipeline(TRAIN, {"serve": "policy", "use": "rlvr_echo/hello"}))
    with runs.start() as process:
        assert process.stderr is not None
        line = next(line for line in process.stderr if "is served at" in line)
        url = next(word for word in line.split() if word.startswith("http"))
        from urllib.request import urlopen

        with urlopen(url, timeout=10) as answer:
            assert json.load(answer)["skill"] > 0.2
        process.send_signal(signal.SIGINT)
        try:
            process.communicate(timeout=60)
        finally:
            process.kill()
        assert process.returncode == 0
    assert runs.manifest()["status"] == "finished"


def test_two_runs_of_one_folder_do_not_mix(runs: Runs) -> None:
    runs.write(pipeline({**TRAIN, "sleep_s": 0.2}))
    with runs.start() as process:
        while not (runs.folder / "stages").exists():
            time.sleep(0.01)
        with pytest.raises(RunError, match="in use by another"):
            runs.run()
        os.killpg(process.pid, signal.SIGKILL)
