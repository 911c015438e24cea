"""Run the stages of a plan in order: skip what is done, go on with what was killed.

A stage is done while its `stage.json` says so and names the same identity: the same component,
options, data, rewards, seed and models. A stage that has changed is done again, and its old folder
is kept beside it under another name.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rlvr_ops_core.errors import OptionError, RlvrError, StopRun, did_you_mean
from rlvr_ops_core.events import Events, Watch
from rlvr_ops_core.plan import Plan, PlannedStage
from rlvr_ops_core.runs import RunFolder, now, read_json, set_aside, write_json
from rlvr_ops_core.scoring import ErrorBudget
from rlvr_ops_core.spending import Meter
from rlvr_ops_core.stages.context import RunContext
from rlvr_ops_core.stages.evaluate import evaluate
from rlvr_ops_core.stages.serve import serve
from rlvr_ops_core.stages.train import train

RUN_OF_VERB = {"train": train, "evaluate": evaluate, "serve": serve}


@dataclass(frozen=True)
class Outcome:
    """How a run ended."""

    folder: Path
    done_before: tuple[str, ...]
    """Stages that were done already and were skipped."""
    done_now: tuple[str, ...]


def run_pipeline(
    plan: Plan, folder: Path, *, until: str | None = None, show: Sequence[Watch] = ()
) -> Outcome:
    """Run a plan in a folder, up to and with the stage (or the first stage of the verb) `until`.

    `show` are functions that see every event, to show progress.

    Raises:
        OptionError: `until` names no stage.
        RunError: the folder can't be used.
        StopRun: a monitor ended the run.
        ErrorBudgetExceeded: too many samples got no verdict.
        RlvrError: a component failed in a way that the user can mend.
    """
    stages = stages_until(plan, until)
    run_folder = RunFolder(folder)
    run_folder.open(manifest(plan), plan.resolved)
    monitors = {
        name: bound.component.call(**bound.options) for name, bound in plan.monitors.items()
    }
    events = Events(plan.name, run_folder, monitors, show)
    context = RunContext(plan, run_folder, events, ErrorBudget(plan.error_budget))
    try:
        return Runner(context).run(stages)
    finally:
        context.close()
        run_folder.close()


def stages_until(plan: Plan, until: str | None) -> tuple[PlannedStage, ...]:
    """The stages up to and with `until`, which is a stage's name or a verb.

    Raises:
        OptionError: no stage has that name or verb.
    """
    if until is None:
        return plan.stages
    for stage in plan.stages:
        if until in (stage.name, stage.verb):
            return plan.stages[: stage.number]
    known = [stage.name for stage in plan.stages] + ["train", "evaluate", "serve"]
    hint = did_you_mean(until, known) or f"the stages are {', '.join(known[:-3])}"
    raise OptionError(f'--until {until}: there is no stage or verb "{until}"', hint=hint)


def manifest(plan: Plan) -> dict[str, Any]:
    """The content of `run.json` before the first stage."""
    return {
        "name": plan.name,
        "status": "running",
        "started": None,
        "finished": None,
        "seed": plan.seed,
        "model": plan.model,
        "pipeline": str(plan.file.resolve()),
        "reason": "",
        "plugins": {name: str(origin) for name, origin in plan.plugins.origins.items()},
        "stages": [
            {
                "name": stage.name,
                "folder": stage.folder,
                "verb": stage.verb,
                "use": stage.bound.component.name,
                "status": "waiting",
                "seconds": None,
            }
            for stage in plan.stages
        ],
    }


class Runner:
    """Goes through the stages of one run."""

    def __init__(self, context: RunContext) -> None:
        self.context = context
        self.folder = context.folder
        self.events = context.events

    def run(self, stages: Sequence[PlannedStage]) -> Outcome:
        """Run the stages; whatever ends the run is written into the run folder first."""
        before, now_done = [], []
        names = [stage.name for stage in stages]
        self.events.emit("run_started", stages=names, folder=str(self.folder.path.resolve()))
        try:
            for stage in stages:
                if self._is_done(stage):
                    before.append(stage.name)
                else:
                    self._run_stage(stage)
                    now_done.append(stage.name)
        except StopRun as reason:
            self._end("stopped", str(reason))
            raise
        except KeyboardInterrupt:
            self._end("stopped", "stopped by Ctrl-C")
            raise
        except SystemExit as leaving:
            self._end("stopped" if not leaving.code else "failed", describe(leaving))
            raise
        except BaseException as error:
            self._end("failed", describe(error))
            raise
        if now_done:
            whole = len(stages) == len(self.context.plan.stages)
            self._end("finished" if whole else "stopped", "" if whole else "ended by --until")
        else:
            self.folder.restore()
        return Outcome(self.folder.path, tuple(before), tuple(now_done))

    def _end(self, status: str, reason: str) -> None:
        for number, stage in enumerate(self.folder.manifest["stages"], start=1):
            if stage["status"] == "running":
                self.folder.save_stage(number, status="failed")
        self.folder.save(status=status, reason=reason, finished=now())
        self.events.tell("run_finished", status=status, reason=reason)

    def _is_done(self, stage: PlannedStage) -> bool:
        """The stage is done and unchanged; a changed one is set aside, to be done again."""
        folder = self.context.stage_folder(stage)
        marker = read_json(folder / "stage.json")
        if marker is None:
            return False
        identity = self.context.plan.identity_of(stage)
        if marker["identity"] != identity:
            kept = set_aside(folder)
            changes = differences(marker["identity"], identity)
            self.events.emit("stage_changed", stage=stage.name, changes=changes, kept=str(kept))
            return False
        if marker["status"] != "done" or stage.verb == "serve":
            return False
        self.folder.save_stage(stage.number, status="done", seconds=marker["seconds"])
        self.events.emit("stage_skipped", stage=stage.name)
        return True

    def _run_stage(self, stage: PlannedStage) -> None:
        folder = self.context.stage_folder(stage)
        resumed = folder.is_dir()
        self.folder.save_environment()
        folder.mkdir(parents=True, exist_ok=True)
        marker: dict[str, Any] = {
            "name": stage.name,
            "verb": stage.verb,
            "use": stage.bound.component.name,
            "config": dict(stage.bound.options),
            "seed": self.context.plan.seed_of(stage),
            "identity": self.context.plan.identity_of(stage),
            "model": "model" if stage.verb == "train" else None,
        }
        before = read_json(folder / "stage.json") or {}
        meter = Meter()

        def spent() -> dict[str, float]:
            """Over all attempts at this stage, a killed one as far as it was noted."""
            return {
                "seconds": round((before.get("seconds") or 0.0) + meter.seconds, 2),
                "cpu_seconds": round((before.get("cpu_seconds") or 0.0) + meter.cpu_seconds, 2),
                "memory_gb": round(max(before.get("memory_gb") or 0.0, meter.peak_memory_gb), 3),
            }

        write_json(folder / "stage.json", marker | spent() | {"status": "running"})
        self.folder.save_stage(stage.number, status="running")
        self.events.emit(
            "stage_started",
            stage=stage.name,
            verb=stage.verb,
            use=stage.bound.component.name,
            folder=stage.folder,
            steps=stage.bound.options.get("steps"),
            resumed=resumed,
        )
        try:
            RUN_OF_VERB[stage.verb](self.context, stage)
        except BaseException as error:
            costs = spent()
            write_json(folder / "stage.json", marker | costs | {"status": "failed"})
            self.folder.save_stage(stage.number, status="failed", seconds=costs["seconds"])
            self.events.tell("stage_failed", stage=stage.name, reason=describe(error))
            raise
        costs = spent()
        write_json(folder / "stage.json", marker | costs | {"status": "done"})
        self.folder.save_stage(stage.number, status="done", seconds=costs["seconds"])
        self.events.emit("stage_finished", stage=stage.name, seconds=costs["seconds"])


def describe(error: BaseException) -> str:
    """An error as the run folder keeps it."""
    if isinstance(error, RlvrError):
        return str(error)
    return f"{type(error).__name__}: {error}"


def differences(before: Any, after: Any, path: str = "") -> list[str]:
    """What changed between two identities: `component.options.steps: 40 -> 60`."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        return [
            line
            for key in sorted({*before, *after})
            for line in differences(before.get(key), after.get(key), f"{path}.{key}".lstrip("."))
        ]
    if before == after:
        return []
    return [f"{path}: {json.dumps(before)[:60]} -> {json.dumps(after)[:60]}"]
