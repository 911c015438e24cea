"""The process of one program under test: it loads the program and answers calls, nothing else.

Everything here is in the hands of the program once that has started: what it sends is only ever
taken for values. Expected results never come in.
"""

from __future__ import annotations

import builtins
import contextlib
import io
import json
import marshal
import math
import random
import socket
import sys
import time
import types
from collections.abc import Callable
from itertools import islice
from typing import Any

from rlvr_rewards_code.jail import codec, wire
from rlvr_rewards_code.jail.confine import CHANNEL, Bounds, limit_use, look_up

NAME = "solution"
"""The program's module name: never `__main__`, so that its demo part does not run."""
_FLUSH_S = 0.001
_TAIL = 4000
_MAX_NAMES = 1000
_HOLDERS = (list, dict, set)
"""`class Cache(OrderedDict)`: what making one gives is an object, not the data that it holds."""


class Tail(io.RawIOBase):
    """Swallows what is printed and keeps the end of it, for people to read."""

    def __init__(self) -> None:
        super().__init__()
        self.kept = b""

    def writable(self) -> bool:
        """It is."""
        return True

    def fileno(self) -> int:
        """Where a process's output goes; what a program writes there itself is lost."""
        return 1

    def write(self, data: Any) -> int:
        """Take everything, keep the last few thousand bytes."""
        piece = bytes(data)
        self.kept = (self.kept + piece)[-_TAIL:]
        return len(piece)


def execute(source: str, scope: dict[str, Any]) -> None:
    """Run a program in this scope."""
    exec(compile(source, f"{NAME}.py", "exec", dont_inherit=True), scope)  # noqa: S102  # what this process is for


class Server:
    """Answers calls on a channel, in order."""

    def __init__(self, channel: int) -> None:
        self.channel = channel
        self.frames = wire.Frames(channel)
        self.objects: list[object] = []
        self.replies: list[bytes] = []
        self.flushed = time.monotonic()
        self.scope: dict[str, Any] = {}
        self.execute = execute
        self.tail = Tail()
        self.printed = io.TextIOWrapper(io.BufferedWriter(self.tail), errors="replace")

    def prepare(self) -> None:
        """Make the module that the next program becomes; done before the fork, for all of them."""
        module = types.ModuleType(NAME)
        sys.modules[NAME] = module
        self.scope = module.__dict__
        sys.stdout = sys.stderr = sys.__stdout__ = sys.__stderr__ = self.printed  # type: ignore[misc]
        vars(builtins).update(exit=sys.exit, quit=sys.exit)  # `site` would have made them
        random.seed(0)

    def attend(self, bounds: Bounds | None) -> None:
        """Load the program that comes first, within its bounds, then answer calls."""
        kind, payload = self.frames.read()
        if kind != wire.LOAD:
            return
        cpu_s, memory_mb = wire.NEEDS.unpack_from(payload)
        if bounds is not None:
            limit_use(bounds, cpu_s=cpu_s, memory_mb=memory_mb)
        try:
            self.load(payload[wire.NEEDS.size :].decode("utf-8", "surrogatepass"))
        except BaseException as error:  # noqa: BLE001  # whatever the program raises is its answer
            self.say(wire.REFUSED, describe(error))
        self.flushed = time.monotonic()  # so that this leaves together with the first answers
        self.serve()

    def load(self, source: str) -> None:
        """Run the program, and say which names it defines."""
        self.execute(source, self.scope)
        said = [
            ("c" if isinstance(value, type) else "f" if callable(value) else "v") + name
            for name, value in list(self.scope.items())[:_MAX_NAMES]
            if name[:2] != "__"
        ]
        self.say(wire.LOADED, "\n".join(said).encode("utf-8", "replace"))

    def serve(self) -> None:
        """Answer until the other side is gone.

        The tests speak first, with a plan that may be empty: so what the loading gave leaves
        together with the first answers. They may speak marshal, which is fast: the program has no
        say in it. What it answers is JSON, since reading marshal can crash.
        """
        while True:
            kind, payload = self.frames.read()
            if kind == wire.PLAN:
                for call in marshal.loads(payload):
                    if self.replies and time.monotonic() - self.flushed > _FLUSH_S:
                        self.flush()
                    target, arguments, named = marshal.loads(call)
                    self.answer(target, "call", arguments, named)
            elif kind == wire.CALL:
                self.answer(*marshal.loads(payload), encoded=True)
            self.flush()

    def answer(
        self, target: str | int, action: str, given: Any, named: Any, *, encoded: bool = False
    ) -> None:
        """Do one thing with a name or an object of the program, and send what comes of it."""
        try:
            if encoded:
                given, named = codec.decode(given, self.resolve), codec.decode(named, self.resolve)
            value: Any
            value = self.objects[target] if isinstance(target, int) else self.scope.get(target)
            if action == "call":
                result = value(*given, **named)
            else:
                result = ACTIONS[action](value, *given, **named)
            if type(result) is value and isinstance(result, _HOLDERS) and _is_own(value):
                payload = codec.as_bytes(self.reference(result))  # it has methods of its own
            else:
                payload = codec.dumps(result, self.reference)
        except BaseException as error:  # noqa: BLE001  # whatever the program raises is its answer
            self.say(wire.RAISED, describe(error))
        else:
            self.say(wire.RETURNED, payload)

    def reference(self, value: object) -> list[Any]:
        """Keep an object that is no plain data, and give its number."""
        self.objects.append(value)
        return ["o", len(self.objects) - 1, type(value).__name__[:80]]

    def resolve(self, plain: list[Any]) -> Any:
        """What a reference of the tests stands for: our object, or a function of theirs."""
        if plain[0] == "o":
            return self.objects[plain[1]]
        if plain[0] == "u":
            return self._callback(plain[1])
        raise codec.Malformed("an unknown tag")

    def _callback(self, number: int) -> Callable[..., Any]:
        def call_back(*arguments: object, **named: object) -> Any:
            asked = codec.dumps([number, list(arguments), named], self.reference)
            self.say(wire.ASKED, asked)
            self.flush()
            kind, payload = self.frames.read()
            if kind != wire.BACK:
                raise wire.Closed
            good, value = codec.loads(payload, self.resolve)
            if not good:
                raise RuntimeError(f"the tests' function raised {value}")
            return value

        return call_back

    def printed_tail(self) -> str:
        """The end of what the program printed."""
        self.printed.flush()
        return self.tail.kept.decode(errors="replace")

    def say(self, kind: bytes, payload: bytes) -> None:
        """Queue a reply; many small ones leave in one write."""
        self.replies.append(wire.frame(kind, payload))

    def flush(self) -> None:
        """Send what is queued."""
        if self.replies:
            wire.write(self.channel, b"".join(self.replies))
            self.replies.clear()
        self.flushed = time.monotonic()


