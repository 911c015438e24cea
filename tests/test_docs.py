"""Every command, snippet and pipeline in README and docs is run, and says what the page says.

A console block holds commands after `$ ` and their output, in which `...` stands for anything.
What takes minutes, or needs what CI lacks, is marked by a comment on the line before its block:
`<!-- run by: tests/test_examples.py -->` names the test that runs it, and that test must exist.
"""

from __future__ import annotations

import doctest
import importlib
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from rlvr_ops_core.check import check_pipeline

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(ROOT.glob("docs/*.md"))]
PAGES += sorted(ROOT.glob("plugins/*/README.md"))
FENCE = re.compile(
    r"(?:<!-- run by: (?P<by>\S+) -->\n+)?^```(?P<language>\w+)\n(?P<body>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Block:
    page: str
    line: int
    language: str
    body: str
    run_by: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def blocks(language: str) -> list[Block]:
    found = []
    for page in PAGES:
        text = page.read_text() if page.is_file() else ""
        for match in FENCE.finditer(text):
            if match["language"] == language:
                line = text[: match.start("body")].count("\n")
                name = str(page.relative_to(ROOT))
                found.append(Block(name, line, language, match["body"], match["by"] or ""))
    return found


def in_this_environment() -> dict[str, str]:
    """So that `rlvr` is the one under test."""
    folder = str(Path(sys.executable).parent)
    return os.environ | {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}", "COLUMNS": "100"}


@pytest.mark.parametrize("block", blocks("console"), ids=str)
def test_a_console_block_prints_what_the_page_says(block: Block, tmp_path: Path) -> None:
    if block.run_by:
        assert (ROOT / block.run_by).is_file(), f"{block}: {block.run_by} is not there"
        return
    for name in ("examples", "tests", "plugins"):
        (tmp_path / name).symlink_to(ROOT / name)
    for part in re.split(r"^\$ ", block.body, flags=re.MULTILINE)[1:]:
        command, _, expected = part.partition("\n")
        done = subprocess.run(
            command,
            shell=True,
            cwd=tmp_path,
            env=in_this_environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        same = doctest.OutputChecker().check_output(
            expected, done.stdout, doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
        )
        assert same, f"{block}: $ {command}\nexpected:\n{expected}\ngot:\n{done.stdout}"


@pytest.mark.parametrize("block", blocks("python"), ids=str)
def test_a_python_block_runs(block: Block, tmp_path: Path) -> None:
    file = tmp_path / "block.py"
    file.write_text(block.body)
    done = subprocess.run(
        [sys.executable, str(file)],
        cwd=tmp_path,
        env=in_this_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{block}:\n{done.stderr}"


@pytest.mark.parametrize("block", blocks("yaml"), ids=str)
def test_a_yaml_block_is_sound(block: Block, tmp_path: Path) -> None:
    """A whole pipeline is checked as it stands; a fragment must be YAML."""
    content = yaml.safe_load(block.body)
    if isinstance(content, dict) and "stages" in content:
        for name in content.get("plugins", []):
            found = next(iter(ROOT.glob(f"**/{Path(name).name}")))
            (tmp_path / name).write_text(found.read_text())
        (tmp_path / "pipeline.yaml").write_text(block.body)
        check_pipeline(tmp_path / "pipeline.yaml")


@pytest.mark.parametrize("name", ["hookspecs", "reward_spec", "scoring.engine"])
def test_the_examples_in_docstrings_run(name: str) -> None:
    failed, tried = doctest.testmod(importlib.import_module(f"rlvr_ops_core.{name}"))
    assert tried > 0
    assert failed == 0


def test_every_local_link_leads_somewhere() -> None:
    missing = []
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
            if not (page.parent / target).exists():
                missing.append(f"{page.relative_to(ROOT)} -> {target}")
    assert not missing


def test_the_readme_shows_the_plugin_that_is_installed_by_a_test() -> None:
    """The two files of tests/third_party: at most 25 lines together, blank ones left out."""
    folder = ROOT / "tests" / "third_party" / "rlvr-rewards-brevity"
    readme = [block for block in blocks("toml") + blocks("python") if block.page == "README.md"]
    shown = {block.body.partition("\n")[0]: block.body.partition("\n")[2] for block in readme}
    lines = 0
    for name in ("pyproject.toml", "rlvr_rewards_brevity.py"):
        text = (folder / name).read_text()
        assert shown[f"# {name}"] == text
        lines += len([line for line in text.splitlines() if line.strip()])
    assert lines <= 25
