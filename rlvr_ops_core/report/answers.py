"""The judged answers of a stage: counted in one pass, and an even choice of them for the page.

Files are read twice, a line at a time: the first pass keeps only where each answer is and whether
it was right, the second reads the chosen ones. So memory does not grow with the answers' length.
"""

from __future__ import annotations

import re
from array import array
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from rlvr_ops_core.report.folder import JsonLines, Run, Stage, parse_line
from rlvr_ops_core.report.rows import finite, first_line, row_for_page, task_for_page

MAX_REASONS = 1_000

Label = str
"""`right`, `wrong` or `none` (no verdict)."""


@dataclass(slots=True)
class Answers:
    """What one stage's answers come to."""

    total: int = 0
    unreadable: int = 0
    labels: Counter[Label] = field(default_factory=Counter)
    failures: Counter[tuple[str, str]] = field(default_factory=Counter)
    """How often each (status, reason) left an answer without a verdict."""
    tasks: list[dict[str, Any]] = field(default_factory=list)
    """The prompts of the chosen rows, each once: `id`, `prompt`, `gold`."""
    rows: list[dict[str, Any]] = field(default_factory=list)
    """The chosen answers, each with the place of its task in `tasks`."""
    models: list[str] = field(default_factory=list)
    """The models of an evaluate stage, in order; empty for a train stage."""
    judged_by: str = ""
    """What makes an answer right, in words."""


@dataclass(slots=True)
class _Unit:
    """Answers that are shown or left out together: those to one prompt."""

    places: array[int] = field(default_factory=lambda: array("q"))
    labels: set[Label] = field(default_factory=set)


def read_answers(run: Run, stage: Stage, *, most: int) -> Answers:
    """Counts a stage's answers and chooses about `most` of them.

    Answers to one prompt stay together. The prompts are spread evenly over the stage, in equal
    number (where there are enough) of those with right, wrong, mixed and unjudged answers.
    """
    pass_on, solved = run.pass_on
    if stage.result.get("pass_on"):
        pass_on, solved = stage.result["pass_on"], float(stage.result.get("solved") or 1.0)
    files = _files(stage)
    found = Answers(models=[name for name, _ in files if name])
    found.judged_by = f"{pass_on or 'the component of most weight'} ≥ {solved:g}"
    units: dict[str, _Unit] = {}
    for number, (_, lines) in enumerate(files):
        for offset, row in lines:
            label = judge(row, pass_on, solved)
            _count(found, row, label)
            unit = units.setdefault(_unit_key(row), _Unit())
            unit.places.extend((number, offset))
            unit.labels.add(label)
        found.unreadable += lines.unreadable
    chosen = _choose(list(units.values()), most)
    with ExitStack() as stack:
        opened = [stack.enter_context(lines.path.open("rb")) for _, lines in files if chosen]
        for unit in chosen:
            rows = []
            for number, offset in zip(unit.places[::2], unit.places[1::2], strict=True):
                opened[number].seek(offset)
                line = parse_line(opened[number].readline())
                if line is not None:  # else the file was cut while we read: training went back
                    rows.append((line, files[number][0], judge(line, pass_on, solved)))
            _add_unit(found, rows)
    return found


def _add_unit(found: Answers, rows: Sequence[tuple[dict[str, Any], str, Label]]) -> None:
    """Appends the answers to one prompt, and the prompt once."""
    if rows:
        found.tasks.append(task_for_page(rows[0][0]))
    for row, model, label in rows:
        page_row = row_for_page(row, task=len(found.tasks) - 1, model=model, label=label)
        found.rows.append(page_row)


def _files(stage: Stage) -> list[tuple[str, JsonLines]]:
    if stage.verb != "evaluate":
        return [("", JsonLines(stage.path / "rollouts.jsonl"))]
    paths = {_plain(path.stem): path for path in sorted((stage.path / "answers").glob("*.jsonl"))}
    named = [(name, paths.pop(_plain(name), None)) for name in stage.result.get("models") or {}]
    found = [(name, path) for name, path in named if path]
    found += [(path.stem, path) for path in paths.values()]  # not in the result: still running
    return [(name, JsonLines(path)) for name, path in found]


def _plain(name: str) -> str:
    """What a model's name and the name of its file have in common: a hub id has a slash."""
    return re.sub(r"\W+", "-", name)


def judge(row: Mapping[str, Any], pass_on: str, solved: float) -> Label:
    """Right, wrong or none: by component `pass_on`, else the heaviest, else the sum."""
    parts = row.get("components") or {}
    part = parts.get(pass_on)
    if part is None and parts:
        part = max(parts.values(), key=lambda one: one.get("weight") or 0.0)
    value = finite(row.get("value") if part is None else part.get("value"))
    if value is None:
        return "none"
    return "right" if value >= solved else "wrong"


def _unit_key(row: Mapping[str, Any]) -> str:
    if row.get("step") is None:
        return str(row.get("task"))
    return f"{row['step']} {row.get('group')}"


def _count(found: Answers, row: Mapping[str, Any], label: Label) -> None:
    found.total += 1
    found.labels[label] += 1
    status = str(row.get("status") or "ok")
    if status == "ok":
        return
    reason = first_line(row.get("reason"))
    if (status, reason) not in found.failures and len(found.failures) >= MAX_REASONS:
        reason = "other reasons"
    found.failures[status, reason] += 1


def _choose(units: Sequence[_Unit], most: int) -> list[_Unit]:
    """An even choice of units that holds about `most` answers, in their own order."""
    answers = sum(len(unit.places) // 2 for unit in units)
    if answers <= most:
        return list(units)
    room = max(1, most * len(units) // answers)
    kinds: dict[tuple[Label, ...], list[int]] = {}
    for place, unit in enumerate(units):
        kinds.setdefault(tuple(sorted(unit.labels)), []).append(place)
    chosen: list[int] = []
    for left, places in zip(range(len(kinds), 0, -1), sorted(kinds.values(), key=len), strict=True):
        chosen += evenly(places, (room - len(chosen)) // left)
    return [units[place] for place in sorted(chosen)]


def evenly(places: Sequence[int], most: int) -> list[int]:
    """At most `most` of the places, evenly spaced, the first and the last among them."""
    n = len(places)
    if n <= most:
        return list(places)
    if most == 1:
        return [places[0]]
    return [places[number * (n - 1) // (most - 1)] for number in range(most)]
