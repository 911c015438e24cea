"""Rows of a public data set: from a local file or folder, or from the Hugging Face hub."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rlvr_ops_core import DataError

Row = Mapping[str, Any]
_SUFFIXES = (".jsonl", ".jsonl.gz", ".parquet")


def read_rows(
    name: str, *, path: str | None, hub: str, config: str | None, split: str
) -> Iterator[Row]:
    """The rows of one split, in the order of the source.

    Args:
        name: who asks, for messages: `code/mbpp`.
        path: a .jsonl, .jsonl.gz or .parquet file, or a folder with one that names the split.
        hub: the data set on the hub, used if there is no path.
        config: the configuration of the data set on the hub.
        split: the split to read.

    Raises:
        DataError: the file, the folder or the hub doesn't give these rows.
    """
    if path is None:
        yield from _hub_rows(name, hub, config, split)
        return
    file = _file_of(name, Path(path).expanduser(), split)
    yield from _parquet_rows(name, file) if file.suffix == ".parquet" else _json_rows(file)


def _file_of(name: str, path: Path, split: str) -> Path:
    if path.is_file():
        if path.name.endswith(_SUFFIXES):
            return path
        raise DataError(
            f"{name}: can't read {path}", hint=f"path takes a file ending in {', '.join(_SUFFIXES)}"
        )
    if not path.is_dir():
        raise DataError(
            f"{name}: there is no file or folder {path}", hint="leave path out to load from the hub"
        )
    known = sorted(file for file in path.iterdir() if file.name.endswith(_SUFFIXES))
    stem = name.rpartition("/")[2]
    fits = [file for file in known if split in file.name]
    fits = [file for file in fits if stem in file.name] or fits
    if len(fits) == 1:
        return fits[0]
    found = ", ".join(file.name for file in (fits or known)[:8]) or "no data file"
    raise DataError(
        f'{name}: {"several files" if fits else "no file"} for split "{split}" in {path}',
        hint=f"there is {found}; name one file as path",
    )


def _json_rows(file: Path) -> Iterator[Row]:
    opener = gzip.open if file.suffix == ".gz" else Path.open
    with opener(file, "rt", encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except ValueError as error:
                raise DataError(
                    f"{file}:{number}: no JSON: {error}", hint="each line must be one object"
                ) from error
            if not isinstance(row, dict):
                raise DataError(f"{file}:{number}: no object", hint="each line must be one object")
            yield row


def _parquet_rows(name: str, file: Path) -> Iterator[Row]:
    try:
        import pyarrow.parquet
    except ImportError as error:
        raise DataError(
            f"{name}: {file} needs pyarrow", hint='pip install "rlvr-rewards-code[hub]"'
        ) from error
    try:
        yield from pyarrow.parquet.read_table(file).to_pylist()
    except OSError as error:
        raise DataError(
            f"{name}: can't read {file}: {error}", hint="is it a parquet file?"
        ) from error


def _hub_rows(name: str, hub: str, config: str | None, split: str) -> Iterator[Row]:
    try:
        from datasets import load_dataset
    except ImportError as error:
        raise DataError(
            f"{name}: loading {hub} from the hub needs datasets",
            hint='pip install "rlvr-rewards-code[hub]", or give path: a local file',
        ) from error
    try:
        data = load_dataset(hub, config, split=split)
    except (OSError, ValueError) as error:
        why = (str(error) or repr(error)).splitlines()[0]
        raise DataError(
            f'{name}: can\'t load split "{split}" of {hub}: {why}',
            hint="is there a network, and does the split exist? path: reads a local file",
        ) from error
    yield from data


def text_of(row: Row, place: str, *keys: str) -> str:
    """The first of these columns that holds a text.

    Raises:
        DataError: none does.
    """
    for key in keys:
        if isinstance(row.get(key), str) and row[key].strip():
            return str(row[key])
    raise DataError(
        f"{place}: no column {' or '.join(keys)}",
        hint=f"the row has: {', '.join(row) or 'nothing'}",
    )
