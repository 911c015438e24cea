"""Judges a program by what it writes to standard output, case by case, a fresh process each."""

from __future__ import annotations

import json
import select
from dataclasses import replace
from time import monotonic

from rlvr_rewards_code.backends.sandbox import (
    Exit,
    Process,
    Sandbox,
    SandboxBroken,
    Stream,
)
from rlvr_rewards_code.desk import Desk
from rlvr_rewards_code.exits import explain, patience_factor
from rlvr_rewards_code.jail import wire
from rlvr_rewards_code.jail.zygote import SCRIPT
from rlvr_rewards_code.job import Case, Job, Outcome, Row, ScriptTests

COMPARE_S = 10.0
_STDERR = 4000


def judge_script(job: Job, tests: ScriptTests, programs: Sandbox, desk: Desk) -> Outcome:
    """How a script did on all its cases, or up to the first that it fails.

    Raises:
        SandboxBroken: a sandbox failed; this says nothing about the program.
    """
    outcome = Outcome(missing=len(tests.cases), calls=len(tests.cases))
    for number, case in enumerate(tests.cases, 1):
        started = monotonic()
        found, limit, why = run_script(job, case, programs)
        share = 0.0
        if not why:
            share, why, unusable = compare(case, found.output, tests, desk)
            if unusable:
                return replace(outcome, unusable=unusable)
        row = Row(f"case {number}", share, why, monotonic() - started)
        outcome = replace(
            outcome,
            rows=(*outcome.rows, row),
            missing=outcome.missing - 1,
            cpu_s=outcome.cpu_s + found.cpu_s,
            memory_mb=max(outcome.memory_mb, found.memory_mb),
        )
        if share < 1.0 and not outcome.reason:
            printed = found.errors[-_STDERR:].decode(errors="replace")
            reason = f"case {number}: {why}"
            outcome = replace(outcome, reason=reason, limit=limit, printed=printed)
        if share < 1.0 and not job.share:
            break
    return outcome


def run_script(job: Job, case: Case, programs: Sandbox) -> tuple[Exit, str, str]:
    """Run a script on one case: how it ended, which limit it hit, and why it failed so far."""
    limits = job.limits
    process = programs.take(SCRIPT)
    output_bytes = limits.output_kb * 1024
    load = {
        "program": job.program,
        "cpu_s": limits.cpu_s,
        "memory_mb": limits.memory_mb,
        "output_bytes": output_bytes,
    }
    frames = wire.frame(wire.LOAD, json.dumps(load).encode())
    frames += wire.frame(wire.LOAD, case.given.encode(errors="surrogateescape"))
    started = monotonic()
    taken = process.stream.send(frames, started + limits.wall_s)
    ended = taken and _wait_until_ended(process, started, limits.wall_s)
    found = programs.end(process, output_limit=output_bytes, again=not job.setup.single_use)
    if not ended:
        return found, "wall", f"over its time of {limits.wall_s:g} s"
    if found.signal:
        return found, *explain(found, limits)
    if len(found.output) >= output_bytes:
        return found, "output", f"printed {limits.output_kb} KB or more"
    if found.code:
        last = found.errors.decode(errors="replace").strip().rpartition("\n")[2]
        limit = "memory" if last.startswith("MemoryError") else ""
        return found, limit, f"exit code {found.code}: {last[:300]}".rstrip(": ")
    return found, "", ""


def _wait_until_ended(process: Process, started: float, wall_s: float) -> bool:
    """Wait until a process has let go of its channel; False if its time is over before that."""
    stream = process.stream
    poll = select.poll()
    poll.register(stream.fileno(), select.POLLIN)
    deadline = started + wall_s
    while not stream.closed:
        if poll.poll(max(0.0, deadline - monotonic()) * 1000):
            stream.frames()  # a script has nothing to say here: dropped
            continue
        allowed = started + wall_s * patience_factor(process.server)
        if allowed <= deadline + 0.5:
            return False
        deadline = allowed
    return True


def compare(case: Case, output: bytes, tests: ScriptTests, desk: Desk) -> tuple[float, str, str]:
    """Share and reason of one case, in a process for tests; last, why the checker is unusable."""
    examiner = desk.examiner()
    in_order = False
    job = {
        "kind": "compare",
        "how": tests.how,
        "tolerance": tests.tolerance,
        "checker": tests.checker,
        "input": case.given if tests.checker else "",
        "expected": case.expected,
    }
    deadline = monotonic() + COMPARE_S
    try:
        frames = wire.frame(wire.JOB, json.dumps(job).encode()) + wire.frame(wire.SAID, output)
        examiner.stream.send(frames, deadline)
        said = _reply(examiner.stream, desk, deadline)
        if said is None:
            return 0.0, "the comparison of the output did not come to an end", ""
        in_order = True
        report = json.loads(said)
        if "unusable" in report:
            return 0.0, "", str(report["unusable"])[:500]
        return float(report["share"]), str(report["why"])[:500], ""
    except (ValueError, TypeError, KeyError) as error:
        raise SandboxBroken(f"the comparison answered with {type(error).__name__}") from error
    finally:
        desk.done(in_order=in_order)


def _reply(stream: Stream, desk: Desk, deadline: float) -> bytes | None:
    """The verdict of a comparison; None if there will be none."""
    poll = select.poll()
    poll.register(stream.fileno(), select.POLLIN)
    while not stream.closed and poll.poll(max(0.0, deadline - monotonic()) * 1000):
        for kind, payload in stream.frames():
            if kind == wire.VERDICT:
                return payload
            desk.alone = desk.alone or kind == wire.ALONE
    if stream.closed:
        desk.bury()
    return None
