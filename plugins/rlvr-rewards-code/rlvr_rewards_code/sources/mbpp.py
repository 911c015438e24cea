"""MBPP: short Python functions described in a sentence (Austin et al. 2021, arXiv:2108.07732)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from rlvr_ops_core import DataError, Task
from rlvr_rewards_code.sources.rows import Row, read_rows, text_of

SPLITS = {"prompt": (1, 10), "test": (11, 510), "validation": (511, 600), "train": (601, 974)}
"""The published splits, by task id, both ends included; the sanitized set has the same ids."""
INSTRUCTION = (
    "{text}\nYour code should pass this test:\n{test}\nAnswer with the program in one block."
)


def mbpp(
    *,
    split: str = "train",
    limit: int | None = None,
    path: str | None = None,
    sanitized: bool = False,
    instruction: str = INSTRUCTION,
) -> Iterator[Task]:
    """MBPP's 974 tasks, or the 427 hand-checked ones: from a local file or the hub.

    The first test is shown in the question, as is usual: it names the function.

    Args:
        split: `train`, `test`, `validation`, `prompt`, or `all`.
        limit: the first so many tasks; None for all.
        path: a local .jsonl, .jsonl.gz or .parquet file with all splits.
        sanitized: the hand-checked subset.
        instruction: the question, with `{text}` and `{test}` to be filled in.

    Raises:
        DataError: the rows can't be read, or are not MBPP's.
    """
    if split != "all" and split not in SPLITS:
        known = ", ".join([*SPLITS, "all"])
        raise DataError(f'code/mbpp: there is no split "{split}"', hint=f"there are {known}")
    first, last = SPLITS.get(split, (1, 10**9))
    config = "sanitized" if sanitized else "full"
    name = "code/mbpp_sanitized" if sanitized else "code/mbpp"
    rows = read_rows(
        name, path=path, hub="google-research-datasets/mbpp", config=config, split=split
    )
    wanted = (row for row in rows if first <= _number(row) <= last)
    for row in islice(wanted, limit):
        yield _task(row, instruction)


def _number(row: Row) -> int:
    try:
        return int(row["task_id"])
    except (KeyError, TypeError, ValueError) as error:
        raise DataError("code/mbpp: a row has no task_id", hint="is this MBPP?") from error


def _task(row: Row, instruction: str) -> Task:
    name = f"mbpp/{_number(row)}"
    tests = row.get("test_list")
    if not isinstance(tests, list) or not tests:
        raise DataError(f"{name}: no test_list", hint="is this MBPP?")
    setup = "\n".join(row.get("test_imports") or []) or str(row.get("test_setup_code") or "")
    question = text_of(row, name, "text", "prompt").strip()
    reference = text_of(row, name, "code").replace("\r\n", "\n")
    content = instruction.replace("{text}", question).replace("{test}", str(tests[0]))
    return Task(
        id=name,
        prompt=[{"role": "user", "content": content}],
        answer=reference,
        data={"tests": list(tests), "setup": setup.replace("\r\n", "\n"), "reference": reference},
        source="code/mbpp",
    )
