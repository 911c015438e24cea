"""What the tests of this plugin share: judging programs on a backend, and what is left behind."""

from __future__ import annotations

import importlib.util
import os
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from rlvr_rewards_code.backends.choice import backend_named
from rlvr_rewards_code.pool import close_pools
from rlvr_rewards_code.tests_reward import Tests

from rlvr_ops_core import Sample, Task, Verdict
from rlvr_ops_core.scoring import Engine, bind_function

HERE = Path(__file__).parent
DATA = HERE.parents[2].parent / "shared" / "data"
ISOLATING = (
    "namespaces",
    "seccomp",
    pytest.param("docker", marks=pytest.mark.docker),
    pytest.param("gvisor", marks=pytest.mark.docker),
)
Judge = Callable[..., list[Verdict]]


def load(name: str) -> ModuleType:
    """A file beside the tests, whatever folder pytest was started in."""
    known = sys.modules.get(f"rlvr_code_{name}")
    if known is not None:
        return known
    spec = importlib.util.spec_from_file_location(f"rlvr_code_{name}", HERE / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def data_file(name: str) -> str:
    """A file of benchmark data; skips the test where there is none."""
    file = DATA / name
    if not file.is_file():
        pytest.skip(f"needs {name} in ../shared/data beside the repository")
    return str(file)


@pytest.fixture
def usable() -> Callable[[str], str]:
    """A backend's name, or a skip that says why it can't be used here."""

    def check(name: str) -> str:
        problem = backend_named(name).unavailable()
        if problem:
            pytest.skip(f"would run where this backend works: {problem}")
        return name

    return check


@pytest.fixture(scope="session")
def judge() -> Iterator[Judge]:
    """`judge([(task, program), …], **options)`: the verdicts of code/tests."""

    def run(pairs: list[tuple[Task, str]], **options: Any) -> list[Verdict]:
        samples = [Sample(task, f"```python\n{program}\n```") for task, program in pairs]
        with Engine(bind_function(Tests, {"remember": False, **options})) as engine:
            return engine.score(samples)

    yield run
    close_pools()


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A port on this machine that nobody should reach."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(4)
        server.settimeout(0.01)
        yield server


def sandboxes_of(pid: int) -> list[str]:
    """The command lines of processes that a process has started, and of theirs."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            environment = (entry / "environ").read_bytes() if os.geteuid() == 0 else b""
        except OSError:
            continue
        if "jail.start" in command or f"RLVR_CODE_TEST={pid}".encode() in environment:
            found.append(f"{entry.name} {command[:120]}")
    return found
