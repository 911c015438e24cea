"""What the engine costs beside a bare call of the same reward, in one run.

Three ways for the same reward and samples, interleaved, medians over rounds:
`bare` calls the function in a list comprehension; `inline` is the engine in this process;
`worker` is the engine with a killable process, whose result comes back over a socket.

Run: make bench-scoring. The last line is one JSON object, all figures in microseconds a sample.
"""

from __future__ import annotations

import json
import statistics
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

from rlvr_ops_core import Sample, Task, reward
from rlvr_ops_core.scoring import Engine, bind_function

sys.path.insert(0, str(Path(__file__).parent))  # so that a worker finds this file by its name

ROUNDS = 15
SAMPLES = 5_000


def exact_in_worker(sample: Sample) -> bool:
    """The reward; without the decorator the engine gives it a worker."""
    return sample.final == sample.task.answer


@reward(inline=True)
def exact_inline(sample: Sample) -> bool:
    """The same reward, declared cheap."""
    return sample.final == sample.task.answer


def microseconds(work: Callable[[], object]) -> float:
    """The time of one round, per sample."""
    started = perf_counter()
    work()
    return (perf_counter() - started) / SAMPLES * 1e6


def main() -> None:
    """Measure, print a table, print the JSON line."""
    task = Task("1", "6 * 7 =", "42")
    samples = [Sample(task, "42" if row % 3 else "41") for row in range(SAMPLES)]
    with (
        Engine(bind_function(exact_inline, {})) as inline,
        Engine(bind_function(exact_in_worker, {})) as worker,
    ):
        worker.start()
        ways: dict[str, Callable[[], object]] = {
            "bare": lambda: [exact_inline(sample) for sample in samples],
            "inline": lambda: inline.score(samples),
            "worker": lambda: worker.score(samples),
        }
        rounds = [{name: microseconds(way) for name, way in ways.items()} for _ in range(ROUNDS)]
    medians = {name: statistics.median(found[name] for found in rounds) for name in ways}
    for name, median in medians.items():
        print(f"{name:8} {median:8.2f} us a sample   {median / medians['bare']:6.1f} x bare")
    figures = {f"{name}_us": round(median, 3) for name, median in medians.items()}
    figures["inline_overhead_us"] = round(medians["inline"] - medians["bare"], 3)
    figures["inline_over_bare"] = round(medians["inline"] / medians["bare"], 2)
    print(json.dumps({"benchmark": "scoring", "samples": SAMPLES, "rounds": ROUNDS, **figures}))


if __name__ == "__main__":
    main()
