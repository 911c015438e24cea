"""math/equal against math-verify on the same rows in one process: GSM8K, MATH-500, the benchmark.

Both judge a batch of 32 rows in turn, as a trainer would have them; each row is timed on its own.

    python benchmarks/math/speed.py [--data ../shared/data] [--limit N]

The last line printed is one JSON object. Verdicts that differ are listed, to be looked at by a
person.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter

from league import read_rows
from rlvr_rewards_math.sources import gsm8k, math500
from verifiers import Verifier, load

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
RENDERINGS = (
    "The final answer is $\\boxed{{{}}}$.",
    "We add them up.\n#### {}",
    "So the answer is {}.",
    "**Answer:** {}",
    "<think>Let me see.</think>\n\\[\n\\boxed{{{}}}\n\\]",
)
BATCH = 32
Row = tuple[str, str]


def gsm8k_rows(data: Path) -> Iterator[Row]:
    """Gold answers of the test split, each in one of five renderings."""
    for index, task in enumerate(gsm8k(split="test", path=str(data))):
        yield str(task.answer), RENDERINGS[index % len(RENDERINGS)].format(task.answer)


def math500_rows(data: Path) -> Iterator[Row]:
    """Gold answers in a box."""
    for task in math500(path=str(data / "math500.jsonl.gz")):
        yield str(task.answer), RENDERINGS[0].format(task.answer)


def benchmark_rows(data: Path) -> Iterator[Row]:
    """The rows of the league."""
    for row in read_rows(data / "math_equivalence_dev.jsonl.gz", None):
        yield row["gold"], row["completion"]


def compare(name: str, rows: list[Row]) -> dict[str, float | str | int]:
    """Medians of both, and how often they say the same."""
    ours, theirs = load("math/equal"), load("math-verify")
    our_times: list[float] = []
    their_times: list[float] = []
    differ: list[tuple[str, str, bool]] = []
    for first in range(0, len(rows), BATCH):
        batch = rows[first : first + BATCH]
        mine = [_timed(ours, row, our_times) for row in batch]
        others = [_timed(theirs, row, their_times) for row in batch]
        verdicts = zip(batch, mine, others, strict=True)
        differ += [(*row, verdict) for row, verdict, other in verdicts if verdict is not other]
    ours_us, theirs_us = _median(our_times), _median(their_times)
    print(
        f"{name}: {len(rows)} rows, math/equal {ours_us:.0f} µs, math-verify {theirs_us:.0f} µs, "
        f"{theirs_us / ours_us:.0f} times; {len(differ)} verdicts differ"
    )
    if name != "benchmark":
        for gold, completion, mine in differ[:40]:
            print(f"  gold {gold!r}, completion {completion!r}: math/equal says {mine}")
    return {
        "set": name,
        "rows": len(rows),
        "ours_us": ours_us,
        "math_verify_us": theirs_us,
        "times": theirs_us / ours_us,
        "differ": len(differ),
    }


def _timed(verifier: Verifier, row: Row, times: list[float]) -> bool:
    started = perf_counter()
    verdict = bool(verifier(*row))
    times.append(perf_counter() - started)
    return verdict


def _median(seconds: list[float]) -> float:
    return sorted(seconds)[len(seconds) // 2] * 1e6


def main() -> None:
    """Run all three sets."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--limit", type=int, default=None)
    sets = {"GSM8K": gsm8k_rows, "MATH-500": math500_rows, "benchmark": benchmark_rows}
    parser.add_argument("--sets", nargs="*", default=list(sets), choices=list(sets))
    options = parser.parse_args()
    figures = [
        compare(name, list(sets[name](options.data))[: options.limit]) for name in options.sets
    ]
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
