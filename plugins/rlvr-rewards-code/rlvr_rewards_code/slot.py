"""One slot: a sandbox for programs and one for tests, and the judging of one program after another.

The trainer's side hands the tests the program's channel and keeps the clock; it reads nothing that
the program sent, and of the tests' side only the final report. Where descriptors can't travel, it
passes the frames between the two.
"""

from __future__ import annotations

import json
import select
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from time import monotonic

from rlvr_rewards_code.backends.sandbox import (
    Backend,
    Exit,
    Process,
    Sandbox,
    Setup,
    suppress_broken,
)
from rlvr_rewards_code.desk import Desk
from rlvr_rewards_code.exits import explain, patience_factor
from rlvr_rewards_code.jail import wire
from rlvr_rewards_code.jail.zygote import PROGRAM
from rlvr_rewards_code.job import FunctionTests, Job, Outcome
from rlvr_rewards_code.report import read_report
from rlvr_rewards_code.scripts import judge_script

GRACE_S = 2.0
"""How long the tests may still think when the program's time is over."""
RUNS_PER_SANDBOX = 10_000
MAX_RENEWALS = 200


class Slot:
    """Judges programs, one at a time."""

    def __init__(self, backend: Backend, processor: Callable[[], int | None]) -> None:
        self.backend = backend
        self.processor = processor
        """Says which one a sandbox that starts now is to run on; none: any."""
        self.sandboxes: dict[str, tuple[Setup, Sandbox]] = {}
        self.desk: Desk | None = None

    def judge(self, job: Job) -> Outcome:
        """How a program did.

        Raises:
            SandboxBroken: a sandbox failed; this says nothing about the program.
        """
        programs = self.sandbox("programs", job.setup)
        tests = self.sandbox("tests", _for_tests(job.setup))
        if self.desk is None or self.desk.sandbox is not tests:
            self.desk = Desk(tests)
        try:
            if isinstance(job.tests, FunctionTests):
                return Hearing(job, job.tests, programs, self.desk).run()
            return judge_script(job, job.tests, programs, self.desk)
        except BaseException:
            self.close()
            raise
        finally:
            if job.setup.single_use:
                self._drop("programs")

    def sandbox(self, use: str, setup: Setup) -> Sandbox:
        """The sandbox for this use; a new one if there is none, or not for these needs."""
        known = self.sandboxes.get(use)
        if known and (
            (known[0] is not setup and known[0] != setup) or known[1].served >= RUNS_PER_SANDBOX
        ):
            self._drop(use)
            known = None
        if known is None:
            started = self.backend.start(setup, use, self.processor())
            known = self.sandboxes[use] = (setup, started)
        return known[1]

    def _drop(self, use: str) -> None:
        known = self.sandboxes.pop(use, None)
        if known:
            known[1].close()

    def close(self) -> None:
        """End the sandboxes; the next program gets new ones."""
        for use in list(self.sandboxes):
            self._drop(use)


@lru_cache
def _for_tests(setup: Setup) -> Setup:
    return replace(setup, disk_mb=0, file_mb=0, processes=0)


