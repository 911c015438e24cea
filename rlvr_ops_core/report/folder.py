"""Reads a run folder as it is: finished, running, or broken in the middle."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rlvr_ops_core.errors import RunError


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of a run and where its files are; what it has not written yet is empty."""

    name: str
    verb: str
    use: str
    status: str
    seconds: float | None
    path: Path
    identity: Mapping[str, Any]
    """All that decides what the stage gives, from `stage.json`."""
    result: Mapping[str, Any]
    """`result.json` of an evaluate stage."""


@dataclass(frozen=True, slots=True)
class Run:
    """A run folder's small files."""

    path: Path
    about: Mapping[str, Any]
    """`run.json`."""
    environment: Mapping[str, Any]
    pipeline: str
    """The text of the resolved `pipeline.yaml`."""
    stages: tuple[Stage, ...]
    alarms: tuple[Mapping[str, Any], ...] = ()
    """The events of kind `alarm`, oldest first."""

    @property
    def name(self) -> str:
        """The run's name."""
        return str(self.about.get("name") or self.path.name)

    @property
    def status(self) -> str:
        """`running`, `finished`, `failed` or `stopped`."""
        return str(self.about.get("status") or "unknown")

    @property
    def pass_on(self) -> tuple[str, float]:
        """The component that says right or wrong, and from which value: the last evaluation's."""
        for stage in reversed(self.stages):
            for settings in (stage.result, stage.identity):
                if settings.get("pass_on"):
                    return str(settings["pass_on"]), float(settings.get("solved") or 1.0)
        return "", 1.0


def read_run(path: Path) -> Run:
    """Reads the small files of a run folder.

    Raises:
        RunError: `run.json` is missing or no JSON object.
    """
    about = read_object(path / "run.json")
    if not about:
        raise RunError(
            f"{path}: no run here: run.json is missing or unreadable",
            hint="give the folder of a run, such as runs/quickstart",
        )
    pipeline = path / "pipeline.yaml"
    return Run(
        path=path,
        about=about,
        environment=read_object(path / "environment.json"),
        pipeline=pipeline.read_text("utf-8", errors="replace") if pipeline.is_file() else "",
        stages=tuple(_read_stage(path, entry) for entry in about.get("stages") or []),
        alarms=tuple(_read_alarms(path / "events.jsonl")),
    )


def _read_alarms(events: Path) -> Iterator[Mapping[str, Any]]:
    for _, event in JsonLines(events):
        if event.get("kind") == "alarm" and isinstance(event.get("data"), dict):
            yield event


def _read_stage(run: Path, entry: Mapping[str, Any]) -> Stage:
    path = run / str(entry.get("folder") or entry.get("name"))
    own = read_object(path / "stage.json")
    return Stage(
        name=str(entry.get("name") or path.name),
        verb=str(entry.get("verb") or own.get("verb") or ""),
        use=str(entry.get("use") or own.get("use") or ""),
        status=str(entry.get("status") or own.get("status") or "waiting"),
        seconds=entry.get("seconds"),
        path=path,
        identity=own.get("identity") or {},
        result=read_object(path / "result.json"),
    )


def read_object(path: Path) -> Mapping[str, Any]:
    """A JSON object from a file; {} if it is missing or cut off."""
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


class JsonLines:
    """The objects of a JSON lines file with the place of each, read one at a time.

    A last line without its line end was cut off in the middle of writing: it is ignored. Any other
    line that is no JSON object is left out and counted in `unreadable`. No file: no lines.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.unreadable = 0

    def __iter__(self) -> Iterator[tuple[int, dict[str, Any]]]:
        self.unreadable = 0
        if not self.path.is_file():
            return
        with self.path.open("rb") as file:
            offset = 0
            for line in file:
                row = parse_line(line)
                if row is not None:
                    yield offset, row
                elif line.endswith(b"\n") and line.strip():
                    self.unreadable += 1
                offset += len(line)


def parse_line(line: bytes) -> dict[str, Any] | None:
    """The JSON object on a line; None if there is none."""
    try:
        value = json.loads(line)
    # also a number of 5,000 digits (ValueError) and 2,000 nested lists (RecursionError)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
