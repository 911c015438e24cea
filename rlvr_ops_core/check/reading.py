"""One reading of a pipeline file: its content, the plugins it can use, and what is wrong so far."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from rlvr_ops_core.errors import (
    Mistake,
    OptionError,
    Place,
    PluginError,
    cut,
    did_you_mean,
    printable,
    quoted,
)
from rlvr_ops_core.explain import explain
from rlvr_ops_core.options import (
    SUPPLIED_BY_THE_CORE,
    has_callable_objects,
    mistakes_in,
    resolve,
)
from rlvr_ops_core.plan import Bound
from rlvr_ops_core.plugins import Component, Plugins
from rlvr_ops_core.schema import Use
from rlvr_ops_core.source import Document

M = TypeVar("M", bound=BaseModel)

SUPPLIED = {"sampler": SUPPLIED_BY_THE_CORE}
"""Keyword-only parameters that the core passes itself, by kind of component."""


class Reading:
    """What the parts of the check share; a mistake is noted here and the reading goes on."""

    def __init__(self, document: Document, file: Path) -> None:
        self.document = document
        self.file = file
        self.folder = file.resolve().parent
        self.mistakes: list[Mistake] = []
        self.plugins = Plugins()

    @property
    def content(self) -> Mapping[str, Any]:
        """The whole file; `check_pipeline` has seen to it that it is a mapping."""
        mapping: Mapping[str, Any] = self.document.value
        return mapping

    def note(self, place: Place, what: str, hint: str = "") -> None:
        """Keep a mistake."""
        self.mistakes.append(self.document.mistake(place, what, hint))

    def section(self, name: str) -> Mapping[str, Any]:
        """The entries of a section; empty if it is missing or no mapping."""
        section = self.content.get(name)
        return section if isinstance(section, Mapping) else {}

    def names(self, section: str) -> list[str] | None:
        """The names that a section defines; None if it is unreadable, so that any may be meant."""
        is_readable = isinstance(self.content.get(section), Mapping | None)
        return list(self.section(section)) if is_readable else None

    def load_plugins(self) -> None:
        """Find the installed plugins and those in the files that the pipeline names."""
        listed = self.content.get("plugins")
        self.plugins = Plugins.discover()
        seen = set()
        for number, file in texts_in(listed) if isinstance(listed, list) else []:
            place = ("plugins", *number)
            if file in seen:
                self.note(place, f"{quoted(file)} is listed twice", "remove one of them")
                continue
            seen.add(file)
            broken = self.plugins.add_file(self.folder / file)
            if broken is not None:
                self.note(place, f"{quoted(file)} does not load: {broken.reason}", broken.hint)

    def validate(self, model: type[M], value: Any, place: Place, *, word: str = "") -> M | None:
        """The value as the model reads it; None, with mistakes noted, if it can't be read."""
        if not isinstance(value, Mapping):
            shown = printable(cut(value)) if isinstance(value, str) and "/" in value else "…"
            first = next(iter(model.model_fields))
            self.note(place, f"must be a mapping such as {{{first}: {shown}}}")
            return None
        try:
            return model.model_validate(value)
        except ValidationError as error:
            known = list(model.model_fields)
            for where, what in explain(error, known, value, word=word or "option"):
                self.note((*place, *where), what)
            return None

    def use(self, entry: Any, place: Place, kind: str) -> Bound | None:
        """A data source or monitor with its options."""
        parsed = self.validate(Use, entry, place)
        bound = self.bind(kind, entry, Use, place)
        return bound if parsed else None

    def bind(
        self, kind: str, entry: Any, model: type[BaseModel], place: Place, *, use: Any = None
    ) -> Bound | None:
        """The component that an entry names, with its options, every default written out.

        The entry is taken as it is written, valid or not, so that a mistake in its fields hides
        none in its options. `use` stands in for a component that the entry leaves open.
        """
        name = entry.get("use", use) if isinstance(entry, Mapping) else None
        if not isinstance(name, str):
            return None
        options = {key: entry[key] for key in entry if key not in model.model_fields}
        supplied = SUPPLIED.get(kind, frozenset())
        try:
            component: Component = self.plugins.find(kind, name)
            mistakes = mistakes_in(component.call, options, supplied=supplied)
        except (OptionError, PluginError) as error:
            self.note((*place, "use"), error.what, self._unlisted(name) or error.hint)
            return None
        for where, what in mistakes:
            self.note((*place, *where), what)
        if mistakes:
            return None
        bound = Bound(component, resolve(component.call, options, supplied=supplied))
        return bound if self._constructs(bound, place) else None

    def _constructs(self, bound: Bound, place: Place) -> bool:
        """A class may refuse options that do not go together; it is made here to hear of it."""
        call = bound.component.call
        if not (isinstance(call, type) and has_callable_objects(call)):
            return True
        try:
            bound.make()
        except (OptionError, ValueError, TypeError) as error:
            what = error.what if isinstance(error, OptionError) else str(error)
            self.note((*place, "use"), what, getattr(error, "hint", ""))
            return False
        return True

    def _unlisted(self, name: str) -> str:
        """What to do if the plugin of a component lies beside the pipeline, but is not named."""
        plugin = name.partition("/")[0]
        is_known = plugin in self.plugins.origins or plugin in self.plugins.broken
        file = None if is_known else self.beside(f"{plugin}.py")
        return (
            f"{file.name} lies beside the pipeline; add it: plugins: [{file.name}]" if file else ""
        )

    def check_name(self, what: str, name: str, known: Sequence[str] | None, place: Place) -> None:
        """Note a name that nothing defines; `what` is `data` or `reward`."""
        if known is None or name in known:
            return
        section = "data" if what == "data" else f"{what}s"
        defined = f"{section} has: {', '.join(map(printable, known[:20]))}"
        nothing = f"define it: {section}: {{{printable(cut(name))}: {{use: …}}}}"
        hint = did_you_mean(name, known) or (defined if known else nothing)
        self.note(place, f"unknown {what} {quoted(name)}", hint)

    def path_or_name(self, model: str) -> str:
        """A relative path is taken from the pipeline file's folder; a hub id stays as it is."""
        beside = self.beside(model)
        return str(beside.resolve()) if beside else model

    def beside(self, name: str) -> Path | None:
        """The file or folder of this name beside the pipeline file, if there is one."""
        path = self.folder / name
        try:
            return path if name and path.exists() else None
        except OSError:  # a name that no file can have: too long, say
            return None


def texts_in(value: Any) -> list[tuple[Place, str]]:
    """The names in a name or a list of them as written, each with its place; others are left out.

    >>> texts_in("policy"), texts_in(["a", 5, "b"])
    ([((), 'policy')], [((0,), 'a'), ((2,), 'b')])
    """
    if isinstance(value, str):
        return [((), value)]
    listed = value if isinstance(value, list) else []
    return [((index,), item) for index, item in enumerate(listed) if isinstance(item, str)]
