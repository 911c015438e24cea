"""The database: its tables, and how it is opened. Another version of the tables is another file."""

from __future__ import annotations

import hashlib
import os
import sqlite3
from pathlib import Path

from rlvr_ops_core import RunError

VERSION = 1
"""Goes up with every change of TABLES: the database is then filled anew."""

TABLES = """
CREATE TABLE runs (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    path TEXT NOT NULL,
    about TEXT NOT NULL DEFAULT '{}',
    trouble TEXT NOT NULL DEFAULT '',
    changes INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE stages (
    id INTEGER PRIMARY KEY,
    run INTEGER NOT NULL,
    number INTEGER NOT NULL,
    name TEXT NOT NULL,
    folder TEXT NOT NULL,
    about TEXT NOT NULL DEFAULT '{}',
    UNIQUE (run, folder)
);
CREATE TABLE files (
    id INTEGER PRIMARY KEY,
    run INTEGER NOT NULL,
    stage INTEGER,
    kind TEXT NOT NULL,
    model TEXT NOT NULL DEFAULT '',
    path TEXT NOT NULL,
    seen TEXT NOT NULL DEFAULT '',
    lines INTEGER NOT NULL DEFAULT 0,
    unreadable INTEGER NOT NULL DEFAULT 0,
    UNIQUE (run, path)
);
CREATE TABLE marks (
    file INTEGER NOT NULL,
    lines INTEGER NOT NULL,
    start INTEGER NOT NULL,
    stop INTEGER NOT NULL,
    checksum INTEGER NOT NULL,
    unreadable INTEGER NOT NULL,
    PRIMARY KEY (file, lines)
) WITHOUT ROWID;
CREATE TABLE numbers (
    file INTEGER NOT NULL,
    line INTEGER NOT NULL,
    data TEXT NOT NULL,
    PRIMARY KEY (file, line)
) WITHOUT ROWID;
CREATE TABLE events (
    id INTEGER PRIMARY KEY,
    run INTEGER NOT NULL,
    file INTEGER NOT NULL,
    line INTEGER NOT NULL,
    kind TEXT NOT NULL,
    stage TEXT NOT NULL,
    step INTEGER,
    time REAL,
    data TEXT NOT NULL
);
CREATE INDEX events_of_run ON events (run, kind, line);
CREATE INDEX events_of_file ON events (file, line);
CREATE TABLE alarm_rows (
    event INTEGER NOT NULL,
    run INTEGER NOT NULL,
    detector TEXT NOT NULL,
    stage TEXT NOT NULL,
    step INTEGER,
    name TEXT NOT NULL,
    place INTEGER NOT NULL
);
CREATE INDEX alarm_rows_of_event ON alarm_rows (event);
CREATE INDEX alarm_rows_of_run ON alarm_rows (run);
CREATE TABLE prompts (
    id INTEGER PRIMARY KEY,
    run INTEGER NOT NULL,
    task TEXT NOT NULL,
    digest BLOB NOT NULL,
    text TEXT NOT NULL,
    gold TEXT,
    UNIQUE (run, task, digest)
);
CREATE TABLE groups (
    id INTEGER PRIMARY KEY,
    run INTEGER NOT NULL,
    file INTEGER NOT NULL,
    stage INTEGER NOT NULL,
    step INTEGER,
    name TEXT NOT NULL,
    prompt INTEGER NOT NULL,
    answers INTEGER NOT NULL DEFAULT 0,
    judged INTEGER NOT NULL DEFAULT 0,
    mean REAL,
    low REAL,
    high REAL,
    truncated INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX groups_by_name ON groups (file, step, name);
CREATE INDEX groups_by_step ON groups (stage, step);
CREATE INDEX groups_by_prompt ON groups (prompt, stage, step);
CREATE TABLE rollouts (
    id INTEGER PRIMARY KEY,
    key INTEGER NOT NULL,
    run INTEGER NOT NULL,
    stage INTEGER NOT NULL,
    file INTEGER NOT NULL,
    line INTEGER NOT NULL,
    step INTEGER,
    group_id INTEGER NOT NULL,
    place INTEGER NOT NULL,
    prompt INTEGER NOT NULL,
    status TEXT NOT NULL,
    value REAL,
    advantage REAL,
    tokens INTEGER,
    truncated INTEGER NOT NULL
);
CREATE INDEX rollouts_by_key ON rollouts (run, key);
CREATE INDEX rollouts_by_line ON rollouts (file, line);
CREATE INDEX rollouts_by_group ON rollouts (group_id);
CREATE INDEX rollouts_by_prompt ON rollouts (prompt);
CREATE INDEX rollouts_by_run ON rollouts (run, id);
CREATE INDEX rollouts_by_step ON rollouts (run, step, id);
CREATE INDEX rollouts_by_stage ON rollouts (stage, step);
CREATE INDEX rollouts_by_value ON rollouts (run, value, id);
CREATE INDEX rollouts_by_advantage ON rollouts (run, advantage, id);
CREATE INDEX rollouts_by_tokens ON rollouts (run, tokens, id);
CREATE INDEX rollouts_by_status ON rollouts (run, status) WHERE status <> 'ok';
CREATE INDEX rollouts_truncated ON rollouts (run, id) WHERE truncated = 1;
CREATE TABLE texts (
    id INTEGER PRIMARY KEY,
    completion TEXT NOT NULL,
    extracted TEXT,
    reason TEXT NOT NULL,
    rest TEXT NOT NULL
);
CREATE VIRTUAL TABLE completions USING fts5 (
    completion, content = 'texts', content_rowid = 'id', tokenize = 'trigram', detail = 'none',
    columnsize = 0
);
CREATE VIRTUAL TABLE questions USING fts5 (
    text, content = 'prompts', content_rowid = 'id', tokenize = 'trigram', detail = 'none',
    columnsize = 0
);
"""

