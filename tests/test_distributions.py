"""The distributions: one version, sound metadata, wheels that hold only their own package."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
PLUGINS = sorted(path.parent for path in ROOT.glob("plugins/*/pyproject.toml"))
CORE_VERSION = "0.1.0"
UV = (sys.executable, "-m", "uv")


def project(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    return found


def modules(folder: Path) -> list[Path]:
    return [path.parent for path in folder.glob("*/py.typed")]


@pytest.mark.parametrize("folder", [ROOT, *PLUGINS], ids=lambda folder: folder.name)
def test_every_distribution_has_the_same_version_and_what_a_stranger_needs(folder: Path) -> None:
    found = project(folder)
    assert found["version"] == CORE_VERSION
    assert found["license"] == "MIT"
    assert found["requires-python"] == ">=3.11"
    assert (folder / found["readme"]).is_file()
    assert modules(folder), "a package with py.typed lies beside the pyproject"
    if folder != ROOT:
        assert "rlvr-ops>=0.1,<0.2" in found["dependencies"]
        assert found["name"] == folder.name
        (module,) = modules(folder)
        assert module.name == folder.name.replace("-", "_")
        assert list(found["entry-points"]["rlvr"].values()) == [module.name]


def test_the_changelog_begins_with_this_version() -> None:
    lines = (ROOT / "CHANGELOG.md").read_text().splitlines()
    head = next(line for line in lines if line.startswith("## "))
    assert CORE_VERSION in head or head == "## Unreleased"


def test_the_extras_name_every_plugin() -> None:
    extras = project(ROOT)["optional-dependencies"]
    offered = {one.partition("==")[0] for names in extras.values() for one in names}
    assert {folder.name for folder in PLUGINS} <= offered


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheels")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"]
    command += ["--no-build-isolation", "-w", str(folder)]
    subprocess.run([*command, str(ROOT), *map(str, PLUGINS)], check=True, cwd=folder)
    return folder


@pytest.mark.slow
def test_a_wheel_holds_only_its_own_package(wheels: Path) -> None:
    found = {}
    for wheel in wheels.glob("*.whl"):
        names = zipfile.ZipFile(wheel).namelist()
        tops = {name.partition("/")[0] for name in names}
        found[wheel.name.partition("-")[0]] = {
            top for top in tops if not top.endswith(".dist-info")
        }
        assert any(name.endswith("/py.typed") for name in names)
        assert not any("/tests/" in name for name in names)
    expected = {
        folder.name.replace("-", "_"): {folder.name.replace("-", "_")} for folder in PLUGINS
    }
    assert found == {"rlvr_ops": {"rlvr_ops_core"}, **expected}


def fresh_environment(folder: Path) -> Path:
    """A new virtual environment; gives its python."""
    run(*UV, "venv", "--quiet", "--python", sys.executable, folder, cwd=ROOT)
    return folder / "bin" / "python"


def run(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment["UV_FIND_LINKS"] = os.environ.get("PIP_FIND_LINKS", "")  # where torch may lie
    done = subprocess.run(
        list(map(str, command)),
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return done


ALONE = {
    "rlvr-audit": ("test_outputs.py", "test_pytest_plugin.py", "test_third_party.py"),
    "rlvr-bridge": ("test_answers.py", "test_policy.py", "test_third_party.py"),
    "rlvr-monitor": ("test_drift.py", "test_plugin.py", "test_sequential.py", "test_webhook.py"),
    "rlvr-rewards-code": ("test_codec.py", "test_extract.py", "test_pool.py"),
    "rlvr-rewards-math": ("test_equal.py", "test_extraction.py", "test_readme.py"),
    "rlvr-serve": ("test_door.py", "test_score.py"),
    "rlvr-trainer-grpo": ("test_options.py", "test_plugin.py", "test_scratch.py"),
}
"""The tests that a plugin must pass alone: a part of each suite, the whole runs once already."""


def test_every_plugin_has_tests_to_pass_alone() -> None:
    assert set(ALONE) == {folder.name for folder in PLUGINS}


@pytest.mark.isolation
@pytest.mark.parametrize("folder", PLUGINS, ids=lambda folder: folder.name)
def test_a_plugin_works_with_only_its_own_dependencies(
    folder: Path, wheels: Path, tmp_path: Path
) -> None:
    python = fresh_environment(tmp_path / "venv")
    wheel = next(wheels.glob(f"{folder.name.replace('-', '_')}-*.whl"))
    run(
        *(*UV, "pip", "install", "--quiet", "--python", python, "-c", ROOT / "constraints.txt"),
        *("--find-links", wheels, wheel, "pytest", "hypothesis"),
        cwd=tmp_path,
    )
    others = {other.name for other in PLUGINS} - {folder.name}
    listed = run(*UV, "pip", "list", "--python", python, cwd=tmp_path).stdout
    assert not [name for name in others if name in listed]
    run(
        # Hypothesis' plugin would be imported, and rewritten, when the session ends; up to Python
        # 3.11.7 a garbage collection in the midst of that can fail (python/cpython#106905).
        *(python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:hypothesispytest"),
        *("-m", "not slow", "-c", ROOT / "pyproject.toml", "--rootdir", folder),
        *(folder / "tests" / name for name in ALONE[folder.name]),
        cwd=tmp_path,
    )
