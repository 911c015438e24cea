"""Find plugins, look a component up, explain what is missing.

Discovery is a loop of our own with one `try` a plugin: whatever is wrong with one is recorded under
its name in `Plugins.broken` and stops nobody else.
"""

from __future__ import annotations

import hashlib
import importlib.util
import re
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
from rlvr_ops_core.errors import PluginError, did_you_mean

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "rlvr"

HOOK_OF_KIND: Mapping[str, str] = {
    "reward": "rlvr_rewards",
    "data source": "rlvr_data_sources",
    "trainer": "rlvr_trainers",
    "sampler": "rlvr_samplers",
    "server": "rlvr_servers",
    "monitor": "rlvr_monitors",
    "command": "rlvr_commands",
}

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

NAME = re.compile(r"[a-z0-9][a-z0-9_.-]*")


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
        return f"{self.distribution} {self.version}".strip() or self.file


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
    traceback: str = ""


class Plugins:
    """The plugins that were found: what they offer, and what is wrong with the others."""

    def __init__(self) -> None:
        self.manager = pluggy.PluginManager(GROUP)
        self.manager.add_hookspecs(hookspecs)
        self.origins: dict[str, Origin] = {}
        self.broken: dict[str, Broken] = {}
        self._components: dict[str, dict[str, Component]] = {kind: {} for kind in HOOK_OF_KIND}

    @classmethod
    def discover(
        cls, *, files: Iterable[Path] = (), only: Collection[str] | None = None
    ) -> Plugins:
        """All installed plugins, or those named in `only`, and the plugins in `files`."""
        plugins = cls()
        for name, entry_points in installed_entry_points().items():
            if only is None or name in only:
                plugins.add_installed(name, entry_points)
        for file in files:
            plugins.add_file(file)
        return plugins

    def add_installed(self, name: str, entry_points: list[EntryPoint]) -> None:
        """Load an installed plugin; if two distributions claim the name, neither loads."""
        if len(entry_points) > 1:
            claims = " and ".join(sorted(_distribution(point)[0] for point in entry_points))
            reason = f'{claims} both claim the plugin name "{name}"; neither loads: uninstall one'
            self.broken[name] = Broken(name, reason, claims)
            return
        (point,) = entry_points
        distribution, version = _distribution(point)
        origin = Origin(name, module=point.value, distribution=distribution, version=version)
        self.add(origin, point.load)

    def add_file(self, file: Path) -> None:
        """Load a plugin that is one Python file; its name is the file's, without `.py`."""
        file = Path(file).resolve()
        origin = Origin(file.stem, file=str(file), version=_file_version(file))
        self.add(origin, lambda: load_file(file))

    def add(self, origin: Origin, load: Callable[[], object]) -> None:
        """Register what `load` gives. What goes wrong is recorded, never raised."""
        name = origin.plugin
        if name in self.origins:
            other = self.origins[name]
            self.remove(name)
            reason = f'{other} and {origin} both claim the plugin name "{name}"; neither loads'
            self.broken[name] = Broken(name, reason, str(origin))
            return
        if name in self.broken:
            return
        try:
            self._register(origin, load())
        except (Exception, SystemExit) as error:  # noqa: BLE001  # a plugin may do anything on import
            self.remove(name)
            reason = str(error) if isinstance(error, PluginError) else _describe(error)
            self.broken[name] = Broken(name, reason, str(origin), traceback.format_exc())

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
            raise PluginError(f'"{name}" is no plugin name: use a-z, 0-9, _, - and .')
        self.manager.register(plugin, name=name)
        self._refuse_unknown_hooks(plugin)
        offered = 0
        for kind, hook in HOOK_OF_KIND.items():
            if hasattr(plugin, hook) and self._implements(name, hook):
                for component in _offered(kind, hook, getattr(plugin, hook)(), origin):
                    self._components[kind][component.name] = component
                offered += 1
        if not offered:
            hooks = ", ".join(HOOK_OF_KIND.values())
            raise PluginError(f"it implements no hook; mark one with @hookimpl: {hooks}")
        self.origins[name] = origin

    def _implements(self, name: str, hook: str) -> bool:
        impls = getattr(self.manager.hook, hook).get_hookimpls()
        return any(impl.plugin_name == name for impl in impls)

    def _refuse_unknown_hooks(self, plugin: object) -> None:
        """Pluggy accepts a misspelt hook in silence unless it is asked."""
        try:
            self.manager.check_pending()
        except pluggy.PluginValidationError as error:
            known = list(HOOK_OF_KIND.values())
            unknown = [
                name
                for name in dir(plugin)
                if getattr(getattr(plugin, name), "rlvr_impl", None) and name not in known
            ]
            hook = unknown[0] if unknown else str(error)
            hint = did_you_mean(hook, known) or f"the hooks are {', '.join(known)}"
            raise PluginError(f'unknown hook "{hook}"; {hint}') from error

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
        raise PluginError(f'unknown {kind} "{name}"', hint=self._explain_absence(kind, name))

    def _explain_absence(self, kind: str, name: str) -> str:
        plugin, slash, _ = name.partition("/")
        installed = list(self.components(kind))
        listing = f"installed: {', '.join(installed) or f'no {kind}s'}"
        if not slash:
            full = [one for one in installed if one.endswith(f"/{name}")]
            start = f'did you mean "{full[0]}"?' if full else "write it as plugin/name"
            return f"{start}\n{listing}"
        if plugin in self.broken:
            return f'plugin "{plugin}" is there but does not load: {self.broken[plugin].reason}'
        for other_kind, others in self._components.items():
            if name in others and other_kind != kind:
                return f'"{name}" is a {other_kind}\n{listing}'
        if plugin in OUR_DISTRIBUTIONS and plugin not in self.origins:
            return f"it comes with: pip install {OUR_DISTRIBUTIONS[plugin]}\n{listing}"
        near = did_you_mean(name, installed)
        return f"{near}\n{listing}" if near else listing


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
        raise PluginError(f"there is no file {file}")
    name = f"rlvr_plugin_file_{file.stem}"
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise PluginError(f"{file} is not a Python file (.py)")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and pickle look their module up here
    spec.loader.exec_module(module)
    return module


def _offered(kind: str, hook: str, mapping: object, origin: Origin) -> Iterable[Component]:
    if not isinstance(mapping, Mapping):
        raise PluginError(f"{hook}() must return a mapping of name to {kind}, not {mapping!r}")
    for short, call in mapping.items():
        if not isinstance(short, str) or not NAME.fullmatch(short):
            raise PluginError(f"{hook}(): {short!r} is no name: use a-z, 0-9, _, - and .")
        if not callable(call):
            raise PluginError(f"{hook}(): {short!r} must be callable, not {call!r}")
        yield Component(kind, f"{origin.plugin}/{short}", call, origin)


def _distribution(point: EntryPoint) -> tuple[str, str]:
    return (point.dist.name, point.dist.version) if point.dist else (point.value, "")


def _file_version(file: Path) -> str:
    if not file.is_file():
        return ""
    return "file-" + hashlib.sha256(file.read_bytes()).hexdigest()[:8]


def _describe(error: BaseException) -> str:
    """The error with the place in the plugin that raised it."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({frames[-1].filename}:{frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}: {error}{place}"
