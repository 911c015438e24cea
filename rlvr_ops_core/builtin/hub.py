"""Data source `data/hub`: tasks from anything that Hugging Face `datasets` loads."""

from __future__ import annotations

import importlib
import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rlvr_ops_core.builtin.rows import Row, RowSource
from rlvr_ops_core.errors import DataError
from rlvr_ops_core.types import Json, Task

if TYPE_CHECKING:
    from types import ModuleType

BUILDER_OF_SUFFIX = {
    ".parquet": "parquet",
    ".arrow": "arrow",
    ".csv": "csv",
    ".json": "json",
    ".jsonl": "json",
}


@dataclass(frozen=True, kw_only=True)
class Hub(RowSource):
    """Tasks from a data set on the Hugging Face hub, a folder, or a parquet, CSV or JSON file.

    Needs `pip install "rlvr-ops[hub]"`. Name a `revision` to get the same tasks next year.
    """

    path: str
    """A hub id (`openai/gsm8k`), a folder, or a file; a folder may be one of `save_to_disk`."""
    name: str | None = None
    """The configuration, for data sets that have several (`main`)."""
    revision: str | None = None
    """Branch, tag or commit on the hub."""
    streaming: bool = False
    """Read rows as they come instead of downloading the whole split first."""

    def __call__(self) -> Iterator[Task]:
        """The tasks, in the order of the data set."""
        return self.tasks(self._rows(), source=f"data/hub:{self.path}")

    def _rows(self) -> Iterator[Row]:
        dataset = self._loaded(_library())
        if self.keep is not None and dataset.column_names:
            # Columns nobody reads are not decoded: images and audio cost far more than text.
            wanted = self.mapped_columns | set(self.keep)
            dataset = dataset.select_columns(
                [column for column in dataset.column_names if column in wanted]
            )
        split = self.split.partition("[")[0]
        for number, values in enumerate(dataset):
            place = f"{self.path} ({self.split}), row {number}"
            plain = {name: _json(value, f'{place}, "{name}"') for name, value in values.items()}
            yield Row(plain, place, f"{split}/{number}")

    def _loaded(self, datasets: ModuleType) -> Any:
        from datasets.exceptions import DatasetsError

        try:
            return self._load(datasets)
        except (OSError, ValueError, RuntimeError, DatasetsError) as error:
            what = str(error).strip().partition("\n")[0]
            raise DataError(
                f"data/hub can't load {self._described()}: {what}",
                hint=_advice(error, self.path),
            ) from error

    def _load(self, datasets: ModuleType) -> Any:
        local = Path(self.path).expanduser()
        if local.is_dir() and _was_saved_to_disk(local):
            saved = datasets.load_from_disk(str(local))
            if isinstance(saved, datasets.Dataset):
                return saved
            if self.split not in saved:
                raise ValueError(f'no split "{self.split}"; it has: {", ".join(saved)}')
            return saved[self.split]
        path, files = self.path, None
        if local.is_file():
            path, files = _builder(local), {self.split.partition("[")[0]: str(local)}
        return datasets.load_dataset(
            path,
            self.name,
            data_files=files,
            revision=self.revision,
            split=self.split,
            streaming=self.streaming,
        )

    def _described(self) -> str:
        parts = [self.path, self.name, self.revision, f"split {self.split}"]
        return ", ".join(part for part in parts if part)


def _library() -> ModuleType:
    try:
        return importlib.import_module("datasets")
    except ImportError as error:
        raise DataError(
            f"data/hub needs Hugging Face datasets: {error}", hint='pip install "rlvr-ops[hub]"'
        ) from error


def _was_saved_to_disk(folder: Path) -> bool:
    return (folder / "dataset_dict.json").is_file() or (folder / "state.json").is_file()


def _builder(file: Path) -> str:
    suffix = next((one for one in reversed(file.suffixes) if one in BUILDER_OF_SUFFIX), "")
    if not suffix:
        raise ValueError(f"unknown kind of file; it reads {', '.join(BUILDER_OF_SUFFIX)}")
    return BUILDER_OF_SUFFIX[suffix]


def _advice(error: BaseException, path: str) -> str:
    if isinstance(error, ConnectionError):
        return (
            "is this machine on line? A folder or file of the same data works too; "
            "with HF_HUB_OFFLINE=1 only what was downloaded before is used"
        )
    if isinstance(error, FileNotFoundError):
        return (
            f"there is no file or folder {Path(path).absolute()}, and no such data set on the "
            "hub, or it is private: then log in with `hf auth login`"
        )
    return "look at path, name, split and revision"


def _json(value: Any, place: str) -> Json:
    """A value of a table as JSON; NaN, which tables use for missing, becomes null."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return [_json(one, place) for one in value]
    if isinstance(value, dict):
        return {str(key): _json(one, place) for key, one in value.items()}
    raise DataError(
        f"{place}: {type(value).__name__} is not JSON",
        hint="name the columns that tasks shall keep: keep: [] keeps no further ones",
    )
