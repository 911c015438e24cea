"""What a trainer can't carry is refused when it is set up, with the reason."""

from __future__ import annotations

from pathlib import Path

import pytest
from bridge_cases import RAGGED_FILE
from bridge_sites import CALL_SITES, Answer, Order
from rlvr_bridge.export.files import export_files
from rlvr_bridge.policy import TRAINERS
from rlvr_bridge.reference import refer
from rlvr_bridge.trl import reward as trl_reward

from rlvr_ops_core import DataError, OptionError, PluginError, Task, Verdict

GROUP, TOOLS = "ragged/best_of", "ragged/used_tools"


@pytest.mark.parametrize("trainer", TRAINERS)
def test_a_reward_of_groups_is_refused_where_answers_come_alone(trainer: str) -> None:
    if TRAINERS[trainer].groups == "yes":
        assert export_files(trainer, [GROUP], plugins=[RAGGED_FILE])
        return
    with pytest.raises(PluginError, match="judges all answers to one prompt together") as refused:
        export_files(trainer, [GROUP], plugins=[RAGGED_FILE])
    assert TRAINERS[trainer].title in refused.value.what
    assert TRAINERS[trainer].why_no_groups in refused.value.hint
    if TRAINERS[trainer].groups == "with group_size":
        assert export_files(trainer, [GROUP], plugins=[RAGGED_FILE], group_size=4)


@pytest.mark.parametrize("trainer", TRAINERS)
def test_a_reward_that_needs_tool_calls_is_refused_where_only_text_comes(trainer: str) -> None:
    if TRAINERS[trainer].messages:
        assert export_files(trainer, [TOOLS], plugins=[RAGGED_FILE])
        return
    with pytest.raises(PluginError, match="needs the messages of the whole turn, tool calls"):
        export_files(trainer, [TOOLS], plugins=[RAGGED_FILE])


def test_the_adapters_refuse_as_export_does() -> None:
    from rlvr_bridge.openrlhf import reward_function
    from rlvr_bridge.slime import group_reward, reward

    for make in (trl_reward, reward_function, reward):
        with pytest.raises(PluginError, match="can't carry best_of"):
            make(GROUP, plugins=[RAGGED_FILE])
    assert group_reward(GROUP, plugins=[RAGGED_FILE])


def test_trl_with_text_completions_says_so_to_a_reward_of_tool_calls() -> None:
    function = trl_reward(TOOLS, plugins=[RAGGED_FILE])
    call = {"name": "add", "arguments": {}}
    turn = [{"role": "assistant", "content": "", "tool_calls": [{"function": call}]}]
    assert function(completions=[turn], prompts=[[{"role": "user", "content": "?"}]]) == [1.0]
    with pytest.raises(DataError, match="needs messages"):
        function(completions=["text"])


def test_a_batch_with_half_a_group_is_refused() -> None:
    function = trl_reward(GROUP, plugins=[RAGGED_FILE], group_size=2)
    assert function(completions=["a", "bb"], prompts=["p", "p"]) == [0.0, 1.0]
    with pytest.raises(DataError, match="3 answers are no whole groups of 2"):
        function(completions=["a", "bb", "c"], prompts=["p"] * 3)
    with pytest.raises(DataError, match="no whole groups"):
        function(completions=["a", "bb"], prompts=["p", "q"])


def test_two_groups_of_one_prompt_stay_apart() -> None:
    function = trl_reward(GROUP, plugins=[RAGGED_FILE], group_size=2)
    got = function(completions=["a", "bb", "cccc", "ddd"], prompts=["p"] * 4)
    assert got == [0.0, 1.0, 1.0, 0.0]


@pytest.mark.parametrize("trainer", ["trl", "trl-async", "swift", "slime"])
def test_a_reward_of_groups_judges_where_whole_groups_come(trainer: str, tmp_path: Path) -> None:
    if trainer.startswith("trl"):
        pytest.importorskip("trl", reason="pip install trl runs this")
    answers = [Answer(Task("1", "p"), text) for text in ("a", "ccc", "bb")]
    settings = {"plugins": (RAGGED_FILE,)} | ({} if trainer == "trl-async" else {"group_size": 3})
    got = CALL_SITES[trainer](tmp_path, Order(trainer, (GROUP,), settings), answers)
    assert [one.value for one in got] == [0.0, 1.0, 0.0]


@pytest.mark.parametrize("trainer", TRAINERS)
def test_a_policy_that_a_trainer_does_not_know_is_refused(trainer: str) -> None:
    allowed = TRAINERS[trainer].no_verdict
    for policy in ("none", "lowest", "raise", "remove", "failure"):
        if policy in allowed:
            assert export_files(trainer, ["text/exact"], no_verdict=policy)
            continue
        with pytest.raises(OptionError, match="can be given"):
            export_files(trainer, ["text/exact"], no_verdict=policy)


def test_mistakes_in_a_reference_are_found_at_set_up() -> None:
    with pytest.raises(PluginError, match="unknown reward"):
        trl_reward("text/exakt")
    with pytest.raises(OptionError, match=r"rewards.exact \(text/exact\)"):
        trl_reward("text/exact", options={"ignore_cases": True})
    with pytest.raises(OptionError, match="no reward 'right' beside it"):
        refer({"tidy": {"use": "text/length", "only_if": "right"}})
    with pytest.raises(OptionError, match='one of "use"'):
        refer({"tidy": {"weight": 2}})
    with pytest.raises(OptionError, match="at least one"):
        refer({})
    with pytest.raises(OptionError, match="is no JSON"):
        refer("{rewards")


def test_the_value_of_no_verdict_is_the_least_of_all() -> None:
    from rlvr_bridge.scorer import ask, scorer_of

    entries = {
        "right": "text/number",
        "long": {"use": "text/length", "weight": 0.5},
        "gated": {"use": "text/exact", "weight": -2, "only_if": "right"},
        "both": {"sum": ["a", "b"], "weight": 2},
        "a": "text/exact",
        "b": {"use": "ragged/signed", "optional": True},
    }
    reference = refer(entries, plugins=[RAGGED_FILE])
    assert reference.counted == ("right", "long", "gated", "both")
    assert ask(reference).range == (0 - 0.5 - 2 - 2, 1 + 0 + 0 + 4)
    scorer = scorer_of(reference)
    assert scorer.value(Verdict(None, "error"), "lowest") == -4.5
    columns = ("right", "long", "gated", "both")
    assert scorer.columns == columns


def test_a_reference_survives_its_own_text(tmp_path: Path) -> None:
    reference = refer(
        {"right": "text/exact", "tidy": {"use": "text/length", "soft": 5, "weight": 0.1}},
        plugins=[tmp_path / "a.py"],
        error_budget=0.5,
    )
    assert refer(reference.text) == reference
    assert list(refer(reference.text).rewards) == ["right", "tidy"]
    assert reference.name.startswith("right_tidy_")
    assert refer("math/equal").name == "math_equal"
    assert refer("math/equal").name != refer("math/equal", options={"a": 1}).name