def _is_own(kind: Any) -> bool:
    return getattr(kind, "__module__", "") == NAME


def _await(value: Any) -> Any:
    import asyncio

    async def wait() -> Any:
        return await value

    return asyncio.run(wait())


ACTIONS: dict[str, Callable[..., Any]] = {
    "value": lambda value: value,
    "attribute": getattr,
    "set": setattr,
    "iterate": lambda value: [iter(value)],
    "next": lambda value, count: list(islice(value, count)),
    "length": len,
    "item": lambda value, key: value[key],
    "put": lambda value, key, item: value.__setitem__(key, item),
    "truth": bool,
    "text": str,
    "printed": lambda _: _server().printed_tail(),
    "await": _await,
}


def describe(error: BaseException) -> bytes:
    """An exception as plain data: the names of its builtin classes, its message, where it was."""
    import traceback

    names = [kind.__name__ for kind in type(error).__mro__ if kind.__module__ == "builtins"]
    try:
        message = str(error)[:500]
    except Exception:  # noqa: BLE001  # the program's own class may raise here
        message = ""
    frames = traceback.extract_tb(error.__traceback__, limit=-3)
    places = [f"line {one.lineno}, in {one.name}" for one in frames if one.filename == f"{NAME}.py"]
    report = {"names": names, "own": type(error).__name__[:80], "message": message, "at": places}
    return json.dumps(report).encode()


def _server() -> Server:
    return SERVER


SERVER: Server = Server(CHANNEL)
"""Made before the fork: a child has only to use it."""


def main(bounds: Bounds) -> None:
    """Load the program that comes first, then answer calls until the channel closes."""
    SERVER.attend(bounds)


WARMING = """
from typing import Any, Dict, List, Optional, Tuple, Union
import math
def total(xs: List[float], scale: Optional[float] = None) -> float:
    \"""Add.\"""
    out = {}
    for i, x in enumerate(sorted(xs)):
        out[str(i)] = [x, (x, i)]
    return [sum(xs), out, 'a b'.split()]
def unused(a: List[int], b: List[str], c: Tuple[int, int], d: Dict[str, int]) -> Optional[str]: pass
def unused(a: Any, b: Union[int, str], c: Optional[int], d: List[List[int]]) -> List[Any]: pass
"""


def warm() -> None:
    """Do once what every program does, so that the fork server has all of it in memory."""
    call: tuple[Any, ...] = ("total", ([1.5, 2],), {})
    said = (
        wire.frame(wire.LOAD, wire.NEEDS.pack(0, 0) + WARMING.encode())
        + wire.frame(wire.PLAN, marshal.dumps([marshal.dumps(call)] * 8))
        + wire.frame(wire.CALL, marshal.dumps(["total", "call", ["l", ["l", 1, 2]], ["d"]]))
    )
    for _ in range(3):
        ours, theirs = socket.socketpair()
        with ours, theirs:
            ours.sendall(said)
            ours.shutdown(socket.SHUT_WR)
            trial = Server(theirs.fileno())
            trial.prepare()
            with contextlib.suppress(wire.Closed):
                trial.attend(None)
    look_up("", b"", 0, 0.0, True, None, [], (), {}, set(), WARMING.split, math, iter(()))
    SERVER.prepare()
