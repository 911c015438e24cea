"""Every bundled reward in every trainer: the value is the engine's, or what the table says.

Each cell is the trainer's own call, in the real package where it is installed. Right, wrong and
unjudgeable answers, rewards that break, hang, crash and give ragged parts; from the main thread,
another thread and a spawned process.
"""

from __future__ import annotations

import multiprocessing
import sys
import threading
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest
from bridge_call_sites import CALL_SITES, Got, Order, is_real
from bridge_cases import Case, bundled, expected, nasty, ragged, signed

from rlvr_bridge.policy import TRAINERS
from rlvr_bridge.scorer import close_all
from rlvr_ops_core import PluginError, Verdict

CASES: Mapping[str, Callable[[], Case]] = {
    **{case.reward: (lambda case=case: case) for case in bundled()},  # type: ignore[misc]
    "rlvr_echo/nasty": nasty,
    "ragged/ragged": ragged,
    "ragged/signed": signed,
}
LOWEST = {"ragged/signed": -1.0}
PLACES = ("main", "thread", "spawn")
NOT_IN_ONE_TEXT = ("math/equal", "data/reasoning_gym", "code/tests", "rlvr_echo/nasty")
"""A python grader can't carry these: they import packages, or our engine."""


def judge(trainer: str, names: tuple[str, ...]) -> dict[str, dict[str, Got] | str]:
    """What the trainer had in its hands, by reward and kind of answer; a text says why not."""
    folder = Path(mkdtemp(prefix="rlvr_bridge_"))
    found: dict[str, dict[str, Got] | str] = {}
    for name in names:
        case = CASES[name]()
        settings = {"options": case.option_words, "plugins": case.plugins}
        order = Order(trainer, case.words, settings)
        try:
            got = CALL_SITES[trainer](folder, order, list(case.answers.values()))
        except PluginError as error:
            found[name] = str(error)
            continue
        found[name] = dict(zip(case.answers, got, strict=True))
    return found


def judge_all(names: tuple[str, ...]) -> dict[str, dict[str, dict[str, Got] | str]]:
    return {trainer: judge(trainer, names) for trainer in TRAINERS}


def _in_thread(names: tuple[str, ...]) -> Any:
    box: list[Any] = []
    thread = threading.Thread(target=lambda: box.append(judge_all(names)))
    thread.start()
    thread.join()
    assert box, "a call raised in the thread"
    return box[0]


def _spawned(path: list[str], names: tuple[str, ...], queue: Any) -> None:
    sys.path[:] = path
    try:
        queue.put(judge_all(names))
    finally:
        close_all()


def _in_spawned(names: tuple[str, ...]) -> Any:
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    process = context.Process(target=_spawned, args=(sys.path, names, queue))
    process.start()
    found = queue.get(timeout=300)
    process.join(timeout=30)
    assert process.exitcode == 0
    return found


@cache
def results(place: str) -> Mapping[str, Mapping[str, dict[str, Got] | str]]:
    run = {"main": judge_all, "thread": _in_thread, "spawn": _in_spawned}[place]
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
