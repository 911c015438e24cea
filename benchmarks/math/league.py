"""The league of math verifiers: all that are installed, on the same rows, in one run.

    python benchmarks/math/league.py [FILE.jsonl.gz] [--limit N] [--plot league.svg]

Batches of 32 rows are given to every verifier in turn, so that all see the same load. A verdict
other than "equal" counts as "not equal": that is what a trainer would pay. The last line printed is
one JSON object with all figures.
"""

from __future__ import annotations

import argparse
import gzip
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from isolation import Isolated, Outcome
from plot import draw
from verifiers import VERIFIERS

BATCH = 32
COLUMNS = (
    *("verifier", "right", "false pos.", "false neg.", "adv. accepted", "formats refused"),
    *("no verdict", "crashes", "time-outs", "median µs", "p99 µs"),
)
DEFAULT = Path(__file__).resolve().parents[3] / "shared" / "data" / "math_equivalence_dev.jsonl.gz"


@dataclass(frozen=True, slots=True)
class Standing:
    """One line of the table; rates are shares, times are microseconds."""

    verifier: str
    rows: int
    right: float
    false_positives: float
    false_negatives: float
    adversarial_accepted: int
    formats_refused: int
    no_verdict: int
    crashes: int
    timeouts: int
    median_us: float
    p99_us: float


def read_rows(file: Path, limit: int | None) -> list[dict[str, Any]]:
    """The rows of the benchmark that nobody disputes."""
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return [row for row in rows if not row.get("disputed")][:limit]


def run(rows: Sequence[dict[str, Any]], names: Sequence[str]) -> dict[str, list[Outcome]]:
    """What every verifier says on every row."""
    contestants = {}
    for name in names:
        try:
            contestants[name] = Isolated(name)
        except ImportError as error:
            print(f"left out, not installed: {error}")
    outcomes: dict[str, list[Outcome]] = {name: [] for name in contestants}
    for first in range(0, len(rows), BATCH):
        for name, contestant in contestants.items():
            outcomes[name] += [
                contestant.ask(row["gold"], row["completion"])
                for row in rows[first : first + BATCH]
            ]
        print(f"  {min(first + BATCH, len(rows))} of {len(rows)} rows", flush=True)
    for contestant in contestants.values():
        contestant.close()
    return outcomes


def standing(name: str, rows: Sequence[dict[str, Any]], outcomes: Sequence[Outcome]) -> Standing:
    """The figures of one verifier."""
    said = [bool(outcome.verdict) for outcome in outcomes]
    labels = [bool(row["label"]) for row in rows]
    wrong = sum(not label for label in labels)
    times = sorted(outcome.seconds for outcome in outcomes)
    pairs = list(zip(rows, said, strict=True))
    return Standing(
        verifier=name,
        rows=len(rows),
        right=sum(a == b for a, b in zip(labels, said, strict=True)) / len(rows),
        false_positives=sum(b and not a for a, b in zip(labels, said, strict=True)) / max(1, wrong),
        false_negatives=sum(a and not b for a, b in zip(labels, said, strict=True))
        / max(1, len(rows) - wrong),
        adversarial_accepted=sum(yes for row, yes in pairs if "adversarial" in row["source"]),
        formats_refused=sum(not yes for row, yes in pairs if row["source"] == "constructed-format"),
        no_verdict=sum(outcome.verdict is None for outcome in outcomes),
        crashes=sum(outcome.problem.startswith("crash") for outcome in outcomes),
        timeouts=sum(outcome.problem == "timeout" for outcome in outcomes),
        median_us=times[len(times) // 2] * 1e6,
        p99_us=times[int(len(times) * 0.99)] * 1e6,
    )


def print_table(standings: Sequence[Standing]) -> None:
    """The league, best first."""
    print(f"| {' | '.join(COLUMNS)} |")
    print("|---" * len(COLUMNS) + "|")
    for one in standings:
        cells = [
            one.verifier,
            f"{one.right:.3f}",
            f"{one.false_positives:.1%}",
            f"{one.false_negatives:.1%}",
            *map(str, (one.adversarial_accepted, one.formats_refused, one.no_verdict)),
            *map(str, (one.crashes, one.timeouts)),
            f"{one.median_us:,.0f}",
            f"{one.p99_us:,.0f}",
        ]
        print(f"| {' | '.join(cells)} |")


def main() -> None:
    """Run the league and print it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("file", nargs="?", type=Path, default=DEFAULT)
    parser.add_argument("--limit", type=int, default=None)
    parser.add_argument("--plot", type=Path, default=None)
    parser.add_argument("--only", nargs="*", default=list(VERIFIERS), choices=list(VERIFIERS))
    options = parser.parse_args()
    if not options.file.is_file():
        parser.error(f"there is no benchmark file {options.file}; name one")
    rows = read_rows(options.file, options.limit)
    outcomes = run(rows, options.only)
    standings = [standing(name, rows, outcomes[name]) for name in outcomes]
    standings.sort(key=lambda one: -one.right)
    print_table(standings)
    if options.plot:
        options.plot.write_text(
            draw([(s.verifier, s.median_us, s.right) for s in standings]), encoding="utf-8"
        )
        print(f"plot: {options.plot}")
    print(json.dumps({"file": options.file.name, "league": [asdict(one) for one in standings]}))


if __name__ == "__main__":
    main()
