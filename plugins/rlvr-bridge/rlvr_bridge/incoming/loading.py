"""Find a function by `module:name` or `file.py:name`, and when to do so."""

from __future__ import annotations

import asyncio
import importlib
import inspect
import os
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from rlvr_ops_core import PluginError
from rlvr_ops_core.plugins import load_file
from rlvr_ops_core.scoring.zygote import LOADING


def is_loading_in_worker() -> bool:
    """Whether this process is the one that workers are forked from, while it loads a reward.

    What is imported now costs no answer's deadline, and nothing in the trainer's process.
    """
    return LOADING in os.environ


@lru_cache(maxsize=64)
def load(reference: str) -> Any:
    """The object that `module:name`, `module.name` or `file.py:name` names.

    Raises:
        PluginError: there is no such module, file or name in it.
    """
    place, colon, name = reference.rpartition(":")
    if not colon:
        place, _, name = reference.rpartition(".")
    if not place or not name:
        hint = "write module:name, or file.py:name"
        raise PluginError(f"{reference!r} names no function", hint=hint)
    found: Any = load_file(Path(place).resolve()) if place.endswith(".py") else _module(place)
    for part in name.split("."):
        if not hasattr(found, part):
            known = ", ".join(known for known in vars(found) if not known.startswith("_"))
            raise PluginError(f"{place} has no {part!r}", hint=f"it has: {known[:400]}")
        found = getattr(found, part)
    return found


def _module(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and (name == error.name or name.startswith(f"{error.name}.")):
            hint = "install the package it comes from, or name a file: path/to/file.py:name"
            raise PluginError(f"there is no module {error.name!r}", hint=hint) from error
        raise


def made(reference: str, arguments: Mapping[str, Any]) -> Any:
    """What is named: a class or, with arguments, a factory is called; else it is what it is."""
    found = load(reference)
    if isinstance(found, type) or arguments:
        return found(**arguments)
    return found


def finished(result: Any) -> Any:
    """A result, awaited if it must be."""
    if not inspect.isawaitable(result):
        return result

    async def wait() -> Any:
        return await result

    return asyncio.run(wait())