LABELS = """
CREATE TABLE IF NOT EXISTS labels.labels (
    run TEXT NOT NULL,
    key INTEGER NOT NULL,
    label TEXT NOT NULL,
    note TEXT NOT NULL DEFAULT '',
    time REAL NOT NULL,
    PRIMARY KEY (run, key)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS labels.labels_by_label ON labels (run, label);
"""


def default_cache(runs: Path) -> Path:
    """Where the database of a folder of runs is kept: below the user's cache folder."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    digest = hashlib.blake2b(str(runs.resolve()).encode(), digest_size=6).hexdigest()
    return base / "rlvr-ops" / f"monitor-{digest}"


def default_labels() -> Path:
    """Where labels are kept: they are somebody's work, so not in a cache."""
    base = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return base / "rlvr-ops" / "labels.sqlite"


class Database:
    """Where the rows are: opened once for writing, and as often as needed for reading."""

    def __init__(self, cache: Path, labels: Path) -> None:
        self.file = cache / f"runs-v{VERSION}.sqlite"
        self.labels = labels

    def prepare(self) -> None:
        """Make what is not there; a database that is damaged is made anew.

        Raises:
            RunError: SQLite here lacks what is needed, or the folder can't be written to.
        """
        try:
            for file in (self.file, self.labels):
                file.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RunError(
                f"{error.filename}: {error.strerror}", hint="give another folder: --cache FOLDER"
            ) from None
        for old in self.file.parent.glob("runs-v*.sqlite*"):
            if not old.name.startswith(self.file.name):
                old.unlink(missing_ok=True)
        try:
            self._create()
        except sqlite3.DatabaseError as error:
            if "fts5" in str(error) or "tokenizer" in str(error):
                raise RunError(
                    f"SQLite {sqlite3.sqlite_version} of this Python can't search texts: {error}",
                    hint="it needs SQLite 3.34 or later with FTS5",
                ) from None
            if isinstance(error, sqlite3.OperationalError):
                raise RunError(
                    f"{self.file}: {error}", hint="give another folder: --cache FOLDER"
                ) from None
            self._discard()
            self._create()

    def _create(self) -> None:
        connection = self.connect()
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.executescript(LABELS)
            connection.execute("BEGIN IMMEDIATE")
            if connection.execute("PRAGMA user_version").fetchone()[0] != VERSION:
                for statement in TABLES.split(";\n"):
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {VERSION}")
            connection.execute("COMMIT")
        finally:
            connection.close()

    def _discard(self) -> None:
        for file in self.file.parent.glob(f"{self.file.name}*"):
            file.unlink(missing_ok=True)

    def connect(self, *, read_only: bool = False) -> sqlite3.Connection:
        """A connection of its own, with the labels as `labels`. Rows answer to their columns."""
        connection = sqlite3.connect(
            self.file, timeout=20, isolation_level=None, check_same_thread=False
        )
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA cache_size = -65536")
        connection.execute("PRAGMA mmap_size = 1073741824")
        connection.execute("PRAGMA temp_store = MEMORY")
        connection.execute("ATTACH ? AS labels", (str(self.labels),))
        if read_only:
            connection.execute("PRAGMA query_only = 1")
        return connection
