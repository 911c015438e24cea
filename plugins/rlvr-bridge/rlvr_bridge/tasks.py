"""From a trainer's row to our task, and back: one JSON column, or the trainer's own places.

The column `rlvr_task` holds a whole task as JSON text, so parquet, Arrow and HTTP keep it intact;
where a row has none, the task is put together from what the trainer hands over.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rlvr_ops_core import DataError, Json, Message, Task

TASK_COLUMN = "rlvr_task"

FIELDS = ("id", "prompt", "answer", "data", "source")


def encode_task(task: Task) -> str:
    """A task as JSON text, for the column `rlvr_task`."""
    content = {name: getattr(task, name) for name in FIELDS}
    return json.dumps(as_json(content), ensure_ascii=False)


def decode_task(text: str | Mapping[str, Any]) -> Task:
    """The task in a column `rlvr_task`.

    Raises:
        DataError: it is no task.
    """
    try:
        content = json.loads(text) if isinstance(text, str) else dict(text)
        known = {name: content[name] for name in FIELDS if name in content}
        return Task(**{"id": "", "prompt": "", **known})
    except (ValueError, TypeError, RecursionError) as error:
        what = f"the column {TASK_COLUMN} holds no task: {error}"
        raise DataError(what, hint="write it with rlvr_bridge.tasks.encode_task") from error


def task_of(
    row: Mapping[str, Any],
    *,
    prompt: str | Sequence[Message] = "",
    answer: str = "answer",
    source: str = "",
) -> Task:
    """The task of a trainer's row: its column `rlvr_task`, or its other columns.

    Without that column `answer` names the gold answer's, and every other column is the task's data;
    the id is the row's, or eight bytes of the prompt's hash.
    """
    if row.get(TASK_COLUMN):
        return decode_task(row[TASK_COLUMN])
    data = {key: value for key, value in row.items() if key not in ("id", answer)}
    name = row.get("id")
    return Task(
        id=prompt_id(prompt) if name is None else str(name),
        prompt=prompt,
        answer=as_json(row.get(answer)),
        data=as_json(data),
        source=source,
    )


def prompt_id(prompt: str | Sequence[Message]) -> str:
    """Sixteen hex digits that belong to a prompt."""
    text = prompt if isinstance(prompt, str) else json.dumps(as_json(prompt), ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def as_json(value: Any) -> Json:
    """A value as JSON; numpy's become Python's, and what is no JSON (an image, say) is left out."""
    kind = type(value)
    if value is None or kind in (str, int, float, bool):
        return value
    if isinstance(value, Mapping):
        pairs = ((str(key), one) for key, one in value.items())
        return {key: as_json(one) for key, one in pairs if is_json(one)}
    if isinstance(value, str | int | float):
        return value
    if hasattr(value, "tolist"):
        return as_json(value.tolist())
    if isinstance(value, Iterable) and is_json(value):
        return [as_json(one) for one in value if is_json(one)]
    return None


def is_json(value: Any) -> bool:
    """Whether a value can be said in JSON."""
    known = (str, int, float, Mapping, list, tuple, type(None))
    return isinstance(value, known) or hasattr(value, "tolist")


def message_list(value: Any) -> list[Message] | None:
    """Chat messages as plain mappings; None if the value is something else."""
    if isinstance(value, str) or not isinstance(value, Sequence):
        return None
    if not all(isinstance(one, Mapping) and "role" in one for one in value):
        return None
    return [as_json(one) for one in value]
