"""Call a component as a run does, and turn what it raises into an AssertionError."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from rlvr_ops_core.errors import RlvrError, StopRun
from rlvr_ops_core.options import bind, resolve
from rlvr_ops_core.types import Task

T = TypeVar("T")

TASKS = tuple(
    Task(f"sum/{n}", f"{n} + {n} =", str(n + n), {"n": n}, "rlvr_ops_core.testing")
    for n in range(1, 5)
)
"""The tasks that a check uses if it is given none."""


def bound(
    component: Callable[..., Any],
    options: Mapping[str, Any],
    *,
    supplied: frozenset[str] = frozenset(),
) -> Callable[..., Any]:
    """The component with its options set; those in `supplied` are left to the call."""

    def set_options() -> Callable[..., Any]:
        return bind(component, resolve(component, options, supplied=supplied))

    return expect(set_options, "the options are refused")


def expect(call: Callable[[], T], what: str) -> T:
    """What `call` gives; what it raises becomes an AssertionError that begins with `what`.

    `StopRun` and failed asserts come out as they are.
    """
    try:
        return call()
    except (StopRun, AssertionError):
        raise
    except (Exception, SystemExit) as error:  # a plugin may raise anything
        told = str(error) if isinstance(error, RlvrError) else f"{type(error).__name__}: {error}"
        raise AssertionError(f"{what}: {told}") from error
