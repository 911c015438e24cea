"""Brings the database up to date with the run folders: only what is new is read.

Run folders are never written to. A run that is broken is named in `runs.trouble` and stops nobody.
Several processes may fill one database: each block of lines is one transaction, which first looks
how far the file has been read by then.
"""

from __future__ import annotations

import json
import logging
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rlvr_monitor.store.folders import FoundRun, LineFile, find_runs, name_of, read_run
from rlvr_monitor.store.inserting import insert, remove_after
from rlvr_monitor.store.rows import dumps
from rlvr_monitor.store.schema import Database
from rlvr_monitor.store.tail import Block, Mark, blocks_after, still_true

logger = logging.getLogger(__name__)


class Filler:
    """Reads what is new in the runs below a folder, as often as it is asked to."""

    def __init__(self, database: Database, root: Path) -> None:
        self.database = database
        self.root = root
        self.connection = database.connect()
        self.noted: dict[str, tuple[FoundRun, int, dict[str, int]]] = {}
        """What was last noted of each run, with its row and its stages' rows."""
        self.grown = 0
        """Rows since the statistics that the query planner uses were made."""

    def close(self) -> None:
        """Let go of the database."""
        self.connection.close()

    def fill(self, stop: threading.Event | None = None) -> int:
        """Read all that is new; gives the number of new lines. Ends early once `stop` is set.

        Raises:
            sqlite3.Error: the database can't be written to.
        """
        found: set[str] = set()
        lines = 0
        for path in find_runs(self.root):
            name = name_of(path, self.root)
            found.add(name)
            lines += self._fill_run(read_run(path, name), stop)
            if stop is not None and stop.is_set():
                return lines
        self._forget_runs(found)
        self.grown += lines
        if self.grown > 1_000:
            self.connection.execute("ANALYZE")
            self.grown = 0
        return lines

    def _fill_run(self, found: FoundRun, stop: threading.Event | None) -> int:
        noted, run, stages = self.noted.get(found.name, (None, 0, {}))
        if noted != found:
            run = self._note_run(found)
            stages = self._note_stages(run, found)
            self._forget_files(run, found)
            self.noted[found.name] = (found, run, stages)
        lines, trouble = 0, found.trouble
        for file in found.files:
            try:
                lines += self._fill_file(run, found.path, file, stages.get(file.stage), stop)
            except OSError as error:
                trouble = trouble or f"{file.path} can't be read: {error.strerror}"
        self._note_trouble(run, trouble)
        return lines

    def _note_run(self, found: FoundRun) -> int:
        about = dumps(found.about)
        with self._transaction() as connection:
            row = connection.execute("SELECT * FROM runs WHERE name = ?", (found.name,)).fetchone()
            if row is None:
                done = connection.execute(
                    "INSERT INTO runs (name, path, about) VALUES (?, ?, ?)",
                    (found.name, str(found.path), about),
                )
                return int(done.lastrowid or 0)
            if row["about"] != about or row["path"] != str(found.path):
                connection.execute(
                    "UPDATE runs SET about = ?, path = ?, changes = changes + 1 WHERE id = ?",
                    (about, str(found.path), row["id"]),
                )
            return int(row["id"])

    def _note_trouble(self, run: int, trouble: str) -> None:
        self.connection.execute(
            "UPDATE runs SET trouble = ?, changes = changes + 1 WHERE id = ? AND trouble <> ?",
            (trouble, run, trouble),
        )

    def _note_stages(self, run: int, found: FoundRun) -> dict[str, int]:
        """Each stage's row, by its folder."""
        connection = self.connection
        for number, about in enumerate(found.stages, start=1):
            values = (run, number, str(about.get("name") or about["folder"]), about["folder"])
            connection.execute(
                "INSERT INTO stages (run, number, name, folder, about) VALUES (?, ?, ?, ?, ?)"
                " ON CONFLICT DO UPDATE SET number = excluded.number, name = excluded.name,"
                " about = excluded.about WHERE about <> excluded.about OR name <> excluded.name",
                (*values, dumps(about)),
            )
        rows = connection.execute("SELECT id, folder FROM stages WHERE run = ?", (run,))
        known = {row["folder"]: row["id"] for row in rows}
        gone = set(known) - {str(about["folder"]) for about in found.stages}
        for folder in gone:
            connection.execute("DELETE FROM stages WHERE id = ?", (known[folder],))
        return known

    def _forget_runs(self, found: set[str]) -> None:
        rows = self.connection.execute("SELECT id, name FROM runs").fetchall()
        for row in rows:
            if row["name"] not in found:
                with self._transaction() as connection:
                    for file in _files(connection, row["id"]).values():
                        remove_after(connection, file, Mark())
                        connection.execute("DELETE FROM files WHERE id = ?", (file,))
                    connection.execute(
                        "INSERT INTO questions (questions, rowid, text)"
                        " SELECT 'delete', id, text FROM prompts WHERE run = ?",
                        (row["id"],),
                    )
                    for table in ("stages", "prompts"):
                        connection.execute(f"DELETE FROM {table} WHERE run = ?", (row["id"],))
                    connection.execute("DELETE FROM runs WHERE id = ?", (row["id"],))
                self.noted.pop(row["name"], None)

    def _forget_files(self, run: int, found: FoundRun) -> None:
        here = {file.path for file in found.files}
        for path, file in _files(self.connection, run).items():
            if path not in here:
                with self._transaction() as connection:
                    remove_after(connection, file, Mark())
                    connection.execute("DELETE FROM files WHERE id = ?", (file,))
                    _bump(connection, run)

    def _fill_file(
        self,
        run: int,
        folder: Path,
        file: LineFile,
        stage: int | None,
        stop: threading.Event | None,
    ) -> int:
        path = folder / file.path
        now = path.stat()
        seen = f"{now.st_ino} {now.st_size} {now.st_mtime_ns}"
        row = self._file_row(run, file, stage)
        if row["seen"] == seen:
            return 0
        mark = self._take_back(run, row["id"], path)
        lines = 0
        for block in blocks_after(path, mark):
            if not self._add(run, row["id"], file, stage, block):
                return lines  # another process reads this file
            lines += len(block.lines)
            if stop is not None and stop.is_set():
                return lines
        self.connection.execute("UPDATE files SET seen = ? WHERE id = ?", (seen, row["id"]))
        return lines

    def _file_row(self, run: int, file: LineFile, stage: int | None) -> sqlite3.Row:
        self.connection.execute(
            "INSERT INTO files (run, stage, kind, model, path) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT DO UPDATE SET stage = excluded.stage, model = excluded.model"
            " WHERE stage IS NOT excluded.stage OR model <> excluded.model",
            (run, stage, file.kind, file.model, file.path),
        )
        found = self.connection.execute(
            "SELECT * FROM files WHERE run = ? AND path = ?", (run, file.path)
        ).fetchone()
        assert isinstance(found, sqlite3.Row)
        return found

    def _take_back(self, run: int, file: int, path: Path) -> Mark:
        """Forget what is no longer in the file; gives the mark up to which it is known."""
        marks = _marks(self.connection, file)
        count = still_true(path, marks)
        mark = marks[count - 1] if count else Mark()
        if count < len(marks):
            logger.info("%s was taken back to line %d", path, mark.lines)
            with self._transaction() as connection:
                remove_after(connection, file, mark)
                _bump(connection, run)
        return mark

    def _add(self, run: int, file: int, what: LineFile, stage: int | None, block: Block) -> bool:
        """Add a block; False if the file has been read further, or taken back, meanwhile."""
        with self._transaction() as connection:
            known = connection.execute(
                "SELECT coalesce(max(lines), 0) FROM marks WHERE file = ?", (file,)
            ).fetchone()
            if known[0] != block.first - 1:
                return False
            rows = list(block.rows())
            insert(connection, run=run, file=file, what=what, stage=stage, rows=rows)
            unreadable = sum(row is None for _, row in rows)
            mark = block.mark
            connection.execute(
                "INSERT INTO marks VALUES (?, ?, ?, ?, ?, ?)",
                (file, mark.lines, mark.start, mark.stop, mark.checksum, unreadable),
            )
            connection.execute(
                "UPDATE files SET lines = ?, unreadable = unreadable + ? WHERE id = ?",
                (mark.lines, unreadable, file),
            )
            _bump(connection, run)
        return True

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            yield self.connection
        except BaseException:
            self.connection.execute("ROLLBACK")
            raise
        self.connection.execute("COMMIT")


def _files(connection: sqlite3.Connection, run: int) -> dict[str, int]:
    rows = connection.execute("SELECT path, id FROM files WHERE run = ?", (run,))
    return {row["path"]: row["id"] for row in rows}


def _marks(connection: sqlite3.Connection, file: int) -> list[Mark]:
    rows = connection.execute(
        "SELECT lines, start, stop, checksum FROM marks WHERE file = ? ORDER BY lines", (file,)
    )
    return [Mark(*row) for row in rows]


def _bump(connection: sqlite3.Connection, run: int) -> None:
    connection.execute("UPDATE runs SET changes = changes + 1 WHERE id = ?", (run,))


def about_of(row: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON object in the column `about` of a run or stage."""
    value: dict[str, Any] = json.loads(row["about"])
    return value
