"""The process that runs a task's tests. The program is in another one, and only answers calls.

It sits in a sandbox as well: test code comes from data sets. Its verdict is a list of what each
test said; it never holds anything that the program made except plain values.
"""

from __future__ import annotations

import builtins
import importlib
import json
import os
import random
import socket
import sys
import time
import types
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rlvr_rewards_code.jail import compare, proxy, pytest_style, wire
from rlvr_rewards_code.jail.collect import RECORD, Assertions, Scope, Test, collect
from rlvr_rewards_code.jail.confine import CHANNEL, Bounds, limit_use
from rlvr_rewards_code.jail.plan import NO_PLAN, Plan
from rlvr_rewards_code.jail.reading import read
from rlvr_rewards_code.jail.trainer import Trainer

Report = dict[str, Any]
Row = tuple[str, float, str, float]
"""A test's name, its share, why it failed, its seconds."""
_MEMORY_MB = 2048
_MAX_TESTS = 2000
_MANY_CALLS, _QUICK_S = 20, 1.0
"""When it is worth to run the reference once for a plan: the calls one by one took so many turns,
and the reference won't take long."""


class Unusable(Exception):
    """The task's own code is broken: no program could be judged by it."""


class Examination:
    """One program, judged by one task's tests."""

    def __init__(self, job: Mapping[str, Any], trainer: Trainer) -> None:
        self.job = job
        self.trainer = trainer
        self.link = proxy.Link(trainer, limit=job["answer_bytes"])
        self.counting = job["share"]
        self.kinds: dict[str, str] = {}
        self.reading = read(job)
        if not self.reading.plain:
            trainer.say(wire.ALONE, b"")  # said before any of it runs

    def run(self, *, planned: bool) -> Report:
        """The report of all tests; stops at the first failure unless each one counts."""
        assertions = Assertions(self.reading.places)
        plan = self.reading.plan(self.job["entry"]) if planned else NO_PLAN
        started = time.monotonic()
        random.seed(0)
        self.link.connect()
        refused = self._loaded(plan)
        if refused:
            return self._report([("load", 0.0, refused, 0.0)])
        try:
            tests = self._tests(assertions)
        except proxy.ProgramError as error:
            return self._report([("load", 0.0, str(error), 0.0)])
        rows: list[Row] = []
        for test in tests[:_MAX_TESTS]:
            if self.link.dead and not self._renewed():
                break
            rows.append(self._judge(test))
            if not rows[-1][1] and not self.counting:
                break
        if self.reading.plain and not self.reading.recorded and self._is_check():
            unplanned = self.link.calls - len(plan.calls)
            quick = time.monotonic() - started < _QUICK_S
            self.reading.many_calls = quick and unplanned > _MANY_CALLS
        if any(assertions.reached):
            rows = assertions.rows(next((why for _, passed, why, _ in rows if not passed), ""))
        missing = len(tests) - len(rows) if len(rows) < len(tests) else 0
        return self._report(rows, missing=missing)

    def _loaded(self, plan: Plan = NO_PLAN) -> str:
        """Wait until the program is loaded; gives why it can't be judged, or ""."""
        try:
            self.link.plan(plan)
            kind, payload = self.link.hear()
        except proxy.Dead as dead:
            return f"while loading{' or in its first calls' * bool(self.link.planned)}: {dead}"
        try:
            if kind == wire.REFUSED:
                report = json.loads(payload)
                places = "; ".join(map(str, report["at"]))
                return f"does not load: {report['own']}: {report['message']} {places}"[:600]
            if kind != wire.LOADED:
                return "sent something that is no answer"
            lines = payload.split(b"\n") if payload else []
            self.kinds = {one[1:].decode(): wire.KINDS[one[:1]] for one in lines}
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return "sent something that is no answer"
        missing = [name for name in self.reading.names if name not in self.kinds]
        return f"defines no {', '.join(missing)}" if missing else ""

    def _tests(self, assertions: Assertions) -> list[Test]:
        """The task's tests, in a scope where the program's names lead to the program.

        Raises:
            Unusable: the task's own code does not run.
        """
        scope: Scope = {"__name__": "tests", "__builtins__": dict(vars(builtins))}
        if self.counting:
            scope[RECORD] = assertions.record
        reading = self.reading
        try:
            names = {name: self._stand_in(name) for name in reading.names}
            self._prepare(scope, names)
            tests = collect(reading.shape, reading.tests, scope, names.get(self.job["entry"]))
        except (Exception, proxy.Dead) as error:
            if self.link.dead or self.link.calls:  # the program had its part in it
                raise proxy.ProgramError(
                    self.link.dead or f"{type(error).__name__}: {error}"
                ) from error
            raise Unusable(f"{type(error).__name__}: {error}"[:400]) from error
        if not tests:
            raise Unusable("there is no test in the tests")
        return tests

    def _prepare(self, scope: Scope, names: Mapping[str, Any]) -> None:
        job = self.job
        module = types.ModuleType(job["module"])
        module.__dict__.update(names)
        sys.modules[job["module"]] = module
        if "pytest" not in sys.modules:
            sys.modules["pytest"] = pytest_style.module()
        for name in self.reading.modules:
            scope[name] = importlib.import_module(name)
        if self._is_check():
            # `check` gets the program as its argument, and the task's helpers stay the task's:
            # a test that compares with a helper of the same name compares with the reference.
            exec(self.reading.setup, scope)  # noqa: S102  # a task's own code, in its sandbox
            if self.reading.helpers is not None:
                exec(self.reading.helpers, scope)  # noqa: S102
            scope.update({name: value for name, value in names.items() if name not in scope})
        else:
            scope.update(names)
            exec(self.reading.setup, scope)  # noqa: S102  # may use the program's classes (MBPP/367)

    def _is_check(self) -> bool:
        return self.reading.shape == "check" and bool(self.job["reference"])

    def _stand_in(self, name: str) -> Any:
        if self.kinds.get(name) == "value":
            return self.link.ask(name, "value")
        return proxy.function(self.link, name)

    def _judge(self, test: Test) -> Row:
        started = time.monotonic()
        if self.job["test_s"]:
            self.link.deadline = started + self.job["test_s"]
        self.link.trouble = ""
        try:
            test.run()
            why = self.link.dead  # a test may have swallowed it
        except proxy.Diverged:
            raise
        except proxy.Dead as dead:
            why = str(dead)
        except AssertionError as error:
            why = f"assertion failed{_line(error)}: {_text(error)}".removesuffix(": ")[:600]
        except BaseException as error:  # noqa: BLE001  # the program's answer made the test raise
            why = f"{type(error).__name__}{_line(error)}: {_text(error)}"[:600]
        if self.link.dead == "planned":
            raise proxy.Diverged
        if why and self.link.trouble and not self.link.dead:
            why = f"{why}; the program raised {self.link.trouble}"[:900]
        return test.name, float(not why), why, time.monotonic() - started

    def _renewed(self) -> bool:
        """Have the program started again, where each test counts for itself."""
        if not self.counting:
            return False
        renew(self.trainer)
        self.link.connect()
        self.link.dead = ""
        self.link.deadline = None
        return not self._loaded()

    def _report(self, rows: Sequence[Row], *, missing: int = 0) -> Report:
        failed = not all(share == 1.0 for _, share, _, _ in rows)
        printed = ""
        if failed and not self.link.dead and not self.link.planned:
            self.link.deadline = time.monotonic() + 1.0
            try:
                printed = str(self.link.ask("", "printed"))[-2000:]
            except (proxy.Dead, proxy.Diverged, Exception):  # noqa: BLE001  # a courtesy, no more
                printed = ""
        calls = self.link.calls - bool(printed)
        limit = "answer" if self.link.oversized else ""
        return {"tests": rows, "missing": missing, "calls": calls, "printed": printed} | {
            "limit": limit
        }


