"""Runs a test once before the program is there, to know the calls that it will make.

What plays the program's part agrees to everything: it equals any value, is less and greater than
it, and any operation on it gives itself again. A test that only compares comes to its end that way,
loops and all. One that wants more of an answer, say its length, ends the rehearsal there.

Only for test code that leaves its interpreter as it is (`jail/plain.py`).
"""

from __future__ import annotations

import random
import signal
from collections.abc import Callable, Sequence
from functools import cache
from types import CodeType
from typing import Any, NoReturn

from rlvr_rewards_code.jail.plan import MAX_CALLS, fixed

_MAX_STEPS = 20_000
_MOST_S = 0.1
"""A rehearsal saves less than a tenth of a millisecond a call: it shall not take long itself."""


class Enough(BaseException):
    """The rehearsal ends here; no `except Exception` of a test swallows it."""


class Agreeing:
    """An answer that no test minds. It counts what is done with it, so that no loop is endless."""

    __slots__ = ("steps",)

    def __init__(self) -> None:
        self.steps = 0

    def __getattr__(self, name: str) -> NoReturn:
        raise Enough


def _itself(self: Agreeing, *_: object) -> Agreeing:
    self.steps += 1
    if self.steps > _MAX_STEPS:
        raise Enough
    return self


def _yes(self: Agreeing, *_: object) -> bool:
    return _itself(self) is self


def _enough(*_: object) -> NoReturn:
    raise Enough


_OPERATORS = ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "and", "or", "xor")
for _name in (*_OPERATORS, *(f"r{one}" for one in _OPERATORS), "neg", "pos", "abs", "round"):
    setattr(Agreeing, f"__{_name}__", _itself)
for _name in ("eq", "ne", "lt", "le", "gt", "ge", "contains", "bool"):
    setattr(Agreeing, f"__{_name}__", _yes)
# Whatever gives a plain value would let a test compute with one that no program gave.
for _name in ("len", "iter", "int", "float", "index", "hash", "str", "repr", "call", "getitem"):
    setattr(Agreeing, f"__{_name}__", _enough)


class Part:
    """Plays the program's part, and notes its calls."""

    def __init__(self, name: str, answer: Callable[..., Any] | None = None) -> None:
        self.name = name
        self.answer = answer
        """Gives its answers; none: the function of its name that the codes define does."""
        self.calls: list[bytes] = []
        """Each as `plan.fixed` makes it."""

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """One call, noted before the answer can change its arguments."""
        if self.answer is None or len(self.calls) == MAX_CALLS:
            raise Enough
        try:
            call = fixed(self.name, arguments, named)
        except ValueError:
            raise Enough from None
        self.calls.append(call)
        return self.answer(*arguments, **named)


@cache
def _listen() -> None:
    signal.signal(signal.SIGALRM, _enough)


def agreeing(entry: str) -> Part:
    """A program that agrees to everything."""
    one = Agreeing()
    return Part(entry, lambda *_, **__: one)


def rehearse(codes: Sequence[CodeType], part: Part, *, seconds: float = _MOST_S) -> bool:
    """Run a `check` with this part in the program's place; whether it came to its end.

    Where a test raises or takes more than so many seconds, the calls before that are noted.
    """
    scope: dict[str, Any] = {"__name__": "tests"}
    random.seed(0)
    _listen()
    try:
        try:
            signal.setitimer(signal.ITIMER_REAL, seconds)
            for code in codes:
                exec(code, scope)  # noqa: S102  # a task's own code, in its sandbox
            part.answer = part.answer or scope[part.name]
            scope["check"](part)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    except (Exception, Enough):  # noqa: BLE001  # no plan from there on: the calls are made one by one
        return False
    return True