class Hearing:
    """One program and one examiner, who talk to each other."""

    def __init__(self, job: Job, tests: FunctionTests, programs: Sandbox, desk: Desk) -> None:
        self.job, self.tests = job, tests
        self.programs, self.desk = programs, desk
        self.direct = desk.sandbox.passes_descriptors
        self.events = select.POLLRDHUP if self.direct else select.POLLIN
        self.exit = Exit(0, 0.0, 0.0)
        self.ending = ""
        self.limit = ""
        self.cpu_s = 0.0
        self.peak_mb = 0.0
        self.renewals = 0
        self.verdict: bytes | None = None
        self.program: Process | None = None

    def run(self) -> Outcome:
        """Pass frames until the tests have their verdict."""
        self._start_program()
        try:
            self.examiner = self.desk.examiner()
            self.deadline = monotonic() + self.job.limits.wall_s
            self._say_with_program(wire.JOB, self._job())
            self._attend()
            self._end_program()
        finally:
            with suppress_broken():
                self._end_program()
            self.desk.done(in_order=self.verdict is not None)
        return self._outcome()

    def _start_program(self) -> None:
        program = self.program = self.programs.take(PROGRAM)
        limits = self.job.limits
        program.stream.limit = limits.answer_kb * 1024
        needs = wire.NEEDS.pack(limits.cpu_s, limits.memory_mb)
        text = self.job.program.encode("utf-8", "surrogatepass")
        program.stream.send(wire.frame(wire.LOAD, needs + text), monotonic() + 5)

    def _say_with_program(self, kind: bytes, payload: bytes) -> None:
        """To the tests; the program's channel goes with it, whose end is ours to watch only."""
        said = wire.frame(kind, payload)
        if self.direct and self.program is not None:
            self.examiner.stream.send_with(said, self.program.stream.channel, self.deadline)
        else:
            self.examiner.stream.send(said, self.deadline)

    def _job(self) -> bytes:
        tests = self.tests
        job = {
            "kind": "functions",
            "tests": tests.tests if isinstance(tests.tests, str) else list(tests.tests),
            "entry": tests.entry,
            "names": list(tests.names),
            "setup": tests.setup,
            "reference": tests.reference,
            "module": tests.module,
            "plan": tests.plan,
            "share": self.job.share,
            "test_s": self.job.limits.test_s,
            "answer_bytes": self.job.limits.answer_kb * 1024,
        }
        return json.dumps(job).encode()

    def _attend(self) -> None:
        """Wait for the verdict, for the program's end, and for the end of its time."""
        started = monotonic()
        examiner = self.examiner.stream.fileno()
        while self.verdict is None:
            poll = select.poll()
            poll.register(examiner, select.POLLIN)
            if self.program is not None:
                poll.register(self.program.stream.fileno(), self.events)
            patience = self.deadline - monotonic()
            ready = [fd for fd, _ in poll.poll(patience * 1000)] if patience > 0 else []
            if not ready and not self._more_time(started):
                return
            if self.program is not None and self.program.stream.fileno() in ready:
                self._hear_program(self.program)
            if examiner in ready and not self._hear_examiner():
                return

    def _more_time(self, started: float) -> bool:
        """At a deadline: more for a program that waits for a processor; then time for the tests.

        False if there is no more to wait for.
        """
        server = self.program.server if self.program else 0
        allowed = self.job.limits.wall_s * patience_factor(server)
        if self.program is not None and monotonic() - started < allowed - 0.5:
            self.deadline = started + allowed
            return True
        if self.program is None:
            self.limit = self.limit or "wall"
            self.ending = self.ending or "the tests did not come to an end with what it answered"
            return False
        self._end_program()
        self.limit, self.ending = "wall", f"over its time of {self.job.limits.wall_s:g} s"
        self.deadline = monotonic() + GRACE_S
        self._tell_gone()
        return True

    def _hear_program(self, program: Process) -> None:
        if self.direct:
            program.stream.closed = True  # what it still said is for the tests to read
        else:
            frames = program.stream.frames()
            said = b"".join(wire.frame(wire.SAID, kind + payload) for kind, payload in frames)
            if said:
                self.examiner.stream.send(said, self.deadline)
        if program.stream.closed:
            oversized = program.stream.oversized
            self._end_program()
            if oversized:
                self.limit, self.ending = "answer", f"sent more than {self.job.limits.answer_kb} KB"
            self._tell_gone()

    def _tell_gone(self) -> None:
        self.examiner.stream.send(
            wire.frame(wire.GONE, self.ending.encode()), monotonic() + GRACE_S
        )

    def _hear_examiner(self) -> bool:
        for kind, payload in self.examiner.stream.frames():
            if kind == wire.VERDICT:
                self.verdict = payload
            elif kind == wire.ALONE:
                self.desk.alone = True
            elif kind == wire.TELL and self.program is not None:
                self.program.stream.send(payload, self.deadline)
            elif kind == wire.RENEW:
                self._end_program()
                self.renewals += 1
                if self.renewals > MAX_RENEWALS:
                    return False
                self.limit = self.ending = ""
                self._start_program()
                self._say_with_program(wire.READY, b"")
        if self.examiner.stream.closed and self.verdict is None:
            self.desk.bury()
            self.ending = "the process of the tests died of what it answered"
        return not self.examiner.stream.closed

    def _end_program(self) -> None:
        if self.program is None:
            return
        program, self.program = self.program, None
        self.exit = self.programs.end(program, again=not self.job.setup.single_use)
        self.cpu_s += self.exit.cpu_s
        self.peak_mb = max(self.peak_mb, self.exit.memory_mb)
        if self.verdict is None and not self.ending:
            self.limit, self.ending = explain(self.exit, self.job.limits)

    def _outcome(self) -> Outcome:
        outcome = Outcome(cpu_s=self.cpu_s, memory_mb=self.peak_mb, limit=self.limit)
        if self.verdict is None:
            return replace(outcome, reason=self.ending or "the tests did not come to an end")
        return read_report(self.verdict, outcome)
