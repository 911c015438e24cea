"""Data source `data/jsonl`: tasks from a JSON Lines or JSON file."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from rlvr_ops_core.builtin.rows import Row, RowSource
from rlvr_ops_core.errors import DataError
from rlvr_ops_core.types import Json, Task

SUFFIXES = (".jsonl", ".jsonl.gz", ".json", ".json.gz")
UNREADABLE = (OSError, EOFError, UnicodeDecodeError, zlib.error)


@dataclass(frozen=True, kw_only=True)
class JsonLines(RowSource):
    """Tasks from a file: `.jsonl` (one object a line), `.json` (a list of objects), or gzip of it.

    A `.json` file may also be an object with a list for each split. Empty lines are passed over.
    """

    path: str
    """The file; `{split}` in it becomes the split, otherwise the split is not used for a name."""

    def __call__(self) -> Iterator[Task]:
        """The tasks, in the order of the file."""
        path = Path(self.path.replace("{split}", self.split)).expanduser()
        if not path.name.endswith(SUFFIXES):
            raise DataError(f"data/jsonl can't read {path}", hint=f"it reads {', '.join(SUFFIXES)}")
        lines = ".jsonl" in path.suffixes
        rows = _rows_by_line(path) if lines else _rows_of_list(path, self.split)
        return self.tasks(rows, source="data/jsonl")


def _rows_by_line(path: Path) -> Iterator[Row]:
    name = path.name.partition(".")[0]
    number = 0
    with _opened(path) as file:
        try:
            for number, line in enumerate(file, start=1):
                place = f"{path}:{number}"
                if line.strip():
                    yield _row(_parsed(line.strip(), place), place, name, number)
        except UNREADABLE as error:
            raise _unreadable(f"{path}:{number + 1}", error) from error


def _rows_of_list(path: Path, split: str) -> Iterator[Row]:
    name = path.name.partition(".")[0]
    with _opened(path) as file:
        try:
            value = _parsed(file.read(), str(path))
        except UNREADABLE as error:
            raise _unreadable(str(path), error) from error
    if isinstance(value, dict):
        if not isinstance(value.get(split), list):
            raise DataError(
                f'{path}: no list under "{split}"', hint=f"it has: {', '.join(value) or 'nothing'}"
            )
        value = value[split]
    if not isinstance(value, list):
        raise DataError(f"{path}: must be a list of objects, not {type(value).__name__}")
    for number, values in enumerate(value, start=1):
        yield _row(values, f"{path}: row {number}", name, number)


def _opened(path: Path) -> IO[str]:
    try:
        # A byte order mark, as Windows programs write it, is passed over.
        if path.suffix == ".gz":
            return gzip.open(path, "rt", encoding="utf-8-sig")
        return path.open(encoding="utf-8-sig")
    except FileNotFoundError:
        hint = f"looked for {path.absolute()}"
        raise DataError(f"there is no file {path}", hint=hint) from None
    except OSError as error:
        raise _unreadable(str(path), error) from error


def _row(values: Json, place: str, name: str, number: int) -> Row:
    if not isinstance(values, dict):
        raise DataError(
            f"{place}: is {type(values).__name__}, not an object",
            hint='each row must be an object: {"prompt": "6 * 7?", "answer": "42"}',
        )
    return Row(values, place, f"{name}/{number}")


def _parsed(text: str, place: str) -> Json:
    def refuse(constant: str) -> Json:
        raise DataError(f"{place}: {constant} is not JSON", hint="write null for a missing value")

    try:
        return json.loads(text, parse_constant=refuse)
    except json.JSONDecodeError as error:
        place = place if error.lineno == 1 else f"{place}:{error.lineno}"
        raise DataError(
            f"{place}: not JSON at column {error.colno}: {error.msg}",
            hint="each line must be one JSON object"
            if ".jsonl" in place
            else "mend the file, or name it .jsonl if it holds one object a line",
        ) from error
    except (RecursionError, ValueError) as error:
        raise DataError(f"{place}: {error}") from error


def _unreadable(place: str, error: BaseException) -> DataError:
    return DataError(
        f"{place}: can't be read: {error}",
        hint="the file must be UTF-8 text; with .gz at the end of its name, compressed whole",
    )
