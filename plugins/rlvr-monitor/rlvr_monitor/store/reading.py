"""What a page needs to know, read from the database."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from rlvr_monitor.store.query import (
    ALARMED,
    FREQUENT,
    MOST_COUNTED,
    Filter,
    select_rollouts,
    threes,
)
from rlvr_monitor.store.rows import name_of_key
from rlvr_ops_core.report.metrics import Series

SEVERITIES = ("info", "warning", "critical")
EXCERPT = 600
"""Characters of a text that a list shows at most."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage of a run."""

    id: int
    name: str
    folder: str
    about: Mapping[str, Any]

    @property
    def verb(self) -> str:
        """`train`, `evaluate` or `serve`."""
        return str(self.about.get("verb") or "")

    @property
    def status(self) -> str:
        """`waiting`, `running`, `done`, `failed`."""
        return str(self.about.get("status") or "waiting")


@dataclass(frozen=True, slots=True)
class Alarm:
    """An alarm that a monitor raised."""

    id: int
    stage: str
    step: int | None
    time: float | None
    data: Mapping[str, Any]

    @property
    def severity(self) -> str:
        """`info`, `warning` or `critical`."""
        found = str(self.data.get("severity") or "warning")
        return found if found in SEVERITIES else "warning"

    @property
    def detector(self) -> str:
        """What raised it."""
        return str(self.data.get("detector") or self.data.get("monitor") or "alarm")

    @property
    def message(self) -> str:
        """What it says."""
        return str(self.data.get("message") or "")


@dataclass(frozen=True, slots=True)
class Rollout:
    """One judged answer, with what a list shows of it."""

    row: Mapping[str, Any]

    def __getattr__(self, name: str) -> Any:
        """A column of the row."""
        try:
            return self.row[name]
        except (KeyError, IndexError):
            raise AttributeError(name) from None

    @property
    def name(self) -> str:
        """What it is called in addresses."""
        return name_of_key(self.row["key"])

    @property
    def sign(self) -> str:
        """Better or worse than its group, the same, or without a verdict."""
        advantage = self.row["advantage"]
        if self.row["value"] is None:
            return "none"
        if advantage is None or abs(advantage) < 1e-9:
            return "same"
        return "better" if advantage > 0 else "worse"


@dataclass(frozen=True, slots=True)
class Found:
    """A page of what somebody looked for."""

    shown: list[Rollout]
    total: int
    more: bool
    """There are more than `total`: they were not counted further."""


