"""The tasks of a data source, by its name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rlvr_ops_core import OptionError, Task
from rlvr_ops_core.options import bind, resolve
from rlvr_ops_core.plugins import Plugins


def tasks_of(name: str, options: Mapping[str, Any]) -> Iterator[Task]:
    """The tasks that `plugin/name` gives with these options.

    Raises:
        PluginError: there is no such data source.
        OptionError: an option is wrong.
    """
    source = Plugins.discover(only={name.partition("/")[0]}).find("data source", name)
    try:
        resolved = resolve(source.call, options)
    except OptionError as error:
        raise OptionError(f"{name}: {error.what}", hint=error.hint) from error
    yield from bind(source.call, resolved)()
