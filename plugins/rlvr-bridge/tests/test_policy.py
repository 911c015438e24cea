"""The table in the README is the table in the code, and the command says the same."""

from __future__ import annotations

import json
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from rlvr_bridge.export.command import export
from rlvr_bridge.export.files import WRITERS
from rlvr_bridge.openai import grader
from rlvr_bridge.policy import TRAINERS, policy_table

from rlvr_ops_core import PluginError

README = Path(__file__).resolve().parents[1] / "README.md"


def test_the_readme_has_the_table_of_the_code() -> None:
    assert policy_table() in README.read_text(), "python -m rlvr_bridge.policy prints it"


def test_every_trainer_can_be_exported_to_and_its_file_compiles() -> None:
    assert set(WRITERS) == set(TRAINERS)
    for trainer in TRAINERS:
        done = CliRunner().invoke(export, [trainer, "text/exact", "--name", "right"])
        assert done.exit_code == 0, done.output
        text = done.stdout
        if trainer == "openai":
            assert json.loads(text)["type"] == "python"
        elif trainer != "verl":
            compile(text, trainer, "exec")
        assert "no verdict becomes" in done.stderr


def test_export_writes_a_file_and_reads_a_pipelines_rewards(tmp_path: Path) -> None:
    pipeline = tmp_path / "pipeline.yaml"
    pipeline.write_text(
        "rewards:\n  right: {use: text/exact}\n"
        "  brief: {use: text/length, soft: 5, hard: 10, weight: 0.1, only_if: right}\n"
    )
    output = tmp_path / "mine.py"
    done = CliRunner().invoke(export, ["trl", str(pipeline), "--output", str(output)])
    assert done.exit_code == 0, done.output
    namespace = runpy.run_path(str(output))
    (function,) = [value for name, value in namespace.items() if name.startswith("right_brief_")]
    values = function(completions=["4", "5"], answer=["4", "4"])
    assert values == [1.0, 0.0]


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (["trl", "text/exact", "--option", "ignore_case"], "is not of the form NAME=VALUE"),
        (["trl", "a=text/exact", "b=text/f1", "--option", "c.tag=x"], "with one of a, b"),
        (["trl", "nothing.yaml"], "can't be read"),
        (["trl", "text/exact", "--data", "data/jsonl"], "environment package for verifiers"),
    ],
)
def test_a_mistake_on_the_command_line_says_what_to_write(words: list[str], what: str) -> None:
    done = CliRunner().invoke(export, words)
    assert done.exit_code != 0
    assert what in done.output + str(done.exception)


def test_a_grader_says_why_a_reward_can_not_travel(tmp_path: Path) -> None:
    plugin = tmp_path / "graders.py"
    plugin.write_text(GRADERS)
    for name, why in {
        "heavy": r"imports yaml \(graders.py:2\)",
        "waits": "it is async",
        "inner": "it is made inside a function",
        "batch": "it judges samples",
    }.items():
        with pytest.raises(PluginError, match=why):
            grader(f"graders/{name}", plugins=[plugin])
    with pytest.raises(PluginError, match="several rewards"):
        grader({"a": "text/exact", "b": "text/f1"})


def test_a_grader_grades_alone_as_the_engine_does() -> None:
    source = grader("text/number", options={"scale": 2.0})["source"]
    calls = (
        "print(grade({'output_text': 'so 42'}, {'answer': '42'}))\n"
        "print(grade({'output_text': 'so 40'}, {'answer': '42'}))\n"
        "try:\n    grade({'output_text': '1'}, {'answer': None})\n"
        "except ValueError as error:\n    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", source + calls],
        capture_output=True,
        text=True,
        check=True,
    )
    first, second, third = done.stdout.splitlines()
    assert (float(first), float(second)) == (1.0, 0.5)
    assert third.startswith("no verdict (abstain)")


GRADERS = """
import yaml
from rlvr_ops_core import hookimpl

def heavy(sample):
    return 1.0

async def waits(sample):
    return 1.0

def make():
    def inner(sample):
        return 1.0
    return inner

def batch(samples):
    return [1.0]

@hookimpl
def rlvr_rewards():
    return {"heavy": heavy, "waits": waits, "inner": make(), "batch": batch}
"""
