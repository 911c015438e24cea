"""Samples that are judged beforehand get the verdicts that they would get, and are judged once."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
from echo_plugin import TASK, bound, samples

from rlvr_ops_core import Sample, reward
from rlvr_ops_core.scoring import Ahead, Engine, Entry, Rewards, bind_function

JUDGED: list[str] = []
GO_ON = threading.Event()


@reward(inline=True)
def noted(sample: Sample) -> float:
    """Note what is judged; `wait` is judged once the test says so."""
    JUDGED.append(sample.text)
    if sample.text == "wait":
        assert GO_ON.wait(timeout=20)
    return float(sample.text == "2")


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    JUDGED.clear()
    GO_ON.clear()
    yield
    GO_ON.set()


def ahead(*engines: Engine) -> Ahead:
    entries = {f"r{n}": Entry(name=f"r{n}", engine=engine) for n, engine in enumerate(engines)}
    return Ahead(Rewards(entries, tuple(entries)))


def noting() -> Ahead:
    return ahead(Engine(bind_function(noted, {})))


def test_what_was_begun_is_judged_once_and_the_order_is_that_of_the_call() -> None:
    scorer = noting()
    early, late = samples("2", "3"), samples("4", "2")
    lot = scorer.begin(early)
    assert lot is not None
    judged = lot.result(timeout=20)
    assert judged.began <= judged.ended
    assert sorted(JUDGED) == ["2", "3"]
    verdicts = scorer.score([late[0], early[1], late[1], early[0]])
    assert [verdict.value for verdict in verdicts] == [0.0, 0.0, 1.0, 1.0]
    assert sorted(JUDGED) == ["2", "2", "3", "4"]
    scorer.close()


def test_new_samples_are_judged_while_those_begun_still_are() -> None:
    scorer = noting()
    (slow,) = samples("wait")
    scorer.begin([slow])
    found: list[float | None] = []
    asking = threading.Thread(
        target=lambda: found.extend(v.value for v in scorer.score([slow, *samples("2")]))
    )
    asking.start()
    deadline = time.monotonic() + 20
    while "2" not in JUDGED and time.monotonic() < deadline:
        time.sleep(0.01)
    assert "2" in JUDGED
    GO_ON.set()
    asking.join(timeout=20)
    assert found == [0.0, 1.0]
    scorer.close()


def test_equal_samples_that_are_other_objects_are_judged_anew() -> None:
    scorer = noting()
    scorer.begin(samples("2"))
    assert scorer.score(samples("2"))[0].value == 1.0
    scorer.close()
    assert JUDGED == ["2", "2"]


def test_asking_again_judges_again() -> None:
    scorer = noting()
    again = samples("2")
    scorer.begin(again)
    assert [scorer.score(again)[0].value for _ in range(2)] == [1.0, 1.0]
    assert JUDGED == ["2", "2"]
    scorer.close()


def test_groups_are_judged_as_in_one_call() -> None:
    with Engine(bound("group")) as engine:
        scorer = ahead(engine)
        first, second = samples("2", "2", group="a"), samples("2", "3", group="b")
        assert scorer.begin(first) is not None
        verdicts = scorer.score([*second, *first])
        assert [verdict.value for verdict in verdicts] == [1.0, 0.0, 0.5, 0.5]
        scorer.close()


def test_a_reward_of_whole_calls_is_never_begun() -> None:
    with Engine(bound("batch")) as engine:
        scorer = ahead(Engine(bind_function(noted, {})), engine)
        early = samples("2")
        assert scorer.begin(early) is None
        assert JUDGED == []
        assert scorer.score(early)[0].value == 2.0


def test_what_fails_beforehand_fails_where_it_is_asked_for() -> None:
    with Engine(bound("group")) as engine:
        scorer = ahead(engine)
        early = samples("2")  # a reward of groups, and no group
        lot = scorer.begin(early)
        assert lot is not None
        with pytest.raises(ValueError, match="judges groups"):
            scorer.score(early)
        scorer.close()


def test_closing_ends_what_is_being_judged() -> None:
    with Engine(bound("nasty", timeout_s=60)) as engine:
        scorer = ahead(engine)
        early = [Sample(TASK, "hang")]
        lot = scorer.begin(early)
        assert lot is not None
        while not lot.running():
            time.sleep(0.01)
        began = time.monotonic()
        scorer.close()
        assert time.monotonic() - began < 30
        assert lot.result().verdicts[0].status == "error"
