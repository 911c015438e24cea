"""Every bundled reward in every trainer: the value is the engine's, or what the table says.

Each cell is the trainer's own call, in the real package where it is installed. Right, wrong and
unjudgeable answers, rewards that break, hang, crash and give ragged parts; from the main thread,
another thread and a spawned process.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import cache

import pytest
from bridge_cases import Case, bundled, expected
from bridge_judging import ASKED, CASES, in_spawned, in_thread, judge_all
from bridge_sites import CALL_SITES, Got, is_real
from rlvr_bridge.policy import TRAINERS

from rlvr_ops_core import Verdict

LOWEST = {"ragged/signed": -1.0}
PLACES = ("main", "thread", "spawn")
NOT_IN_ONE_TEXT = ("math/equal", "data/reasoning_gym", "code/tests", "rlvr_echo/nasty")
"""A python grader can't carry these: they import packages, or our engine."""


@cache
def results(place: str) -> Mapping[str, Mapping[str, dict[str, Got] | str]]:
    run = {"main": judge_all, "thread": in_thread, "spawn": in_spawned}[place]
    found: Mapping[str, Mapping[str, dict[str, Got] | str]] = run(tuple(CASES))
    return found


@cache
def verdicts(name: str) -> Mapping[str, Verdict]:
    return expected(CASES[name]())


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("trainer", TRAINERS)
def test_a_trainer_gets_the_engines_value_or_what_the_table_says(
    trainer: str, place: str, name: str
) -> None:
    if trainer not in ASKED:
        pytest.skip("pip install torch runs this" if trainer == "nemo-rl" else "not asked for")
    got = results(place)[trainer][name]
    if trainer == "openai" and name in NOT_IN_ONE_TEXT:
        assert isinstance(got, str)
        assert "a python grader can't carry" in got
        return
    assert isinstance(got, dict), got
    for kind, verdict in verdicts(name).items():
        where = f"{trainer} {place} {name} {kind}"
        check(where, trainer, got[kind], verdict, LOWEST.get(name, 0.0))


def check(where: str, trainer: str, got: Got, verdict: Verdict, lowest: float) -> None:
    if verdict.value is not None:
        assert got.value == pytest.approx(verdict.value, abs=1e-6), where
        assert got.mark == "", where
        assert got.parts.get("rlvr_ok", 1.0) == 1.0, where
        return
    policy = TRAINERS[trainer].no_verdict[0]
    if policy in ("none", "raise", "failure"):
        mark = {"none": "", "raise": "raised", "failure": "failure"}[policy]
        assert (got.value, got.mark) == (None, mark), where
        return
    assert got.value == pytest.approx(lowest), where
    assert got.mark == ("removed" if policy == "remove" else ""), where
    assert got.parts.get("rlvr_ok", 0.0) == 0.0, where


def test_the_matrix_covers_every_trainer_and_every_bundled_reward() -> None:
    from rlvr_ops_core.plugins import Plugins

    assert set(CALL_SITES) == set(TRAINERS)
    ours = ("text/", "math/", "data/", "code/")
    installed = [name for name in Plugins.discover().components("reward") if name.startswith(ours)]
    covered = set(CASES) | (set() if "reasoning_gym" in sys.modules else {"data/reasoning_gym"})
    assert set(installed) <= covered


@pytest.mark.parametrize("case", bundled(), ids=lambda case: case.reward)
def test_the_answers_of_a_case_are_what_they_are_called(case: Case) -> None:
    found = verdicts(case.reward)
    assert found["right"].status == found["wrong"].status == "ok"
    assert (found["right"].value or 0.0) > (found["wrong"].value or 0.0)
    never_abstain = ("text/format", "text/length", "math/boxed")
    assert (found["abstain"].status == "abstain") == (case.reward not in never_abstain)


@pytest.mark.parametrize("trainer", TRAINERS)
def test_the_call_site_names_what_it_repeats(trainer: str) -> None:
    text = CALL_SITES[trainer].__doc__ or ""
    assert TRAINERS[trainer].version.partition(",")[0].removeprefix("image ") in text or (
        trainer == "openai"
    )
    is_real(trainer)
