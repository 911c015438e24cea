"""Plant faults in real GRPO runs of the quickstart's model; see what `monitor/health` finds.

    python benchmarks/monitor/real_runs.py [--seeds 3] [--only FAULT,FAULT]

One warm start, then for each fault and seed a run of 40 steps (8 prompts, 8 answers each) that
breaks at step 15; and healthy runs. One after the other, on one thread. The last line is JSON.
A loss that is no number is not among them: our trainer ends such a run itself, before it is logged.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import yaml

sys.path.insert(0, str(Path(__file__).parents[2] / "plugins/rlvr-monitor/tests"))

from planted import FAULTS

from rlvr_ops_core import Event
from rlvr_ops_core.check import check_pipeline
from rlvr_ops_core.errors import RlvrError
from rlvr_ops_core.pipeline import run_pipeline

ROOT = Path(__file__).parents[2]
AT = 15
STEPS = 40
FATAL = {"broken_verifier", "pays_all", "errors", "frozen", "no_gradient"}
SABOTAGE, LEARNING_RATE_TOO_HIGH = "overdone_layers", "learning_rate"
EVERY = [*(name for name in FAULTS if name), SABOTAGE, LEARNING_RATE_TOO_HIGH]


def warm_start(folder: Path) -> Path:
    """The quickstart's warm start, half as long; the model's folder."""
    whole = yaml.safe_load((ROOT / "examples/quickstart.yaml").read_text())
    whole["stages"] = whole["stages"][:2]
    whole["stages"][1]["steps"] = 400
    whole["data"]["demonstrations"]["limit"] = 19_200
    del whole["data"]["held_out"]
    run(whole | {"plugins": [str(ROOT / "examples/adding.py")]}, folder)
    (model,) = (path.parent for path in folder.glob("run/stages/*warm_start/**/config.json"))
    return model


def pipeline(model: Path, fault: str, seed: int) -> dict[str, Any]:
    """A run of GRPO with a fault; "" is a healthy one."""
    monitors: dict[str, Any] = {"health": {"use": "monitor/health"}}
    if fault == SABOTAGE:
        monitors = {"break": {"use": "planted/sabotage", "at": AT}} | monitors
    stage = {
        "train": "policy",
        "use": "grpo/grpo",
        "data": "practice",
        "rewards": ["right"],
        "steps": STEPS,
        "prompts_per_step": 8,
        "group_size": 8,
        "max_new_tokens": 14,
        "learning_rate": 1e-2 if fault == LEARNING_RATE_TOO_HIGH else 2e-4,
        "warmup_steps": AT if fault == LEARNING_RATE_TOO_HIGH else 5,
        "adam_beta2": 0.95,
        "threads": 1,
    }
    planted = fault if fault in FAULTS else ""
    return {
        "name": fault or "healthy",
        "seed": seed,
        "error_budget": 1.0,
        "model": str(model),
        "plugins": [
            str(ROOT / "examples/adding.py"),
            str(ROOT / "plugins/rlvr-monitor/tests/planted.py"),
        ],
        "data": {"practice": {"use": "adding/lists", "limit": 320, "seed": seed + 1}},
        "rewards": {"right": {"use": "planted/sum", "fault": planted, "at": AT}},
        "monitors": monitors,
        "stages": [stage],
    }


def run(content: dict[str, Any], folder: Path) -> list[Event]:
    """Run it; the alarms. A run that its fault ends is a run too."""
    folder.mkdir(parents=True)
    file = folder / "pipeline.yaml"
    file.write_text(yaml.safe_dump(content, sort_keys=False))
    events: list[Event] = []
    try:
        run_pipeline(check_pipeline(file), folder / "run", show=[events.append])
    except RlvrError as error:
        print(f"  ended by: {error.what[:100]}")
    return [event for event in events if event.kind == "alarm"]


def main() -> None:
    """Run all, print a table, and one line of JSON."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--seeds", type=int, default=3)
    arguments.add_argument("--only", default="")
    given = arguments.parse_args()
    faults = given.only.split(",") if given.only else EVERY
    started, cpu = time.monotonic(), time.process_time()
    delays: dict[str, list[int | None]] = {}
    early = false = healthy_steps = 0
    with tempfile.TemporaryDirectory() as place:
        model = warm_start(Path(place) / "warm")
        for fault in ["", *faults]:
            delays[fault] = []
            for seed in range(given.seeds):
                alarms = run(pipeline(model, fault, seed), Path(place) / f"{fault}-{seed}")
                said = [(alarm.step or 0, alarm.data["detector"]) for alarm in alarms]
                # a learning rate that warms up over 15 steps is too high from half-way on
                onset = AT // 2 if fault == LEARNING_RATE_TOO_HIGH else AT
                if not fault:
                    false += len(said)
                    healthy_steps += STEPS
                else:
                    early += sum(step < onset for step, _ in said)
                    healthy_steps += onset
                    found = next((step - onset for step, _ in said if step >= onset), None)
                    delays[fault].append(found)
                print(f"{fault or 'healthy':18} seed {seed}: {said}", flush=True)
    known = {fault: these for fault, these in delays.items() if fault}
    whole = [one for these in known.values() for one in these]
    middle = {
        fault: median([one if one is not None else 999 for one in these])
        for fault, these in known.items()
    }
    print(
        json.dumps(
            {
                "faults": len(whole),
                "kinds": len(known),
                "found": sum(one is not None for one in whole),
                "median_delay": middle,
                "worst_median_fatal": max([middle[f] for f in middle if f in FATAL], default=None),
                "false_alarms": false + early,
                "healthy_steps": healthy_steps,
                "cpu_s": round(time.process_time() - cpu, 1),
                "seconds": round(time.monotonic() - started, 1),
            }
        )
    )


if __name__ == "__main__":
    main()
