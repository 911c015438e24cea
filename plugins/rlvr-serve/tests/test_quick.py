"""The quick loop gives what the engine gives, whatever a reward does."""

import math

import msgspec
import pytest
from rlvr_serve.rewards.items import Item, result_of, sample_of
from rlvr_serve.rewards.quick import judge_slice

from rlvr_ops_core import Score, reward
from rlvr_ops_core.scoring import Engine
from rlvr_ops_core.scoring.bound import bind_function

RETURNED = {
    "a score": Score(0.5, {}, {"reason": "half"}),
    "a score of a bool": Score(True),
    "an abstaining score": Score(None, {}, {"reason": "no gold"}),
    "a score out of range": Score(1.5),
    "a score that is no number": Score(math.nan),
    "a score with parts": Score(1.0, {"form": 1.0}),
    "a score with odd info": Score(1.0, {}, ["no mapping"]),
    "a score in a score": Score(Score(1.0)),
    "a number": 1,
    "a bool": False,
    "nothing": None,
    "a text": "1.0",
    "infinity": math.inf,
}


def answers(call):
    items = [Item(name, id=name, answer=4, group=7, index=1) for name in (*RETURNED, "it raises")]
    bound = bind_function(call, {})
    with Engine(bound) as engine:
        verdicts = engine.score([sample_of(item) for item in items])
    expected = [result_of(item, one) for item, one in zip(items, verdicts, strict=True)]
    return expected, judge_slice(bound, items)


def told(result):
    """All of it but its time, and the lines of a traceback, which name the caller."""
    known = msgspec.structs.asdict(result)
    known.pop("seconds")
    known["info"] = {key: text for key, text in known["info"].items() if key != "traceback"}
    return known


@reward(inline=True)
def plain(sample):
    assert (sample.task.answer, sample.group, sample.index) == (4, "7", 1)
    return RETURNED[sample.text]


@reward(inline=True, components=("form",))
def in_parts(sample):
    return RETURNED[sample.text]


@pytest.mark.parametrize("call", [plain, in_parts])
def test_every_kind_of_return_is_as_the_engine_settles_it(call):
    expected, found = answers(call)
    assert [told(one) for one in found] == [told(one) for one in expected]
    assert {"ok", "abstain", "error"} == {one.status for one in found}


def test_the_time_of_each_answer_is_its_own(monkeypatch):
    now = [100.0]
    monkeypatch.setattr("rlvr_serve.rewards.quick.perf_counter", lambda: now[0])

    @reward(inline=True)
    def takes_a_second_a_letter(sample):
        now[0] += len(sample.text)
        assert sample.text != "fails"
        return Score(1.0)

    texts = ["a", "fails", "abc"]
    results = judge_slice(bind_function(takes_a_second_a_letter, {}), [Item(one) for one in texts])
    assert [one.seconds for one in results] == [1.0, 5.0, 3.0]
