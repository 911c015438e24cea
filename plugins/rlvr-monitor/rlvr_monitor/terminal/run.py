"""What the terminal shows of a run, read from its folder a little at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rlvr_monitor.store.folders import FoundRun, LineFile, read_run
from rlvr_monitor.store.rows import RolloutRow, rollout_of, whole
from rlvr_monitor.store.tail import Mark, blocks_after, still_true
from rlvr_ops_core.report.metrics import Series

LATEST = 8
TAIL_BYTES = 2**20
"""Of a file of rollouts only the end is read."""


@dataclass(slots=True)
class StageSeen:
    """What is known of a train stage."""

    series: dict[str, Series] = field(default_factory=dict)
    step: int = 0


class RunSeen:
    """A run as far as it has been read; `look` reads on."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.found: FoundRun = read_run(folder, folder.resolve().name)
        self.stages: dict[str, StageSeen] = {}
        self.steps: dict[str, int] = {}
        """How many steps each stage is to have, where it says so."""
        self.alarms: list[Mapping[str, Any]] = []
        self.latest: deque[RolloutRow] = deque(maxlen=LATEST)
        self._marks: dict[str, list[Mark]] = {}

    @property
    def status(self) -> str:
        """`running`, `finished`, `failed`, `stopped` or `unknown`."""
        return str(self.found.about.get("status") or "unknown")

    def look(self) -> None:
        """Read what is new."""
        self.found = read_run(self.folder, self.found.name)
        newest: tuple[int, LineFile] | None = None
        for file in self.found.files:
            try:
                if file.kind == "rollouts":
                    changed = (self.folder / file.path).stat().st_mtime_ns
                    newest = max(newest or (changed, file), (changed, file), key=lambda x: x[0])
                else:
                    self._read(file)
            except OSError:
                continue  # taken back or set aside just now: the next look sees what is there
        if newest is not None:
            self._read_latest(newest[1])

    def _read(self, file: LineFile) -> None:
        path = self.folder / file.path
        marks = self._marks.setdefault(file.path, [])
        if still_true(path, marks) < len(marks):
            marks.clear()
            self._forget(file)
        for block in blocks_after(path, marks[-1] if marks else Mark()):
            marks.append(block.mark)
            for _, row in block.rows():
                if row is not None and file.kind == "metrics":
                    self._add_metrics(file.stage, row)
                elif row is not None:
                    self._add_event(row)

    def _forget(self, file: LineFile) -> None:
        if file.kind == "metrics":
            self.stages.pop(file.stage, None)
        else:
            self.alarms.clear()

    def _add_metrics(self, stage: str, row: Mapping[str, Any]) -> None:
        step = whole(row.get("step"))
        if step is None:
            return
        seen = self.stages.setdefault(stage, StageSeen())
        seen.step = step
        for name, value in row.items():
            if name not in ("step", "time", "epoch"):
                seen.series.setdefault(name, Series(name)).add(step, value)

    def _add_event(self, row: Mapping[str, Any]) -> None:
        data = row.get("data")
        if not isinstance(data, dict):
            return
        if row.get("kind") == "alarm":
            self.alarms.append({**data, "stage": row.get("stage"), "step": row.get("step")})
        elif row.get("kind") == "stage_started" and whole(data.get("steps")):
            self.steps[str(row.get("stage"))] = int(data["steps"])

    def _read_latest(self, file: LineFile) -> None:
        """The last rollouts: from the first whole line after the place where the end begins."""
        path = self.folder / file.path
        try:
            with path.open("rb") as stream:
                start = max(0, path.stat().st_size - TAIL_BYTES)
                stream.seek(start)
                if start:
                    start += len(stream.readline())
            rows = [
                rollout_of(row, folder=file.stage, model=file.model)
                for block in blocks_after(path, Mark(stop=start))
                for _, row in block.rows()
                if row is not None
            ]
        except OSError:
            return
        self.latest.clear()
        self.latest.extend(rows)
