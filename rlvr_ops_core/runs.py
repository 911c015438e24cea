"""The run folder: what a run leaves behind, written so that a kill at any moment loses nothing.

A file is written under a temporary name and renamed; a series grows by whole lines, and a line torn
by a kill is cut off when the series is opened again.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, is_dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from rlvr_ops_core.errors import RunError
from rlvr_ops_core.estimate import ESTIMATE_FILE
from rlvr_ops_core.types import Json, Sample, Verdict
from rlvr_ops_core.yaml_values import to_yaml


def write_text(file: Path, text: str) -> None:
    """Write a file whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_name(f".{file.name}.partial")
    with partial.open("w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    partial.replace(file)


def write_json(file: Path, value: Json) -> None:
    """Write one JSON value whole or not at all."""
    write_text(file, json.dumps(value, indent=2, ensure_ascii=False, default=plain) + "\n")


def plain(value: object) -> Json:
    """For JSON: a dataclass among the options as a mapping, anything else as it prints."""
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    return repr(value)


def read_json(file: Path) -> Any:
    """The JSON value in a file; None if there is no such file."""
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else None


def json_line(row: Mapping[str, Any]) -> str:
    """One line of a series. Lone surrogates that a tokenizer made become escapes."""
    text = json.dumps(row, ensure_ascii=False, default=plain)
    return text.encode("utf-8", errors="backslashreplace").decode() + "\n"


def read_lines(file: Path) -> Iterator[dict[str, Any]]:
    """The rows of a series; a torn last line is left out."""
    if not file.is_file():
        return
    with file.open(encoding="utf-8", errors="replace") as stream:
        for line in stream:
            if line.endswith("\n"):
                yield json.loads(line)


class Series:
    """A file of JSON lines that grows."""

    def __init__(self, file: Path) -> None:
        self.file = file
        file.parent.mkdir(parents=True, exist_ok=True)
        self._cut_torn_line()
        self.stream: IO[str] = file.open("a", encoding="utf-8")

    def append(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Add rows and hand them to the operating system."""
        self.stream.writelines([json_line(row) for row in rows])
        self.stream.flush()

    def keep(self, last_step: int) -> None:
        """Take back all rows of steps after `last_step`."""
        self.stream.close()
        kept = [row for row in read_lines(self.file) if (row.get("step") or 0) <= last_step]
        write_text(self.file, "".join(json_line(row) for row in kept))
        self.stream = self.file.open("a", encoding="utf-8")

    def last_step(self) -> int:
        """The last step in the series; 0 if it is empty."""
        return max((row.get("step") or 0 for row in read_lines(self.file)), default=0)

    def close(self) -> None:
        """Close the file."""
        self.stream.close()

    def _cut_torn_line(self) -> None:
        if not self.file.is_file():
            return
        with self.file.open("rb+") as stream:
            end = stream.seek(0, os.SEEK_END)
            while end:
                start = max(0, end - 65536)
                stream.seek(start)
                newline = stream.read(end - start).rfind(b"\n")
                if newline >= 0:
                    stream.truncate(start + newline + 1)
                    return
                end = start
            stream.truncate(0)


def rollout_row(sample: Sample, verdict: Verdict, step: int | None) -> dict[str, Any]:
    """A judged sample as it is kept."""
    conversation: dict[str, Any] = {}
    if sample.played is not None:
        conversation["messages"] = [dict(message) for message in sample.messages]
    return conversation | {
        "step": step,
        "task": sample.task.id,
        "group": sample.group,
        "index": sample.index,
        "prompt": sample.task.prompt_text,
        "completion": sample.text,
        "finish": sample.finish,
        "tokens": len(sample.token_ids) if sample.token_ids is not None else None,
        "gold": sample.task.answer,
        "value": verdict.value,
        "status": verdict.status,
        "reason": verdict.reason,
        "extracted": verdict.info.get("extracted"),
        "components": {name: asdict(part) for name, part in verdict.components.items()},
        "info": dict(verdict.info),
        "ref": verdict.ref,
        "seconds": round(verdict.seconds, 6),
    }


def now() -> str:
    """The time as ISO 8601, in UTC."""
    return datetime.now(UTC).isoformat(timespec="seconds")


class RunFolder:
    """The folder of one run. Only one process at a time may write to it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.manifest: dict[str, Any] = {}
        self.earlier: dict[str, Any] = {}
        """The manifest as an earlier `rlvr run` in this folder left it."""
        self._lock: IO[str] | None = None
        self.events: Series | None = None

    def open(self, manifest: Mapping[str, Any], config: Json) -> None:
        """Take the folder for this process, and note what is about to run.

        Raises:
            RunError: another process runs there, or the folder holds something else.
        """
        self._refuse_foreign_folder()
        self.path.mkdir(parents=True, exist_ok=True)
        self._lock = (self.path / ".lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._lock.close()
            self._lock = None
            raise RunError(
                f"{self.path} is in use by another `rlvr run`",
                hint="wait for it, or give this run a folder of its own: --output FOLDER",
            ) from None
        earlier = read_json(self.path / "run.json") or {}
        self.manifest = dict(manifest)
        self.manifest["started"] = earlier.get("started") or now()
        self.events = Series(self.path / "events.jsonl")
        write_text(self.path / "pipeline.yaml", to_yaml(config))
        self.earlier = earlier
        self.save()

    def close(self) -> None:
        """Let another process have the folder."""
        if self.events is not None:
            self.events.close()
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def save(self, **changes: Any) -> None:
        """Write the manifest `run.json`, with these changes."""
        self.manifest |= changes
        write_json(self.path / "run.json", self.manifest)

    def restore(self) -> None:
        """Nothing was left to do: let the manifest say again how the run ended before."""
        ends = {name: self.earlier.get(name) for name in ("status", "finished", "reason")}
        self.save(**ends)

    def save_environment(self) -> None:
        """Note on what machine and packages the stages run from here on."""
        write_json(self.path / "environment.json", environment(self.manifest["plugins"]))

    def save_stage(self, number: int, **changes: Any) -> None:
        """Change what the manifest says of a stage (counted from 1)."""
        self.manifest["stages"][number - 1] |= changes
        self.save()

    def _refuse_foreign_folder(self) -> None:
        if self.path.is_dir() and any(self.path.iterdir()):
            ours = {"run.json", ".lock", "events.jsonl", ESTIMATE_FILE}
            if not any((self.path / name).exists() for name in ours):
                raise RunError(
                    f"{self.path} is not empty and holds no run",
                    hint="give this run a folder of its own: --output FOLDER",
                )


def set_aside(folder: Path) -> Path:
    """Rename a folder that is no longer wanted, so that nothing is lost; gives its new name."""
    number = 1
    while (target := folder.with_name(f"{folder.name}.superseded-{number}")).exists():
        number += 1
    folder.rename(target)
    return target


def fresh_folder(folder: Path) -> Path:
    """An empty folder in this place."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def environment(plugins: Mapping[str, str]) -> dict[str, Any]:
    """What this run stands on: machine, Python, packages, plugins. Loads nothing heavy."""
    import platform
    from importlib.metadata import distributions

    packages = {dist.name: dist.version for dist in distributions() if dist.name}
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpu": _cpu_model(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 0,
        "memory_gib": _memory_gib(),
        "gpus": _gpus(),
        "packages": dict(sorted(packages.items(), key=lambda item: item[0].lower())),
        "plugins": dict(plugins),
    }


def _cpu_model() -> str:
    info = Path("/proc/cpuinfo")
    lines: Sequence[str] = info.read_text().splitlines() if info.is_file() else []
    return next((line.partition(":")[2].strip() for line in lines if "model name" in line), "")


def _memory_gib() -> float:
    return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)


def _gpus() -> list[str]:
    """The GPUs that the NVIDIA driver shows, without loading torch."""
    files = sorted(Path("/proc/driver/nvidia/gpus").glob("*/information"))
    names = [line for file in files for line in file.read_text().splitlines() if "Model" in line]
    return [name.partition(":")[2].strip() for name in names]
