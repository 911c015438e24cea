"""One judged answer as the page carries it: only texts and numbers, none of them too long."""

from __future__ import annotations

import json
from collections.abc import Mapping
from math import isfinite
from typing import Any

from rlvr_ops_core.types import message_text

MAX_TEXT = 6_000
"""Longer texts lose their middle: what an answer commits to is most often at its end."""
MAX_NOTE = 2_000

SHOWN_ELSEWHERE = {"extracted", "gold", "reason"}


def task_for_page(row: Mapping[str, Any]) -> dict[str, Any]:
    """What all answers to one prompt share."""
    return {
        "id": first_line(row.get("task")),
        "prompt": as_text(row.get("prompt"), MAX_TEXT),
        "gold": as_text(row.get("gold"), MAX_NOTE),
    }


def row_for_page(row: Mapping[str, Any], *, task: int, model: str, label: str) -> dict[str, Any]:
    """One answer; `task` is the place of its prompt among the page's tasks."""
    info = {k: v for k, v in (row.get("info") or {}).items() if k not in SHOWN_ELSEWHERE}
    return {
        "task": task,
        "step": finite(row.get("step")),
        "index": finite(row.get("index")),
        "model": model,
        "label": label,
        "status": as_text(row.get("status"), MAX_NOTE),
        "value": finite(row.get("value")),
        "finish": as_text(row.get("finish"), MAX_NOTE),
        "tokens": finite(row.get("tokens")),
        "seconds": finite(row.get("seconds")),
        "ref": as_text(row.get("ref"), MAX_NOTE),
        "reason": as_text(row.get("reason"), MAX_NOTE),
        "extracted": as_text(row.get("extracted"), MAX_NOTE),
        "completion": as_text(whole_completion(row), MAX_TEXT),
        "components": [
            [cut(name, MAX_NOTE), *(finite(part.get(key)) for key in ("value", "weight", "share"))]
            for name, part in (row.get("components") or {}).items()
        ],
        "info": as_text(info, MAX_NOTE) if info else None,
    }


def whole_completion(row: Mapping[str, Any]) -> Any:
    """The completion; of a conversation all of it, a line for who speaks."""
    messages = row.get("messages")
    if not isinstance(messages, list):
        return row.get("completion")
    return "\n".join(f"{one.get('role')}: {message_text(one)}" for one in messages)


def finite(value: object) -> int | float | None:
    """A number as it is; NaN, infinity and anything else -> None."""
    return value if isinstance(value, int | float) and isfinite(value) else None


def as_text(value: Any, most: int) -> str | None:
    """A JSON value as text of at most about `most` characters; null -> None."""
    if value is None:
        return None
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return cut(text, most)


def cut(text: str, most: int) -> str:
    """The text, without its middle if it is too long; says how much is left out."""
    if len(text) <= most:
        return text
    head = most * 2 // 3
    tail = most - head
    return f"{text[:head]}\n[… {len(text) - most:,} characters left out …]\n{text[-tail:]}"


def first_line(value: object, most: int = 200) -> str:
    """The first line of a value's text, for tables; None -> ""."""
    lines = str(value).strip().splitlines() if value is not None else []
    return lines[0][:most] if lines else ""
