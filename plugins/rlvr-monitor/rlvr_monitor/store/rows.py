"""A line of a run folder as it goes into the database: cleaned, cut, and with a name of its own."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from math import isfinite
from typing import Any

LONGEST_TEXT = 1_000_000
"""Characters of a completion that are kept; the run folder has all of it."""
LONGEST_NOTE = 20_000

HALVES = re.compile("[\ud800-\udfff]")
"""Half a surrogate pair, which JSON may carry and UTF-8 may not."""

REST = ("components", "info", "ref", "seconds", "finish", "data")


@dataclass(frozen=True, slots=True)
class RolloutRow:
    """One judged answer."""

    key: int
    step: int | None
    task: str
    group: str
    place: int
    prompt: str
    gold: str | None
    """As JSON."""
    status: str
    value: float | None
    tokens: int | None
    truncated: bool
    completion: str
    extracted: str | None
    reason: str
    rest: str
    """As JSON: what only the page of one rollout shows."""


def rollout_of(row: Mapping[str, Any], *, folder: str, model: str) -> RolloutRow:
    """The row of a line of `rollouts.jsonl` or of an evaluation's answers. Any JSON object will do.

    A group without a name is all answers to one task of one step.
    """
    step = whole(row.get("step"))
    task = text_of(row.get("task"), LONGEST_NOTE) or ""
    group = text_of(row.get("group"), LONGEST_NOTE) or task
    place = whole(row.get("index")) or 0
    completion = text_of(row.get("completion"), LONGEST_TEXT) or ""
    status = str(row.get("status") or "ok")
    value = finite(row.get("value"))
    return RolloutRow(
        key=key_of(folder, model, step, group, place, task, completion),
        step=step,
        task=task,
        group=group,
        place=place,
        prompt=text_of(row.get("prompt"), LONGEST_TEXT) or "",
        gold=None if row.get("gold") is None else cut(dumps(row["gold"]), LONGEST_NOTE),
        status=status if status in ("ok", "abstain", "error", "timeout") else "error",
        value=value,
        tokens=whole(row.get("tokens")),
        truncated=row.get("finish") == "length",
        completion=completion,
        extracted=text_of(row.get("extracted"), LONGEST_NOTE),
        reason=text_of(row.get("reason"), LONGEST_NOTE) or "",
        rest=dumps({name: row[name] for name in REST if row.get(name) is not None}),
    )


def key_of(
    folder: str, model: str, step: int | None, group: str, place: int, task: str, completion: str
) -> int:
    """A rollout's own number, made from what it is: the same in any database, after any rewind."""
    what = dumps([folder, model, step, group, place, task, completion])
    digest = blake2b(what.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


def name_of_key(key: int) -> str:
    """A key as it stands in an address: 16 hexadecimal digits."""
    return key.to_bytes(8, "big", signed=True).hex()


def key_of_name(name: str) -> int | None:
    """The key in an address; None if it is none."""
    try:
        raw = bytes.fromhex(name)
    except ValueError:
        return None
    return int.from_bytes(raw, "big", signed=True) if len(raw) == 8 else None


def clean(text: str) -> str:
    """Text that UTF-8 can carry and SQLite reads to its end: a null becomes its sign."""
    return HALVES.sub("\ufffd", text).replace("\0", "\u2400")


def dumps(value: Any) -> str:
    """A JSON value as clean text."""
    return clean(json.dumps(value, ensure_ascii=False))


def text_of(value: Any, most: int) -> str | None:
    """A JSON value as clean text of at most about `most` characters; null -> None."""
    if value is None:
        return None
    return cut(clean(value) if isinstance(value, str) else dumps(value), most)


def cut(text: str, most: int) -> str:
    """The text, without its middle if it is too long; says how much is left out."""
    if len(text) <= most:
        return text
    head = most * 2 // 3
    tail = most - head
    return f"{text[:head]}\n[… {len(text) - most:,} characters left out …]\n{text[-tail:]}"


def finite(value: Any) -> float | None:
    """A number that is one; NaN, infinity, bool and anything else -> None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if isfinite(number) else None


def whole(value: Any) -> int | None:
    """A whole number that SQLite can hold; anything else -> None."""
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if -(2**63) <= value < 2**63 else None