def _text(error: BaseException) -> str:
    """Its message. That may be an object of the program's, which then is asked for its text."""
    try:
        return str(error)
    except BaseException as another:  # noqa: BLE001  # whatever the program makes of that
        return f"(its text can't be had: {type(another).__name__})"


def _line(error: BaseException) -> str:
    """Where in the test code it happened."""
    trace, line = error.__traceback__, ""
    while trace is not None:
        name = trace.tb_frame.f_code.co_filename
        if name == "tests" or name.startswith("test "):
            line = f" in line {trace.tb_lineno} of {name}"
        trace = trace.tb_next
    return line


def renew(trainer: Trainer) -> None:
    """Have the program started again."""
    trainer.say(wire.RENEW, b"")
    while trainer.read()[0] != wire.READY:
        pass  # what the old one still said


def examine(job: Mapping[str, Any], trainer: Trainer) -> Report:
    """Judge one program; the calls are planned where that can be done."""
    examination = Examination(job, trainer)
    try:
        # planned answers come in bunches: not where each test has to be told from the next
        return examination.run(planned=job["plan"] and not job["share"] and not job["test_s"])
    except proxy.Diverged:
        examination.link.release()
        renew(trainer)
        examination = Examination(job, trainer)
        return examination.run(planned=False)
    finally:
        examination.link.release()


def main(bounds: Bounds) -> None:
    """Take jobs until the channel closes."""
    limit_use(bounds, cpu_s=1e6, memory_mb=_MEMORY_MB)
    sys.stdout = sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123  # for as long as we live
    trainer = Trainer(CHANNEL)
    while True:
        kind, payload = trainer.read()
        if kind != wire.JOB:
            continue
        job = json.loads(payload)
        work: Callable[[Mapping[str, Any], Trainer], Report] = (
            examine if job["kind"] == "functions" else compare.judge
        )
        try:
            report = work(job, trainer)
        except (Unusable, SyntaxError, ValueError, RecursionError, MemoryError) as error:
            report = {"unusable": f"{type(error).__name__}: {error}"[:500]}
        trainer.forget()
        trainer.say(wire.VERDICT, json.dumps(report).encode())


def warm() -> None:
    """Do once what every examination does, so that the fork server has all of it in memory."""
    tests = "def check(candidate):\n    assert candidate([1, 2.5], 'a') == {'a': (1,)}, 'why'\n"
    job = {"tests": tests, "entry": "f", "names": [], "reference": "def f(): pass", "setup": ""}
    job |= {"share": False, "module": "solution", "plan": True, "test_s": None}  # type: ignore[dict-item]
    job |= {"answer_bytes": 1000}  # type: ignore[dict-item]
    said = wire.frame(wire.LOADED, b"ff") + wire.frame(wire.RETURNED, b'["d","a",["t",1]]')
    for _ in range(8):
        ours, theirs = socket.socketpair()
        program, other = socket.socketpair()
        with ours, other:
            other.sendall(said)
            trainer = Trainer(theirs.detach())
            trainer.handed.append(program.detach())
            json.dumps(examine(job, trainer)).encode()
            trainer.socket.close()
    for name in ("solution", "pytest"):
        sys.modules.pop(name, None)
