"""Any set of programming tasks in a file, one object a line."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from rlvr_ops_core import DataError, Task
from rlvr_rewards_code.sources.rows import Row, read_rows, text_of

_KEPT = (
    "tests", "entry_point", "names", "setup", "reference", "prefix", "module", "compare",
    "tolerance", "checker",
)  # fmt: skip
INSTRUCTION = (
    "{text}\n\nWrite a Python program that reads standard input and writes standard output. "
    "Answer with the program in one block."
)


def jsonl(
    *,
    path: str,
    split: str = "train",
    limit: int | None = None,
    instruction: str = INSTRUCTION,
    most_cases: int | None = None,
) -> Iterator[Task]:
    """Tasks from a .jsonl, .jsonl.gz or .parquet file; cases for scripts, or tests for functions.

    A row has a question (`prompt`, `question`, `problem` or `description`) and either `cases`, a
    list of `{"input", "output"}`, or `input_output`/`test_cases` in APPS' form
    `{"inputs": […], "outputs": […]}` (also as JSON text), or `tests`. Fields as in `code/tests`.

    Args:
        path: the file, or a folder with one that has the split in its name.
        split: which file of a folder.
        limit: the first so many tasks; None for all.
        instruction: the question of a script's task, with `{text}` to be filled in.
        most_cases: keep only the first so many cases of a task.

    Raises:
        DataError: the rows can't be read, or one has no question or neither cases nor tests.
    """
    rows = read_rows("code/jsonl", path=path, hub="", config=None, split=split)
    for index, row in enumerate(islice(rows, limit)):
        yield _task(row, f"{split}/{index}", instruction, most_cases)


def _task(row: Row, place: str, instruction: str, most_cases: int | None) -> Task:
    name = str(row.get("id") or row.get("task_id") or row.get("name") or place)
    data: dict[str, Any] = {key: row[key] for key in _KEPT if row.get(key) not in (None, "")}
    cases = _cases(row, name)
    if cases:
        data["cases"] = cases[:most_cases]
    elif "tests" not in data:
        raise DataError(
            f"{name}: neither cases nor tests", hint=f"the row has: {', '.join(row) or 'nothing'}"
        )
    question = row.get("prompt")
    if not isinstance(question, list):
        question = text_of(row, name, "prompt", "question", "problem", "description")
        text = instruction.replace("{text}", question.strip()) if cases else question
        question = [{"role": "user", "content": text}]
    reference = data.get("reference")
    return Task(id=name, prompt=question, answer=reference, data=data, source="code/jsonl")


def _cases(row: Row, name: str) -> list[dict[str, str]]:
    for key in ("cases", "input_output", "test_cases"):
        given = row.get(key)
        if isinstance(given, str) and given.strip():
            try:
                given = json.loads(given)
            except ValueError as error:
                raise DataError(f"{name}: {key} is no JSON: {error}") from error
        if isinstance(given, Mapping):
            pairs = zip(given.get("inputs", ()), given.get("outputs", ()), strict=False)
            return [{"input": _joined(one), "output": _joined(other)} for one, other in pairs]
        if isinstance(given, list) and given:
            return [_case(one, name) for one in given]
    return []


def _case(case: Any, name: str) -> dict[str, str]:
    if not isinstance(case, Mapping) or "output" not in case:
        raise DataError(
            f"{name}: a case without output", hint='a case is {"input": …, "output": …}'
        )
    return {"input": _joined(case.get("input", "")), "output": _joined(case["output"])}


def _joined(text: Any) -> str:
    """Some sets write a text as the list of its lines."""
    return "\n".join(map(str, text)) if isinstance(text, list) else str(text)
