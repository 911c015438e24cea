"""The same key, the same bytes: a request sent twice is judged once.

Answers are kept in memory, or in an SQLite file that several replicas of one machine share. A
second request that comes while the first is judged waits for its answer. If the file can't be
written (the disk is full) memory takes over: this replica still judges a key once.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import sqlite3
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from rlvr_ops_core import OptionError
from rlvr_serve.web.problems import Problem
from rlvr_serve.web.settings import MEBIBYTE

KEY = re.compile(rb"[A-Za-z0-9._:-]{1,200}")
MEMORY_BYTES = 64 * MEBIBYTE
CLAIM_S = 150.0
"""How long a claim stands whose owner says nothing more: longer than any deadline."""
LOOK_EVERY_S = 0.05


@dataclass
class Kept:
    """An answer, or the promise of one."""

    body_hash: bytes
    answer: asyncio.Future[bytes]
    until: float


class Answers:
    """Answers by client and key.

    Args:
        keep_s: how long an answer is given again.
        file: an SQLite file for several replicas; None keeps answers in memory alone.

    Raises:
        OptionError: the file can't be made.
    """

    def __init__(self, *, keep_s: float = 600.0, file: Path | None = None) -> None:
        self.keep_s = keep_s
        self.kept: OrderedDict[bytes, Kept] = OrderedDict()
        self.size = 0
        self.troubles = 0
        """Times that the file could not be used."""
        self.shared = SharedAnswers(file, keep_s) if file else None

    async def once(
        self, client: str, key: bytes, body: bytes, judge: Callable[[], Awaitable[bytes]]
    ) -> bytes:
        """The answer for a key: kept, awaited, or made now.

        Raises:
            Problem: 400 the key is none; 422 the key was used with another body.
        """
        if not KEY.fullmatch(key):
            what = "Idempotency-Key must be 1 to 200 of A-Z a-z 0-9 . _ : -"
            raise Problem(400, "bad_idempotency_key", what)
        name = hashlib.sha256(client.encode() + b"\0" + key).digest()
        body_hash = hashlib.sha256(body).digest()
        while True:
            self._forget_old()
            kept = self.kept.get(name)
            if kept is None:
                return await self._make(name, body_hash, judge)
            if kept.body_hash != body_hash:
                raise _conflict()
            try:
                return await asyncio.shield(kept.answer)
            except asyncio.CancelledError:
                if not kept.answer.cancelled():
                    raise  # it is this request that was cancelled: try no more

    async def _make(
        self, name: bytes, body_hash: bytes, judge: Callable[[], Awaitable[bytes]]
    ) -> bytes:
        future: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self.kept[name] = Kept(body_hash, future, time.monotonic() + self.keep_s)
        try:
            answer = await self._judge_once(name, body_hash, judge)
        except BaseException:
            del self.kept[name]
            future.cancel()  # those that wait try for themselves
            raise
        future.set_result(answer)
        self.size += len(answer)
        return answer

    async def _judge_once(
        self, name: bytes, body_hash: bytes, judge: Callable[[], Awaitable[bytes]]
    ) -> bytes:
        """Judge unless another replica has done, or does."""
        if self.shared is None:
            return await judge()
        try:
            found = await self._claim(self.shared, name, body_hash)
        except sqlite3.Error:
            self.troubles += 1
            return await judge()
        if found is not None:
            return found
        try:
            answer = await judge()
        except BaseException:
            await asyncio.shield(self._note(self.shared, name, None))
            raise
        await self._note(self.shared, name, answer)
        return answer

    async def _claim(self, shared: SharedAnswers, name: bytes, body_hash: bytes) -> bytes | None:
        while True:
            state, answer = await asyncio.to_thread(shared.claim, name, body_hash)
            if state == "ours":
                return None
            if state == "conflict":
                raise _conflict()
            if state == "done":
                return answer
            await asyncio.sleep(LOOK_EVERY_S)

    async def _note(self, shared: SharedAnswers, name: bytes, answer: bytes | None) -> None:
        try:
            await asyncio.to_thread(shared.settle, name, answer)
        except sqlite3.Error:
            self.troubles += 1

    def _forget_old(self) -> None:
        now = time.monotonic()
        for name, kept in list(self.kept.items())[:8]:
            is_old = kept.until < now or self.size > MEMORY_BYTES
            if not kept.answer.done() or not is_old:
                return
            del self.kept[name]
            if not kept.answer.cancelled():
                self.size -= len(kept.answer.result())

    def close(self) -> None:
        """Close the file."""
        if self.shared is not None:
            self.shared.close()


class SharedAnswers:
    """Answers in an SQLite file; blocking, for threads."""

    def __init__(self, file: Path, keep_s: float) -> None:
        self.keep_s = keep_s
        try:
            self.connection = sqlite3.connect(
                file, timeout=5, isolation_level=None, check_same_thread=False
            )
            self.connection.execute("PRAGMA journal_mode=WAL")
            self.connection.execute("PRAGMA synchronous=NORMAL")
            self.connection.execute(
                "CREATE TABLE IF NOT EXISTS answers "
                "(name BLOB PRIMARY KEY, body BLOB, answer BLOB, until REAL) WITHOUT ROWID"
            )
        except sqlite3.Error as error:
            raise OptionError(f"idempotency file {file}: {error}") from error
        from threading import Lock

        self.lock = Lock()

    def claim(self, name: bytes, body_hash: bytes) -> tuple[str, bytes | None]:
        """`ours` to judge, `conflict`, `done` with the answer, or `wait` for who judges it.

        Raises:
            sqlite3.Error: the file can't be used.
        """
        now = time.time()
        with self.lock:
            self.connection.execute("DELETE FROM answers WHERE until < ?", (now,))
            done = self.connection.execute(
                "INSERT INTO answers VALUES (?, ?, NULL, ?) ON CONFLICT DO NOTHING",
                (name, body_hash, now + CLAIM_S),
            )
            if done.rowcount == 1:
                return "ours", None
            row = self.connection.execute(
                "SELECT body, answer FROM answers WHERE name = ?", (name,)
            ).fetchone()
        if row is None:
            return "wait", None
        if row[0] != body_hash:
            return "conflict", None
        return ("wait", None) if row[1] is None else ("done", row[1])

    def settle(self, name: bytes, answer: bytes | None) -> None:
        """Keep the answer, or give the claim up.

        Raises:
            sqlite3.Error: the file can't be used.
        """
        with self.lock:
            if answer is None:
                self.connection.execute("DELETE FROM answers WHERE name = ?", (name,))
            else:
                self.connection.execute(
                    "UPDATE answers SET answer = ?, until = ? WHERE name = ?",
                    (answer, time.time() + self.keep_s, name),
                )

    def close(self) -> None:
        """Close the file."""
        with self.lock:
            self.connection.close()


def _conflict() -> Problem:
    return Problem(422, "idempotency_conflict", "this Idempotency-Key came with another body")
