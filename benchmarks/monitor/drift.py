"""How often `rlvr drift` is wrong where nothing drifted, and what it sees of shifts of each size.

    python benchmarks/monitor/drift.py [--pairs 200] [--plot FILE.svg]

The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "plugins/rlvr-monitor/tests"))

from rlvr_monitor.drift.comparing import compare_windows
from rlvr_monitor.drift.window import units_of
from simulated_windows import rows

ALPHA = 0.05
SHIFTS = {
    "pass rate, points down": (
        "skill",
        "pass_rate",
        [0.05, 0.1, 0.15, 0.2, 0.3],
        lambda s: 0.5 - s,
    ),
    "answers longer, percent": (
        "length",
        "completion_length",
        [5, 10, 20, 40, 80],
        lambda s: 100 * (1 + s / 100),
    ),
    "verdicts slower, percent": (
        "seconds",
        "verdict_seconds",
        [5, 10, 20, 40, 80],
        lambda s: 0.01 * (1 + s / 100),
    ),
    "prompts replaced, percent": ("other", "prompt_mix", [5, 10, 20, 40, 80], lambda s: s / 100),
}


def compared(job: tuple[str, int, dict[str, float], str]) -> bool:
    """Two windows: is there any alarm, or one for the named signal?"""
    seed, groups, change, signal = job
    found = compare_windows(
        units_of(rows(f"{seed} reference", groups)),
        units_of(rows(f"{seed} live", groups, **change)),
        alpha=ALPHA,
    )
    if not signal:
        return found.drifted
    return any(shift.drifted and shift.signal == signal for shift in found.shifts)


def main() -> None:
    """Run, print tables, and one line of JSON."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--pairs", type=int, default=200)
    arguments.add_argument("--plot", type=Path)
    given = arguments.parse_args()
    started = time.monotonic()
    wrong: dict[int, float] = {}
    power: dict[str, dict[int, list[float]]] = {}
    with ProcessPoolExecutor(2) as pool:
        for groups in (25, 50, 100, 200):
            jobs = [(f"{n} {groups}", groups, {}, "") for n in range(2 * given.pairs)]
            wrong[groups] = sum(pool.map(compared, jobs, chunksize=10)) / len(jobs)
            print(f"no drift, {groups:4} groups: {wrong[groups]:.3f} wrong, {ALPHA} stated")
        for name, (option, signal, sizes, of) in SHIFTS.items():
            power[name] = {}
            for groups in (50, 200):
                curve = []
                for size in sizes:
                    jobs = [
                        (f"{n} {name} {size}", groups, {option: of(size)}, signal)
                        for n in range(given.pairs // 4)
                    ]
                    curve.append(sum(pool.map(compared, jobs, chunksize=5)) / len(jobs))
                power[name][groups] = curve
                print(f"{name}, {groups} groups:", dict(zip(sizes, curve, strict=True)))
    if given.plot:
        draw(power, given.plot)
    print(
        json.dumps(
            {
                "stated": ALPHA,
                "wrong": wrong,
                "power": {
                    name: {
                        groups: dict(zip(SHIFTS[name][2], curve, strict=True))
                        for groups, curve in curves.items()
                    }
                    for name, curves in power.items()
                },
                "pairs": given.pairs,
                "seconds": round(time.monotonic() - started, 1),
            }
        )
    )


def draw(power: dict[str, dict[int, list[float]]], file: Path) -> None:
    """One small graph a signal."""
    import matplotlib

    matplotlib.use("svg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, len(power), figsize=(13, 3), sharey=True)
    for axis, (name, curves) in zip(axes, power.items(), strict=True):
        for groups, curve in curves.items():
            axis.plot(SHIFTS[name][2], curve, marker="o", label=f"{groups} groups")
        axis.set_title(name, fontsize=9)
        axis.axhline(ALPHA, linestyle=":", color="grey")
    axes[0].set_ylabel("found")
    axes[0].legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(file, metadata={"Date": None})


if __name__ == "__main__":
    main()
