"""One verifier in a process of its own, that is killed when it hangs."""

from __future__ import annotations

import multiprocessing
from dataclasses import dataclass
from multiprocessing.connection import Connection
from time import perf_counter
from typing import Any

from verifiers import load

HARD_LIMIT_S = 30.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """`verdict` is None if the verifier gave none; `problem` is "", "crash" or "timeout"."""

    verdict: bool | None
    seconds: float
    problem: str = ""


class Isolated:
    """A verifier in a child process; a new one is started after a kill."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._start()

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        # no daemon: math/equal starts workers of its own
        self.process = context.Process(target=_serve, args=(self.name, theirs))
        self.process.start()
        theirs.close()
        ready = self.pipe.recv()
        if ready != "ready":
            self.process.join()
            raise ImportError(ready)

    def ask(self, gold: str, completion: str) -> Outcome:
        """The verdict on one row, and the time the call took in the child."""
        self.pipe.send((gold, completion))
        if not self.pipe.poll(HARD_LIMIT_S):
            self._end()
            self._start()
            return Outcome(None, HARD_LIMIT_S, "timeout")
        try:
            verdict, seconds, problem = self.pipe.recv()
        except EOFError:
            self._end()
            self._start()
            return Outcome(None, 0.0, "crash")
        return Outcome(verdict, seconds, problem)

    def close(self) -> None:
        """End the child."""
        self.pipe.send(None)
        self.process.join(timeout=10)
        self._end()

    def _end(self) -> None:
        self.process.kill()
        self.process.join()
        self.pipe.close()


def _serve(name: str, pipe: Connection[Any, Any]) -> None:
    try:
        verifier = load(name)
    except ImportError as error:
        pipe.send(f"{name}: {error}")
        return
    pipe.send("ready")
    while (row := pipe.recv()) is not None:
        started = perf_counter()
        try:
            verdict, problem = verifier(*row), ""
        except BaseException as error:  # noqa: BLE001  # a league records whatever is raised
            verdict, problem = None, f"crash: {type(error).__name__}"
        pipe.send((verdict, perf_counter() - started, problem))