class Run:
    """One run. Its values are read when they are asked for, on one connection."""

    def __init__(self, connection: sqlite3.Connection, row: sqlite3.Row) -> None:
        self.connection = connection
        self.id = int(row["id"])
        self.name = str(row["name"])
        self.path = Path(row["path"])
        self.trouble = str(row["trouble"])
        self.changes = int(row["changes"])
        self.about: dict[str, Any] = json.loads(row["about"])

    @property
    def title(self) -> str:
        """The name that people gave it."""
        return str(self.about.get("name") or self.name)

    @property
    def status(self) -> str:
        """`running`, `finished`, `failed`, `stopped` or `unknown`."""
        return str(self.about.get("status") or "unknown")

    @cached_property
    def stages(self) -> list[Stage]:
        """In the order in which they run."""
        rows = self.connection.execute(
            "SELECT * FROM stages WHERE run = ? ORDER BY number", (self.id,)
        )
        return [
            Stage(row["id"], row["name"], row["folder"], json.loads(row["about"])) for row in rows
        ]

    @cached_property
    def alarms(self) -> list[Alarm]:
        """All alarms, the last one first."""
        rows = self.connection.execute(
            "SELECT * FROM events WHERE run = ? AND kind = 'alarm' ORDER BY line DESC LIMIT 1000",
            (self.id,),
        )
        return [
            Alarm(row["id"], row["stage"], row["step"], row["time"], json.loads(row["data"]))
            for row in rows
        ]

    @cached_property
    def counts(self) -> dict[int, sqlite3.Row]:
        """Of each stage: answers, those with a verdict, their mean reward, the last step."""
        rows = self.connection.execute(
            "SELECT stage, sum(answers) AS answers, sum(judged) AS judged, max(step) AS last_step,"
            " sum(mean * judged) / sum(judged) AS mean FROM groups WHERE run = ? GROUP BY stage",
            (self.id,),
        )
        return {row["stage"]: row for row in rows}

    @property
    def answers(self) -> int:
        """How many rollouts are known."""
        return sum(row["answers"] for row in self.counts.values())

    @cached_property
    def unreadable(self) -> list[sqlite3.Row]:
        """Files with lines that are no JSON objects."""
        return self.connection.execute(
            "SELECT path, unreadable FROM files WHERE run = ? AND unreadable > 0", (self.id,)
        ).fetchall()

    @cached_property
    def models(self) -> list[str]:
        """Those whose answers were judged in evaluations."""
        rows = self.connection.execute(
            "SELECT DISTINCT model FROM files WHERE run = ? AND model <> ''", (self.id,)
        )
        return [row["model"] for row in rows]

    def series(self, stage: Stage) -> dict[str, Series]:
        """What a stage logged, by name."""
        found: dict[str, Series] = {}
        rows = self.connection.execute(
            "SELECT data FROM numbers JOIN files ON files.id = numbers.file"
            " WHERE stage = ? AND kind = 'metrics' ORDER BY line",
            (stage.id,),
        )
        for row in rows:
            line = json.loads(row["data"])
            step = line.get("step")
            if isinstance(step, int):
                for name, value in line.items():
                    if name not in ("step", "time", "epoch"):
                        found.setdefault(name, Series(name)).add(step, value)
        return {name: one for name, one in found.items() if one.values or one.not_finite}

    def steps(self, stage: Stage) -> list[sqlite3.Row]:
        """The steps of a stage that have rollouts: answers, mean reward, groups all alike."""
        return self.connection.execute(
            "SELECT step, sum(answers) AS answers, sum(judged) AS judged,"
            " sum(mean * judged) / sum(judged) AS mean, sum(low = high) AS alike,"
            " count(*) AS groups FROM groups WHERE stage = ? AND step IS NOT NULL"
            " GROUP BY step ORDER BY step",
            (stage.id,),
        ).fetchall()

    def groups_of_step(self, stage: int, step: int | None) -> list[sqlite3.Row]:
        """The groups of a step, in order."""
        return self.connection.execute(
            "SELECT * FROM groups WHERE stage = ? AND step IS ? ORDER BY id LIMIT 2000",
            (stage, step),
        ).fetchall()

    def find(self, wanted: Filter, *, most: int = 50) -> Found:
        """One page of the rollouts that fit, and how many there are."""
        last = wanted.page * most
        reach = max(MOST_COUNTED, min(last, 10_000_000)) + 1
        numbers = self._numbers(wanted, reach)
        shown = self._with_texts(numbers[last - most : last])
        more = len(numbers) == reach
        return Found(shown, total=len(numbers) - more, more=more)

    def _numbers(self, wanted: Filter, most: int) -> list[int]:
        frequent = self._is_frequent(wanted.q)
        sql, values = select_rollouts(self.id, self.name, wanted, most=most, frequent=frequent)
        return [row[0] for row in self.connection.execute(sql, values)]

    def _is_frequent(self, text: str) -> bool:
        if 0 < len(text) < 3:
            return True
        return (
            bool(text)
            and self.connection.execute(
                "SELECT count(*) FROM"
                " (SELECT 1 FROM completions WHERE completions MATCH ? LIMIT ?)",
                (threes(text), FREQUENT),
            ).fetchone()[0]
            == FREQUENT
        )

    def group(self, number: int) -> list[Rollout]:
        """All answers of a group, the highest advantage first."""
        rows = self.connection.execute(
            "SELECT id FROM rollouts WHERE group_id = ? AND run = ?"
            " ORDER BY advantage DESC, value DESC, place LIMIT 512",
            (number, self.id),
        )
        return self._with_texts([row[0] for row in rows], whole=True)

    def group_row(self, number: int) -> sqlite3.Row | None:
        """A group's numbers."""
        found = self.connection.execute(
            "SELECT groups.*, task, text, gold FROM groups JOIN prompts ON prompts.id = prompt"
            " WHERE groups.id = ? AND groups.run = ?",
            (number, self.id),
        ).fetchone()
        return found if isinstance(found, sqlite3.Row) else None

    def neighbours(self, group: sqlite3.Row) -> tuple[int | None, int | None]:
        """The groups before and after one in the same file."""
        sides = (("<", "DESC"), (">", "ASC"))
        found = [
            self.connection.execute(
                f"SELECT id FROM groups WHERE file = ? AND id {side} ? ORDER BY id {order} LIMIT 1",
                (group["file"], group["id"]),
            ).fetchone()
            for side, order in sides
        ]
        before, after = (row[0] if row else None for row in found)
        return before, after

    def same_prompt(self, prompt: int) -> list[sqlite3.Row]:
        """The groups that answered a prompt, over stages and steps."""
        return self.connection.execute(
            "SELECT groups.*, stages.name AS stage_name, files.model FROM groups"
            " JOIN stages ON stages.id = groups.stage JOIN files ON files.id = groups.file"
            " WHERE prompt IN (SELECT b.id FROM prompts a JOIN prompts b USING (run, task)"
            " WHERE a.id = ?)"
            " ORDER BY stages.number, step, groups.id LIMIT 500",
            (prompt,),
        ).fetchall()

    def rollout(self, key: int) -> Rollout | None:
        """One rollout with all of its texts."""
        row = self.connection.execute(
            "SELECT id FROM rollouts WHERE run = ? AND key = ? ORDER BY id LIMIT 1", (self.id, key)
        ).fetchone()
        return self._with_texts([row[0]], whole=True)[0] if row else None

    def of_alarm(self, alarm: int) -> list[Rollout]:
        """The rollouts that an alarm names, as many as are there."""
        rows = self.connection.execute(
            f"{ALARMED} WHERE a.run = ? AND a.event = ? LIMIT 200", (self.id, alarm)
        )
        return self._with_texts(list(dict.fromkeys(row[0] for row in rows)))

    def alarms_of(self, rollout: Rollout) -> list[Alarm]:
        """The alarms that name a rollout."""
        rows = self.connection.execute(
            "SELECT DISTINCT event FROM alarm_rows a JOIN groups g ON g.id = ?"
            " WHERE a.run = ? AND a.stage = ? AND a.step IS ? AND a.place = ? AND a.name = g.name",
            (rollout.group_id, self.id, rollout.stage_name, rollout.step, rollout.place),
        )
        named = {row[0] for row in rows}
        return [alarm for alarm in self.alarms if alarm.id in named]

    def _with_texts(self, numbers: Sequence[int], *, whole: bool = False) -> list[Rollout]:
        """Rollouts in the order of their numbers."""
        marks = ", ".join("?" * len(numbers))
        completion = "completion" if whole else f"substr(completion, 1, {EXCERPT})"
        text = "prompts.text" if whole else f"substr(prompts.text, 1, {EXCERPT})"
        rows = self.connection.execute(
            f"SELECT r.*, {completion} AS completion, extracted, reason, rest, task,"
            f" {text} AS prompt_text, gold, stages.name AS stage_name, files.model, files.path,"
            " label, note FROM rollouts r JOIN texts ON texts.id = r.id"
            " JOIN prompts ON prompts.id = r.prompt JOIN stages ON stages.id = r.stage"
            " JOIN files ON files.id = r.file"
            " LEFT JOIN labels.labels l ON l.run = ? AND l.key = r.key"
            f" WHERE r.id IN ({marks})",
            (self.name, *numbers),
        )
        found = {row["id"]: Rollout(row) for row in rows}
        return [found[number] for number in numbers if number in found]

    def export(self, wanted: Filter) -> Iterator[dict[str, Any]]:
        """All that fit, as lines like those of the run folder, with key and advantage."""
        numbers = self._numbers(wanted, 2**40)
        for page in range(0, len(numbers), 200):
            for one in self._with_texts(numbers[page : page + 200], whole=True):
                yield as_line(one)


