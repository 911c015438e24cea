"""What `rlvr serve WHAT` means: a run's folder, a stage's, a model's, or a model on the hub."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

from rlvr_ops_core import ModelError

HUB_ID = re.compile(r"[\w-][\w.-]*(/[\w.-]+)?")
CHECKPOINT = re.compile(r"checkpoint-(\d+)")
SEAL = "complete.json"
"""Written last into a checkpoint, with the size of every file; without it, it is torn."""
MODEL_FILES = ("config.json", "adapter_config.json")


def locate(target: str) -> str:
    """The model folder, or hub id, that a target means now.

    Of a run it is the model of the last train stage that has one; while that stage still trains,
    its newest whole checkpoint.

    Raises:
        ModelError: there is none.
    """
    folder = Path(target).expanduser()
    if not folder.is_dir():
        if HUB_ID.fullmatch(target):
            return target
        raise ModelError(
            f'there is no model "{target}": no such folder, and it is no hub id',
            hint="name a run's folder, a model's folder, NAME or OWNER/NAME; or --engine URL",
        )
    if is_model(folder):
        return str(folder.resolve())
    manifest = folder / "run.json"
    stages = train_stages(manifest) if manifest.is_file() else [folder]
    for stage in reversed(stages):
        found = model_of_stage(stage)
        if found is not None:
            return str(found.resolve())
    raise ModelError(
        f"{folder} holds no policy yet",
        hint="a run has one after its first checkpoint or the end of its first train stage",
    )


def is_model(folder: Path) -> bool:
    """Whether a folder holds what `save_pretrained` writes."""
    return any((folder / name).is_file() for name in MODEL_FILES)


def train_stages(manifest: Path) -> list[Path]:
    """The folders of a run's train stages, in order.

    Raises:
        ModelError: the manifest can't be read.
    """
    try:
        found: dict[str, Any] = json.loads(manifest.read_text(encoding="utf-8"))
        folders = [one["folder"] for one in found["stages"] if one["verb"] == "train"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{manifest} can't be read: {error!r}") from error
    return [manifest.parent / name for name in folders]


def model_of_stage(stage: Path) -> Path | None:
    """The model that a stage made, or its newest whole checkpoint."""
    if is_model(stage / "model"):
        return stage / "model"
    steps = {
        int(match[1]): path
        for path in stage.glob("checkpoints/checkpoint-*")
        if (match := CHECKPOINT.fullmatch(path.name)) and is_whole(path) and is_model(path)
    }
    return steps[max(steps)] if steps else None


def is_whole(checkpoint: Path) -> bool:
    """Whether the seal is there and every file has the size that it names."""
    try:
        sizes = json.loads((checkpoint / SEAL).read_text(encoding="utf-8"))
        return all((checkpoint / name).stat().st_size == size for name, size in sizes.items())
    except (OSError, ValueError, AttributeError):
        return False


def version_of(place: str) -> str:
    """Twelve hex digits that change when the weights do: from names, sizes and times of the files.

    Of a hub id it is the digest of its name: a newer revision there is not seen.
    """
    digest = hashlib.sha256()
    folder = Path(place)
    if not folder.is_dir():
        digest.update(place.encode())
        return digest.hexdigest()[:12]
    for file in sorted(folder.iterdir()):
        if file.is_file() and file.suffix in (".json", ".safetensors", ".bin"):
            found = file.stat()
            digest.update(f"{file.name} {found.st_size} {found.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:12]


def name_of(target: str) -> str:
    """What clients call it: the last part of a path, or the hub id.

    The model of a run's stage, `RUN/stages/02-policy/model`, is called as its stage: `policy`.
    """
    folder = Path(target).expanduser()
    if not folder.is_dir():
        return target
    folder = folder.resolve()
    if folder.name == "model" and folder.parent.parent.name == "stages":
        return folder.parent.name.partition("-")[2] or folder.parent.name
    return folder.name


def is_url(target: str) -> bool:
    """Whether a target is an engine that runs elsewhere."""
    return target.startswith(("http://", "https://"))
