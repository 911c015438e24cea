"""How often `rlvr drift` is wrong where nothing drifted, and what it sees of shifts of each size.

    python benchmarks/monitor/drift.py [--pairs 300] [--workers 2] [--plot FILE.svg]

Without drift the rate of alarms must lie between half and twice the stated one, for the whole and
for each test by itself, over all sizes of windows; the exit code says whether. One size alone is
known to about 0.013. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "plugins/rlvr-monitor/tests"))

from rlvr_monitor.drift.comparing import compare_windows
from rlvr_monitor.drift.window import units_of
from simulated_windows import rows

ALPHA = 0.05
SIZES = (25, 50, 100, 200)
SAME_TASKS = 60
"""Of so many tasks both windows draw where they are compared task by task."""
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


Job = tuple[str, int, dict[str, float]]
"""Seed, groups a window, what is different in the live one."""


def compared(job: Job) -> tuple[bool, dict[str, tuple[float, bool]], bool]:
    """Two windows: any alarm; each test's p-value and verdict; an alarm of the tests of rates."""
    seed, groups, change = job
    before = {"tasks": change["tasks"]} if "tasks" in change else {}
    found = compare_windows(
        units_of(rows(f"{seed} reference", groups, **common(before))),
        units_of(rows(f"{seed} live", groups, **common(change))),
        alpha=ALPHA,
    )
    tests = {
        f"{one.signal} ({one.detector})": (one.p_value, one.drifted)
        for one in found.shifts
        if one.varies
    }
    return found.drifted, tests, bool(found.sequential)


def common(change: dict[str, float]) -> dict[str, object]:
    """Windows in which everything happens: some answers get no verdict or part of a reward."""
    return {"failing": 0.03, "partial": 0.1, "cut": 0.05, **change}


def without_drift(pool: ProcessPoolExecutor, pairs: int) -> dict[str, dict[str, float]]:
    """The rate of alarms of the whole for each size, and of each test over all sizes."""
    whole: dict[str, float] = {}
    low: Counter[str] = Counter()
    tried: Counter[str] = Counter()
    for groups in SIZES:
        for kind, change in (("", {}), (f", of {SAME_TASKS} tasks", {"tasks": SAME_TASKS})):
            if kind and groups < SAME_TASKS:
                continue
            jobs: list[Job] = [(f"{n} {groups}{kind}", groups, change) for n in range(pairs)]
            found = list(pool.map(compared, jobs, chunksize=10))
            name = f"{groups} groups{kind}"
            whole[name] = sum(drifted for drifted, _, _ in found) / len(found)
            print(f"no drift, {name:24} {whole[name]:.3f} wrong, {ALPHA} stated", flush=True)
            for _, tests, rates in found:
                tried.update([*tests, "rates, one after the other"])
                low.update(name for name, (p_value, _) in tests.items() if p_value <= ALPHA)
                low["rates, one after the other"] += rates
    each = {name: low[name] / tried[name] for name in tried}
    for name, rate in each.items():
        print(f"{name:36} {rate:.3f} of {tried[name]} at or below {ALPHA}")
    overall = sum(whole.values()) / len(whole)
    print(f"no drift, all sizes together        {overall:.3f} wrong, {ALPHA} stated", flush=True)
    return {"whole": whole, "each": {"all tests together": overall, **each}}


def power_of(pool: ProcessPoolExecutor, pairs: int) -> dict[str, dict[int, list[float]]]:
    """For each kind of shift, by groups a window: how often it is found, for each size of it."""
    power: dict[str, dict[int, list[float]]] = {}
    for name, (option, signal, sizes, of) in SHIFTS.items():
        power[name] = {}
        for groups in (50, 200):
            curve = []
            for size in sizes:
                jobs: list[Job] = [
                    (f"{n} {name} {size}", groups, {option: of(size)}) for n in range(pairs)
                ]
                hits = 0
                for _, tests, _ in pool.map(compared, jobs, chunksize=5):
                    hits += any(
                        drifted and test.startswith(signal) for test, (_, drifted) in tests.items()
                    )
                curve.append(hits / len(jobs))
            power[name][groups] = curve
            print(f"{name}, {groups} groups:", dict(zip(sizes, curve, strict=True)), flush=True)
    return power


def main() -> None:
    """Run, print tables, and one line of JSON."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--pairs", type=int, default=300)
    arguments.add_argument("--workers", type=int, default=2)
    arguments.add_argument("--plot", type=Path)
    given = arguments.parse_args()
    started = time.monotonic()
    with ProcessPoolExecutor(given.workers) as pool:
        rates = without_drift(pool, given.pairs)
        power = power_of(pool, given.pairs // 6)
    if given.plot:
        draw(power, given.plot)
    apart = [
        name
        for name, rate in rates["each"].items()
        if not ALPHA / 2 <= rate <= 2 * ALPHA and not name.startswith("rates")
    ]
    print(
        json.dumps(
            {
                "stated": ALPHA,
                **rates,
                "not_within_twice": apart,
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
    sys.exit(1 if apart else 0)


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
