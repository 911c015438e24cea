"""What `monitor/health` and `monitor/prometheus` take of a training step, in CPU time.

    python benchmarks/monitor/overhead.py [--steps 40]

The quickstart's model in GRPO (16 prompts, 8 answers each): the CPU time that both monitors took,
over the CPU time of the steps (`seconds/cpu`). That model has 0.4 M parameters: a step of a larger
one takes longer, and the monitors as long as here. The last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from real_runs import pipeline, run, warm_start

TIMED = """
import json, time
from collections.abc import Callable
from pathlib import Path
from rlvr_monitor.health import health
from rlvr_monitor.metrics.exporter import prometheus
from rlvr_ops_core import hookimpl

def timed(see, name, file):
    spent = {}
    def watch(event):
        before = time.thread_time()
        found = see(event)
        spent[event.kind] = spent.get(event.kind, 0.0) + time.thread_time() - before
        if event.kind == "run_finished":
            Path(file).write_text(json.dumps(spent))
        return found
    return watch

def timed_health(*, file: str):
    return timed(health(), "health", file)

def timed_prometheus(*, file: str):
    return timed(prometheus(port=0), "prometheus", file)

@hookimpl
def rlvr_monitors():
    return {"health": timed_health, "prometheus": timed_prometheus}
"""


def main() -> None:
    """Train, and print the shares."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--steps", type=int, default=40)
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "timed.py").write_text(TIMED)
        content = pipeline(warm_start(folder / "warm"), "", 0)
        content["plugins"].append(str(folder / "timed.py"))
        content["stages"][0] |= {"steps": given.steps, "prompts_per_step": 16}
        content["monitors"] = {
            name: {"use": f"timed/{name}", "file": str(folder / f"{name}.json")}
            for name in ("health", "prometheus")
        }
        run(content, folder / "run")
        (log,) = folder.glob("run/run/stages/*policy/metrics.jsonl")
        steps = [json.loads(line)["seconds/cpu"] for line in log.read_text().splitlines()][1:]
        spent = {
            name: sum(json.loads((folder / f"{name}.json").read_text()).values()) / given.steps
            for name in content["monitors"]
        }
    step = sum(steps) / len(steps)
    for name, seconds in spent.items():
        print(f"{name:12} {1000 * seconds:6.2f} ms of {1000 * step:.0f} ms: {seconds / step:.2%}")
    print(
        json.dumps(
            {
                "step_cpu_ms": round(1000 * step, 1),
                **{f"{name}_cpu_ms": round(1000 * one, 2) for name, one in spent.items()},
                **{f"{name}_share": round(one / step, 5) for name, one in spent.items()},
                "load": round(os.getloadavg()[0], 1),
            }
        )
    )


if __name__ == "__main__":
    main()
