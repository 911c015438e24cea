"""YAML with line numbers: no duplicate keys, `1e-5` is a number, every mistake has its place."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from rlvr_ops_core.errors import Mistake, PipelineError, Place, cut, did_you_mean, quoted
from rlvr_ops_core.yaml_values import MERGE, Loader

MAX_BYTES = 2**20
MAX_VALUES = 20_000
MAX_DEPTH = 50

BULK_HINT = "a pipeline names its data, it does not hold it: use a data source"


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
        path = path_of(place)
        for size in range(len(place), -1, -1):
            if place[:size] in self.settings:
                return Mistake(in_setting(self.settings[place[:size]]), 0, path, what, hint)
            if place[:size] in self.lines:
                return Mistake(self.file, self.lines[place[:size]], path, what, hint)
        return Mistake(self.file, 1, path, what, hint)


def path_of(place: Place) -> str:
    """A place as people write it: `stages.2.samples`."""
    return ".".join(cut(str(part), limit=40) for part in place)


def in_setting(setting: str) -> str:
    """What stands for the file in a mistake that a setting made."""
    return f"--set {cut(setting)}"


def read_document(file: Path) -> Document:
    """Read a YAML file.

    Raises:
        PipelineError: it can't be read, is no YAML, or gives a key twice; all such mistakes.
    """
    name = str(file)
    try:
        with file.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise _refusal(name, "there is no such file", _nearby_files(file)) from None
    except IsADirectoryError:
        files = [other.name for other in sorted(file.glob("*.y*ml"))]
        hint = f"name the file in it: {', '.join(files[:5])}" if files else ""
        raise _refusal(name, "is a folder, not a file", hint) from None
    except (OSError, ValueError) as error:  # ValueError: a null byte in the name
        reason = getattr(error, "strerror", None) or str(error)
        raise _refusal(name, f"can't be read: {reason}") from error
    if len(content) > MAX_BYTES:
        raise _refusal(name, "is larger than 1 MiB", BULK_HINT)
    try:
        return parse_document(content.decode("utf-8-sig"), name)
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        what = f"is no text: byte {content[error.start]:#04x} is not UTF-8"
        raise _refusal(name, what, "give a YAML file, saved as UTF-8", line=line) from error


def _refusal(name: str, what: str, hint: str = "", *, line: int = 0) -> PipelineError:
    return PipelineError([Mistake(name, line, "", what, hint)])


def parse_document(text: str, name: str) -> Document:
    """Read YAML text; `name` is the file in messages.

    Raises:
        PipelineError: see `read_document`.
    """
    try:
        loader = Loader(text)
    except yaml.reader.ReaderError as error:
        line = text[: error.position].count("\n") + 1
        what = f"is no YAML: the character U+{ord(text[error.position]):04X} is not allowed"
        raise _refusal(name, what, "remove it, or escape it in quotes", line=line) from error
    try:
        root = loader.get_single_node()
        if root is None:
            raise _refusal(name, "is empty", "a pipeline needs at least: name, stages", line=1)
        walk = Walk(loader, Document(name, None))
        walk.visit(root, ())
        if walk.mistakes:
            raise PipelineError(sorted(walk.mistakes, key=lambda mistake: mistake.line))
        walk.document.value = loader.construct_document(root)
    except yaml.MarkedYAMLError as error:
        raise PipelineError([_yaml_mistake(error, name)]) from error
    except RecursionError as error:
        raise _refusal(name, "is nested too deeply", line=1) from error
    finally:
        loader.dispose()
    return walk.document


@dataclass
class Walk:
    """Goes through the nodes of a file before their values are made."""

    loader: Loader
    document: Document
    mistakes: list[Mistake] = field(default_factory=list)

    def visit(self, node: yaml.Node, place: Place) -> None:
        """Note the line of every place, keys given twice, and keys and values that can't be."""
        lines = self.document.lines
        lines[place] = node.start_mark.line + 1
        if len(lines) > MAX_VALUES:
            what = f"holds more than {MAX_VALUES:,} values, aliases (*name) written out"
            raise _refusal(self.document.file, what, BULK_HINT, line=1)
        if len(place) > MAX_DEPTH:
            what = f"is nested more than {MAX_DEPTH} deep, or an alias (*name) holds itself"
            raise _refusal(self.document.file, what, line=lines[place])
        if isinstance(node, yaml.SequenceNode):
            for index, child in enumerate(node.value):
                self.visit(child, (*place, index))
        elif isinstance(node, yaml.MappingNode):
            self._visit_mapping(node, place)
        else:
            self._construct(node, place)

    def _visit_mapping(self, node: yaml.MappingNode, place: Place) -> None:
        for key_node, child in node.value:  # what is merged in comes first, so our lines win
            if key_node.tag == MERGE:
                merged = child.value if isinstance(child, yaml.SequenceNode) else [child]
                for one in merged:
                    self.visit(one, place)
        self.document.lines[place] = node.start_mark.line + 1
        seen: dict[str, int] = {}
        for key_node, child in node.value:
            key, line = self._key(key_node, place), key_node.start_mark.line + 1
            if key is None:
                continue
            if key in seen:
                what = f"{quoted(key)} is given twice; the first is on line {seen[key]}"
                self._note((*place, key), line, what, "remove one of them")
                continue
            seen[key] = line
            self.visit(child, (*place, key))
            self.document.lines[(*place, key)] = line

    def _key(self, node: yaml.Node, place: Place) -> str | None:
        if node.tag == MERGE:
            return None
        if not isinstance(node, yaml.ScalarNode):
            line = node.start_mark.line + 1
            self._note(place, line, "a key must be text, not a list or a mapping")
            return None
        key = self.loader.construct_object(node)
        if isinstance(key, str):
            return key
        hint = f'put it in quotes: "{cut(node.value)}"' if node.value else ""
        what = f"a key must be text, but YAML reads {cut(node.value) or 'this'} as {_kind(key)}"
        self._note(place, node.start_mark.line + 1, what, hint)
        return None

    def _construct(self, node: yaml.Node, place: Place) -> None:
        """Make a scalar, to find out here if it can't be made."""
        try:
            self.loader.construct_object(node)
        except ValueError:  # Python reads no whole number of more than 4,300 digits
            what = f"is too long a number ({len(node.value):,} characters)"
            self._note(place, node.start_mark.line + 1, what)

    def _note(self, place: Place, line: int, what: str, hint: str = "") -> None:
        self.mistakes.append(Mistake(self.document.file, line, path_of(place), what, hint))


