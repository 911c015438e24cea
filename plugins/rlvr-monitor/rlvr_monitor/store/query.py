"""What rollouts somebody wants to see, as SQL. Every condition can be served by an index."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any
from urllib.parse import urlencode

MOST_COUNTED = 10_000
"""Matches are counted up to here; beyond it the page says "more than"."""

FREQUENT = 15_000
"""A text that more completions than this may hold is looked for in one rollout after the other,
in the order asked for, until there are enough; a rarer one is looked up in the index first."""

ALARMED = (
    "SELECT x.id FROM alarm_rows a"
    " CROSS JOIN stages s ON s.run = a.run AND s.name = a.stage"
    " CROSS JOIN groups g ON g.stage = s.id AND g.step IS a.step AND g.name = a.name"
    " CROSS JOIN rollouts x ON x.group_id = g.id AND x.place = a.place"
)
"""The rollouts that alarms name. CROSS keeps the order: there are few alarms, many rollouts."""

ORDERS = {
    "newest": "r.id DESC",
    "oldest": "r.id",
    "best": "r.value DESC, r.id DESC",
    "worst": "r.value, r.id",
    "surprising": "r.advantage DESC, r.id DESC",
    "longest": "r.tokens DESC, r.id DESC",
    "shortest": "r.tokens, r.id",
}

SORT_NAMES = {
    "newest": "newest first",
    "oldest": "oldest first",
    "best": "highest reward",
    "worst": "lowest reward",
    "surprising": "highest advantage",
    "longest": "longest",
    "shortest": "shortest",
}

SORTED_BY = {"best": "value", "worst": "value", "surprising": "advantage", "longest": "tokens"}
SORTED_BY |= {"shortest": "tokens"}

STATUSES = ("ok", "none", "abstain", "error", "timeout")


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which rollouts of a run; what is left out does not matter."""

    stage: str = ""
    model: str = ""
    step_from: int | None = None
    step_to: int | None = None
    reward_from: float | None = None
    reward_to: float | None = None
    tokens_from: int | None = None
    tokens_to: int | None = None
    status: str = ""
    """`ok`, `abstain`, `error`, `timeout`; `none` is all but ok."""
    truncated: bool = False
    alarm: str = ""
    """The number of an alarm; `any`; `shadow`: a stricter reward disagreed."""
    label: str = ""
    """`good`, `hack`, `bug`; `any`."""
    task: str = ""
    prompt: str = ""
    """Part of the prompt's text."""
    q: str = ""
    """Part of the completion's text."""
    sort: str = "newest"
    page: int = 1

    def query(self, **changes: Any) -> str:
        """The filter as the query of an address, with changes; what is not set is left out."""
        changed = replace(self, **changes)
        pairs = []
        for one in fields(changed):
            value = getattr(changed, one.name)
            if value != one.default and value is not None:
                pairs.append((one.name, 1 if value is True else value))
        return urlencode(pairs)


@dataclass(slots=True)
class Where:
    """Conditions and their values."""

    conditions: list[str] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)

    def add(self, condition: str, *values: Any) -> None:
        """All conditions must hold."""
        self.conditions.append(condition)
        self.values += values

    @property
    def sql(self) -> str:
        """After WHERE."""
        return " AND ".join(self.conditions) or "1"


def read_filter(given: Mapping[str, str]) -> Filter:
    """A filter from the query of an address; what makes no sense is left out."""
    values: dict[str, Any] = {}
    for one in fields(Filter):
        text = given.get(one.name, "").strip("\n\r") if one.name == "q" else given.get(one.name, "")
        if not text:
            continue
        if one.name in ("reward_from", "reward_to"):
            values[one.name] = _number(text)
        elif one.name in ("step_from", "step_to", "tokens_from", "tokens_to"):
            values[one.name] = _whole(text)
        elif one.name == "page":
            values[one.name] = max(1, _whole(text) or 1)
        elif one.name == "truncated":
            values[one.name] = text not in ("0", "false")
        else:
            values[one.name] = text[:1_000]
    if values.get("sort") not in ORDERS:
        values.pop("sort", None)
    if values.get("status") not in STATUSES:
        values.pop("status", None)
    return Filter(**values)


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if abs(number) < 1e300 else None


def _whole(text: str) -> int | None:
    try:
        return max(-(2**62), min(2**62, int(text[:20])))
    except ValueError:
        return None


