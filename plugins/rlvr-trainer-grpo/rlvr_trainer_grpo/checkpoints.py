"""Checkpoints that a kill can't spoil: one counts only once its seal is written."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

SEAL = "complete.json"
FOLDER = re.compile(r"checkpoint-(\d+)")


def seal(checkpoint: Path) -> None:
    """Mark a checkpoint as whole: the last thing written, with the size of every file in it."""
    sizes = {
        str(file.relative_to(checkpoint)): file.stat().st_size
        for file in sorted(checkpoint.rglob("*"))
        if file.is_file()
    }
    draft = checkpoint / f".{SEAL}"
    draft.write_text(json.dumps(sizes, indent=1), encoding="utf-8")
    draft.rename(checkpoint / SEAL)


def is_whole(checkpoint: Path) -> bool:
    """Whether the seal is there and every file still has the size that it names."""
    try:
        sizes = json.loads((checkpoint / SEAL).read_text(encoding="utf-8"))
        return all((checkpoint / name).stat().st_size == size for name, size in sizes.items())
    except (OSError, ValueError):
        return False


def newest_whole(folder: Path) -> tuple[Path, int] | None:
    """The newest whole checkpoint with its step, or None; broken ones are deleted."""
    steps = {}
    for path in folder.glob("checkpoint-*"):
        match = FOLDER.fullmatch(path.name)
        if match and is_whole(path):
            steps[int(match[1])] = path
        elif match:
            shutil.rmtree(path)
    if not steps:
        return None
    newest = max(steps)
    return steps[newest], newest
