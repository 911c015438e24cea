"""No cheat is rewarded, and no right program is refused, on any backend that isolates."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from conftest import ISOLATING, load

sys.path.pop(0)
cheats = load("cheats")
TABLES = {"cheats": (cheats.all_cheats(), False), "honest": (cheats.all_honest(), True)}


@pytest.mark.parametrize("backend", ISOLATING)
@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("credit", ["all", "share"])
def test_only_right_programs_are_paid_in_full(backend, table, credit, judge, usable):
    programs, right = TABLES[table]
    verdicts = judge(list(programs.values()), backend=usable(backend), credit=credit, wall_s=4)
    wrong = {
        name: (verdict.status, verdict.value, verdict.reason)
        for name, verdict in zip(programs, verdicts, strict=True)
        if verdict.status != "ok" or (verdict.value == 1.0) != right
    }
    assert not wrong


def test_the_tables_hold_enough_kinds():
    assert len(cheats.CHEATS) >= 24
    assert len(cheats.SCRIPT_CHEATS) >= 10


def test_restricted_pays_no_cheat(judge, usable):
    functions = list(cheats.CHEATS.values())
    verdicts = judge(functions, backend=usable("restricted"), wall_s=4)
    assert {verdict.value for verdict in verdicts} == {0.0}
