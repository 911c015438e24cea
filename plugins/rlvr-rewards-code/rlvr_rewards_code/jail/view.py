"""What of the file system a sandbox may see: standard and shared libraries, read-only."""

from __future__ import annotations

import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

_LIBRARIES = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/usr/share/zoneinfo")


class View(NamedTuple):
    """Folders that are shown, and folders below them that are left empty."""

    readable: tuple[str, ...]
    hidden: tuple[str, ...]


def view_of(site: Sequence[str]) -> View:
    """The view of a Python, with the packages of the `site` folders and no others."""
    prefix = Path(sys.base_prefix).resolve()
    standard = {Path(sysconfig.get_path(name)).resolve() for name in ("stdlib", "platstdlib")}
    folders = {Path(one) for one in _LIBRARIES} | standard | {prefix / "lib"}
    shown = {folder for folder in folders if folder.exists()} | {Path(one) for one in site}
    packages = [
        folder / name
        for folder in (*standard, Path("/usr/lib/python3"), *_versioned("/usr/local/lib"))
        for name in ("site-packages", "dist-packages")
    ]
    hidden = tuple(
        str(one) for one in packages if one.is_dir() and not any(_inside(s, one) for s in site)
    )
    return View(tuple(_outermost(shown)), hidden)


def _versioned(folder: str) -> list[Path]:
    return sorted(Path(folder).glob("python3*"))


def _inside(place: str, folder: Path) -> bool:
    return Path(place).is_relative_to(folder)


def _outermost(folders: set[Path]) -> list[str]:
    """Without those that lie below another one; a link counts as a place of its own."""
    kept: list[Path] = []
    for folder in sorted(folders):
        if not any(folder.is_relative_to(other) and not other.is_symlink() for other in kept):
            kept.append(folder)
    return [str(folder) for folder in kept]
