"""Discovery: what is wrong with a plugin is told under its name, and every other plugin works."""

from __future__ import annotations

import importlib
import importlib.metadata
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from echo_plugin import ECHO_FILE

from rlvr_ops_core.cli import cli
from rlvr_ops_core.plugins import Origin, PluginError, Plugins

GOOD = """
from rlvr_ops_core import hookimpl, reward

@reward(inline=True)
def right(sample, *, limit: int = 3):
    "Always right."
    return True

@hookimpl
def rlvr_rewards():
    return {"right": right}
"""

ENTRY_POINTS = importlib.metadata.entry_points

HEAD = "from rlvr_ops_core import hookimpl\n"


class Site:
    """A folder on sys.path into which distributions are put without installing them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.plugins = {"text", "data"}
        """The only plugins that are found, whatever else is installed here."""

    def entry_points(self, *, group: str) -> list[importlib.metadata.EntryPoint]:
        return [point for point in ENTRY_POINTS(group=group) if point.name in self.plugins]

    def add(
        self, distribution: str, plugin: str, source: str, *, module: str = "", version: str = "1.0"
    ) -> None:
        self.plugins.add(plugin)
        module = module or f"{distribution.replace('-', '_')}_module"
        (self.folder / f"{module}.py").write_text(source)
        info = self.folder / f"{distribution.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        about = f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n"
        (info / "METADATA").write_text(about)
        (info / "entry_points.txt").write_text(f"[rlvr]\n{plugin} = {module}\n")
        importlib.invalidate_caches()


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    before = set(sys.modules)
    site = Site(folder)
    monkeypatch.setattr(importlib.metadata, "entry_points", site.entry_points)
    yield site
    for name in set(sys.modules) - before:
        if name.endswith("_module"):
            del sys.modules[name]


def discover(*only: str) -> Plugins:
    return Plugins.discover(only=only)


def load(folder: Path, source: str, name: str = "mine") -> Plugins:
    file = folder / f"{name}.py"
    file.write_text(source)
    return Plugins.discover(files=[file], only=())


def reason(folder: Path, source: str) -> str:
    plugins = load(folder, source)
    assert not plugins.components("reward")
    assert not plugins.origins
    return plugins.broken["mine"].reason.replace(str(folder), "FOLDER")


def rlvr(*arguments: str) -> Result:
    return CliRunner().invoke(cli, arguments)


# What is found


def test_an_installed_plugin_has_its_distribution_and_version(site: Site) -> None:
    site.add("rlvr-rewards-good", "good", GOOD, version="2.3")
    component = discover("good").find("reward", "good/right")
    assert component.origin == Origin(
        "good", module="rlvr_rewards_good_module", distribution="rlvr-rewards-good", version="2.3"
    )
    assert str(component.origin) == "rlvr-rewards-good 2.3"


def test_a_file_is_a_plugin_whose_version_is_its_content(tmp_path: Path) -> None:
    first = load(tmp_path, GOOD).origins["mine"]
    again = load(tmp_path, GOOD).origins["mine"]
    changed = load(tmp_path, GOOD + "\n# changed").origins["mine"]
    assert first.file == str(tmp_path / "mine.py")
    assert first.version == again.version != changed.version
    assert first.version.startswith("file-")
    assert str(first) == f"{tmp_path}/mine.py ({first.version})"


def test_the_plugins_of_this_distribution_come_through_the_same_door() -> None:
    plugins = Plugins.discover()
    assert plugins.origins["text"].distribution == "rlvr-ops"
    assert plugins.find("reward", "text/exact").origin.module == "rlvr_ops_core.builtin.text"


def test_help_asks_plugins_for_commands_alone(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(
        "import click\nfrom rlvr_ops_core import hookimpl\n"
        "@hookimpl\ndef rlvr_rewards():\n    raise OSError\n"
        "@hookimpl\ndef rlvr_commands():\n    return {'hello': click.Command('hello')}\n"
    )
    found = Plugins.discover(files=[file], only=(), kinds=("command",))
    assert list(found.components("command")) == ["mine/hello"]
    assert not found.broken
    assert "mine" in Plugins.discover(files=[file], only=()).broken


def test_components_are_sorted_by_their_full_names() -> None:
    names = list(Plugins.discover(files=[ECHO_FILE], only=()).components("reward"))
    assert names == sorted(names)
    assert all(name.startswith("rlvr_echo/") for name in names)


# What is wrong with a plugin


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import no_such_module_anywhere\n", "ModuleNotFoundError: No module named "),
        ("raise SystemExit(3)\n", "SystemExit: 3 (FOLDER/mine.py:1)"),
        ("raise GeneratorExit\n", "GeneratorExit (FOLDER/mine.py:1)"),
        ("x = [\n", "SyntaxError: '[' was never closed (FOLDER/mine.py:1)"),
        ("raise ValueError('a\\nb\\x1b')\n", r"ValueError: a b\x1b (FOLDER/mine.py:1)"),
        ("raise ValueError('x' * 9999)\n", "ValueError: " + "x" * 287 + "… (FOLDER"),
        (
            HEAD + "@hookimpl\ndef rlvr_reward():\n    return {}\n",
            'unknown hook "rlvr_reward"; did you mean "rlvr_rewards"?',
        ),
        (
            HEAD + "@hookimpl\ndef something():\n    return {}\n",
            'unknown hook "something"; the hooks are rlvr_rewards, rlvr_data_sources, ',
        ),
        (GOOD + "\n@hookimpl\ndef rlvr_trainer():\n    return {}\n", 'unknown hook "rlvr_trainer"'),
        ("x = 1\n", "it implements no hook; mark one with @hookimpl: rlvr_rewards, "),
        (
            "def rlvr_rewards():\n    return {}\n",
            "rlvr_rewards is not marked as a hook; write @hookimpl above it",
        ),
        (
            HEAD + "@hookimpl\ndef rlvr_rewards(config):\n    return {}\n",
            "a hook takes no arguments: Argument(s) {'config'} are declared",
        ),
        (
            HEAD + "@hookimpl\ndef rlvr_rewards():\n    return ['a']\n",
            "rlvr_rewards() must return a mapping of name to reward, not ['a']",
        ),
        (
            HEAD + "@hookimpl\ndef rlvr_rewards():\n    return None\n",
            "rlvr_rewards() must return a mapping of name to reward, not None",
        ),
        (
            HEAD + "@hookimpl\ndef rlvr_monitors():\n    return {'a': 5}\n",
            "rlvr_monitors(): 'a' must be callable, not 5",
        ),
        (
            HEAD + "@hookimpl\ndef rlvr_rewards():\n    return {'My Reward': print}\n",
            "rlvr_rewards(): 'My Reward' is no name: use a-z, 0-9, _, - and .",
        ),
        (
            HEAD + "@hookimpl\ndef rlvr_rewards():\n    return {5: print}\n",
            "rlvr_rewards(): 5 is no name: ",
        ),
        (
            HEAD + "@hookimpl\ndef rlvr_commands():\n    return {'a': print}\n",
            "rlvr_commands(): 'a' is no command; write @click.command() above it",
        ),
        (
            HEAD + "@hookimpl\ndef rlvr_rewards():\n    raise KeyError('equal')\n",
            "KeyError: 'equal' (FOLDER/mine.py:4)",
        ),
        (
            GOOD + "\n@hookimpl\ndef rlvr_trainers():\n    raise OSError(28, 'No space', 'x')\n",
            "OSError: No space (FOLDER/mine.py:15)",
        ),
    ],
)
def test_a_mistake_of_a_plugin_is_told_in_one_line(
    source: str, expected: str, tmp_path: Path
) -> None:
    told = reason(tmp_path, source)
    assert told.startswith(expected)
    assert told.isprintable()


def test_a_lazy_attribute_that_fails_breaks_no_plugin(tmp_path: Path) -> None:
    lazy = (
        "\nclass Lazy:\n    def __getattr__(self, name):\n        raise OSError(name)\nx = Lazy()\n"
    )
    assert not load(tmp_path, GOOD + lazy).broken


def test_ctrl_c_during_an_import_stops_the_program(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        load(tmp_path, "raise KeyboardInterrupt\n")


def test_the_name_of_a_file_must_be_a_plugin_name(tmp_path: Path) -> None:
    broken = load(tmp_path, GOOD, name="My Rewards").broken["My Rewards"]
    assert broken.reason.startswith('"My Rewards" is no plugin name: use a-z, 0-9')


def test_a_file_that_fails_leaves_no_module_behind(tmp_path: Path) -> None:
    load(tmp_path, "raise ValueError\n", name="half_loaded")
    assert "rlvr_plugin_file_half_loaded" not in sys.modules


def test_two_distributions_that_claim_a_name_both_stay_out(site: Site) -> None:
    site.add("rlvr-rewards-first", "mine", GOOD)
    site.add("rlvr-rewards-second", "mine", GOOD, version="2.0")
    site.add("rlvr-rewards-other", "other", GOOD)
    plugins = discover("mine", "other")
    assert plugins.broken["mine"].reason == (
        "rlvr-rewards-first 1.0 and rlvr-rewards-second 2.0 both claim the plugin name "
        '"mine"; neither loads: uninstall one'
    )
    assert list(plugins.components("reward")) == ["other/right"]


def test_a_file_with_the_name_of_an_installed_plugin_takes_both_out(
    site: Site, tmp_path: Path
) -> None:
    site.add("rlvr-rewards-good", "mine", GOOD)
    file = tmp_path / "mine.py"
    file.write_text(GOOD)
    plugins = Plugins.discover(files=[file, ECHO_FILE], only=["mine"])
    assert plugins.broken["mine"].reason == (
        f'rlvr-rewards-good 1.0 and {file} both claim the plugin name "mine"; '
        "neither loads: rename one"
    )
    with pytest.raises(PluginError, match='the plugin "mine" does not load'):
        plugins.find("reward", "mine/right")
    assert plugins.find("reward", "rlvr_echo/exact")


def test_one_module_under_two_names_is_loaded_once(site: Site) -> None:
    site.add("rlvr-rewards-good", "first", GOOD, module="shared_module")
    site.add("rlvr-rewards-same", "second", GOOD, module="shared_module")
    plugins = discover("first", "second")
    assert plugins.broken["second"].reason == 'it is the plugin "first" under a second name'
    assert list(plugins.components("reward")) == ["first/right"]


# rlvr plugins


def test_a_broken_plugin_is_named_and_every_other_works(site: Site) -> None:
    site.add("rlvr-rewards-boom", "boom", "raise ValueError('no')\n")
    site.add("rlvr-rewards-slip", "slip", HEAD + "@hookimpl\ndef rlvr_reward():\n    return {}\n")
    site.add("rlvr-rewards-one", "taken", GOOD)
    site.add("rlvr-rewards-two", "taken", GOOD)
    site.add("rlvr-rewards-good", "good", GOOD)
    result = rlvr("plugins", "--file", str(ECHO_FILE))
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    broken = {line.split()[1]: line for line in lines if line.startswith("broken ")}
    assert "ValueError: no (" in broken["boom"]
    assert broken["boom"].endswith("[rlvr-rewards-boom 1.0]")
    assert 'unknown hook "rlvr_reward"; did you mean "rlvr_rewards"?' in broken["slip"]
    assert "rlvr-rewards-one 1.0 and rlvr-rewards-two 1.0 both claim" in broken["taken"]
    listed = {line[13:].split()[0] for line in lines[:-1]}
    assert listed >= {"good/right", "rlvr_echo/exact", "rlvr_echo/learn", "text/exact"}
    assert "components, 3 plugins do not load; write your own with: rlvr new" in lines[-1]
    assert "Traceback" not in result.stdout
    assert not result.stderr


def test_verbose_shows_options_with_types_and_defaults_and_tracebacks(site: Site) -> None:
    site.add("rlvr-rewards-good", "good", GOOD)
    site.add("rlvr-rewards-boom", "boom", "raise ValueError('no')\n")
    shown = rlvr("plugins", "-v", "--file", str(ECHO_FILE)).stdout
    details = shown.partition("good/right")[2].splitlines()
    assert details[0].strip() == "Always right."
    assert [line.strip() for line in details[1:3]] == [
        "from rlvr-rewards-good 1.0",
        "limit: int = 3",
    ]
    assert "split: 'train' | 'test' = \"train\"" in shown
    assert "stop_at: int | None = None" in shown
    sampler = shown.partition("rlvr_echo/answer")[2].partition("rlvr_echo/")[0]
    assert "wrong: str" in sampler
    assert "seed:" not in sampler  # the core passes it, so it is no option
    assert "Traceback (most recent call last):" in shown


@pytest.mark.usefixtures("site")
def test_a_line_fits_the_terminal_that_shows_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    whole = rlvr("plugins", "--file", str(ECHO_FILE)).stdout.splitlines()
    assert max(map(len, whole)) > 80  # a pipe gets all of it
    monkeypatch.setenv("COLUMNS", "60")
    cut = rlvr("plugins", "--file", str(ECHO_FILE)).stdout.splitlines()[:-1]
    assert max(map(len, cut)) == 60
    assert any(line.endswith("…") for line in cut)


def test_options_that_can_not_be_read_spoil_no_listing(tmp_path: Path) -> None:
    file = tmp_path / "odd.py"
    file.write_text(GOOD.replace("limit: int = 3", "limit: 'Nowhere' = 3"))
    result = rlvr("plugins", "-v", "--file", str(file))
    assert result.exit_code == 0
    assert "the options of 'right' can't be read: name 'Nowhere' is not defined" in result.stdout
