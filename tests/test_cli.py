"""The command line: what it loads, what it says, and how it leaves."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result
from echo_plugin import listen_to_ctrl_c, pipeline
from wrong_pipelines import SOUND, write_plugins

from rlvr_ops_core.cli import cli
from rlvr_ops_core.cli.new import KINDS
from rlvr_ops_core.plugins import Plugins

ROOT = Path(__file__).parents[1]
RLVR = str(Path(sys.executable).with_name("rlvr"))

HEAVY = {
    "accelerate",
    "datasets",
    "huggingface_hub",
    "math_verify",
    "numpy",
    "pandas",
    "peft",
    "pyarrow",
    "reasoning_gym",
    "scipy",
    "sympy",
    "tokenizers",
    "torch",
    "transformers",
    "trl",
}

TRAIN = {"train": "policy", "use": "rlvr_echo/learn", "data": "train", "steps": 3}

PARROT = """
import click
from rlvr_ops_core import RlvrError, hookimpl

@click.command()
@click.argument("word")
def parrot(word):
    "Say it again."
    if word == "fail":
        raise RlvrError("the parrot is gone", hint="look outside")
    if word == "three":
        click.get_current_context().exit(3)
    click.echo(word)

@hookimpl
def rlvr_commands():
    return {"parrot": parrot, "check": parrot}
