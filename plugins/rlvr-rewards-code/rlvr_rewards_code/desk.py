"""Where tests are run: one process that takes job after job, as long as that is safe.

Test code that might change its interpreter says so before it runs (`jail/plain.py`), and gets a
process that nobody uses after it. So does anything that did not end in order.
"""

from __future__ import annotations

import signal

from rlvr_rewards_code.backends.sandbox import (
    Process,
    Sandbox,
    SandboxBroken,
    suppress_broken,
)
from rlvr_rewards_code.jail.zygote import EXAMINER

MOST_JOBS = 1000


class Desk:
    """The process that runs tests, in the sandbox for tests."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.process: Process | None = None
        self.alone = False
        """The job under way must be the last one of its process, and the first one."""
        self.jobs = 0

    def examiner(self) -> Process:
        """The process for the next job.

        Raises:
            SandboxBroken: there is none to be had.
        """
        if self.process is None:
            self.process = self.sandbox.take(EXAMINER)
            self.sandbox.prepare(EXAMINER)
            self.jobs = 0
        self.jobs += 1
        return self.process

    def bury(self) -> None:
        """Take leave of a process that ended in the middle of a job.

        Raises:
            SandboxBroken: it was killed from outside, which no program can do.
        """
        if self.process is not None:
            process, self.process = self.process, None
            found = self.sandbox.end(process)
            if found.signal == signal.SIGKILL and not found.ended_by_us:
                raise SandboxBroken("the process of the tests was killed from outside")

    def done(self, *, in_order: bool) -> None:
        """The job is over; the process stays for the next one if it may."""
        spent = self.alone or not in_order or self.jobs >= MOST_JOBS
        self.alone = False
        if spent and self.process is not None:
            process, self.process = self.process, None
            with suppress_broken():
                self.sandbox.end(process)
