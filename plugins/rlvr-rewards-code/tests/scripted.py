"""A model that answers by script: of its answers to task number i, i modulo 5 are right."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rlvr_ops_core import Sample, Task, hookimpl

WRONG = (
    "```python\nimport os\nos._exit(0)\n```",
    "I would sort the list first.",
    "```python\nclass L(list):\n    __eq__=lambda *a: True\ndef {entry}(*a):\n    return L()\n```",
    "```python\ndef {entry}(*a, **k):\n    return None\n```",
)


def right_of(row: int) -> int:
    """How many of the answers to a task are right."""
    return row % 5


def answers(
    model: str, tasks: Sequence[Task], *, samples: int = 4, **_: Any
) -> Iterator[list[Sample]]:
    """The reference, so many times, and then ways to be paid without work."""
    for row, task in enumerate(tasks):
        good = [f"Here it is:\n```python\n{task.answer}\n```"] * right_of(row)
        bad = [text.replace("{entry}", task.data["entry_point"]) for text in WRONG]
        texts = [*good, *bad][:samples]
        yield [Sample(task, text, index=index) for index, text in enumerate(texts)]


@hookimpl
def rlvr_samplers() -> Mapping[str, Any]:
    """The script, as `scripted/answers`."""
    return {"answers": answers}
