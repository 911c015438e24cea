"""Finds the run folders below a folder, and says what files of a run hold lines to read."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DEPTH = 3
"""How far below the given folder a run folder may lie: runs/SWEEP/PART/RUN."""

SIGNS = ("run.json", "events.jsonl")


@dataclass(frozen=True, slots=True)
class LineFile:
    """A file of JSON lines in a run folder."""

    path: str
    """Relative to the run folder."""
    kind: str
    """`rollouts`, `metrics` or `events`."""
    stage: str = ""
    """The stage's folder, relative to the run folder."""
    model: str = ""


@dataclass(frozen=True, slots=True)
class FoundRun:
    """A run folder as it is now."""

    name: str
    """Its path below the folder that is looked at; the folder's own name for that one."""
    path: Path
    about: Mapping[str, Any]
    """`run.json`; {} where it is unreadable."""
    stages: tuple[Mapping[str, Any], ...]
    """Each stage of `run.json`, with `result` where there is one."""
    files: tuple[LineFile, ...]
    trouble: str
    """What is wrong with the folder, for people; "" if nothing is."""


def find_runs(folder: Path) -> Iterator[Path]:
    """The run folders at and below a folder, by name. An unreadable folder holds none."""
    if _is_run(folder):
        yield folder
        return
    yield from _below(folder, DEPTH)


def _below(folder: Path, depth: int) -> Iterator[Path]:
    try:
        children = sorted(child for child in folder.iterdir() if child.is_dir())
    except OSError:
        return
    for child in children:
        if child.name.startswith("."):
            continue
        if _is_run(child):
            yield child
        elif depth > 1:
            yield from _below(child, depth - 1)


def _is_run(folder: Path) -> bool:
    try:
        return any((folder / sign).is_file() for sign in SIGNS)
    except OSError:
        return False


def name_of(run: Path, root: Path) -> str:
    """What a run is called on the page: `quickstart`, or `sweep~2` for `sweep/2`."""
    return run.resolve().name if run == root else "~".join(run.relative_to(root).parts)


def read_run(run: Path, name: str) -> FoundRun:
    """A run folder's small files. What is broken is said in `trouble`; it never raises."""
    about, trouble = _object(run / "run.json")
    entries = about.get("stages")
    stages = [entry for entry in entries if isinstance(entry, dict)] if entries else []
    kept, files = [], []
    if (run / "events.jsonl").is_file():
        files.append(LineFile("events.jsonl", "events"))
    for entry in stages:
        folder = str(entry.get("folder") or "")
        if not folder or not _is_inside(run / folder, run):
            continue
        result, _ = _object(run / folder / "result.json")
        kept.append({**entry, "result": result} if result else entry)
        files += _stage_files(run, folder, result)
    return FoundRun(name, run, about, tuple(kept), tuple(files), trouble)


def _stage_files(run: Path, folder: str, result: Mapping[str, Any]) -> Iterator[LineFile]:
    try:
        for kind in ("metrics", "rollouts"):
            if (run / folder / f"{kind}.jsonl").is_file():
                yield LineFile(f"{folder}/{kind}.jsonl", kind, folder)
        answers = sorted((run / folder / "answers").glob("*.jsonl"))
    except OSError:
        return
    models = {_plain(name): str(name) for name in result.get("models") or {}}
    for file in answers:
        if not file.name.startswith("."):
            model = models.get(_plain(file.stem), file.stem)
            yield LineFile(f"{folder}/answers/{file.name}", "rollouts", folder, model)


def _plain(name: str) -> str:
    """What a model's name and the name of its file have in common: a hub id has a slash."""
    return re.sub(r"\W+", "-", name)


def _is_inside(path: Path, folder: Path) -> bool:
    """A run.json may not lead out of its folder: somebody else may have written it."""
    try:
        return path.resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError):
        return False


def _object(file: Path) -> tuple[dict[str, Any], str]:
    """The JSON object in a file, and what is wrong with it. No file: {} and what is missing."""
    try:
        value = json.loads(file.read_bytes())
    except FileNotFoundError:
        return {}, f"{file.name} is missing"
    except OSError as error:
        return {}, f"{file.name} can't be read: {error.strerror}"
    except (ValueError, RecursionError) as error:
        return {}, f"{file.name} is no JSON: {error}"
    if not isinstance(value, dict):
        return {}, f"{file.name} holds no JSON object"
    return value, ""
