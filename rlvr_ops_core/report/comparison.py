"""An estimate beside what the run became: reads both from the run folder."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rlvr_ops_core.estimate import ESTIMATE_FILE
from rlvr_ops_core.report.folder import JsonLines, read_object

TOKENS = "tokens/"
IN_ALL = "in all"

GREATEST = ("memory, GB", "GPU memory, GB")
"""What does not add up over stages: the greatest counts."""


@dataclass(frozen=True)
class Row:
    """One quantity of one stage."""

    stage: str
    what: str
    estimated: float
    became: float | None
    """None until the stage is done."""

    @property
    def off(self) -> float | None:
        """How far the estimate was off: 0.1 if a tenth too high, of what it became."""
        return self.estimated / self.became - 1 if self.became else None


def compare(folder: Path) -> list[Row]:
    """Every estimated quantity, stage by stage and then in all; empty without an estimate.

    A stage that has changed since the estimate is left out.
    """
    estimates = read_object(folder / ESTIMATE_FILE).get("stages", [])
    run = read_object(folder / "run.json")
    stages = run.get("stages") or []
    folders = {one.get("name"): folder / str(one.get("folder")) for one in stages}
    rows: list[Row] = []
    for estimate in estimates:
        place = folders.get(estimate["name"], folder / "missing")
        marker = read_object(place / "stage.json")
        if marker and marker.get("identity") != estimate["identity"]:
            continue
        known = became(place, marker) if marker.get("status") == "done" else {}
        rows += [
            Row(estimate["name"], what, number, known.get(what))
            for what, number in quantities(estimate).items()
        ]
    return rows + list(_in_all(rows))


def quantities(estimate: Mapping[str, Any]) -> dict[str, float]:
    """The numbers of a stage's estimate by the names that people read."""
    tokens = {f"tokens {name}": number for name, number in (estimate["tokens"] or {}).items()}
    others = {
        "seconds": estimate["seconds"],
        "CPU seconds": estimate["cpu_seconds"],
        GREATEST[0]: estimate["memory_gb"],
        GREATEST[1]: estimate["gpu_memory_gb"],
        "money": estimate["money"],
    }
    return {name: number for name, number in (tokens | others).items() if number is not None}


def became(place: Path, marker: Mapping[str, Any]) -> dict[str, float]:
    """The same numbers of a stage that is done, from its folder."""
    sums: defaultdict[str, float] = defaultdict(float)
    gpu = 0.0
    for _, row in JsonLines(place / "metrics.jsonl"):
        for name, value in row.items():
            if not isinstance(value, int | float):
                continue
            if name.startswith(TOKENS):
                sums[f"tokens {name.removeprefix(TOKENS)}"] += value
            elif name == "cost/money":
                sums["money"] += value
            elif name == "gpu/memory_gb":
                gpu = max(gpu, value)
    for file in sorted((place / "answers").glob("*.jsonl")):
        answered = sum(row.get("tokens") or 0 for _, row in JsonLines(file))
        for name in ("generated", "scored"):
            sums[f"tokens {name}"] += answered
    if gpu:
        sums[GREATEST[1]] = gpu
    for name, key in (
        ("seconds", "seconds"),
        ("CPU seconds", "cpu_seconds"),
        (GREATEST[0], "memory_gb"),
    ):
        if marker.get(key) is not None:
            sums[name] = marker[key]
    return dict(sums)


def _in_all(rows: list[Row]) -> Iterator[Row]:
    """Each quantity over the stages; what it became only if every one of them is done."""
    for what in dict.fromkeys(row.what for row in rows):
        some = [row for row in rows if row.what == what]
        total: Callable[[list[float]], float] = max if what in GREATEST else sum
        done = [row.became for row in some if row.became is not None]
        whole = total(done) if len(done) == len(some) else None
        yield Row(IN_ALL, what, total([row.estimated for row in some]), whole)
