"""What a report says of a run, before it is laid out: both the page and the summary read this."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from rlvr_ops_core.report.answers import Answers, read_answers
from rlvr_ops_core.report.comparison import Row, compare
from rlvr_ops_core.report.folder import Run, Stage, read_run
from rlvr_ops_core.report.metrics import Series, read_series
from rlvr_ops_core.report.numbers import p_value, percent_interval, points_interval

TELLING = [
    "accelerate",
    "datasets",
    "deepspeed",
    "latex2sympy2-extended",
    "math-verify",
    "numpy",
    "peft",
    "reasoning-gym",
    "safetensors",
    "sympy",
    "tokenizers",
    "torch",
    "transformers",
    "triton",
    "trl",
    "vllm",
]


@dataclass(frozen=True, slots=True)
class StageView:
    """One stage with its curves and answers."""

    stage: Stage
    series: list[Series]
    answers: Answers


@dataclass(frozen=True, slots=True)
class View:
    """A whole run."""

    run: Run
    stages: list[StageView]
    estimate: list[Row]
    """What `rlvr run --dry-run` said before, beside what it became; empty without it."""

    @property
    def evaluations(self) -> list[StageView]:
        """The stages that have a `result.json`."""
        return [view for view in self.stages if view.stage.result.get("models")]

    @property
    def seconds(self) -> float | None:
        """From the run's start to its end; None while it runs."""
        try:
            started = datetime.fromisoformat(str(self.run.about.get("started")))
            finished = datetime.fromisoformat(str(self.run.about.get("finished")))
        except ValueError:
            return None
        return (finished - started).total_seconds()

    @property
    def command(self) -> str:
        """What runs it again. Only a path below the runs' own folder is told, not the machine's."""
        pipeline = Path(str(self.run.about.get("pipeline") or "pipeline.yaml"))
        base = self.run.path.resolve().parent.parent
        shown = pipeline.relative_to(base) if pipeline.is_relative_to(base) else pipeline.name
        return f"rlvr run {shown}"


def read_view(run_folder: Path, *, rows_per_stage: int) -> View:
    """Reads all that the report needs.

    Raises:
        RunError: the folder holds no run.
    """
    run = read_run(run_folder)
    views = [
        StageView(
            stage,
            read_series(stage.path / "metrics.jsonl"),
            read_answers(run, stage, most=rows_per_stage),
        )
        for stage in run.stages
    ]
    return View(run, views, compare(run_folder))


def headlines(result: Mapping[str, Any]) -> Iterator[tuple[str, bool | None]]:
    """One sentence for each pair of an evaluation, and whether its interval leaves out 0."""
    models = result["models"]
    for pair in result.get("pairs") or []:
        after, before = pair.get("after"), pair.get("before")
        if pair.get("difference") is None:
            yield f"{after} and {before} share no judged task: nothing to compare.", None
            continue
        rates = {name: models.get(name, {}).get("pass@1", {}) for name in (before, after)}
        clear = None
        if pair.get("low") is not None and pair.get("high") is not None:
            clear = pair["low"] > 0 or pair["high"] < 0
        sentence = (
            f"{after} solves {percent_interval(rates[after])}, {before} "
            f"{percent_interval(rates[before])}: {points_interval(pair)} points on the same "
            f"{pair.get('tasks')} tasks, {p_value(pair)}."
        )
        yield sentence, clear


def split_packages(environment: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, str]]:
    """The versions that decide how a run comes out, and those of all other packages."""
    telling: dict[str, str] = {}
    others: dict[str, str] = {}
    for name, version in (environment.get("packages") or {}).items():
        ours = name.startswith("rlvr-") or name.lower() in TELLING
        (telling if ours else others)[name] = version
    return telling, others


def pass_names(result: Mapping[str, Any]) -> list[str]:
    """`pass@1`, `pass@2` … of an evaluation, as its models have them."""
    names = {name for block in result["models"].values() for name in block if "pass@" in name}
    return sorted(names, key=lambda name: int(name.removeprefix("pass@")))