def where(run: int, run_name: str, wanted: Filter, *, frequent: bool = False) -> Where:
    """The conditions on `rollouts r` (and on `texts t` where a text is searched)."""
    found = Where()
    found.add("r.run = ?", run)
    if wanted.stage:
        found.add(
            "r.stage IN (SELECT id FROM stages WHERE run = ? AND name = ?)", run, wanted.stage
        )
    if wanted.model:
        found.add("r.file IN (SELECT id FROM files WHERE run = ? AND model = ?)", run, wanted.model)
    for column, low, high in (
        ("step", wanted.step_from, wanted.step_to),
        ("value", wanted.reward_from, wanted.reward_to),
        ("tokens", wanted.tokens_from, wanted.tokens_to),
    ):
        if low is not None:
            found.add(f"r.{column} >= ?", low)
        if high is not None:
            found.add(f"r.{column} <= ?", high)
    _add_outcome(found, run, run_name, wanted)
    _add_texts(found, run, wanted, frequent=frequent)
    if wanted.sort in SORTED_BY:
        found.add(f"r.{SORTED_BY[wanted.sort]} IS NOT NULL")
    return found


def _add_outcome(found: Where, run: int, run_name: str, wanted: Filter) -> None:
    if wanted.status == "none":
        found.add("r.status <> 'ok'")
    elif wanted.status == "ok":
        found.add("r.status = 'ok'")
    elif wanted.status:
        found.add("r.status <> 'ok' AND r.status = ?", wanted.status)
    if wanted.truncated:
        found.add("r.truncated = 1")
    if wanted.alarm == "any":
        found.add(f"r.id IN ({ALARMED} WHERE a.run = ?)", run)
    elif wanted.alarm == "shadow":
        found.add(f"r.id IN ({ALARMED} WHERE a.run = ? AND a.detector LIKE 'shadow%')", run)
    elif wanted.alarm:
        number = _whole(wanted.alarm) or 0
        found.add(f"r.id IN ({ALARMED} WHERE a.run = ? AND a.event = ?)", run, number)
    if wanted.label == "any":
        found.add("r.key IN (SELECT key FROM labels.labels WHERE run = ?)", run_name)
    elif wanted.label:
        found.add(
            "r.key IN (SELECT key FROM labels.labels WHERE run = ? AND label = ?)",
            run_name,
            wanted.label,
        )


def _add_texts(found: Where, run: int, wanted: Filter, *, frequent: bool) -> None:
    if wanted.task:
        found.add(
            "r.prompt IN (SELECT id FROM prompts WHERE run = ? AND task = ?)", run, wanted.task
        )
    if wanted.prompt:
        condition, values = _containing("questions", "p.text", wanted.prompt)
        found.add(
            f"r.prompt IN (SELECT p.id FROM prompts p WHERE p.run = ? AND {condition})",
            run,
            *values,
        )
    if wanted.q and frequent:
        has = "SELECT instr(lower(t.completion), lower(?)) > 0 FROM texts t WHERE t.id = r.id"
        found.add(f"({has})", wanted.q)
    elif wanted.q:
        condition, values = _containing("completions", "t.completion", wanted.q)
        found.add(f"r.id IN (SELECT t.id FROM texts t WHERE {condition})", *values)


def _containing(table: str, column: str, text: str) -> tuple[str, list[str]]:
    """The condition that a column holds a text, big and small ASCII letters alike.

    The index knows three letters at a time: it gives those that have all threes of the text, which
    are then looked at. A shorter text is looked for in all of them.
    """
    has = f"instr(lower({column}), lower(?)) > 0"
    if len(text) < 3:
        return has, [text]
    letter = column.partition(".")[0]
    inside = f"{letter}.id IN (SELECT rowid FROM {table} WHERE {table} MATCH ?)"
    return f"{inside} AND {has}", [threes(text), text]


def threes(text: str) -> str:
    """A query for the index: all threes of letters in a text, in any order."""
    found = list(dict.fromkeys(text[i : i + 3] for i in range(len(text) - 2)))
    return " AND ".join('"' + three.replace('"', '""') + '"' for three in found[:40])


def select_rollouts(
    run: int, run_name: str, wanted: Filter, *, most: int, frequent: bool = False
) -> tuple[str, list[Any]]:
    """The numbers of the first `most` rollouts, in order."""
    condition = where(run, run_name, wanted, frequent=frequent)
    sql = (
        f"SELECT r.id FROM rollouts r WHERE {condition.sql} ORDER BY {ORDERS[wanted.sort]} LIMIT ?"
    )
    return sql, [*condition.values, most]
