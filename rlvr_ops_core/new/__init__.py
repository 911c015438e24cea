"""Write a new plugin package from a template: it installs, and passes its own test."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from string import Template

from rlvr_ops_core.errors import RlvrError, did_you_mean
from rlvr_ops_core.plugins import OUR_DISTRIBUTIONS

TEMPLATES = Path(__file__).parent / "templates"
NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
LONGEST_NAME = 40
BUILT_IN = ("text", "data")


@dataclass(frozen=True)
class Kind:
    """What differs between the kinds of plugin, beside their templates."""

    prefix: str
    """The distribution is `rlvr-<prefix>-<name>`."""
    example: str
    """The name of the example component."""
    gives: str
    """What a person gets, for the README's first line."""


KINDS: Mapping[str, Kind] = {
    "reward": Kind("rewards", "correct", "a reward"),
    "trainer": Kind("trainer", "remember", "a trainer"),
    "data-source": Kind("data", "last_digit", "a data source"),
    "sampler": Kind("sampler", "recall", "a sampler"),
    "monitor": Kind("monitor", "patience", "a monitor"),
    "server": Kind("server", "files", "a server"),
}
"""The kinds that `rlvr new` knows."""


def write_plugin(kind: str, name: str, folder: Path) -> list[Path]:
    """Write the package of a new plugin into a folder of its own inside `folder`; give its files.

    The first one is its pyproject.toml. All of it appears at once, or nothing does.

    Raises:
        RlvrError: the kind or the name won't do, or the package's folder is already there.
    """
    if kind not in KINDS:
        hint = did_you_mean(kind, list(KINDS)) or f"the kinds are {', '.join(KINDS)}"
        raise RlvrError(f'there is no kind of plugin "{kind}"', hint=hint)
    _check_name(name)
    distribution = f"rlvr-{KINDS[kind].prefix}-{name}"
    target = folder / distribution
    if target.exists():
        raise RlvrError(
            f"{target} is already there", hint="choose another name or folder, or remove it"
        )
    texts = _texts(kind, name, distribution)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=f".{distribution}-") as temporary:
        package = Path(temporary) / distribution
        for path, text in texts.items():
            file = package / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        package.rename(target)
    return [target / path for path in texts]


def _texts(kind: str, name: str, distribution: str) -> dict[str, str]:
    """Each file of the package by its path, with its content."""
    module = distribution.replace("-", "_")
    values = {
        "plugin": name,
        "distribution": distribution,
        "module": module,
        "kind": kind.replace("-", " "),
        "example": KINDS[kind].example,
        "gives": KINDS[kind].gives,
        "core": _core_requirement(),
    }
    values["pipeline"] = _filled(f"{kind}/pipeline.yaml.tmpl", values).rstrip()
    return {
        "pyproject.toml": _filled("pyproject.toml.tmpl", values),
        "README.md": _filled("README.md.tmpl", values),
        f"{module}.py": _filled(f"{kind}/module.py.tmpl", values),
        f"tests/test_{name.replace('-', '_')}.py": _filled(f"{kind}/test.py.tmpl", values),
    }


def _filled(template: str, values: Mapping[str, str]) -> str:
    return Template((TEMPLATES / template).read_text(encoding="utf-8")).substitute(values)


def _core_requirement() -> str:
    """The installed minor version of the core, and no later one."""
    major, minor = version("rlvr-ops").split(".")[:2]
    return f"rlvr-ops>={major}.{minor},<{major}.{int(minor) + 1}"


def _check_name(name: str) -> None:
    if not NAME.fullmatch(name) or len(name) > LONGEST_NAME:
        better = "-".join(re.findall(r"[a-z0-9]+", name.lower()))[:LONGEST_NAME].rstrip("-")
        tip = f'; for example "{better}"' if NAME.fullmatch(better) else ""
        raise RlvrError(
            f'"{name}" can\'t name a plugin',
            hint=f"use a-z, 0-9 and single dashes, a letter first, at most {LONGEST_NAME}{tip}",
        )
    taken = next((prefix for prefix in ("rlvr-", "rlvr_") if name.startswith(prefix)), "")
    if taken:
        raise RlvrError(
            f'"{name}" begins with {taken}', hint=f'"{name.removeprefix(taken)}" is enough'
        )
    if name in OUR_DISTRIBUTIONS or name in BUILT_IN:
        ours = ", ".join(sorted({*OUR_DISTRIBUTIONS, *BUILT_IN}))
        raise RlvrError(
            f'the plugin name "{name}" is taken', hint=f"choose another than these: {ours}"
        )
