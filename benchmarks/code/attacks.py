"""Which attacks get through, on each of our backends: one table.

    python benchmarks/code/attacks.py [--backends namespaces,docker]

After each attack a right program is judged on the same slot. `ok` means: not rewarded, the next
verdict right, nothing written outside, nothing reached over the network. Peers are not attacked:
several of them would take this machine down (the research notes have what was safe to try).
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import socket
import tempfile
import time
from pathlib import Path
from typing import Any

from rlvr_rewards_code.backends.choice import backend_named
from rlvr_rewards_code.tests_reward import Tests

from rlvr_ops_core import Sample
from rlvr_ops_core.scoring import Engine, bind_function

TESTS = Path(__file__).parents[2] / "plugins" / "rlvr-rewards-code" / "tests"


def load(name: str) -> Any:
    """A table of the plugin's tests."""
    spec = importlib.util.spec_from_file_location(name, TESTS / f"{name}.py")
    if spec is None or spec.loader is None:
        raise FileNotFoundError(name)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run(backend: str, cheats: Any, attacks: Any) -> int:
    """Attack one backend, print its lines, give how many got through."""
    table = [(cheats.PLAIN, name, one) for name, one in attacks.FUNCTIONS.items()]
    table += [(cheats.PLAIN, f"import: {name}", one) for name, one in attacks.AT_IMPORT.items()]
    table += [(cheats.SUM, f"script: {name}", one) for name, one in attacks.SCRIPTS.items()]
    right = Sample(cheats.PLAIN, cheats.completion(cheats.PROMPT + cheats.SOLUTION))
    options = {"backend": backend, "cpu_s": 1, "wall_s": 1.5, "slots": 1, "remember": False}
    through = 0
    with (
        tempfile.TemporaryDirectory() as folder,
        socket.create_server(("127.0.0.1", 0)) as server,
        Engine(bind_function(Tests, options)) as engine,
    ):
        server.settimeout(0.01)
        Path(folder).chmod(0o777)
        for task, name, program in table:
            filled = attacks.filled(program, escape=f"{folder}/out", port=server.getsockname()[1])
            started = time.monotonic()
            (verdict,) = engine.score([Sample(task, cheats.completion(filled))])
            seconds = time.monotonic() - started
            (after,) = engine.score([right])
            out = [place.name for place in Path(folder).iterdir()]
            ok = verdict.value == 0.0 and after.value == 1.0 and not out and not _reached(server)
            through += not ok
            said = "ok" if ok else "THROUGH"
            print(f"{backend:<11} {name:<42} {said:<8} {seconds:5.1f} s  {verdict.reason[:60]}")
    print(f"{backend}: {through} of {len(table)} attacks got through")
    return through


def _reached(server: socket.socket) -> bool:
    try:
        server.accept()[0].close()
    except TimeoutError:
        return False
    return True


def main() -> None:
    """Attack every backend that works here."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--backends", default="namespaces,seccomp,docker")
    given = options.parse_args()
    cheats, attacks = load("cheats"), load("attacks")
    count = len(attacks.FUNCTIONS) + len(attacks.AT_IMPORT) + len(attacks.SCRIPTS)
    through: dict[str, int] = {}
    for name in given.backends.split(","):
        problem = backend_named(name).unavailable()
        if problem:
            print(f"left out: {problem}")
        else:
            through[name] = run(name, cheats, attacks)
    print(json.dumps({"attacks": count, "through": through}))


if __name__ == "__main__":
    main()
