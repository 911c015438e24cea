"""The image that containers run: built from the Dockerfile here, online or offline.

Its tag is a digest of everything in it that is ours, so an image never runs with other code than
the trainer's side expects.
"""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
import sys
import sysconfig
import tarfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).resolve().parent.parent
DOCKERFILE = PACKAGE / "image" / "Dockerfile"
REPOSITORY = "rlvr-rewards-code"
DEFAULT_BASE = "python:3.11-slim-bookworm"


@cache
def image_tag() -> str:
    """The name of the image that fits this code: `rlvr-rewards-code:3f9a0c1b2d4e`."""
    digest = hashlib.sha256()
    for file in _files():
        digest.update(file.name.encode() + file.read_bytes())
    return f"{REPOSITORY}:{digest.hexdigest()[:12]}"


def build(*, base: str = DEFAULT_BASE, rootfs: Path | None = None) -> str:
    """Build the image, from a base image or offline from a root file system tar; gives its tag.

    Raises:
        docker.errors.DockerException: the daemon does not answer, or can't build it.
    """
    import docker

    client: Any = docker.from_env(timeout=600)
    try:
        return _build(client, base, rootfs)
    finally:
        client.close()


def _build(client: Any, base: str, rootfs: Path | None) -> str:
    if rootfs is not None:
        base = f"{REPOSITORY}-base:latest"
        client.api.import_image_from_file(
            str(rootfs), repository=f"{REPOSITORY}-base", tag="latest"
        )
    client.images.build(
        fileobj=io.BytesIO(_context()),
        custom_context=True,
        tag=image_tag(),
        buildargs={"BASE": base},
        network_mode="none",
        rm=True,
        forcerm=True,
    )
    return image_tag()


def _files() -> list[Path]:
    return [DOCKERFILE, *sorted((PACKAGE / "jail").glob("*.py"))]


def _context() -> bytes:
    """What the daemon gets: the Dockerfile, jail/, and an empty __init__ in place of our own."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for file in _files():
            name = file.name if file == DOCKERFILE else f"jail/{file.name}"
            _add(archive, name, file.read_bytes())
        _add(archive, "__init__.py", b"")
    return buffer.getvalue()


def _add(archive: tarfile.TarFile, name: str, content: bytes, mode: int = 0o644) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), mode
    archive.addfile(entry, io.BytesIO(content))


def write_rootfs(target: Path) -> None:
    """Pack this machine's own Python as a root file system: the offline base of the image.

    The interpreter, the standard library without its tests and packages, and the shared libraries,
    the locale and the time zones they need; nothing else, not even a shell.

    Raises:
        OSError: it can't be written, or `ldd` is not there.
    """
    standard = Path(sysconfig.get_path("stdlib")).resolve()
    python = Path(sys.executable).resolve()
    with tarfile.open(target, "w") as archive:
        libraries = _libraries([python, *standard.glob("lib-dynload/*.so")])
        for name, file in sorted(libraries.items()):
            _add(archive, name.lstrip("/"), file.read_bytes(), 0o755)
        _add(archive, "usr/bin/python3", python.read_bytes(), 0o755)
        archive.add(standard, f"usr/lib/{standard.name}", filter=_without_packages)
        for place in _TEXTS:
            if Path(place).is_dir():
                archive.add(place, place.lstrip("/"), filter=_owned_by_root)
        for folder in ("tmp", "dev", "proc", "sys", "run", "run/rlvr", "etc"):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            archive.addfile(entry)


_TEXTS = ("/usr/lib/locale/C.utf8", "/usr/share/zoneinfo")
"""The locale that a sandbox's environment names, and the time zones."""


def _owned_by_root(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
    entry.uid = entry.gid = 0
    return None if entry.name.endswith(("zoneinfo/right", "zoneinfo/posix")) else entry


def _without_packages(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
    parts = set(Path(entry.name).parts[3:])
    left_out = {"site-packages", "dist-packages", "__pycache__", "test", "idlelib", "ensurepip"}
    entry.uid = entry.gid = 0
    return None if parts & left_out or any(one.startswith("config-") for one in parts) else entry


def _libraries(files: list[Path]) -> dict[str, Path]:
    """Shared libraries, by the path at which the loader looks for them."""
    found: dict[str, Path] = {}
    environment = {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C"}
    for file in files:
        said = subprocess.run(
            ["ldd", str(file)], capture_output=True, text=True, check=False, env=environment
        )
        found.update({name: Path(name).resolve() for name in _paths(said.stdout)})
    return found


def _paths(text: str) -> Iterator[str]:
    """`libm.so.6 => /lib/…/libm.so.6 (0x…)`, `/lib64/ld-linux-x86-64.so.2 (0x…)`."""
    for line in text.splitlines():
        path = line.rpartition("=>")[2].strip().partition(" ")[0]
        if path.startswith("/"):
            yield path
