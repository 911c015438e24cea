"""`rlvr new` and the README's third-party plugin: both install, pass their tests, and run."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from rlvr_ops_core import RlvrError
from rlvr_ops_core.new import BUILT_IN, KINDS, write_plugin
from rlvr_ops_core.plugins import NAME, OUR_DISTRIBUTIONS, Plugins

ROOT = Path(__file__).resolve().parents[1]
BREVITY = Path(__file__).parent / "third_party" / "rlvr-rewards-brevity"
LONGEST = "a-name-of-as-many-letters-as-are-allowed"


def call(*command, cwd, **environment):
    """Run a command that must succeed; what it printed."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    return done.stdout


def pipeline(plugins, *, names, extra_reward):
    """A whole pipeline out of one component of each kind."""
    return {
        "name": "all-kinds",
        "plugins": [str(plugin) for plugin in plugins],
        "data": {
            "train": {"use": f"{names['data-source']}/last_digit"},
            "test": {"use": f"{names['data-source']}/last_digit", "split": "test"},
        },
        "rewards": {
            "right": {"use": f"{names['reward']}/correct"},
            "short": {"use": extra_reward, "weight": 0.0},
        },
        "monitors": {"patience": {"use": f"{names['monitor']}/patience"}},
        "stages": [
            {
                "train": "policy",
                "use": f"{names['trainer']}/remember",
                "data": "train",
                "rewards": ["right"],
                "steps": 60,
            },
            {
                "evaluate": ["policy"],
                "use": f"{names['sampler']}/recall",
                "data": "train",
                "rewards": ["right", "short"],
                "samples": 2,
            },
            {"serve": "policy", "use": f"{names['server']}/files", "port": 0},
        ],
    }


def run_pipeline(python, folder, content):
    """Check the pipeline, run it up to its server, and look at what was learnt."""
    file = folder / "pipeline.yaml"
    file.write_text(json.dumps(content))  # JSON is YAML
    call(python, "-m", "rlvr_ops_core", "check", file.name, cwd=folder)
    call(python, "-m", "rlvr_ops_core", "run", file.name, "--until", "evaluate", cwd=folder)
    (model,) = folder.glob("runs/**/answers.json")
    assert len(json.loads(model.read_text())) >= 75  # of 80 tasks


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["a", "my-thing2", LONGEST])
def test_a_new_plugin_is_complete_and_clean(tmp_path, kind, name):
    files = write_plugin(kind, name, tmp_path / "new" / "folder")
    package = files[0].parent
    module = package.name.replace("-", "_")
    assert package == tmp_path / "new" / "folder" / f"rlvr-{KINDS[kind].prefix}-{name}"
    assert [str(file.relative_to(package)) for file in files] == [
        "pyproject.toml",
        "README.md",
        f"{module}.py",
        f"tests/test_{name.replace('-', '_')}.py",
    ]
    assert sorted(files) == sorted(path for path in package.rglob("*") if path.is_file())
    assert [path.name for path in package.parent.iterdir()] == [package.name]  # nothing left over
    project = tomllib.loads(files[0].read_text())["project"]
    assert project["name"] == package.name
    assert project["entry-points"]["rlvr"] == {name: module}
    assert NAME.fullmatch(name)
    for file in files:
        assert "$" not in file.read_text()
    assert f"{name}/{KINDS[kind].example}" in files[1].read_text()
    call(sys.executable, "-m", "ruff", "check", "--no-cache", package, cwd=package)
    if name == "my-thing2":  # a very long name may want other line breaks
        call(sys.executable, "-m", "ruff", "format", "--no-cache", "--check", package, cwd=package)
    broken = Plugins.discover(files=[files[2]], only=[]).broken
    assert not broken


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_plugin_passes_its_own_test(tmp_path, kind):
    package = write_plugin(kind, "my-thing", tmp_path)[0].parent
    pytest_itself = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error"]
    assert " passed" in call(*pytest_itself, cwd=package, PYTHONPATH=str(package))


def test_new_plugins_of_all_kinds_run_as_files_without_installing(tmp_path):
    written = {kind: write_plugin(kind, "mine", tmp_path)[2] for kind in KINDS}
    names = {kind: file.stem for kind, file in written.items()}
    brevity = BREVITY / "rlvr_rewards_brevity.py"
    content = pipeline(
        [*written.values(), brevity], names=names, extra_reward="rlvr_rewards_brevity/short"
    )
    run_pipeline(sys.executable, tmp_path, content)


