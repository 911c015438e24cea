"""The same answers judged in processes that were started otherwise."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from rlvr_audit import thresholds
from rlvr_audit.bench import Ask, Bench, Outcome
from rlvr_audit.process import RewardProcess
from rlvr_ops_core import RlvrError


def outcomes_elsewhere(
    bench: Bench, asks: Sequence[Ask]
) -> Iterator[tuple[str, list[Outcome] | str]]:
    """For each other process: how it differs, and the outcomes there or why it does not load."""
    seeds: tuple[str, ...] = thresholds.HASH_SEEDS
    if bench.info["load_s"] + 4 * bench.session_s > thresholds.SLOW_LOAD_S:
        seeds = seeds[:2]
    with tempfile.TemporaryDirectory(prefix="rlvr-audit-") as folder:
        processes = [
            (f"with PYTHONHASHSEED={seed}", _started(bench, {"PYTHONHASHSEED": seed}, None))
            for seed in seeds[:-1]
        ]
        other = {"PYTHONHASHSEED": seeds[-1], "TZ": "Asia/Kolkata", "LC_ALL": "C", "LANG": "C"}
        processes.append(
            ("in another folder, language and time zone", _started(bench, other, folder))
        )
        try:
            for what, process in processes:
                try:
                    process.ready()
                    yield what, bench.judge(asks, process=process)
                except RlvrError as error:
                    yield what, str(error).partition("\n")[0]
        finally:
            for _, process in processes:
                process.close()


def _started(bench: Bench, environment: dict[str, str], folder: str | None) -> RewardProcess:
    paths = [str(Path.cwd()), os.environ.get("PYTHONPATH", "")]
    environment = {**environment, "PYTHONPATH": os.pathsep.join(path for path in paths if path)}
    return RewardProcess(
        bench.target,
        form=bench.process.form,
        environment=environment,
        folder=folder,
        clock=bench.process.clock,
    )
