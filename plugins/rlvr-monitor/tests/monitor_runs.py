"""Run folders for tests of the page: a learning run with alarms, and hostile answers in its end."""

import json

from tests.run_folder import Shape, build_run, hostile_rows


def add_lines(file, rows):
    with file.open("a", encoding="utf-8") as stream:
        stream.writelines(json.dumps(row) + "\n" for row in rows)


def alarm(step, *, detector="shadow_disagreement", severity="critical", rows=(), message="paid"):
    data = {"monitor": "health", "detector": detector, "severity": severity, "message": message}
    data |= {"hint": "look", "value": 0.5, "threshold": 0.1, "p_value": 1e-4, "stop": False}
    data["rows"] = [
        {"stage": "policy", "step": step, "group": group, "index": index} for group, index in rows
    ]
    base = {"kind": "alarm", "run": "quickstart", "stage": "policy", "step": step, "time": 1e9}
    return base | {"data": data}


def run_with_alarms(folder, *, steps=12):
    """A run whose last step holds hostile answers; an alarm at step 9 names three rollouts."""
    run = build_run(folder, Shape(steps=steps, tasks=20))
    rows = [("9/0", 1), ("9/1", 2), ("9/3", 0)]
    add_lines(run / "events.jsonl", [alarm(9, rows=rows), alarm(4, detector="kl", severity="info")])
    add_lines(run / "stages/02-policy/rollouts.jsonl", hostile_rows("hostile", steps))
    return run
