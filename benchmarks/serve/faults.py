"""Rolling restarts of two replicas behind HAProxy, for long: what was lost, what was done twice.

`make bench-serve-faults`. REQUESTS and RESTARTS change its length. The last line is JSON.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from pathlib import Path

TESTS = Path(__file__).resolve().parents[2] / "plugins" / "rlvr-serve" / "tests"
sys.path.insert(0, str(TESTS))

from rolling import roll  # noqa: E402  # the tests' own
from serve_processes import REWARDS  # noqa: E402


def main() -> None:
    """Print a table, then one JSON line."""
    requests = int(os.environ.get("REQUESTS", "10000"))
    restarts = int(os.environ.get("RESTARTS", "8"))
    with tempfile.TemporaryDirectory() as folder:
        plugin = Path(folder, "orders.py")
        plugin.write_text(REWARDS)
        started = time.monotonic()
        found = roll(Path(folder), plugin, restarts=restarts, requests=requests)
        seconds = time.monotonic() - started
    grown = [round(after - before, 1) for before, after in found.memory_mb]
    figures = {
        "requests": found.requests,
        "keys": found.keys,
        "restarts": found.restarts,
        "lost": len(found.lost),
        "answers_that_differ_within_a_key": found.unequal,
        "keys_judged_twice": found.judged_twice,
        "keys_never_judged": found.never_judged,
        "exit_codes": sorted(set(found.exit_codes)),
        "memory_grown_mib_max": max(grown),
        "replica_memory_mib": round(max(after for _, after in found.memory_mb)),
        "seconds": round(seconds),
    }
    for name, value in figures.items():
        print(f"{name:36} {value}")
    for what in found.lost[:5]:
        print("lost:", what)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
