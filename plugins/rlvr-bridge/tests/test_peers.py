"""The matrix again in the real packages, each installed into an environment of its own.

`pytest -m isolation plugins/rlvr-bridge/tests/test_peers.py` makes the environments, with uv. Their
pins contradict each other and ours, so none of them is ever a dependency. Where a package needs
torch it is lent the one that runs the tests.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Peer:
    """A package to install, and what is judged with it."""

    packages: tuple[str, ...]
    trainers: str
    alone: tuple[str, ...] = ()
    """Installed without its dependencies: they need a GPU or fill the disk, its reward code not."""
    lends_torch: bool = False
    tests: tuple[str, ...] = ("test_matrix.py",)


PEERS = {
    "skyrl-gym": Peer(("skyrl-gym==0.4.0",), "skyrl"),
    "openenv": Peer(
        ("openenv==0.10.0",), "openenv", tests=("test_matrix.py", "test_environments.py")
    ),
    "verifiers": Peer(
        ("verifiers==0.4.0",),
        "verifiers",
        lends_torch=True,
        tests=("test_matrix.py", "test_environments.py", "test_third_party.py"),
    ),
    "openrlhf": Peer(
        ("aiohttp", "pylatexenc"), "openrlhf,openrlhf-http", ("openrlhf==0.11.2",), lends_torch=True
    ),
    "ms-swift": Peer(
        ("modelscope", "json_repair", "dacite", "aiohttp"),
        "swift",
        ("ms-swift==4.6.0",),
        lends_torch=True,
    ),
    "verl": Peer(
        (
            *("hydra-core", "codetiming", "ray>=2.41", "dill", "pylatexenc", "orjson", "aiohttp"),
            *("cloudpickle", "pyvers", "importlib-metadata", "tensorboard"),
        ),
        "verl",
        ("verl==0.9.1", "tensordict>=0.8,<=0.10"),
        lends_torch=True,
    ),
}


def run(*command: str | Path, environment: dict[str, str] | None = None) -> None:
    done = subprocess.run(
        list(map(str, command)),
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-4000:]


def lend(site: Path, lent: Path) -> None:
    """Let an environment import what this one has, but for plugins and what runs tests."""
    lent.mkdir()
    for entry in Path(sysconfig.get_paths()["purelib"]).iterdir():
        if not entry.name.startswith(("rlvr", "_rlvr", "__editable__", "pip", "pytest", "_pytest")):
            (lent / entry.name).symlink_to(entry)
    (site / "zz_lent.pth").write_text(f"{lent}\n")


@pytest.mark.isolation
@pytest.mark.parametrize("name", PEERS)
def test_the_matrix_holds_in_the_real_package(name: str, tmp_path: Path) -> None:
    if not (ROOT / "rlvr_ops_core").is_dir():
        pytest.skip("needs the repository: the core beside this plugin")
    peer = PEERS[name]
    if peer.lends_torch:
        pytest.importorskip("trl", reason="pip install torch trl runs this")
    pytest.importorskip("uv", reason="pip install uv runs this")
    uv = (sys.executable, "-m", "uv")
    run(*uv, "venv", "--quiet", "--python", sys.executable, tmp_path / "venv")
    python = tmp_path / "venv" / "bin" / "python"
    install = (*uv, "pip", "install", "--quiet", "--python", python)
    run(*install, *peer.packages, "pytest", ROOT)
    run(*install, "--no-deps", HERE.parent, ROOT / "plugins" / "rlvr-rewards-math", *peer.alone)
    run(*install, "--no-deps", "math-verify", "latex2sympy2_extended", "sympy", "mpmath")
    if peer.lends_torch:
        lend(next((tmp_path / "venv" / "lib").glob("python*/site-packages")), tmp_path / "lent")
    else:
        run(*install, "antlr4-python3-runtime==4.13.2")
    run(
        *(python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-o", "filterwarnings="),
        *("-c", ROOT / "pyproject.toml", "--rootdir", HERE.parent),
        *(HERE / test for test in peer.tests),
        environment={"RLVR_BRIDGE_REAL": peer.trainers},
    )


if __name__ == "__main__":
    sys.exit(pytest.main(["-m", "isolation", __file__, *sys.argv[1:]]))
