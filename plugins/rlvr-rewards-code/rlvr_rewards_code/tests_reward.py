"""The reward `code/tests`: does the program in the completion pass the task's tests?"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Literal

from rlvr_ops_core import Sample, Score, Task, reward
from rlvr_rewards_code.backends.choice import BackendName, choose, details
from rlvr_rewards_code.backends.local import readable_site
from rlvr_rewards_code.backends.sandbox import Setup
from rlvr_rewards_code.extract import extract_program
from rlvr_rewards_code.job import Job, Outcome, ScriptTests
from rlvr_rewards_code.limits import Limits
from rlvr_rewards_code.pool import shared_pool
from rlvr_rewards_code.task import BadTask, tests_of

_DEFAULT = Limits()
_ROWS_SHOWN = 20
ENGINE_TIMEOUT_S = 600.0
"""The sandbox keeps its own, much shorter, limits; this is for a machine that has stopped."""


def check_task(task: Task, **options: Any) -> str:
    """What is wrong with a task's tests, or "": its reference must pass them, in the sandbox."""
    try:
        tests = tests_of(task.data)
    except BadTask as error:
        return str(error)
    if not tests.reference:
        return ""
    judge = Tests(**options)
    outcome = asyncio.run(judge.outcome_of(tests.reference, task=task, tests=tests))
    if outcome.passed:
        return ""
    return f"its reference does not pass: {outcome.unusable or outcome.reason}"


def shown_details() -> Iterable[str]:
    """Lines for `rlvr plugins -v`."""
    return details()


@reward(
    components=("passed", "share", "seconds", "memory_mb"),
    timeout_s=ENGINE_TIMEOUT_S,
    check_task=check_task,
    details=shown_details,
)
@dataclass(frozen=True, kw_only=True)
class Tests:
    """1 if the program passes every test of the task, else 0; run in a sandbox, judged outside it.

    The program only ever answers calls, or writes output: the tests run in a process that it can't
    reach. `data` of the task holds the tests, see `task.py`. A task without usable tests abstains;
    a sandbox that broke is an error, never a zero.
    """

    backend: BackendName = "auto"
    """`auto` takes the first of namespaces, docker and seccomp that works here."""
    credit: Literal["all", "share"] = "all"
    """`all`: 1 only if every test passes. `share`: the share of the tests that pass."""
    cpu_s: float = _DEFAULT.cpu_s
    wall_s: float = _DEFAULT.wall_s
    test_s: float | None = _DEFAULT.test_s
    memory_mb: int = _DEFAULT.memory_mb
    output_kb: int = _DEFAULT.output_kb
    answer_kb: int = _DEFAULT.answer_kb
    disk_mb: int = _DEFAULT.disk_mb
    file_mb: int | None = _DEFAULT.file_mb
    processes: int = _DEFAULT.processes
    threads: int = _DEFAULT.threads
    preload: tuple[str, ...] = ()
    """Packages that programs may import, loaded once into the fork server: `[numpy]`."""
    slots: int | None = None
    """Programs at once; None: one for each processor."""
    remember: bool = True
    """Judge equal programs of one task once; answers of a group are often equal."""

    __test__: ClassVar[bool] = False  # pytest: this is not a test class

    async def __call__(self, sample: Sample) -> Score:
        """Judge the program in one completion."""
        try:
            tests = tests_of(sample.task.data)
        except BadTask as error:
            return Score(None, info={"reason": str(error)})
        if isinstance(tests, ScriptTests) and self.backend == "restricted":
            return Score(None, info={"reason": "the backend restricted runs functions only"})
        data = sample.task.data
        entry, prefix = str(data.get("entry_point") or ""), str(data.get("prefix") or "")
        program = extract_program(sample.final, entry=entry, prefix=prefix)
        if not program.strip():
            return _nothing("the completion holds no program")
        return self._score(await self.outcome_of(program, task=sample.task, tests=tests), program)

    async def outcome_of(self, program: str, *, task: Task, tests: Any = None) -> Outcome:
        """How a program does on a task's tests.

        Raises:
            BadTask: the task has no tests.
            RewardLoadError: no sandbox can be had here.
            SandboxError: the sandbox broke twice.
        """
        job = Job(
            program=program,
            tests=tests_of(task.data) if tests is None else tests,
            limits=self.limits(),
            setup=self._setup(),
            share=self.credit == "share",
        )
        backend = await asyncio.to_thread(choose, self.backend)
        future = shared_pool(backend, self.slots).submit(job, remember=self.remember)
        return await asyncio.shield(asyncio.wrap_future(future))

    def limits(self) -> Limits:
        """The limits among the options."""
        return Limits(**{one.name: getattr(self, one.name) for one in fields(Limits)})

    def _setup(self) -> Setup:
        return Setup(
            site=readable_site(_site_folders()) if self.preload else (),
            preload=self.preload,
            disk_mb=self.disk_mb,
            file_mb=self.disk_mb if self.file_mb is None else min(self.file_mb, self.disk_mb),
            processes=self.processes,
            threads=self.threads,
        )

    def _score(self, outcome: Outcome, program: str) -> Score:
        if outcome.unusable:
            why = f"the task's own tests can't be used: {outcome.unusable}"
            return Score(None, info={"reason": why, "extracted": program})
        passed = float(outcome.passed)
        value = passed if self.credit == "all" else min(outcome.share, 1.0)
        if outcome.calls == 0:
            value = 0.0
        return Score(
            value,
            components={
                "passed": passed,
                "share": outcome.share,
                "seconds": outcome.cpu_s,
                "memory_mb": outcome.memory_mb,
            },
            info=_info(outcome, program),
        )


def _info(outcome: Outcome, program: str) -> dict[str, Any]:
    info: dict[str, Any] = {
        "reason": outcome.reason or f"passed {len(outcome.rows)} of {len(outcome.rows)} tests",
        "extracted": program,
        "tests": [
            {
                "name": row.name,
                "share": row.share,
                "reason": row.reason,
                "seconds": round(row.seconds, 4),
            }
            for row in outcome.rows[:_ROWS_SHOWN]
        ],
    }
    optional = {"limit": outcome.limit, "stderr": outcome.printed}
    return info | {name: value for name, value in optional.items() if value}


def _nothing(why: str) -> Score:
    nothing = {"passed": 0.0, "share": 0.0}
    return Score(0.0, components=nothing, info={"reason": why, "extracted": ""})


def _site_folders() -> list[str]:
    return [one for one in sys.path if one.endswith(("site-packages", "dist-packages"))]
