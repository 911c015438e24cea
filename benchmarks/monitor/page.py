"""How long the page's server takes to answer with 100,000 rollouts; the last line is JSON.

`python benchmarks/monitor/page.py [ROLLOUTS]` writes such a run, fills the database and asks for
every kind of page in turn, in this process: without the network, with the templates.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from pathlib import Path
from random import Random

from rlvr_monitor.pages.app import make_app
from rlvr_monitor.store.filling import Filler
from rlvr_monitor.store.schema import Database

WORDS = [
    "the",
    "sum",
    "of",
    "these",
    "numbers",
    "is",
    "add",
    "first",
    "then",
    "carry",
    "so",
    "total",
    "we",
    "get",
    "answer",
    "equals",
    "step",
    "by",
]
ROUNDS = 8
QUERIES = [
    "", "page=150", "step_from=300&step_to=300&stage=policy", "status=none", "status=timeout&sort=best",
    "truncated=1&sort=longest", "reward_from=1&sort=longest", "tokens_from=110&sort=best",
    "sort=surprising", "q=carry", "q=carry&sort=best", "q=answer is 99", "q=the sum", "q=no such text",
    "q=an", "q=the&sort=longest&status=none", "prompt=is 77", "task=train/7", "alarm=any", "label=hack",
]  # fmt: skip


def write_run(folder: Path, rollouts: int) -> None:
    """A run of one train stage, 128 rollouts a step."""
    stage = folder / "stages/01-policy"
    stage.mkdir(parents=True)
    entry = {"name": "policy", "folder": "stages/01-policy", "verb": "train", "status": "done"}
    (folder / "run.json").write_text(json.dumps({"name": "large", "stages": [entry]}))
    alarm = {"detector": "shadow_disagreement", "severity": "critical", "message": "look"}
    alarm["rows"] = [{"stage": "policy", "step": 5, "group": "5/0", "index": n} for n in range(8)]
    event = {"kind": "alarm", "stage": "policy", "step": 5, "time": 1.0, "data": alarm}
    (folder / "events.jsonl").write_text(json.dumps(event) + "\n")
    rng = Random(0)
    with (stage / "rollouts.jsonl").open("w") as out, (stage / "metrics.jsonl").open("w") as log:
        for number in range(rollouts):
            step = number // 128 + 1
            if number % 8 == 0:
                task = rng.randrange(2_000)
            row = rollout(rng, task, step, number % 128, progress=number / rollouts)
            out.write(json.dumps(row) + "\n")
            if number % 128 == 127:
                numbers = {name: rng.random() for name in ("reward", "loss", "entropy", "kl")}
                log.write(json.dumps({"step": step, **numbers}) + "\n")


def rollout(rng: Random, task: int, step: int, place: int, *, progress: float) -> dict[str, object]:
    """One row of about 800 bytes."""
    right = rng.random() < 0.3 + 0.5 * progress
    words = " ".join(rng.choices(WORDS, k=rng.randrange(40, 120)))
    chance = rng.random()
    status = "timeout" if chance < 0.003 else "error" if chance < 0.01 else "ok"
    said = str(task if right else rng.randrange(2_000))
    return {
        "step": step,
        "task": f"train/{task}",
        "group": f"{step}/{place // 8}",
        "index": place % 8,
        "prompt": f"What is {task}?",
        "completion": f"<think>{words}</think> The answer is {said}",
        "finish": "length" if rng.random() < 0.03 else "stop",
        "tokens": words.count(" ") + 5,
        "gold": task,
        "value": float(right) if status == "ok" else None,
        "status": status,
        "reason": "" if right else "not equal",
        "extracted": said,
        "components": {"correct": {"value": float(right), "weight": 1.0, "share": float(right)}},
        "info": {"extracted": said},
        "ref": "math/equal@0.1.0#ab12cd34",
        "seconds": 0.001,
    }


def main() -> None:
    """Measure and print."""
    from fastapi.testclient import TestClient

    rollouts = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        write_run(folder / "runs/large", rollouts)
        database = Database(folder / "cache", folder / "labels.sqlite")
        database.prepare()
        started, cpu = time.perf_counter(), time.process_time()
        filler = Filler(database, folder / "runs")
        filler.fill()
        filler.close()
        filled_s, filled_cpu_s = time.perf_counter() - started, time.process_time() - cpu
        with TestClient(make_app(database, folder / "runs"), base_url="http://127.0.0.1") as client:
            result = measure(client)
    worst, most = (max(one[what] for one in result.values()) for what in ("p95_ms", "cpu_ms"))
    fill = {"fill_s": round(filled_s, 1), "fill_cpu_s": round(filled_cpu_s, 1)}
    summary = {"rollouts": rollouts, **fill, "load": round(os.getloadavg()[0], 1)}
    print(json.dumps(summary | {"worst_p95_ms": worst, "most_cpu_ms": most, "endpoints": result}))


def measure(client) -> dict[str, dict[str, float]]:  # noqa: ANN001
    """Of each address: the median and the worst wall time, and the mean CPU time, in ms."""
    base = "/runs/large"
    page = client.get(f"{base}/rollouts").text
    one = page.split(f'href="{base}/rollouts/')[1].split('"')[0]
    addresses = ["/", base, f"{base}/groups/5", f"{base}/rollouts/{one}", f"{base}/alarms/1"]
    addresses += [f"{base}/changes", "/version"]
    addresses += [f"{base}/rollouts?{query}" for query in QUERIES]
    result = {}
    for address in addresses:
        times = []
        cpu = time.process_time()
        for _ in range(ROUNDS):
            started = time.perf_counter()
            answer = client.get(address)
            times.append(1_000 * (time.perf_counter() - started))
            assert answer.status_code == 200, address
        cpu = 1_000 * (time.process_time() - cpu) / ROUNDS
        times.sort()
        middle, worst = times[ROUNDS // 2], times[-1]
        result[address] = {"p50_ms": middle, "p95_ms": worst, "cpu_ms": cpu}
        result[address] = {name: round(value, 1) for name, value in result[address].items()}
        print(f"{middle:8.1f} {worst:8.1f} ms, CPU {cpu:7.1f} ms  {address}", flush=True)
    return result


if __name__ == "__main__":
    main()
