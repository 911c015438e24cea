"""A busy machine changes no verdict: deadlines and growth are measured in a reward's own time."""

import re
import runpy
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter, process_time

import pytest
from rlvr_audit import audit
from rlvr_audit.bench import Ask, Bench
from rlvr_audit.cases import Case
from rlvr_audit.own_time import Stopwatch, queued_s
from rlvr_audit.process import RewardProcess
from rlvr_audit.target import Target

ZOO = Path(__file__).parent / "zoo"
CASES = runpy.run_path(str(ZOO / "cases.py"))
counts_queues = pytest.mark.skipif(
    not queued_s(), reason="this system does not say how long a thread was queued: run it on Linux"
)


@contextmanager
def busy(processes=4):
    """Processes that compute and do nothing else."""
    loops = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(processes)]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


def computed_for(seconds):
    started = process_time()
    while process_time() - started < seconds:
        pass


@counts_queues
def test_own_time_of_a_busy_machine_is_the_time_of_the_processor():
    with busy():
        watch, started = Stopwatch(), perf_counter()
        computed_for(0.5)
        own, wall = watch.read(), perf_counter() - started
    assert own["seconds"] == pytest.approx(0.5, abs=0.3)
    assert own["seconds"] + own["queued_s"] == pytest.approx(wall, abs=0.1)


SLOW = """
import subprocess, sys
from time import process_time, sleep

COMPUTE = "from time import process_time\\nwhile process_time() < 0.6: pass"

def reward(sample):
    started = process_time()
    if sample.text == "computes":
        while process_time() - started < 0.6:
            pass
    if sample.text == "runs a program":
        subprocess.run([sys.executable, "-c", COMPUTE], check=True)
    if sample.text == "sleeps":
        sleep(60)
    if sample.text == "hangs":
        while True:
            pass
    return 1.0
"""


@counts_queues
@pytest.mark.slow
def test_deadline_counts_own_time_and_stops_what_hangs_or_sleeps(tmp_path):
    file = tmp_path / "slow.py"
    file.write_text(SLOW)
    process = RewardProcess(Target(reference=f"{file}:reward"))
    case = Case(id="1", prompt="?", gold="1", good=("1",))
    texts = ["computes", "runs a program", "sleeps", "hangs"]
    try:
        process.ready()
        bench = Bench(process.target, process, [case], deadline_s=1.5, budget_s=1e9)
        with busy(8):
            outcomes = bench.judge([Ask(case, text) for text in texts])
    finally:
        process.close()
    assert [one.status for one in outcomes] == ["ok", "ok", "timeout", "timeout"]
    assert process.clock.starved_s > 0.05


ALIKE = (("failures:grading_sound", "BOXED"), ("batches:columns_sound", "BOXED"))


@pytest.mark.slow
@pytest.mark.parametrize(("twin", "cases"), ALIKE)
def test_sound_twin_is_judged_alike_while_four_processes_compute(twin, cases):
    file, _, name = twin.partition(":")

    def findings():
        report = audit(f"{ZOO / file}.py:{name}", cases=CASES[cases])
        skipped = [one.probe for one in report.results if "time was up" in one.reason]
        return {(one.severity, one.probe, one.what) for one in report.findings}, skipped

    with busy():
        loaded = findings()
    assert loaded == findings()
    assert "critical" not in {severity for severity, *_ in loaded[0]}


@pytest.mark.slow
def test_quadratic_growth_is_found_while_four_processes_compute():
    with busy():
        report = audit(
            f"{ZOO / 'failures.py'}:quadratic",
            cases=CASES["BOXED"],
            only=["infrastructure/latency"],
        )
    (finding,) = report.findings
    assert finding.severity == "high"
    power = float(re.search(r"the power ([\d.]+)", finding.what)[1])
    assert 1.5 < power < 2.5
