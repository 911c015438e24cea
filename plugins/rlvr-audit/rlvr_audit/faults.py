"""Break what a reward depends on, in the child that judges.

That is the network, programs, the disk, what is waited for no longer than so long, and what the
reward's own module calls.

A reward whose dependency is down must say so (abstain or raise): a number is a wrong zero or one.
"""

from __future__ import annotations

import errno
import inspect
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

from rlvr_audit.called import Called, replaced
from rlvr_audit.deadlines import deadlines

OUTSIDE = (
    "judge|client|sandbox|server|llm|(?<![a-z])api|http|requests|fetch|remote|openai|service|"
    "backend|docker|endpoint|grader|chat"
)
"""Names of what surely stands for something outside the process."""

SEAMS = ("network", "programs", "disk", "deadlines")


def own_dependencies(function: Callable[..., Any]) -> dict[str, tuple[Any, str]]:
    """What a reward's own code calls: dotted name to (the object that holds it, its attribute).

    Functions of the reward's module and of packages that are no part of Python; objects and their
    methods; options that can be called. Python's own modules are left alone.
    """
    found: dict[str, tuple[Any, str]] = {}
    todo, seen = [_unwrapped(function)], set()
    while todo:
        one = todo.pop()
        if id(one) in seen or not isinstance(one, FunctionType):
            continue
        seen.add(id(one))
        for name in _names(one.__code__):
            value = one.__globals__.get(name)
            if isinstance(value, ModuleType) and not _is_standard(value.__name__):
                for attribute in _names(one.__code__):
                    if callable(getattr(value, attribute, None)):
                        found[f"{name}.{attribute}"] = (value, attribute)
            elif isinstance(value, FunctionType) and not _is_standard(value.__module__):
                found[name] = (one.__globals__, name)
                if value.__module__ == one.__module__:
                    todo.append(value)
            elif value is not None and _is_object_of_ours(value):
                found.update(_methods(name, value, one.__code__))
        for place, value in _own_values(function):
            if isinstance(value, FunctionType) and not _is_standard(value.__module__):
                todo.append(value)
            elif _is_object_of_ours(value):
                found.update(_methods(place, value, one.__code__))
    return dict(sorted(found.items()))


def _methods(name: str, value: Any, code: CodeType) -> dict[str, tuple[Any, str]]:
    """The methods of an object that the code names."""
    return {
        f"{name}.{attribute}": (value, attribute)
        for attribute in _names(code)
        if isinstance(getattr(value, attribute, None), MethodType | FunctionType)
    }


def _own_values(function: Callable[..., Any]) -> Iterator[tuple[str, Any]]:
    """What a reward holds: a closure's cells, an object's attributes, a partial's options."""
    keywords = getattr(function, "keywords", None)
    if isinstance(keywords, Mapping):
        yield from keywords.items()
    plain = _unwrapped(function)
    for cell in getattr(plain, "__closure__", None) or ():
        with suppress(ValueError):
            yield "closure", cell.cell_contents
    owner = getattr(function, "__self__", function)
    if not isinstance(owner, FunctionType | type | ModuleType):
        with suppress(TypeError):
            yield from vars(owner).items()


def _unwrapped(function: Any) -> Any:
    """The plain function behind a partial, a method, a decorator or an object that is called."""
    for _ in range(10):
        if isinstance(function, FunctionType):
            inner = inspect.unwrap(function)
            return inner
        if hasattr(function, "func"):
            function = function.func
        elif isinstance(function, MethodType):
            function = function.__func__
        elif isinstance(function, type) or not callable(function):
            return function
        else:
            function = type(function).__call__
    return function


def _names(code: CodeType) -> set[str]:
    """The names that code uses, those of functions inside it too."""
    names = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            names |= _names(constant)
    return names


def _is_object_of_ours(value: Any) -> bool:
    kind = type(value)
    if isinstance(value, FunctionType | type | ModuleType | MethodType) or kind is object:
        return False
    return not _is_standard(kind.__module__)


