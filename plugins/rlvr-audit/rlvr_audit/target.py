"""What to audit: a reward of a plugin, or anybody's function, and how to load it in a process."""

from __future__ import annotations

import importlib
import importlib.machinery
import importlib.util
import inspect
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from rlvr_ops_core import OptionError, PluginError
from rlvr_ops_core.errors import did_you_mean, quoted

ALONE = "rlvr_audit_target_"
"""The name of a module that was loaded from its file begins so."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """A reward by name, with its options: values that survive JSON, never the object."""

    reference: str
    """`plugin/name`, `package.module:function` or `file.py:function`."""
    options: Mapping[str, Any] = field(default_factory=dict)
    plugin_files: tuple[str, ...] = ()
    shape: str = ""
    """One of `SHAPES`, or "" to tell from the signature."""

    @property
    def is_component(self) -> bool:
        """It is a plugin's reward, not a function by its place."""
        return ":" not in self.reference

    def as_json(self) -> dict[str, Any]:
        """For the process that loads it."""
        return asdict(self)

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Target:
        """The target that `as_json` described."""
        return cls(**{**row, "plugin_files": tuple(row["plugin_files"])})


def load_component(target: Target) -> Any:
    """A plugin's reward as the core binds it.

    Raises:
        PluginError: there is no such reward.
        OptionError: an option is wrong.
    """
    from rlvr_ops_core.plugins import Plugins
    from rlvr_ops_core.scoring import bind_component

    files = [Path(file) for file in target.plugin_files]
    plugins = Plugins.discover(files=files)
    component = plugins.find("reward", target.reference)
    try:
        return bind_component(component, target.options)
    except OptionError as error:
        raise OptionError(f"{target.reference}: {error}", hint="see: rlvr plugins -v") from error


def load_function(target: Target) -> Callable[..., Any]:
    """Anybody's function or class, by its module or file and its name.

    Raises:
        PluginError: there is no such file, module or name.
    """
    place, _, name = target.reference.rpartition(":")
    module = _module_of_file(Path(place)) if place.endswith(".py") else _module(place)
    found: Any = module
    for part in name.split("."):
        try:
            found = getattr(_instance_for(found, part), part)
        except AttributeError as error:
            near = did_you_mean(part, [one for one in dir(found) if not one.startswith("_")])
            raise PluginError(f"{place} has no {quoted(name)}", hint=near) from error
    if not callable(found):
        raise PluginError(f"{target.reference} is a {type(found).__name__}, no function")
    return found  # type: ignore[no-any-return]  # callable() was asked


def _instance_for(owner: Any, name: str) -> Any:
    """An object of a class whose method is asked for, if the class makes one without arguments."""
    method = vars(owner).get(name) if isinstance(owner, type) else None
    if not isinstance(method, FunctionType):
        return owner
    try:
        inspect.signature(owner).bind()
    except (TypeError, ValueError):
        return owner  # the method is called without an object: many need none
    return owner()


def _module(name: str) -> ModuleType:
    """The module; alone, from its own file, where a package around it can't be imported."""
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        return importlib.import_module(name)
    except ImportError as error:
        is_there = not isinstance(error, ModuleNotFoundError) or error.name not in _parts(name)
        file = file_of_module(name)
        if is_there and file is not None and "." in name:
            with suppress(ImportError):  # then the first reason is the better one
                return _module_of_file(file)
        if is_there:
            raise
        raise PluginError(
            f"there is no module {quoted(name)}",
            hint="write module:function, file.py:function or plugin/name",
        ) from error


def _parts(name: str) -> set[str]:
    """The packages that a module lies in, and itself."""
    parts = name.split(".")
    return {".".join(parts[:count]) for count in range(1, len(parts) + 1)}


def file_of_module(name: str) -> Path | None:
    """Where an installed module lies, found without importing anything; None if nowhere."""
    root, *rest = name.split(".")
    spec = importlib.machinery.PathFinder.find_spec(root)
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        file = Path(folder).joinpath(*rest).with_suffix(".py")
        if file.is_file():
            return file
    return None


def _module_of_file(file: Path) -> ModuleType:
    file = file.resolve()
    if not file.is_file():
        near = did_you_mean(file.name, sorted(other.name for other in file.parent.glob("*.py")))
        raise PluginError(f"there is no file {file}", hint=near)
    name = ALONE + file.stem
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise PluginError(f"{file} is not a Python file (.py)")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and pickle look their module up here
    sys.path.insert(0, str(file.parent))  # what `python file.py` would do
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module
