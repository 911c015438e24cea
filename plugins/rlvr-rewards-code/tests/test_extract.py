"""The program in a completion: each rule of `extract.py` has its row."""

# ruff: noqa: E501  # a row is one completion
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rlvr_rewards_code.extract import extract_program

HEAD = 'def add(a, b):\n    """Add."""\n'
F = "def add(a, b):\n    return a + b"
G = "def add(a, b):\n    return a - b"
ROWS = [
    (f"```python\n{F}\n```", "", f"{F}\n", "a block that says python"),
    (f"```py\n{F}\n```", "", f"{F}\n", "a block that says py"),
    (f"```\n{F}\n```", "", f"{F}\n", "a block without a language"),
    (f"~~~python\n{F}\n~~~", "", f"{F}\n", "tildes"),
    (f"````python\n{F}\n````", "", f"{F}\n", "four backticks"),
    (f"Sure!\n\n```python\n{F}\n```\nHope it helps.", "", f"{F}\n", "text around it"),
    (f"```python\n{G}\n```\nNo, rather:\n```python\n{F}\n```", "", f"{F}\n", "the last block wins"),
    (f"```python\n{F}\n```\nUse it:\n```python\nprint(add(1, 2))\n```", "add", f"{F}\n", "an example does not beat the function"),
    (f"```python\n{F}\n```\nOutput:\n```text\n3\n```", "", f"{F}\n", "other languages don't count"),
    (f"```python\n{F}\n```\n```bash\npip install x\n```", "add", f"{F}\n", "nor does a shell"),
    (f"```python\n{F}", "", F, "a fence that was never closed"),
    (f"1. So:\n   ```python\n   {F.splitlines()[0]}\n   {F.splitlines()[1]}\n   ```", "add", f"{F}\n", "a fence in a list"),
    (F, "", F, "no fence: bare code"),
    (f"Here it is.\n{F}", "", F, "no fence: words, then code"),
    ("I can't do that.", "", "", "no program at all"),
    ("", "", "", "nothing"),
    ('```python\ns = "```"\nprint(s)\n```', "", 's = "```"\nprint(s)\n', "backticks inside a line"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "entry", "program", "why"), ROWS, ids=[row[3] for row in ROWS])
def test_the_program_in_a_completion(text, entry, program, why):
    assert extract_program(text, entry=entry) == program


CONTINUED = [
    ("    return a + b\n", "a body"),
    ("```python\n    return a + b\n```", "a body in a fence"),
    ("return a + b", "a body that lost its indentation"),
    ("total = a + b\nreturn total", "several lines that lost it"),
    ("total = a + b\n    return total", "only the first line lost it"),
    (f"```python\n{F}\n```", "the whole function"),
    ("    def inner():\n        return a + b\n    return inner()\n", "a body with a function"),
    (
        "```python\n    def inner():\n        return a + b\n    return inner()\n```",
        "the same, fenced",
    ),
]


@pytest.mark.parametrize(("text", "why"), CONTINUED, ids=[row[1] for row in CONTINUED])
def test_a_continued_prompt_works(text, why):
    scope: dict = {}
    exec(extract_program(text, entry="add", prefix=HEAD), scope)  # noqa: S102  # our own rows
    assert scope["add"](2, 3) == 5


@given(st.text(alphabet="`~ \npythondef():=x", max_size=200))
def test_any_text_gives_some_text(text):
    assert isinstance(extract_program(text, entry="x", prefix="def x():\n"), str)


def test_a_flood_of_fences_is_read_in_time():
    assert extract_program("```\n" * 50_000, entry="f") == ""
