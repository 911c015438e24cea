"""Checkpoints that a kill can't spoil: one counts only once its seal is written."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

from rlvr_trainer_grpo import world

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


def where_to_go_on(folder: Path) -> tuple[Path, int] | None:
    """As `newest_whole`, the same for all processes, however many wrote the checkpoint."""
    found = None
    if world.rank() == 0:
        found = newest_whole(folder)
        if found:
            _spread_random_state(found[0])
    return world.share(found)


def _spread_random_state(checkpoint: Path) -> None:
    """A file of random states for each process that there is now.

    Transformers names them by rank. Those on the CPU are all the same (see `policy_trainer`), so
    that any of them will do.
    """
    there = sorted(checkpoint.glob("rng_state*.pth"))
    names = [f"rng_state_{rank}.pth" for rank in range(world.size())]
    for name in names if world.is_shared() else ["rng_state.pth"]:
        if there and not (checkpoint / name).exists():
            shutil.copy(there[0], checkpoint / name)


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