def _kind(value: object) -> str:
    if value is None:
        return "nothing"
    return "true or false" if isinstance(value, bool) else "a number"


def _yaml_mistake(error: yaml.MarkedYAMLError, name: str) -> Mistake:
    mark = error.problem_mark or error.context_mark
    line = mark.line + 1 if mark else 1
    problem = error.problem or str(error)
    opened = error.context_mark
    if opened is not None and (error.context or "").startswith("while parsing a flow"):
        bracket = "[" if "sequence" in (error.context or "") else "{"
        what = f"is no YAML: {quoted(bracket)} opens here and is not closed: {problem}"
        hint = f"close it, or put the comma that is missing; the reader gave up on line {line}"
        return Mistake(name, opened.line + 1, "", what, hint)
    hint = "look at this line and the one before it"
    if "'\\t'" in problem:
        problem, hint = "a line can't begin with a tab", "indent with spaces"
    elif "another document" in problem:
        problem, hint = "a second document begins here", "remove the line ---"
    elif "constructor for the tag" in problem:
        tag = problem.partition("'")[2].rstrip("'").replace("tag:yaml.org,2002:", "!!")
        problem = f"the tag {tag} is not allowed"
        hint = "write plain values: text, numbers, true, false, lists and mappings"
    elif "mapping values are not allowed" in problem:
        hint = "check the indentation; put text with a colon in quotes"
    return Mistake(name, line, "", f"is no YAML: {problem}", hint)


def _nearby_files(file: Path) -> str:
    if not file.parent.is_dir():
        return f"there is no folder {file.parent} either"
    found = sorted(other.name for other in file.parent.glob("*.y*ml"))
    listing = f"there is: {', '.join(found[:10])}" if found else ""
    return did_you_mean(file.name, found) or listing