def as_line(one: Rollout) -> dict[str, Any]:
    """A rollout as a line of JSON."""
    return {
        "key": one.name,
        "stage": one.stage_name,
        "model": one.model or None,
        "file": f"{one.path}:{one.line}",
        "step": one.step,
        "task": one.task,
        "index": one.place,
        "prompt": one.prompt_text,
        "completion": one.completion,
        "tokens": one.tokens,
        "gold": None if one.gold is None else _json(one.gold),
        "value": one.value,
        "advantage": one.advantage,
        "status": one.status,
        "reason": one.reason,
        "extracted": one.extracted,
        **json.loads(one.rest),
        "label": one.label,
        "note": one.note,
    }


def _json(text: str) -> Any:
    """A JSON value; the text itself where it was cut."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def all_runs(connection: sqlite3.Connection) -> list[Run]:
    """Every run, the newest first; those that never started come last."""
    rows = connection.execute("SELECT * FROM runs").fetchall()
    runs = [Run(connection, row) for row in rows]
    return sorted(runs, key=lambda run: str(run.about.get("started") or ""), reverse=True)


def one_run(connection: sqlite3.Connection, name: str) -> Run | None:
    """The run of that name."""
    row = connection.execute("SELECT * FROM runs WHERE name = ?", (name,)).fetchone()
    return Run(connection, row) if row else None
