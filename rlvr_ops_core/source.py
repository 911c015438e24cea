"""YAML with line numbers: no duplicate keys, `1e-5` is a number, every mistake has its place."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from rlvr_ops_core.errors import Mistake, PipelineError, did_you_mean
from rlvr_ops_core.options import Place

MAX_NODES = 100_000
MAX_BYTES = 4 * 2**20


class Loader(yaml.SafeLoader):
    """YAML 1.1 as PyYAML reads it, but with `1e-5` and `1.5e3` as numbers."""


Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)[eE][-+]?[0-9]+$"),
    list("-+.0123456789"),
)


@dataclass
class Document:
    """A YAML file: its value, and the line of every place in it."""

    file: str
    """As the user wrote it."""
    value: Any
    lines: dict[Place, int] = field(default_factory=dict)
    settings: dict[Place, str] = field(default_factory=dict)
    """Places that `--set` wrote, with the text that was given."""

    def mistake(self, place: Place, what: str, hint: str = "") -> Mistake:
        """A mistake at a place; one that the file lacks is reported at what would hold it."""
        path = ".".join(str(part) for part in place)
        for size in range(len(place), -1, -1):
            if place[:size] in self.settings:
                return Mistake(f"--set {self.settings[place[:size]]}", 0, path, what, hint)
            if place[:size] in self.lines:
                return Mistake(self.file, self.lines[place[:size]], path, what, hint)
        return Mistake(self.file, 1, path, what, hint)


def read_document(file: Path) -> Document:
    """Read a YAML file.

    Raises:
        PipelineError: it can't be read, is no YAML, or gives a key twice; all such mistakes.
    """
    name = str(file)
    try:
        if file.stat().st_size > MAX_BYTES:
            raise PipelineError([Mistake(name, 0, "", "is larger than 4 MiB: no pipeline file")])
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        hint = _nearby_files(file)
        raise PipelineError([Mistake(name, 0, "", "there is no such file", hint)]) from None
    except (OSError, UnicodeDecodeError) as error:
        raise PipelineError([Mistake(name, 0, "", f"can't be read: {error}")]) from error
    return parse_document(text, name)


def parse_document(text: str, name: str) -> Document:
    """Read YAML text; `name` is the file in messages.

    Raises:
        PipelineError: see `read_document`.
    """
    loader = Loader(text)
    try:
        root = loader.get_single_node()
        if root is None:
            raise PipelineError([Mistake(name, 1, "", "is empty", "it needs at least: stages")])
        document = Document(name, None)
        mistakes: list[Mistake] = []
        _walk(root, (), document, mistakes)
        if mistakes:
            raise PipelineError(mistakes)
        document.value = loader.construct_document(root)
    except yaml.MarkedYAMLError as error:
        raise PipelineError([_yaml_mistake(error, name)]) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        what = f"is no YAML: {str(error).splitlines()[0]}"
        raise PipelineError([Mistake(name, 1, "", what)]) from error
    finally:
        loader.dispose()
    return document


def apply_settings(document: Document, settings: Sequence[str]) -> None:
    """Write each `stages.1.steps=5` into the document; a stage may be named: `stages.policy.steps`.

    Raises:
        PipelineError: a setting is not of that form, or names a place that can't be.
    """
    mistakes = []
    for setting in settings:
        path, equals, text = setting.partition("=")
        if not equals or not path:
            what = "is not of the form PATH=VALUE, such as stages.1.steps=5"
            mistakes.append(Mistake(f"--set {setting}", 0, "", what))
            continue
        try:
            value = yaml.load(text, Loader)  # a SafeLoader of our own
            place = _write(document.value, path.split("."), value)
            document.settings[place] = setting
        except (LookupError, TypeError) as error:
            mistakes.append(Mistake(f"--set {setting}", 0, "", str(error.args[0])))
        except yaml.YAMLError:
            mistakes.append(Mistake(f"--set {setting}", 0, "", f"{text!r} is no YAML value"))
    if mistakes:
        raise PipelineError(mistakes)


def _write(root: Any, parts: list[str], value: Any) -> Place:
    place: list[str | int] = []
    holder = root
    for part in parts[:-1]:
        key = _key(holder, part)
        if isinstance(holder, dict):
            holder.setdefault(key, {})
        holder = holder[key]
        place.append(key)
    key = _key(holder, parts[-1])
    holder[key] = value
    return (*place, key)


def _key(holder: Any, part: str) -> str | int:
    if isinstance(holder, dict):
        return part
    if not isinstance(holder, list):
        raise TypeError(f"{part!r} can't be set inside {holder!r}")
    if part.isdigit() and int(part) < len(holder):
        return int(part)
    names = [_stage_name(item) for item in holder]
    if part in names:
        return names.index(part)
    known = [name for name in names if name]
    hint = did_you_mean(part, known) or f"the file has {len(holder)}, counted from 0: {known}"
    raise LookupError(f"there is no {part!r}; {hint}")


def _stage_name(item: Any) -> str:
    if not isinstance(item, Mapping):
        return ""
    default = next((verb for verb in ("evaluate", "serve") if verb in item), "")
    return str(item.get("name") or item.get("train") or default)


def _walk(node: yaml.Node, place: Place, document: Document, mistakes: list[Mistake]) -> None:
    """Note the line of every place, and the keys that are given twice."""
    document.lines[place] = node.start_mark.line + 1
    if len(document.lines) > MAX_NODES:
        raise ValueError(f"more than {MAX_NODES:,} values")
    if isinstance(node, yaml.SequenceNode):
        for index, child in enumerate(node.value):
            _walk(child, (*place, index), document, mistakes)
    if isinstance(node, yaml.MappingNode):
        seen: dict[str, int] = {}
        for key_node, child in node.value:
            key, line = str(key_node.value), key_node.start_mark.line + 1
            if key in seen and key != "<<":
                path = ".".join(str(part) for part in (*place, key))
                what = f'"{key}" is given twice; the first is on line {seen[key]}'
                mistakes.append(Mistake(document.file, line, path, what, "remove one of them"))
            seen[key] = line
            _walk(child, (*place, key), document, mistakes)
            document.lines[(*place, key)] = line


def _yaml_mistake(error: yaml.MarkedYAMLError, name: str) -> Mistake:
    mark = error.problem_mark or error.context_mark
    line = mark.line + 1 if mark else 1
    problem = error.problem or str(error)
    hint = "indent with spaces" if "\\t" in problem else "look at this line and the one before it"
    return Mistake(name, line, "", f"is no YAML: {problem}", hint)


def _nearby_files(file: Path) -> str:
    if not file.parent.is_dir():
        return f"there is no folder {file.parent} either"
    near = did_you_mean(file.name, [other.name for other in file.parent.glob("*.y*ml")])
    return near
