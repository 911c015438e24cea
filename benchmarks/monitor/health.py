"""Plant faults in simulated runs; count what `monitor/health` finds, how soon, and what it invents.

    python benchmarks/monitor/health.py [--seeds 50] [--first-seed 20000] [--healthy 40]

Two generators: `simulated_runs`, and `other_runs`, of another make, with faults from mild to wild.
Seeds below 20000 were used for tuning. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parents[2] / "plugins/rlvr-monitor/tests"))

import other_runs
from rlvr_monitor.health import health
from simulated_runs import FAULTS, VARIANTS, healthy, simulate

WITHIN = 60
"""A fault that is not found in so many points after its onset is missed."""


def run(kind: str, seed: int, rollouts: bool, fault: str) -> tuple[list[tuple[int, str]], int, int]:
    """The alarms of a run, the onset, and the points of the run."""
    rng = random.Random(f"{kind} {fault} {seed} {rollouts}")
    setting = healthy(kind, rng)
    onset = setting.points
    if fault:
        onset = rng.randint(12, 15) if setting.points < 50 else rng.randint(25, 90)
        late = 140 if FAULTS[fault][0] == "evaluated" else WITHIN
        setting.points = max(setting.points, onset + late)
    watch = health()
    alarms = [
        (t, alarm.detector)
        for t, event in simulate(
            setting,
            rng,
            fault=fault,
            onset=onset,
            rollouts=rollouts,
            log=not rollouts or seed % 2 > 0,
        )
        for alarm in watch(event)
    ]
    return alarms, onset, setting.points


def one_fault(job: tuple[str, int]) -> tuple[str, int | None, int, int, str]:
    """Fault, delay (None: missed), false alarms before the onset, points before it, the finder."""
    fault, seed = job
    only_rollouts = FAULTS[fault][0] == "rollouts" or fault == "abstains"
    only_log = fault in LOGGED
    rollouts = only_rollouts or (seed % 3 == 0 and not only_log)
    kind = VARIANTS[seed % len(VARIANTS)]
    if fault == "overfit" and kind == "brief":
        kind = "plain"
    alarms, onset, _ = run(kind, seed, rollouts, fault)
    early = sum(t < onset for t, _ in alarms)
    found = next(((t, name) for t, name in alarms if t >= onset), None)
    return fault, found[0] - onset if found else None, early, onset, found[1] if found else ""


LOGGED = {
    "nan_loss",
    "nan_grad",
    "dead_gradient",
    "grad_spike",
    "grad_growth",
    "entropy_fast",
    "entropy_slow",
    "entropy_up",
    "kl_up",
    "mismatch",
    "clipping",
    "loss_up",
    "overfit",
}
"""Only the trainer's log shows these."""


def one_healthy(job: tuple[str, int]) -> tuple[str, list[str], int]:
    """Variant, the false alarms, the points."""
    kind, seed = job
    alarms, _, points = run(kind, seed, seed % 4 == 0, "")
    return kind, [name for _, name in alarms], points


def other_fault(job: tuple[str, int]) -> tuple[str, int | None, int, int, str]:
    """The same of a fault of the second generator."""
    fault, seed = job
    plan = other_runs.Plan(
        random.Random(f"other {fault} {seed}"), other_runs.CALM[seed % len(other_runs.CALM)], fault
    )
    plan.onset = plan.rng.randint(8, int(0.7 * plan.points))
    if fault == "held_out":
        plan.onset = max(40, plan.onset)  # what evaluations show needs some before
    plan.points = max(plan.points, plan.onset + (140 if fault == "held_out" else WITHIN))
    rollouts = fault in other_runs.IN_ROLLOUTS or (seed % 3 == 0 and fault not in other_runs.IN_LOG)
    alarms = other_alarms(plan, seed, rollouts)
    early = sum(t < plan.onset for t, _ in alarms)
    found = next(((t, name) for t, name in alarms if t >= plan.onset), None)
    delay = found[0] - plan.onset if found else None
    return fault, delay, early, plan.onset, found[1] if found else ""