"""


def rlvr(*arguments: str) -> Result:
    return CliRunner().invoke(cli, arguments)


def process(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [RLVR, *arguments], capture_output=True, text=True, timeout=60, check=False, cwd=cwd
    )


def modules_after(*arguments: str, cwd: Path) -> set[str]:
    """The top-level modules that a command has loaded when it is done."""
    code = (
        "import sys\n"
        "from rlvr_ops_core.cli import cli\n"
        f"cli.main({list(arguments)!r}, standalone_mode=False)\n"
        "print('MODULES', *sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=cwd,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    names = done.stdout.rpartition("MODULES ")[2].split()
    return {name.partition(".")[0] for name in names}


# What it loads


def test_help_loads_nothing_but_click_and_the_plugins(tmp_path: Path) -> None:
    loaded = modules_after("--help", cwd=tmp_path)
    assert "rlvr_ops_core" in loaded
    assert not loaded & (HEAVY | {"pydantic", "yaml", "rich"})


@pytest.mark.parametrize("command", ["run", "check", "plugins", "score", "report", "new"])
def test_the_help_of_a_command_looks_for_no_plugins(command: str, tmp_path: Path) -> None:
    loaded = modules_after(command, "--help", cwd=tmp_path)
    plugins = {"rlvr_rewards_math", "rlvr_trainer_grpo"}
    assert not loaded & (HEAVY | plugins | {"pydantic", "yaml", "rich"})


def test_check_loads_nothing_heavy(tmp_path: Path) -> None:
    write_plugins(tmp_path)
    (tmp_path / "pipeline.yaml").write_text(SOUND)
    loaded = modules_after("check", "pipeline.yaml", cwd=tmp_path)
    assert "pydantic" in loaded
    assert not loaded & (HEAVY | {"rich"})


@pytest.mark.parametrize("file", sorted(ROOT.glob("examples/*.yaml")), ids=lambda file: file.name)
def test_checking_an_example_loads_nothing_heavy(file: Path) -> None:
    pytest.importorskip("rlvr_trainer_grpo", reason="pip install rlvr-trainer-grpo runs this")
    assert not modules_after("check", str(file), cwd=ROOT) & HEAVY


def test_listing_plugins_with_their_options_loads_nothing_heavy(tmp_path: Path) -> None:
    assert not modules_after("plugins", "-v", cwd=tmp_path) & HEAVY


# What it says


def test_help_lists_our_commands_in_the_order_of_need() -> None:
    listing = rlvr("--help").stdout.partition("Commands:")[2].splitlines()
    assert [line.split()[0] for line in listing if line.strip()][:6] == [
        "run",
        "check",
        "plugins",
        "score",
        "report",
        "new",
    ]


@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_every_command_explains_itself(flag: str) -> None:
    for command in cli.commands:
        result = rlvr(command, flag)
        assert result.exit_code == 0
        assert result.stdout.startswith(f"Usage: cli {command}")


def test_the_version_is_that_of_the_distribution() -> None:
    result = rlvr("--version")
    assert (result.exit_code, result.stdout) == (0, f"rlvr, version {version('rlvr-ops')}\n")


def test_without_a_command_it_shows_the_help() -> None:
    assert "Commands:" in rlvr().output


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("chek", 'no command "chek"; did you mean "check"?'),
        ("plugin", 'no command "plugin"; did you mean "plugins"?'),
        ("xyz", 'no command "xyz"; there is: run, check, plugins, score, report, new'),
    ],
)
def test_an_unknown_command_names_the_nearest(typed: str, said: str) -> None:
    result = rlvr(typed)
    assert result.exit_code == 2
    assert f"Error: {said}" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["check"], "Missing argument 'PIPELINE'"),
        (["check", "--sett", "a=b", "x.yaml"], "No such option"),
        (["score", "text/exact", "x.jsonl", "--workers", "0"], "0 is not in the range x>=1"),
        (["score", "text/exact", "x.jsonl", "--timeout-s", "soon"], "'soon' is not a valid float"),
        (["new", "rewrd", "mine"], "'rewrd' is not one of 'reward'"),
    ],
)
def test_a_wrong_command_line_exits_with_2(arguments: Sequence[str], said: str) -> None:
    result = rlvr(*arguments)
    assert result.exit_code == 2
    assert said in result.stderr


# How it leaves


def test_a_wrong_pipeline_makes_no_run_folder(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text("name: x\nstages: [{trian: a}]\n")
    done = process("run", "p.yaml", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith('error: p.yaml:2: stages.0.trian: "trian" is no verb of a stage')
    assert [file.name for file in tmp_path.iterdir()] == ["p.yaml"]


def test_a_run_and_the_same_run_again(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(yaml.safe_dump(pipeline(TRAIN)))
    first = process("run", "p.yaml", cwd=tmp_path)
    assert first.returncode == 0, first.stderr
    assert first.stdout.splitlines()[-1].startswith("run: runs/echo  report: runs/echo/report.html")
    again = process("run", "p.yaml", cwd=tmp_path)
    assert again.returncode == 0
    assert again.stdout == (
        "nothing to do: 1 of 1 stages are done in runs/echo; "
        "look at it with: rlvr report runs/echo\n"
    )


def test_a_run_into_a_file_says_so(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(yaml.safe_dump(pipeline(TRAIN)))
    for output in ("p.yaml", "p.yaml/run"):
        done = process("run", "p.yaml", "--output", output, cwd=tmp_path)
        assert done.returncode == 1
        assert done.stderr.startswith(f"error: {output}")
        assert "Traceback" not in done.stderr


def test_until_a_stage_that_is_not_there_names_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(yaml.safe_dump(pipeline(TRAIN)))
    done = process("run", "p.yaml", "--until", "polcy", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr == (
        'error: --until polcy: there is no stage or verb "polcy"\n  did you mean "policy"?\n'
    )


def test_a_bug_keeps_its_traceback(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(yaml.safe_dump(pipeline({**TRAIN, "fail_at": 2})))
    done = process("run", "p.yaml", cwd=tmp_path)
    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert "RuntimeError: failed at step 2" in done.stderr


def test_ctrl_c_leaves_with_130_and_says_how_to_go_on(tmp_path: Path) -> None:
    slow = {**TRAIN, "steps": 1000, "sleep_s": 0.05}
    (tmp_path / "p.yaml").write_text(yaml.safe_dump(pipeline(slow)))
    running = subprocess.Popen(
        [RLVR, "run", "p.yaml"],
        preexec_fn=listen_to_ctrl_c,  # noqa: PLW1509  # it only resets a signal
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
    )
    metrics = tmp_path / "runs" / "echo" / "stages" / "01-policy" / "metrics.jsonl"
    deadline = time.monotonic() + 30
    while not (metrics.is_file() and metrics.stat().st_size) and time.monotonic() < deadline:
        time.sleep(0.05)
    running.send_signal(signal.SIGINT)
    _, told = running.communicate(timeout=30)
    assert running.returncode == 130
    assert told.rstrip().endswith("stopped; the same command goes on from here")
    assert "Traceback" not in told


def test_a_reader_that_goes_away_causes_no_traceback(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as gone:
        done = subprocess.run(
            [RLVR, "plugins", "-v"],
            stdout=gone,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr == ""


def test_a_report_of_nothing_says_what_to_give(tmp_path: Path) -> None:
    done = process("report", "runs/none", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: runs/none: no run here")
    assert list(tmp_path.iterdir()) == []


# Commands of plugins


@pytest.fixture
def parrot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Install a plugin with commands: one of its own, and one with a name of ours."""
    folder = tmp_path / "site"
    info = folder / "rlvr_parrot-1.0.dist-info"
    info.mkdir(parents=True)
    (folder / "rlvr_parrot_of_test_cli.py").write_text(PARROT)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: rlvr-parrot\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[rlvr]\nparrot = rlvr_parrot_of_test_cli\n")
    monkeypatch.syspath_prepend(str(folder))
    assert Plugins.discover().components("command")


