"""A window of judged rollouts, as units that are independent of each other."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rlvr_ops_core import DataError

OUTCOMES = ("pass", "partial", "fail", "abstain", "error", "timeout")


@dataclass(frozen=True, slots=True)
class Unit:
    """All answers to one prompt at one step: they share its difficulty, so they count once."""

    prompt: str
    task: str
    lengths: list[float]
    outcomes: list[str]
    seconds: list[float]
    cut: list[bool]

    @property
    def passed(self) -> float | None:
        """Share of right answers among the judged ones."""
        judged = [one for one in self.outcomes if one in OUTCOMES[:3]]
        return sum(one == "pass" for one in judged) / len(judged) if judged else None


def read_window(file: Path) -> list[Unit]:
    """The units of a file of rollouts or verdicts as the core writes them, in its order.

    Raises:
        DataError: the file can't be read, or holds no rollout.
    """
    units = units_of(_rows(file))
    if not units:
        hint = "give rollouts.jsonl of a stage, answers/MODEL.jsonl, or what `rlvr score` wrote"
        raise DataError(f"{file}: no judged rollout in it", hint=hint)
    return units


def units_of(rows: Iterable[Mapping[str, Any]]) -> list[Unit]:
    """Rows of one prompt and step together; a row without group is a unit of its own."""
    groups: dict[object, list[Mapping[str, Any]]] = defaultdict(list)
    for number, row in enumerate(rows):
        if "status" not in row:
            continue
        group = row.get("group")
        groups[(row.get("step"), group) if group is not None else number].append(row)
    return [_unit(these) for these in groups.values()]


def _unit(rows: list[Mapping[str, Any]]) -> Unit:
    return Unit(
        prompt=str(rows[0].get("prompt") or ""),
        task=str(rows[0].get("task") or rows[0].get("id") or ""),
        lengths=[_length(row) for row in rows],
        outcomes=[_outcome(row) for row in rows],
        seconds=[float(row.get("seconds") or 0.0) for row in rows],
        cut=[row.get("finish") == "length" for row in rows],
    )


def _length(row: Mapping[str, Any]) -> float:
    tokens = row.get("tokens")
    return float(tokens if tokens is not None else len(str(row.get("completion") or "")))


def _outcome(row: Mapping[str, Any]) -> str:
    value, status = row.get("value"), str(row["status"])
    if value is None:
        return status if status in OUTCOMES else "error"
    return "pass" if value >= 1 else "fail" if value <= 0 else "partial"


def _rows(file: Path) -> Iterator[dict[str, Any]]:
    try:
        with file.open(encoding="utf-8", errors="replace") as stream:
            for number, line in enumerate(stream, start=1):
                if not line.endswith("\n"):
                    return  # a line that is being written
                row = json.loads(line)
                if not isinstance(row, dict):
                    raise DataError(f"{file}:{number}: is no JSON object")
                yield row
    except OSError as error:
        raise DataError(f"{file}: can't be read: {error.strerror or error}") from error
    except ValueError as error:
        raise DataError(f"{file}:{number}: is no JSON: {error}") from error
