r"""Cases: a prompt, its gold answer, answers known to be right and answers known to be wrong.

A file of cases has one JSON object a line:

    {"prompt": "6 * 7?", "gold": "42", "good": ["\\boxed{42}"], "bad": ["\\boxed{41}"]}

`good` and `bad` are a text or a list of texts. Every other key but `id`, `data` and `note` goes to
the reward as the task's data, as a dataset's columns do.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rlvr_ops_core import DataError, Json

GOLD_KEYS = ("gold", "answer", "ground_truth", "solution", "target", "label")
GOOD_KEYS = ("good", "known_good", "right", "correct")
BAD_KEYS = ("bad", "known_bad", "wrong", "incorrect")
PROMPT_KEYS = ("prompt", "question", "problem")
OWN_KEYS = frozenset({"id", "data", "note", "promoted"})


@dataclass(frozen=True, kw_only=True)
class Case:
    """One task with answers of which we know what they are worth."""

    id: str
    prompt: str
    gold: Json = None
    good: tuple[str, ...] = ()
    bad: tuple[str, ...] = ()
    data: Mapping[str, Json] = field(default_factory=dict)
    promoted: Mapping[str, Json] = field(default_factory=dict)
    """Where a case that was a rollout came from."""
    gold_key: str = ""
    """The key of `data` that holds the gold, where the reward finds it there alone."""

    def as_json(self) -> dict[str, Json]:
        """The object that a file of cases holds."""
        gold = None if self.gold_key else self.gold
        row: dict[str, Json] = {"id": self.id, "prompt": self.prompt, "gold": gold}
        row |= {"good": list(self.good), "bad": list(self.bad)}
        if self.data:
            row["data"] = dict(self.data)
        if self.promoted:
            row["promoted"] = dict(self.promoted)
        return row


def read_cases(file: Path) -> list[Case]:
    """The cases in a JSON Lines file.

    Raises:
        DataError: the file can't be read, or a line is no case; says which.
    """
    try:
        lines = Path(file).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise DataError(f"{file}: can't be read: {reason}", hint=HOW_TO_MAKE) from error
    rows = [
        (f"{file}:{number}", line) for number, line in enumerate(lines, start=1) if line.strip()
    ]
    cases = [case_of(_parsed(line, place), place) for place, line in rows]
    if not cases:
        raise DataError(f"{file}: holds no case", hint=HOW_TO_MAKE)
    return with_own_ids(cases)


HOW_TO_MAKE = (
    'a line is {"prompt": …, "gold": …, "good": […], "bad": […]}; '
    "to make cases from a data source: rlvr audit REWARD --init math/gsm8k --cases cases.jsonl"
)


def case_of(row: Json, place: str) -> Case:
    """A case from one object.

    Raises:
        DataError: it is no object, has no prompt, or no answer at all.
    """
    if isinstance(row, Case):
        return row
    if not isinstance(row, Mapping):
        raise DataError(f"{place}: a case is an object", hint=HOW_TO_MAKE)
    prompt, good, bad = _first(row, PROMPT_KEYS), _first(row, GOOD_KEYS), _first(row, BAD_KEYS)
    if not isinstance(prompt, str):
        raise DataError(f"{place}: a case needs a prompt that is a text", hint=HOW_TO_MAKE)
    rights = _texts(good, place, "good")
    data = {**_data(row, place), **_columns(row)}
    gold = _first(row, GOLD_KEYS)
    gold_key = _gold_key(data, rights) if gold is None else ""
    case = Case(
        id=str(row.get("id") or place.rpartition(":")[2]),
        prompt=prompt,
        gold=data[gold_key] if gold_key else gold,
        good=rights,
        bad=_texts(bad, place, "bad"),
        data=data,
        promoted=row.get("promoted") or {},
        gold_key=gold_key,
    )
    if not case.good and not case.bad:
        raise DataError(f"{place}: a case needs good or bad answers", hint=HOW_TO_MAKE)
    return case


def _gold_key(data: Mapping[str, Json], rights: Sequence[str]) -> str:
    """The column that is the gold: of a usual name, and found in a right answer; "" if none is."""
    for key in (*GOLD_KEYS, *(f"{word}_answer" for word in ("gold", "correct", "reference"))):
        value = data.get(key)
        text = str(value).strip() if isinstance(value, str | int | float) else ""
        if text and any(text in right for right in rights):
            return key
    return ""


def with_own_ids(cases: Sequence[Case]) -> list[Case]:
    """The cases with different ids: a second case of one id gets a number after it."""
    from dataclasses import replace

    seen: dict[str, int] = {}
    result = []
    for case in cases:
        count = seen[case.id] = seen.get(case.id, 0) + 1
        result.append(case if count == 1 else replace(case, id=f"{case.id}.{count}"))
    return result


def write_cases(file: Path, cases: Iterable[Case]) -> None:
    """Write cases to a file, by way of a temporary name."""
    partial = file.with_name(f".{file.name}.partial")
    partial.parent.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps(case.as_json(), ensure_ascii=True) for case in cases]
    partial.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    partial.replace(file)


def cases_hash(cases: Iterable[Case]) -> str:
    """Sixteen hex digits that change when a case does."""
    canonical = json.dumps([case.as_json() for case in cases], sort_keys=True)
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]


def _parsed(line: str, place: str) -> Json:
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{place}: is no JSON: {error}", hint=HOW_TO_MAKE) from error


def _first(row: Mapping[str, Json], keys: Sequence[str]) -> Json:
    return next((row[key] for key in keys if key in row), None)


def _texts(value: Json, place: str, name: str) -> tuple[str, ...]:
    texts = [] if value is None else [value] if isinstance(value, str) else value
    if not isinstance(texts, list | tuple) or not all(isinstance(text, str) for text in texts):
        raise DataError(f"{place}: {name} must be a text or a list of texts", hint=HOW_TO_MAKE)
    return tuple(texts)


def _data(row: Mapping[str, Json], place: str) -> Mapping[str, Any]:
    data = row.get("data") or {}
    if not isinstance(data, Mapping):
        raise DataError(f"{place}: data must be an object", hint=HOW_TO_MAKE)
    return data


def _columns(row: Mapping[str, Json]) -> dict[str, Json]:
    """The keys that are a dataset's columns; the gold under its own name is one of them."""
    gold = next((key for key in GOLD_KEYS if key in row), None)
    named = {*PROMPT_KEYS, *GOOD_KEYS, *BAD_KEYS, *OWN_KEYS, "gold", gold}
    return {key: value for key, value in row.items() if key not in named}
