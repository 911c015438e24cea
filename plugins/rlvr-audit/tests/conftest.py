"""Shared by the tests of rlvr-audit."""

from pathlib import Path

import pytest

BOXED = [
    {
        "prompt": "What is 6 * 7?",
        "gold": "42",
        "good": ["So \\boxed{42}"],
        "bad": ["\\boxed{41}", "no idea"],
    },
    {"prompt": "What is 10 + 5?", "gold": "15", "good": ["\\boxed{15}"], "bad": ["\\boxed{16}"]},
    {
        "prompt": "What is 9 * 13?",
        "gold": "117",
        "good": ["It is \\boxed{117}"],
        "bad": ["\\boxed{107}"],
    },
]

SOUND = """
import re

def reward(sample):
    if not isinstance(sample.task.answer, str) or not sample.task.answer.strip():
        return None
    text = re.sub(r"<!--.*?-->", "", sample.final)
    boxes = re.findall(r"\\\\boxed\\{([^{}]*)\\}", text)
    whole = text.count("\\\\boxed{") == len(boxes) and "mistake" not in text
    return float(whole and len(set(boxes)) == 1 and boxes[0].strip() == sample.task.answer)
"""

BUGGY = """
def reward(sample):
    return float(sample.task.answer in sample.text)
"""


@pytest.fixture
def boxed():
    return BOXED


@pytest.fixture
def sound(tmp_path) -> str:
    return _written(tmp_path / "sound.py", SOUND)


@pytest.fixture
def buggy(tmp_path) -> str:
    return _written(tmp_path / "buggy.py", BUGGY)


def _written(file: Path, text: str) -> str:
    file.write_text(text)
    return f"{file}:reward"