@pytest.mark.parametrize(
    ("kind", "name", "says"),
    [
        ("rewrad", "x", 'no kind of plugin "rewrad"[^$]*did you mean "reward"'),
        ("judge", "x", "the kinds are reward, trainer"),
        ("reward", "", "can't name a plugin"),
        ("reward", "My_Reward", 'for example "my-reward"'),
        ("reward", "my--reward", 'for example "my-reward"'),
        ("reward", "../evil", 'for example "evil"'),
        ("reward", "9lives", "a letter first"),
        ("reward", "naïve", "use a-z, 0-9"),
        ("reward", "x" * 41, "at most 40"),
        ("reward", "a\nb", "use a-z, 0-9"),
        ("reward", "rlvr-mine", '"mine" is enough'),
        *((kind, "math", 'the plugin name "math" is taken') for kind in KINDS),
        *(("reward", name, "is taken") for name in (*OUR_DISTRIBUTIONS, *BUILT_IN)),
    ],
)
def test_names_that_will_not_do_are_explained(tmp_path, kind, name, says):
    with pytest.raises(RlvrError, match=says):
        write_plugin(kind, name, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_overwritten(tmp_path):
    files = write_plugin("reward", "mine", tmp_path)
    files[1].write_text("my own text")
    with pytest.raises(RlvrError, match="already there"):
        write_plugin("reward", "mine", tmp_path)
    assert files[1].read_text() == "my own text"
    write_plugin("trainer", "mine", tmp_path)


def test_every_kind_has_its_templates_and_no_others_lie_about():
    templates = ROOT / "rlvr_ops_core" / "new" / "templates"
    assert {path.name for path in templates.iterdir() if path.is_dir()} == set(KINDS)
    for folder in (templates / kind for kind in KINDS):
        names = {path.name for path in folder.iterdir()}
        assert names == {"module.py.tmpl", "test.py.tmpl", "pipeline.yaml.tmpl"}


def test_the_third_party_plugin_of_the_readme_is_at_most_25_lines_in_two_files():
    files = [
        path for path in BREVITY.rglob("*") if path.is_file() and "__pycache__" not in str(path)
    ]
    assert {path.name for path in files} == {"pyproject.toml", "rlvr_rewards_brevity.py"}
    assert sum(len(path.read_text().splitlines()) for path in files) <= 25


# Fresh environment


@pytest.fixture(scope="module")
def fresh(tmp_path_factory):
    """A fresh environment with the wheels of the core, README's plugin, echo and one new plugin
    of each kind; and the folder of the new plugins' sources."""
    folder = tmp_path_factory.mktemp("fresh")
    sources, wheels, environment = folder / "sources", folder / "wheels", folder / "venv"
    packages = [write_plugin(kind, f"my-{kind}", sources)[0].parent for kind in KINDS]
    for package in (BREVITY, ROOT / "tests" / "echo"):
        copy = sources / package.name
        shutil.copytree(package, copy, ignore=shutil.ignore_patterns("__pycache__"))
        packages.append(copy)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    build = ["wheel", "-q", "--no-deps", "--no-build-isolation", "-w", wheels]
    call(*pip, *build, ROOT, *packages, cwd=folder)
    call(sys.executable, "-m", "venv", "--without-pip", environment, cwd=folder)
    python = environment / "bin" / "python"
    install = ["--python", python, "install", "-q", "--no-compile"]
    call(*pip, *install, "pytest", *wheels.glob("*.whl"), cwd=folder)
    return python, sources


@pytest.mark.isolation
def test_a_wheel_holds_its_module_alone(fresh):
    _, sources = fresh
    for wheel in (sources.parent / "wheels").glob("rlvr_[!o]*.whl"):
        listed = call(sys.executable, "-m", "zipfile", "-l", wheel, cwd=sources)
        files = re.findall(r"^(rlvr_\S+)", listed, flags=re.MULTILINE)
        module = [file for file in files if ".dist-info/" not in file]
        assert len(module) == 1, wheel
        assert module[0].endswith(".py")


@pytest.mark.isolation
@pytest.mark.parametrize("kind", KINDS)
def test_a_new_plugin_installs_and_passes_its_own_test(fresh, tmp_path, kind):
    python, sources = fresh
    tests = sources / f"rlvr-{KINDS[kind].prefix}-my-{kind}" / "tests"
    # Copied out, so that the installed module is tested and not the one beside the tests.
    shutil.copytree(tests, tmp_path / "tests", ignore=shutil.ignore_patterns("__pycache__"))
    printed = call(python, "-m", "pytest", "-q", "-p", "no:cacheprovider", cwd=tmp_path)
    assert " passed" in printed


@pytest.mark.isolation
def test_installed_plugins_are_listed_and_run_in_a_pipeline(fresh, tmp_path):
    python, _ = fresh
    listed = call(python, "-m", "rlvr_ops_core", "plugins", cwd=tmp_path)
    for kind in KINDS:
        assert f"my-{kind}/{KINDS[kind].example}" in listed
    assert "brevity/short" in listed
    assert "echo/learn" in listed
    names = {kind: f"my-{kind}" for kind in KINDS}
    run_pipeline(python, tmp_path, pipeline([], names=names, extra_reward="brevity/short"))
