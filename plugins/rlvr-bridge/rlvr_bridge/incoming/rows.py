"""Data sets as verl keeps them, as a data source here."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rlvr_bridge.tasks import message_list
from rlvr_ops_core import DataError, Task


def verl_rows(*, path: str, split: str = "train", limit: int | None = None) -> Iterator[Task]:
    """The tasks in a data set for verl: Parquet (needs pyarrow) or JSON Lines.

    A row has `prompt` (messages), `reward_model.ground_truth`, `data_source` and `extra_info`.

    Args:
        path: the file; `{split}` in it becomes the split.
        split: which file, where the path says so.
        limit: how many tasks.

    Raises:
        DataError: the file can't be read, or a row has no prompt or gold answer.
    """
    file = Path(path.replace("{split}", split))
    if not file.is_file():
        raise DataError(f"there is no file {file}")
    for number, row in enumerate(_rows(file)):
        if number == limit:
            return
        yield _task(row, file, number)


def _task(row: dict[str, Any], file: Path, number: int) -> Task:
    from rlvr_bridge.verl import verl_task  # not at the top: it loads pydantic

    model = row.get("reward_model")
    if "prompt" not in row or not isinstance(model, dict) or "ground_truth" not in model:
        what = f"{file}, row {number}: needs prompt and reward_model.ground_truth"
        raise DataError(what, hint=f"it has: {', '.join(row)}")
    extra = dict(row.get("extra_info") or {})
    source = str(row.get("data_source", ""))
    made = verl_task(source, model["ground_truth"], {**extra, "prompt": row["prompt"]})
    data = {name: value for name, value in made.data.items() if name != "prompt"}
    prompt = message_list(row["prompt"]) or str(row["prompt"])
    return Task(f"{file.stem}/{number}", prompt, made.answer, data, source)


def _rows(file: Path) -> Iterator[dict[str, Any]]:
    if file.suffix != ".parquet":
        with file.open(encoding="utf-8") as stream:
            yield from (json.loads(line) for line in stream if line.strip())
        return
    try:
        from pyarrow.parquet import ParquetFile
    except ImportError as error:
        raise DataError(f"{file} needs pyarrow", hint="pip install pyarrow") from error
    with ParquetFile(file) as parquet:
        for batch in parquet.iter_batches():
            yield from batch.to_pylist()
