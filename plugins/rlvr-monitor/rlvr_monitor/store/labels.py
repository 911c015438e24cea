"""What people say of a rollout: good, a hack, or a bug of the verifier."""

from __future__ import annotations

import sqlite3
import time

LABELS = {"good": "good", "hack": "hack", "bug": "verifier bug"}
"""As it is kept, and as it is shown."""


def set_label(
    connection: sqlite3.Connection, run: str, key: int, *, label: str, note: str = ""
) -> None:
    """Label a rollout; an empty label takes it off.

    Raises:
        ValueError: there is no such label.
    """
    if not label:
        connection.execute("DELETE FROM labels.labels WHERE run = ? AND key = ?", (run, key))
        return
    if label not in LABELS:
        raise ValueError(f"a label is one of {', '.join(LABELS)}, not {label[:40]!r}")
    connection.execute(
        "INSERT INTO labels.labels VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
        " label = excluded.label, note = excluded.note, time = excluded.time",
        (run, key, label, note[:2_000], time.time()),
    )
