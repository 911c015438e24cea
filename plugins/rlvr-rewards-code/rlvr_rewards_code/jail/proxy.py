"""The tests' end of the line: functions that are answered by the program, in its own process."""

from __future__ import annotations

import builtins
import json
import marshal
import os
import select
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Any, NoReturn, TypeVar

from rlvr_rewards_code.jail import codec, wire
from rlvr_rewards_code.jail.plan import Plan, fixed
from rlvr_rewards_code.jail.trainer import Trainer

T = TypeVar("T")
_CHUNK = 64
_MAX_ITEMS = 2_000_000
_NOT_RAISED = (Exception, AssertionError, StopIteration, StopAsyncIteration)
"""A test takes them for its own: `all(map(…))` is true when what it maps raises StopIteration."""


class Dead(BaseException):
    """The program can't answer any more; no `except Exception` of a test swallows it."""


class Diverged(BaseException):
    """A test did not make the calls that were planned: run it again without a plan."""


class ProgramError(Exception):
    """The program raised something that is no builtin exception."""


class Link:
    """Asks the program. Once it is dead it stays dead, whatever the tests do about it."""

    def __init__(self, trainer: Trainer, *, limit: int) -> None:
        self.trainer = trainer
        self.limit = limit
        """Bytes of one answer at most."""
        self.program: wire.Frames | None = None
        """The program itself; None where all that is said goes through the trainer's side."""
        self.oversized = False
        self.dead = ""
        self.calls = 0
        self.planned: list[bytes] = []
        self.callbacks: list[Callable[..., Any]] = []
        self.deadline: float | None = None
        self.trouble = ""
        """Where the program was when it last raised, for people to read."""

    def connect(self) -> None:
        """Talk to the program that the trainer's side has just started."""
        self.release()
        fd = self.trainer.program()
        self.program = None if fd is None else wire.Frames(fd, limit=self.limit)

    def release(self) -> None:
        """Let go of the program."""
        if self.program is not None:
            os.close(self.program.fd)
            self.program = None

    def tell(self, kind: bytes, payload: bytes) -> None:
        """Send something to the program.

        Raises:
            Dead: it is gone.
        """
        said = wire.frame(kind, payload)
        if self.program is None:
            self.trainer.say(wire.TELL, said)
            return
        try:
            wire.write(self.program.fd, said)
        except wire.Closed:
            self._gone()

    def hear(self) -> tuple[bytes, bytes]:
        """The program's next frame.

        Raises:
            Dead: there will be none.
        """
        source = self.program or self.trainer
        if self.deadline is not None and not source.has_frame():
            patience = max(0.0, self.deadline - time.monotonic())
            if not select.select([source.fd], [], [], patience)[0]:
                self.die("over the time limit of one test")
        if self.program is None:
            kind, payload = self.trainer.read()
            if kind == wire.SAID:
                return payload[:1], payload[1:]
            self.die(payload.decode(errors="replace"))
        try:
            return self.program.read()
        except wire.Closed:
            self._gone()
        except wire.Oversized:
            self.oversized = True
            self.die(f"sent more than {self.limit // 1024} KB")

    def _gone(self) -> NoReturn:
        """The program let go of its channel: the trainer's side knows why, and says so."""
        kind, why = self.trainer.read()
        while kind != wire.GONE:
            kind, why = self.trainer.read()
        self.die(why.decode(errors="replace"))

    def die(self, why: str) -> NoReturn:
        """Remember why, and stop the test."""
        self.dead = self.dead or why
        raise Dead(self.dead)

    def plan(self, plan: Plan) -> None:
        """Send calls ahead, so that nobody waits for anybody between them."""
        self.planned = list(reversed(plan.calls))
        self.tell(wire.PLAN, plan.payload)

    def _plain(self, value: object) -> Any:
        return codec.encode(value, self._reference)

    def ask(self, target: str | int, action: str, *arguments: object, **named: object) -> Any:
        """Have the program do one thing.

        Raises:
            Dead: the program is gone, or what it sent is no answer.
            Exception: the program raised; a builtin exception of the same name.
        """
        if self.dead:
            raise Dead(self.dead)
        self.calls += 1
        if self.planned:
            if not _is_same(self.planned.pop(), target, arguments, named):
                self.dead = "planned"
                raise Diverged
        else:
            said = [target, action, self._plain(list(arguments)), self._plain(named)]
            self.tell(wire.CALL, marshal.dumps(said))
        while True:
            kind, payload = self.hear()
            if kind == wire.RETURNED:
                return self._value(payload)
            if kind == wire.RAISED:
                raise self._exception(payload)
            if kind != wire.ASKED:
                self.die("sent something that is no answer")
            self._call_back(payload)

    def _value(self, payload: bytes) -> Any:
        try:
            return codec.loads(payload, self._resolve)
        except codec.Malformed as error:
            self.die(f"sent a malformed value: {error}")

    def _exception(self, payload: bytes) -> Exception:
        """The program's exception as one of ours; never one that a test counts as its own."""
        try:
            report = json.loads(payload)
            names, message = list(report["names"]), str(report["message"])
            self.trouble = f"{report['own']}: {message} ({'; '.join(map(str, report['at']))})"[
                :1000
            ]
        except (ValueError, TypeError, KeyError, RecursionError):
            self.die("sent a malformed exception")
        for name in names:
            kind = getattr(builtins, name, None) if type(name) is str else None
            if not isinstance(kind, type) or not issubclass(kind, Exception):
                continue
            if kind in _NOT_RAISED or issubclass(kind, Warning):
                break
            try:
                return kind(message)
            except TypeError:  # UnicodeDecodeError and the like want more than a message
                continue
        return ProgramError(self.trouble)

    def _reference(self, value: object) -> list[Any]:
        if type(value) is Opaque:
            return ["o", number_of(value)]
        if callable(value):
            self.callbacks.append(value)
            return ["u", len(self.callbacks) - 1]
        raise TypeError(f"a {type(value).__name__} can't be sent to the program")

    def _resolve(self, plain: list[Any]) -> Any:
        if plain[0] != "o" or type(plain[1]) is not int or type(plain[2]) is not str:
            raise codec.Malformed("an unknown tag")
        return Opaque(self, plain[1], plain[2])

    def _call_back(self, payload: bytes) -> None:
        """A function that a test passed in is called by the program."""
        asked = self._value(payload)
        try:
            number, arguments, named = asked
            function = self.callbacks[number]
        except (TypeError, ValueError, IndexError):
            self.die("called a function that it was not given")
        try:
            answer = [True, function(*arguments, **named)]
        except Exception as error:  # noqa: BLE001  # goes to the program, as its callee's
            answer = [False, f"{type(error).__name__}: {error}"[:500]]
        self.tell(wire.BACK, codec.dumps(answer, self._reference))


