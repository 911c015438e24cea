"""Puts lines of a run folder into their tables, and takes them out again after a rewind."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any

from rlvr_monitor.store.folders import LineFile
from rlvr_monitor.store.rows import (
    LONGEST_NOTE,
    RolloutRow,
    clean,
    dumps,
    finite,
    rollout_of,
    text_of,
    whole,
)
from rlvr_monitor.store.tail import Mark

Rows = Sequence[tuple[int, dict[str, Any] | None]]
"""Line numbers and their objects; None is an unreadable line."""

NOT_KEPT = {"metrics", "rollouts", "progress"}
"""Kinds of events that the series have already, or that tell nothing later."""


def insert(
    connection: sqlite3.Connection,
    *,
    run: int,
    file: int,
    what: LineFile,
    stage: int | None,
    rows: Rows,
) -> None:
    """Add lines to the table of their kind."""
    if what.kind == "metrics":
        connection.executemany(
            "INSERT INTO numbers VALUES (?, ?, ?)",
            ((file, line, dumps(row)) for line, row in rows if row is not None),
        )
    elif what.kind == "events":
        _insert_events(connection, run, file, rows)
    elif stage is not None:
        Rollouts(connection, run=run, file=file, stage=stage, what=what).insert(rows)


def _insert_events(connection: sqlite3.Connection, run: int, file: int, rows: Rows) -> None:
    for line, row in rows:
        kind = clean(str(row.get("kind"))) if row is not None else "metrics"
        if row is None or kind in NOT_KEPT:
            continue
        data = row.get("data")
        data = data if isinstance(data, dict) else {}
        done = connection.execute(
            "INSERT INTO events (run, file, line, kind, stage, step, time, data)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                run,
                file,
                line,
                kind,
                text_of(row.get("stage"), 1_000) or "",
                whole(row.get("step")),
                finite(row.get("time")),
                dumps(data),
            ),
        )
        if kind == "alarm":
            _insert_alarm_rows(connection, run, int(done.lastrowid or 0), data)


def _insert_alarm_rows(
    connection: sqlite3.Connection, run: int, event: int, data: Mapping[str, Any]
) -> None:
    """The rollouts that an alarm names. They may not be here yet: they are looked up when asked."""
    rows = data.get("rows")
    connection.executemany(
        "INSERT INTO alarm_rows VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            (
                event,
                run,
                text_of(data.get("detector"), 1_000) or "",
                text_of(row.get("stage"), 1_000) or "",
                whole(row.get("step")),
                text_of(row.get("group"), LONGEST_NOTE) or "",
                whole(row.get("index")) or 0,
            )
            for row in (rows if isinstance(rows, list) else [])
            if isinstance(row, dict)
        ),
    )


class Rollouts:
    """Adds the lines of one file of rollouts."""

    def __init__(
        self, connection: sqlite3.Connection, *, run: int, file: int, stage: int, what: LineFile
    ) -> None:
        self.connection = connection
        self.run, self.file, self.stage, self.what = run, file, stage, what
        self.prompts: dict[tuple[str, bytes], int] = {}
        self.groups: dict[tuple[int | None, str], int] = {}

    def insert(self, rows: Rows) -> None:
        """Add rollouts, their prompts and groups; then make their groups' numbers anew."""
        number = self.connection.execute("SELECT coalesce(max(id), 0) FROM rollouts").fetchone()[0]
        rollouts, texts = [], []
        for line, row in rows:
            if row is None:
                continue
            number += 1
            one = rollout_of(row, folder=self.what.stage, model=self.what.model)
            prompt = self._prompt(one)
            group = self._group(one, prompt)
            rollouts.append(self._values(number, line, one, group=group, prompt=prompt))
            texts.append((number, one.completion, one.extracted, one.reason, one.rest))
        self.connection.executemany(
            "INSERT INTO rollouts (id, key, run, stage, file, line, step, group_id, place, prompt,"
            " status, value, tokens, truncated) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            rollouts,
        )
        self.connection.executemany("INSERT INTO texts VALUES (?, ?, ?, ?, ?)", texts)
        self.connection.executemany(
            "INSERT INTO completions (rowid, completion) VALUES (?, ?)",
            ((number, completion) for number, completion, *_ in texts),
        )
        count_groups(self.connection, self.groups.values())

    def _values(
        self, number: int, line: int, one: RolloutRow, *, group: int, prompt: int
    ) -> tuple[Any, ...]:
        return (
            number,
            one.key,
            self.run,
            self.stage,
            self.file,
            line,
            one.step,
            group,
            one.place,
            prompt,
            one.status,
            one.value,
            one.tokens,
            one.truncated,
        )

    def _prompt(self, one: RolloutRow) -> int:
        digest = blake2b(f"{one.prompt}\0{one.gold}".encode(), digest_size=8).digest()
        key = (one.task, digest)
        if key not in self.prompts:
            found = self.connection.execute(
                "SELECT id FROM prompts WHERE run = ? AND task = ? AND digest = ?",
                (self.run, *key),
            ).fetchone()
            self.prompts[key] = found[0] if found else self._new_prompt(one, digest)
        return self.prompts[key]

    def _new_prompt(self, one: RolloutRow, digest: bytes) -> int:
        done = self.connection.execute(
            "INSERT INTO prompts (run, task, digest, text, gold) VALUES (?, ?, ?, ?, ?)",
            (self.run, one.task, digest, one.prompt, one.gold),
        )
        number = int(done.lastrowid or 0)
        self.connection.execute(
            "INSERT INTO questions (rowid, text) VALUES (?, ?)", (number, one.prompt)
        )
        return number

    def _group(self, one: RolloutRow, prompt: int) -> int:
        key = (one.step, one.group)
        if key not in self.groups:
            found = self.connection.execute(
                "SELECT id FROM groups WHERE file = ? AND step IS ? AND name = ?",
                (self.file, *key),
            ).fetchone()
            self.groups[key] = found[0] if found else self._new_group(one, prompt)
        return self.groups[key]

    def _new_group(self, one: RolloutRow, prompt: int) -> int:
        done = self.connection.execute(
            "INSERT INTO groups (run, file, stage, step, name, prompt) VALUES (?, ?, ?, ?, ?, ?)",
            (self.run, self.file, self.stage, one.step, one.group, prompt),
        )
        return int(done.lastrowid or 0)


