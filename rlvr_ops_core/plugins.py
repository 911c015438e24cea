"""Find plugins, look a component up, explain what is missing.

Discovery is a loop of our own with one `try` a plugin: whatever is wrong with one is recorded under
its name in `Plugins.broken` and stops nobody else.
"""

from __future__ import annotations

import hashlib
import importlib.util
import sys
import traceback
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pluggy

from rlvr_ops_core import hookspecs
from rlvr_ops_core.errors import PluginError, did_you_mean, quoted
from rlvr_ops_core.plugin_hooks import (
    HOOK_OF_KIND,
    NAME,
    NAME_FORM,
    hooks_of,
    offered,
    one_line,
    register,
    with_place,
)

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "rlvr"

OUR_DISTRIBUTIONS: Mapping[str, str] = {
    "math": "rlvr-rewards-math",
    "code": "rlvr-rewards-code",
    "grpo": "rlvr-trainer-grpo",
    "serve": "rlvr-serve",
    "monitor": "rlvr-monitor",
    "audit": "rlvr-audit",
    "bridge": "rlvr-bridge",
}
"""The only names ever suggested for `pip install`: a stranger may own any other."""


@dataclass(frozen=True)
class Origin:
    """Where a plugin came from; enough for a worker process to load the same thing again."""

    plugin: str
    module: str = ""
    """Importable module, for an installed plugin."""
    file: str = ""
    """Absolute path, for a plugin that is one file."""
    distribution: str = ""
    version: str = ""

    def __str__(self) -> str:
        if self.file:
            return f"{self.file} ({self.version})"
        return f"{self.distribution} {self.version}".strip()


@dataclass(frozen=True)
class Component:
    """One thing that a plugin offers, under its full name."""

    kind: str
    name: str
    """`plugin/name`."""
    call: Callable[..., Any]
    origin: Origin


@dataclass(frozen=True)
class Broken:
    """A plugin that could not be used, and why."""

    plugin: str
    reason: str
    origin: str
    """The distribution with its version, or the file."""
    traceback: str = ""
    hint: str = ""