def _is_same(
    planned: bytes, target: str | int, arguments: Sequence[Any], named: dict[str, Any]
) -> bool:
    try:
        return fixed(target, arguments, named) == planned
    except ValueError:  # what is no plain data was not planned
        return False


def function(link: Link, name: str) -> Callable[..., Any]:
    """A function that the program of that name answers."""

    def proxy(*arguments: object, **named: object) -> Any:
        return link.ask(name, "call", *arguments, **named)

    proxy.__name__ = proxy.__qualname__ = name
    return proxy


class Opaque:
    """An object that stays with the program: it equals nothing; reading it gives values."""

    __slots__ = ("__link", "__number", "__shown")

    def __init__(self, link: Link, number: int, shown: str) -> None:
        object.__setattr__(self, "_Opaque__link", link)
        object.__setattr__(self, "_Opaque__number", number)
        object.__setattr__(self, "_Opaque__shown", shown)

    def __repr__(self) -> str:
        return f"<the program's {self.__shown}>"

    def __eq__(self, other: object) -> bool:
        return self is other

    def __ne__(self, other: object) -> bool:
        # Not `not equal`: an object of any class would pass `assert f(x) != 3`.
        raise AssertionError(f"{self!r} is no plain value, so it can't be compared")

    def __hash__(self) -> int:
        return id(self)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self.__link.ask(self.__number, "attribute", name)

    def __setattr__(self, name: str, value: object) -> None:
        self.__link.ask(self.__number, "set", name, value)

    def __call__(self, *arguments: object, **named: object) -> Any:
        """A method, or a function that the program returned."""
        return self.__link.ask(self.__number, "call", *arguments, **named)

    def __getitem__(self, key: object) -> Any:
        return self.__link.ask(self.__number, "item", key)

    def __setitem__(self, key: object, value: object) -> None:
        self.__link.ask(self.__number, "put", key, value)

    def __len__(self) -> int:
        return _exact(int, self.__link.ask(self.__number, "length"))

    def __bool__(self) -> bool:
        return _exact(bool, self.__link.ask(self.__number, "truth"))

    def __str__(self) -> str:
        return _exact(str, self.__link.ask(self.__number, "text"))

    def __iter__(self) -> Iterator[Any]:
        (inner,) = self.__link.ask(self.__number, "iterate")
        if type(inner) is not Opaque:  # an empty or a plain iterator was sent as what it holds
            yield from inner
            return
        count, size = 0, 1
        while True:
            chunk = self.__link.ask(inner.__number, "next", size)
            yield from chunk
            count += len(chunk)
            if len(chunk) < size or count > _MAX_ITEMS:
                return
            size = min(2 * size, _CHUNK)

    def __next__(self) -> Any:
        for one in self.__link.ask(self.__number, "next", 1):
            return one
        raise StopIteration

    def __contains__(self, wanted: object) -> bool:
        return any(one == wanted for one in self)  # never the program's own idea of it

    def __await__(self) -> Generator[Any, None, Any]:
        return _done(self.__link.ask(self.__number, "await"))


def _done(value: Any) -> Generator[Any, None, Any]:
    """An awaitable's iterator that is done at once, with this value."""
    return value
    yield  # makes it a generator


def number_of(value: Opaque) -> int:
    """The number under which the program knows an object."""
    number: int = object.__getattribute__(value, "_Opaque__number")
    return number


def _exact(kind: type[T], value: object) -> T:
    if type(value) is not kind:
        raise TypeError(f"the program answered with a {type(value).__name__}")
    return value