def count_groups(connection: sqlite3.Connection, groups: Mapping[Any, int] | Any) -> None:
    """Make the numbers of these groups anew, and the advantage of their answers.

    An answer's advantage is its reward less the mean reward of its group; a trainer may scale it.
    """
    connection.execute("CREATE TEMP TABLE IF NOT EXISTS touched (id INTEGER PRIMARY KEY)")
    connection.execute("DELETE FROM touched")
    connection.executemany("INSERT INTO touched VALUES (?)", ((group,) for group in groups))
    connection.execute(
        "UPDATE groups SET answers = n, judged = v, mean = m, low = l, high = h, truncated = t"
        " FROM (SELECT group_id, count(*) n, count(value) v, avg(value) m, min(value) l,"
        "       max(value) h, sum(truncated) t FROM rollouts"
        "       WHERE group_id IN (SELECT id FROM touched) GROUP BY group_id)"
        " WHERE id = group_id"
    )
    connection.execute(
        "UPDATE rollouts SET advantage = value - mean FROM groups"
        " WHERE group_id IN (SELECT id FROM touched) AND groups.id = group_id"
    )


def remove_after(connection: sqlite3.Connection, file: int, mark: Mark) -> None:
    """Take out all lines of a file that come after a mark."""
    here = (file, mark.lines)
    touched = connection.execute(
        "SELECT DISTINCT group_id FROM rollouts WHERE file = ? AND line > ?", here
    ).fetchall()
    connection.execute(
        "INSERT INTO completions (completions, rowid, completion)"
        " SELECT 'delete', texts.id, completion FROM rollouts JOIN texts USING (id)"
        " WHERE file = ? AND line > ?",
        here,
    )
    connection.execute(
        "DELETE FROM texts WHERE id IN (SELECT id FROM rollouts WHERE file = ? AND line > ?)", here
    )
    connection.execute(
        "DELETE FROM alarm_rows WHERE event IN (SELECT id FROM events WHERE file = ? AND line > ?)",
        here,
    )
    for table in ("rollouts", "numbers", "events"):
        connection.execute(f"DELETE FROM {table} WHERE file = ? AND line > ?", here)
    count_groups(connection, [row[0] for row in touched])
    connection.executemany(
        "DELETE FROM groups WHERE id = ? AND id NOT IN (SELECT group_id FROM rollouts)", touched
    )
    connection.execute("DELETE FROM marks WHERE file = ? AND lines > ?", here)
    connection.execute(
        "UPDATE files SET lines = ?, seen = '', unreadable ="
        " (SELECT coalesce(sum(unreadable), 0) FROM marks WHERE file = files.id) WHERE id = ?",
        (mark.lines, file),
    )