class Plugins:
    """The plugins that were found: what they offer, and what is wrong with the others.

    `kinds` of components are asked for, all by default; what is not asked for is not imported.
    """

    def __init__(self, kinds: Collection[str] = tuple(HOOK_OF_KIND)) -> None:
        self.kinds = kinds
        self.manager = pluggy.PluginManager(GROUP)
        self.manager.add_hookspecs(hookspecs)
        self.origins: dict[str, Origin] = {}
        self.broken: dict[str, Broken] = {}
        self._components: dict[str, dict[str, Component]] = {kind: {} for kind in HOOK_OF_KIND}

    @classmethod
    def discover(
        cls,
        *,
        files: Iterable[Path] = (),
        only: Collection[str] | None = None,
        kinds: Collection[str] = tuple(HOOK_OF_KIND),
    ) -> Plugins:
        """All installed plugins, or those named in `only`, and the plugins in `files`."""
        plugins = cls(kinds)
        for name, entry_points in installed_entry_points().items():
            if only is None or name in only:
                plugins.add_installed(name, entry_points)
        for file in files:
            plugins.add_file(file)
        return plugins

    def add_installed(self, name: str, entry_points: list[EntryPoint]) -> None:
        """Load an installed plugin; if two distributions claim the name, neither loads."""
        if len(entry_points) > 1:
            claims = " and ".join(sorted(" ".join(_distribution(one)) for one in entry_points))
            reason = f'{claims} both claim the plugin name "{name}"; neither loads: uninstall one'
            self.broken[name] = Broken(name, reason, claims)
            return
        (point,) = entry_points
        distribution, version = _distribution(point)
        origin = Origin(name, module=point.value, distribution=distribution, version=version)
        self.add(origin, point.load)

    def add_file(self, file: Path) -> Broken | None:
        """Load a plugin that is one Python file; its name is the file's, without `.py`.

        Gives what is wrong with it, or None.
        """
        try:
            file = Path(file).resolve()
            origin = Origin(file.stem, file=str(file), version=_file_version(file))
        except (OSError, ValueError) as error:  # a name that no file can have
            broken = Broken(str(file), one_line(error), str(file))
            self.broken[broken.plugin] = broken
            return broken
        self.add(origin, lambda: load_file(file))
        return self.broken.get(origin.plugin)

    def add(self, origin: Origin, load: Callable[[], object]) -> None:
        """Register what `load` gives. What goes wrong is recorded, never raised."""
        name = origin.plugin
        if name in self.origins:
            claims = " and ".join(one.file or str(one) for one in (self.origins[name], origin))
            self.remove(name)
            reason = f'{claims} both claim the plugin name "{name}"; neither loads: rename one'
            self.broken[name] = Broken(name, reason, claims)
        if name in self.broken:
            return
        try:
            self._register(origin, load())
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001  # a plugin may do anything on import
            self.remove(name)
            self.broken[name] = _broken(origin, error)

    def remove(self, name: str) -> None:
        """Forget a plugin and all that it offers."""
        if self.manager.has_plugin(name):
            self.manager.unregister(name=name)
        self.origins.pop(name, None)
        for components in self._components.values():
            for full_name in [full for full in components if full.startswith(f"{name}/")]:
                del components[full_name]

    def _register(self, origin: Origin, plugin: object) -> None:
        name = origin.plugin
        if not NAME.fullmatch(name):
            raise PluginError(f"{quoted(name)} is no plugin name: {NAME_FORM}")
        hooks = hooks_of(plugin)
        register(self.manager, plugin, name)
        for kind, hook in hooks.items():
            if kind not in self.kinds:
                continue
            for short, call in offered(kind, hook, getattr(plugin, hook)()).items():
                full = f"{name}/{short}"
                self._components[kind][full] = Component(kind, full, call, origin)
        self.origins[name] = origin

    def components(self, kind: str) -> Mapping[str, Component]:
        """All components of a kind by full name, sorted."""
        return dict(sorted(self._components[kind].items()))

    def find(self, kind: str, name: str) -> Component:
        """The component of a kind with the full name `plugin/name`.

        Raises:
            PluginError: there is none; says what was tried and what to do.
        """
        component = self._components[kind].get(name)
        if component is not None:
            return component
        what = f"unknown {kind} {quoted(name)}"
        raise PluginError(what, hint=self._explain_absence(kind, name))

    def _explain_absence(self, kind: str, name: str) -> str:
        plugin, slash, _ = name.partition("/")
        installed = list(self.components(kind))
        listing = f"installed: {', '.join(installed) or f'no {kind} at all'}"
        near = did_you_mean(name, installed)
        for other_kind, others in self._components.items():
            if name in others:
                return f"{quoted(name)} is a {other_kind}\n{listing}"
        if plugin in self.broken:
            return f"the plugin {quoted(plugin)} does not load: {self.broken[plugin].reason}"
        if not slash:
            full = [one for one in installed if one.endswith(f"/{name}")]
            found = f"did you mean {quoted(full[0])}?" if full else near
            return found or f"write it as plugin/name\n{listing}"
        if plugin in self.origins:
            return near or listing
        if plugin in OUR_DISTRIBUTIONS:
            return f"it comes with: pip install {OUR_DISTRIBUTIONS[plugin]}"
        return f"no plugin {quoted(plugin)} is installed; {near or listing}"


def installed_entry_points() -> dict[str, list[EntryPoint]]:
    """The installed plugins by name; two entries where two distributions claim one name."""
    from importlib.metadata import entry_points

    found: defaultdict[str, dict[str, EntryPoint]] = defaultdict(dict)
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        found[point.name][_distribution(point)[0]] = point
    return {name: list(points.values()) for name, points in found.items()}


def load_file(file: Path) -> ModuleType:
    """The module in a plugin file, imported under a name of its own.

    Raises:
        PluginError: there is no such file, or it is no Python file.
    """
    if not file.is_file():
        near = did_you_mean(file.name, sorted(other.name for other in file.parent.glob("*.py")))
        raise PluginError(f"there is no file {file}", hint=near)
    name = f"rlvr_plugin_file_{file.stem}"
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise PluginError(f"{file} is not a Python file (.py)")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and pickle look their module up here
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _distribution(point: EntryPoint) -> tuple[str, str]:
    return (point.dist.name, point.dist.version) if point.dist else (point.value, "")


def _file_version(file: Path) -> str:
    if not file.is_file():
        return ""
    return "file-" + hashlib.sha256(file.read_bytes()).hexdigest()[:8]


def _broken(origin: Origin, error: BaseException) -> Broken:
    trace = "".join(traceback.format_exception(error))
    if isinstance(error, PluginError):
        return Broken(origin.plugin, error.what, str(origin), trace, error.hint)
    return Broken(origin.plugin, with_place(error), str(origin), trace)