def _is_standard(module: str | None) -> bool:
    root = (module or "").partition(".")[0]
    return root in sys.stdlib_module_names or root in ("builtins", "rlvr_ops_core", "numpy", "")


def error_of(name: str) -> BaseException:
    """The exception that a fault raises."""
    if name == "timeout":
        return TimeoutError("timed out (injected by rlvr-audit)")
    if name == "refused":
        return ConnectionRefusedError(errno.ECONNREFUSED, "connection refused (injected)")
    return RuntimeError("service unavailable (injected by rlvr-audit)")


@contextmanager
def broken(function: Callable[..., Any], target: str, how: str) -> Iterator[Called]:
    """Break one seam or one of the reward's own dependencies; counts how often it was used.

    `how` is `timeout`, `refused` or `down` (exceptions), `garbage` (a text that is no verdict), or
    `watch` (nothing is broken, only counted).
    """
    called = Called()
    if target in SEAMS:
        with deadlines(how, called) if target == "deadlines" else _seam(target, how, called):
            yield called
        return
    holder, attribute = own_dependencies(function)[target]
    is_mapping = isinstance(holder, dict)
    original = holder[attribute] if is_mapping else getattr(holder, attribute)
    replacement = _replacement(original, how, called)
    if is_mapping:
        holder[attribute] = replacement
    else:
        object.__setattr__(holder, attribute, replacement)
    try:
        yield called
    finally:  # the child ends soon anyway; a watched one goes on
        if is_mapping:
            holder[attribute] = original
        else:
            object.__setattr__(holder, attribute, original)


def _replacement(original: Any, how: str, called: Called) -> Callable[..., Any]:
    def replaced(*arguments: Any, **keywords: Any) -> Any:
        called.count += 1
        if how == "watch":
            result = original(*arguments, **keywords)
            called.texts += isinstance(result, str)
            return result
        if how == "garbage":
            return "<html><h1>502 Bad Gateway</h1></html>"
        raise error_of(how)

    async def replaced_async(*arguments: Any, **keywords: Any) -> Any:
        called.count += 1
        if how == "watch":
            result = await original(*arguments, **keywords)
            called.texts += isinstance(result, str)
            return result
        if how == "garbage":
            return "<html><h1>502 Bad Gateway</h1></html>"
        raise error_of(how)

    return replaced_async if inspect.iscoroutinefunction(original) else replaced


@contextmanager
def _seam(target: str, how: str, called: Called) -> Iterator[None]:
    def fail(original: Any, error: Callable[[], BaseException]) -> Callable[..., Any]:
        def failing(*arguments: Any, **keywords: Any) -> Any:
            called.count += 1
            if how == "watch":
                return original(*arguments, **keywords)
            raise error()

        return failing

    def no_space() -> OSError:
        return OSError(errno.ENOSPC, "No space left on device (injected by rlvr-audit)")

    def no_memory() -> OSError:
        return OSError(errno.ENOMEM, "Cannot allocate memory (injected by rlvr-audit)")

    places: dict[str, list[tuple[Any, str, Callable[[], BaseException]]]] = {
        "network": [
            (socket.socket, "connect", lambda: error_of(how)),
            (socket, "create_connection", lambda: error_of(how)),
            (socket, "getaddrinfo", lambda: error_of(how)),
        ],
        "programs": [(subprocess.Popen, "__init__", no_memory)],
        "disk": [
            (tempfile, "mkstemp", no_space),
            (tempfile, "mkdtemp", no_space),
            (tempfile, "NamedTemporaryFile", no_space),
            (tempfile, "TemporaryFile", no_space),
        ],
    }
    # threads and programs of the audit itself are not started here
    with ExitStack() as stack:
        for holder, name, error in places[target]:
            stack.enter_context(replaced(holder, name, fail(getattr(holder, name), error)))
        yield