def other_healthy(job: tuple[str, int]) -> tuple[str, list[str], int]:
    """The same of a healthy run of the second generator."""
    kind, seed = job
    plan = other_runs.Plan(random.Random(f"other {kind} {seed}"), kind)
    return kind, [name for _, name in other_alarms(plan, seed, seed % 3 == 0)], plan.points


def other_alarms(plan: other_runs.Plan, seed: int, rollouts: bool) -> list[tuple[int, str]]:
    """What the monitor says, and when."""
    watch = health()
    events = other_runs.run(plan, rollouts=rollouts, log=not rollouts or seed % 2 > 0)
    return [(t, alarm.detector) for t, event in events for alarm in watch(event)]


KINDS = {
    "first": {name: kind for name, (kind, _) in FAULTS.items()},
    "second": {
        name: "fatal"
        if name in other_runs.FATAL
        else "evaluated"
        if name == "held_out"
        else "gradual"
        for name in other_runs.FAULTS
    },
}


def main() -> None:
    """Run, print tables, and one line of JSON."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--seeds", type=int, default=50)
    arguments.add_argument("--first-seed", type=int, default=20_000)
    arguments.add_argument("--healthy", type=int, default=40, help="runs of each variant")
    arguments.add_argument("--workers", type=int, default=2)
    given = arguments.parse_args()
    seeds = range(given.first_seed, given.first_seed + given.seeds)
    calm = range(given.first_seed, given.first_seed + given.healthy)
    summary = {}
    with ProcessPoolExecutor(given.workers) as pool:
        for name, fault, well, variants in (
            ("first", one_fault, one_healthy, VARIANTS),
            ("second", other_fault, other_healthy, other_runs.CALM),
        ):
            started = time.monotonic()
            jobs = [(kind, seed) for kind in KINDS[name] for seed in seeds]
            faults = list(pool.map(fault, jobs, chunksize=25))
            jobs = [(variant, seed) for variant in variants for seed in calm]
            healthy_runs = list(pool.map(well, jobs, chunksize=5))
            summary[name] = report(name, faults, healthy_runs, given.seeds)
            summary[name]["seconds"] = round(time.monotonic() - started, 1)
    print(json.dumps({"first_seed": given.first_seed, **summary}))


def report(name: str, faults: list, well: list, seeds: int) -> dict[str, float]:
    """Print the table of one generator; its summary."""
    print(f"{name + ' generator':18}{'kind':11}{'found':>8}{'median':>8}{'p90':>6}  found by")
    medians: dict[str, float] = {}
    for fault, kind in KINDS[name].items():
        rows = [row for row in faults if row[0] == fault]
        delays = sorted(row[1] for row in rows if row[1] is not None)
        medians[fault] = median(delays) if delays else 999
        by = ", ".join(f"{n} {c}" for n, c in Counter(r[4] for r in rows if r[4]).most_common(3))
        p90 = delays[int(0.9 * (len(delays) - 1))] if delays else 999
        print(f"{fault:18}{kind:11}{len(delays):4}/{len(rows):<3}{medians[fault]:8}{p90:6}  {by}")
    before, points_before = sum(row[2] for row in faults), sum(row[3] for row in faults)
    invented = Counter(f"{kind}: {detector}" for kind, names, _ in well for detector in names)
    points = sum(row[2] for row in well)
    print("false alarms in healthy runs:", dict(invented.most_common()), flush=True)
    found = {f: sum(r[1] is not None for r in faults if r[0] == f) / seeds for f in medians}
    worst = {
        f"median_delay_{kind}": max(medians[f] for f in medians if KINDS[name][f] == kind)
        for kind in ("fatal", "gradual")
    }
    return {
        "faults": len(faults),
        "kinds": len(medians),
        "found": round(sum(row[1] is not None for row in faults) / len(faults), 4),
        "least_found": min(found.values()),
        "median_delay": median(row[1] for row in faults if row[1] is not None),
        **worst,
        "healthy_points": points,
        "false_alarms_per_1000": round(1000 * sum(invented.values()) / points, 3),
        "false_alarms_per_1000_before_onset": round(1000 * before / points_before, 3),
    }


if __name__ == "__main__":
    main()
