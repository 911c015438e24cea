"""The part of pytest that tests of small programs use, for sandboxes that have no pytest."""

from __future__ import annotations

import contextlib
import math
import re
import types
from collections.abc import Callable, Iterator
from typing import Any


class Caught:
    """What `raises` caught: `value`."""

    value: BaseException | None = None


@contextlib.contextmanager
def raises(kind: Any, *, match: str | None = None) -> Iterator[Caught]:
    """The block must raise an exception of this kind, whose text matches."""
    caught = Caught()
    try:
        yield caught
    except kind as error:
        caught.value = error
        if match is not None and not re.search(match, str(error)):
            raise AssertionError(f"the message {str(error)!r} does not match {match!r}") from None
        return
    raise AssertionError(f"did not raise {kind}")


class Approximate:
    """Equal to numbers that are near, and to lists, tuples and dicts of them."""

    def __init__(self, expected: Any, rel: float | None, abs_: float | None) -> None:
        self.expected = expected
        self.rel = 1e-6 if rel is None else rel
        self.abs = 1e-12 if abs_ is None else abs_

    def __eq__(self, other: object) -> bool:
        return self._near(self.expected, other)

    def __hash__(self) -> int:
        return id(self)

    def _near(self, expected: Any, actual: Any) -> bool:
        if isinstance(expected, dict):
            return (
                type(actual) is dict
                and expected.keys() == actual.keys()
                and all(self._near(expected[key], actual[key]) for key in expected)
            )
        if isinstance(expected, list | tuple):
            return (
                isinstance(actual, list | tuple)
                and len(expected) == len(actual)
                and all(map(self._near, expected, actual))
            )
        if type(actual) not in (int, float, bool) or not isinstance(expected, int | float):
            return bool(expected == actual)
        return math.isclose(actual, expected, rel_tol=self.rel, abs_tol=self.abs)


def approx(
    expected: Any, rel: float | None = None, abs: float | None = None
) -> Approximate:  # pytest's own name
    """Equal if near enough."""
    return Approximate(expected, rel, abs)


def parametrize(names: Any, values: Any, **_: Any) -> Callable[[Any], Any]:
    """Run a test once for each set of values."""
    fields = [one.strip() for one in names.split(",")] if isinstance(names, str) else list(names)

    def mark(function: Any) -> Any:
        before = getattr(function, "__rlvr_parameters__", [{}])
        given = [dict(zip(fields, _set(one, fields), strict=True)) for one in values]
        function.__rlvr_parameters__ = [{**old, **new} for new in given for old in before]
        return function

    return mark


def _set(value: Any, fields: list[str]) -> Any:
    return [value] if len(fields) == 1 else value


class _Marks:
    parametrize = staticmethod(parametrize)

    def __getattr__(self, name: str) -> Any:
        def mark(*arguments: Any, **_: Any) -> Any:
            plain = len(arguments) == 1 and callable(arguments[0])
            return arguments[0] if plain else lambda function: function

        return mark


def fail(reason: str = "") -> None:
    """Fail the test."""
    raise AssertionError(reason)


def module() -> types.ModuleType:
    """A module to stand in for pytest."""
    stand_in = types.ModuleType("pytest")
    stand_in.__dict__.update(raises=raises, approx=approx, mark=_Marks(), fail=fail)
    return stand_in