@pytest.mark.usefixtures("parrot")
def test_a_plugin_adds_a_command_but_takes_none_of_ours() -> None:
    assert re.search(r"parrot +Say it again\.", rlvr("--help").stdout)
    assert rlvr("parrot", "hello").stdout == "hello\n"
    assert "PIPELINE" in rlvr("check", "--help").stdout


@pytest.mark.usefixtures("parrot")
def test_the_exit_code_of_a_plugin_s_command_is_kept() -> None:
    assert rlvr("parrot", "three").exit_code == 3


@pytest.mark.usefixtures("parrot")
def test_a_mistake_in_a_plugin_s_command_is_told_like_ours() -> None:
    result = rlvr("parrot", "fail")
    assert result.exit_code == 1
    assert result.stderr == "error: the parrot is gone\n  look outside\n"


@pytest.mark.usefixtures("parrot")
def test_two_plugins_that_claim_a_command_both_stay_out(tmp_path: Path) -> None:
    info = tmp_path / "site" / "rlvr_second-1.0.dist-info"
    info.mkdir()
    (tmp_path / "site" / "rlvr_second_of_test_cli.py").write_text(PARROT)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: rlvr-second\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[rlvr]\nsecond = rlvr_second_of_test_cli\n")
    result = rlvr("parrot", "hello")
    assert result.exit_code == 2
    assert 'no command "parrot"' in result.stderr


# rlvr new


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_plugin_is_written_where_it_was_asked_for(kind: str, tmp_path: Path) -> None:
    result = rlvr("new", kind, "mine", "--folder", str(tmp_path))
    assert result.exit_code == 0, result.output
    (made,) = tmp_path.iterdir()
    assert (made / "pyproject.toml").is_file()
    last = result.stdout.splitlines()[-1]
    assert last == f"made: {made}  next: pip install -e {made} && python -m pytest {made}"
    for line in result.stdout.splitlines()[:-1]:
        assert Path(line.strip()).is_file()


def test_the_kinds_of_the_command_are_those_that_can_be_written() -> None:
    from rlvr_ops_core.new import KINDS as WRITTEN

    assert list(WRITTEN) == KINDS


def test_a_new_plugin_overwrites_nothing(tmp_path: Path) -> None:
    assert rlvr("new", "reward", "mine", "--folder", str(tmp_path)).exit_code == 0
    again = rlvr("new", "reward", "mine", "--folder", str(tmp_path))
    assert (again.exit_code, again.stdout) == (1, "")
    assert again.stderr.startswith("error: ")


def test_a_new_plugin_needs_a_name_that_can_be_one(tmp_path: Path) -> None:
    result = rlvr("new", "reward", "../My Plugin", "--folder", str(tmp_path))
    assert result.exit_code != 0
    assert "Traceback" not in result.output
    assert list(tmp_path.iterdir()) == []


DETAILED = """
from rlvr_ops_core import hookimpl, reward

def fine():
    yield "backend: docker, because it answers"

def broken():
    raise OSError("no such socket")

@reward(details=fine)
def one(sample):
    return 1.0

@reward(details=broken)
def two(sample):
    return 1.0

@hookimpl
def rlvr_rewards():
    return {"one": one, "two": two}
"""


def test_a_reward_may_say_what_it_would_use_on_this_machine(tmp_path: Path) -> None:
    (tmp_path / "detailed.py").write_text(DETAILED)
    done = process("plugins", "-v", "--file", "detailed.py", cwd=tmp_path)
    assert done.returncode == 0
    assert "backend: docker, because it answers" in done.stdout
    assert "fails: OSError('no such socket')" in done.stdout
