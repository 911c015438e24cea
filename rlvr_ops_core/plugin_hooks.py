"""What a plugin's hooks must be: known by name, marked, without arguments, giving callables."""

from __future__ import annotations

import re
import traceback
from collections.abc import Callable, Mapping
from typing import Any

import pluggy

from rlvr_ops_core.errors import PluginError, cut, did_you_mean, printable, quoted

HOOK_OF_KIND: Mapping[str, str] = {
    "reward": "rlvr_rewards",
    "data source": "rlvr_data_sources",
    "trainer": "rlvr_trainers",
    "sampler": "rlvr_samplers",
    "environment": "rlvr_environments",
    "server": "rlvr_servers",
    "monitor": "rlvr_monitors",
    "command": "rlvr_commands",
}

NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,79}")
NAME_FORM = "use a-z, 0-9, _, - and ., beginning with a letter or digit"


def hooks_of(plugin: object) -> dict[str, str]:
    """The hooks that a plugin implements: kind to the hook's name.

    Raises:
        PluginError: a hook is misspelt, not marked or takes arguments, or there is none.
    """
    known = list(HOOK_OF_KIND.values())
    marked = [name for name in dir(plugin) if _is_marked(plugin, name)]
    for name in marked:
        if name not in known:
            hint = did_you_mean(name, known) or f"the hooks are {', '.join(known)}"
            raise PluginError(f"unknown hook {quoted(name)}; {hint}")
    for name in known:
        if name not in marked and callable(getattr(plugin, name, None)):
            raise PluginError(f"{name} is not marked as a hook; write @hookimpl above it")
    if not marked:
        raise PluginError(f"it implements no hook; mark one with @hookimpl: {', '.join(known)}")
    return {kind: hook for kind, hook in HOOK_OF_KIND.items() if hook in marked}


def register(manager: pluggy.PluginManager, plugin: object, name: str) -> None:
    """Hand the plugin to pluggy.

    Raises:
        PluginError: a hook takes arguments, or the same plugin is there under another name.
    """
    try:
        manager.register(plugin, name=name)
        manager.check_pending()
    except pluggy.PluginValidationError as error:
        lines = str(error).splitlines()
        raise PluginError(f"a hook takes no arguments: {lines[-1]}") from error
    except ValueError as error:
        others = [other for other, there in manager.list_name_plugin() if there is plugin]
        if not others:
            raise
        raise PluginError(f"it is the plugin {quoted(others[0])} under a second name") from error


def offered(kind: str, hook: str, mapping: object) -> dict[str, Callable[..., Any]]:
    """The components that a hook returned, by short name.

    Raises:
        PluginError: it is no mapping of names to callables.
    """
    if not isinstance(mapping, Mapping):
        shown = cut(repr(mapping))
        raise PluginError(f"{hook}() must return a mapping of name to {kind}, not {shown}")
    components = dict(mapping)
    for short, call in components.items():
        if not isinstance(short, str) or not NAME.fullmatch(short):
            raise PluginError(f"{hook}(): {cut(repr(short))} is no name: {NAME_FORM}")
        if not callable(call):
            raise PluginError(f"{hook}(): {short!r} must be callable, not {cut(repr(call))}")
        if kind == "command" and not _is_command(call):
            raise PluginError(f"{hook}(): {short!r} is no command; write @click.command() above it")
    return components


def one_line(error: BaseException) -> str:
    """An error on one line, cut where it gets long."""
    text = (isinstance(error, OSError) and error.strerror) or " ".join(str(error).split())
    name = type(error).__name__
    return cut(printable(f"{name}: {text}" if text else name), limit=300)


def with_place(error: BaseException) -> str:
    """What an error says on one line, and where it was raised: `KeyError: 'a' (my.py:4)`."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{one_line(SyntaxError(error.msg))} ({error.filename}:{error.lineno})"
    frames = traceback.extract_tb(error.__traceback__)
    return one_line(error) + (f" ({frames[-1].filename}:{frames[-1].lineno})" if frames else "")


def _is_marked(plugin: object, name: str) -> bool:
    try:
        return isinstance(getattr(getattr(plugin, name), "rlvr_impl", None), dict)
    except Exception:  # noqa: BLE001  # a lazy attribute of a plugin's module may do anything
        return False


def _is_command(call: object) -> bool:
    import click

    return isinstance(call, click.Command)
