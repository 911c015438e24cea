"""Environments: conversations are played by the engine, and what they pay is among the rewards."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from echo_plugin import ECHO_FILE, TASK, echo_plugins, pipeline

from rlvr_ops_core import Played, RewardLoadError, Sample, Turn, environment
from rlvr_ops_core.check import check_pipeline
from rlvr_ops_core.pipeline import run_pipeline
from rlvr_ops_core.plugins import load_file
from rlvr_ops_core.report import write_report
from rlvr_ops_core.runs import read_json, read_lines
from rlvr_ops_core.scoring import EnvironmentEngine, bind_component, bind_function
from rlvr_ops_core.scoring.environments import PlayedReward
from rlvr_ops_core.testing import check_environment

ECHO = load_file(ECHO_FILE)
LADDER = {"use": "rlvr_echo/ladder", "max_turns": 5}


@pytest.fixture
def ladder():
    component = echo_plugins().find("environment", "rlvr_echo/ladder")
    engine = EnvironmentEngine(bind_component(component, {"steps": 3}, timeout_s=2.0), workers=1)
    yield engine
    engine.close()


def test_a_conversation_begins_goes_on_and_ends(ladder):
    opened, on, over = ladder.play([(TASK, []), (TASK, ["a"]), (TASK, ["a", "b", "c"])])
    assert (opened.observation, opened.turns, opened.done) == ("3 steps", 0, False)
    assert (on.observation, on.reward, on.info) == ("on 1", 0.25, {"said": "a"})
    assert (over.observation, over.reward, over.turns, over.done) == ("on 3", 0.75, 3, True)
    assert over.ref.startswith("rlvr_echo/ladder@file-")


def test_one_that_breaks_spoils_its_own_conversation_alone(ladder):
    talks = [(TASK, ["a"]), (TASK, ["a", "raise"]), (TASK, ["a", "hang"]), (TASK, ["a", "exit"])]
    fine, broken, late, gone = ladder.play(talks)
    assert (fine.status, fine.reward) == ("ok", 0.25)
    assert (broken.status, broken.reward, broken.done) == ("error", 0.0, True)
    assert "as the completion asked" in broken.info["error"]
    assert late.status == "timeout"
    assert gone.status == "error"
    (after,) = ladder.play([(TASK, ["a", "b"])])  # its worker was ended: it is played again
    assert (after.observation, after.reward) == ("on 2", 0.5)


@environment(inline=True)
class Counting:
    """Counts how often it was made, and what it was given."""

    made = 0

    def __init__(self, task, *, reward=0.0, observation="go on"):
        type(self).made += 1
        self.turn = Turn(observation, reward)

    def reset(self):
        return ""

    def step(self, answer):
        return self.turn


def counting(**options):
    return EnvironmentEngine(bind_function(Counting, options, kind="environment"))


def test_an_open_conversation_goes_on_where_it_was():
    engine, before = counting(), Counting.made
    for count in range(6):
        engine.play([(TASK, ["x"] * count)])
    assert Counting.made == before + 1
    engine.play([(replace(TASK, answer="3"), ["x"] * 6)])  # the same id, but another task
    assert Counting.made == before + 2


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"reward": float("nan")}, "a finite number"),
        ({"reward": "much"}, "a finite number"),
        ({"observation": 5}, "text or messages"),
        ({"observation": [{"content": "who says this?"}]}, "text or messages"),
    ],
)
def test_an_unsound_turn_is_an_error_and_says_why(options, what):
    (played,) = counting(**options).play([(TASK, ["x"])])
    assert played.status == "error"
    assert what in played.info["error"]


def test_what_goes_on_after_its_end_is_an_error(ladder):
    (played,) = ladder.play([(TASK, ["a", "b", "c", "d"])])
    assert "was done after 3 answers" in played.info["error"]


def test_one_that_no_worker_can_import_is_refused():
    class Hidden(Counting):
        pass

    environment()(Hidden)  # no longer inline
    with pytest.raises(RewardLoadError, match=r"the environment .*Hidden"):
        bind_function(Hidden, {}, kind="environment")


def test_what_was_paid_is_a_verdict_and_a_failure_is_never_a_zero():
    played = [Played(reward=0.5), Played(status="timeout", info={"error": "late"}), None]
    verdicts = PlayedReward().score([Sample(TASK, "a", played=one) for one in played])
    assert [(one.value, one.status) for one in verdicts] == [
        (0.5, "ok"),
        (None, "timeout"),
        (None, "error"),
    ]
    assert verdicts[1].reason == "late"


def run(folder, *stages, **sections):
    file = folder / "pipeline.yaml"
    file.write_text(yaml.safe_dump(pipeline(*stages, **sections)))
    run_pipeline(check_pipeline(file), folder / "run")
    return folder / "run" / "stages"


def test_a_pipeline_trains_and_evaluates_in_an_environment(tmp_path):
    train = {"train": "policy", "use": "rlvr_echo/learn", "data": "train", "steps": 2}
    evaluation = {"evaluate": ["policy"], "data": "test", "samples": 2, "solved": 0.5}
    stages = run(
        tmp_path,
        train | {"rewards": ["correct"], "environment": LADDER | {"weight": 0.5}},
        evaluation | {"environment": LADDER},
    )
    for row in read_lines(stages / "01-policy" / "rollouts.jsonl"):
        part = row["components"]["environment"]
        assert part == {"value": 0.5, "weight": 0.5, "share": 0.25}
        assert row["value"] == row["components"]["correct"]["value"] + 0.25
        assert [one["role"] for one in row["messages"]] == ["user", "assistant"] * 2
        assert row["messages"][0]["content"] == "2 steps"
    result = read_json(stages / "02-evaluate" / "result.json")
    assert result["pass_on"] == "environment"
    assert result["models"]["policy"]["pass@1"]["value"] == 1.0
    write_report(tmp_path / "run")
    assert "user: 2 steps" in (tmp_path / "run" / "report.html").read_text()


def test_a_broken_environment_counts_against_the_error_budget(tmp_path):
    from rlvr_ops_core import ErrorBudgetExceeded

    train = {"train": "policy", "use": "rlvr_echo/learn", "data": "train", "wrong": "raise"}
    with pytest.raises(ErrorBudgetExceeded, match="as the completion asked"):
        run(tmp_path, train | {"steps": 30, "environment": LADDER})
    rows = list(read_lines(tmp_path / "run/stages/01-policy/rollouts.jsonl"))
    assert all(row["value"] is None for row in rows if row["completion"] == "raise")


def test_an_environment_is_part_of_what_a_stage_is(tmp_path):
    def identity(**options):
        stage = {"train": "policy", "use": "rlvr_echo/learn", "data": "train"}
        file = tmp_path / "pipeline.yaml"
        file.write_text(yaml.safe_dump(pipeline(stage | {"environment": LADDER | options})))
        plan = check_pipeline(file)
        return plan.identity_of(plan.stages[0])

    assert identity() == identity(max_turns=5)
    assert identity() != identity(max_turns=4)
    assert identity() != identity(steps=4)


# The check for authors


def test_the_echo_environment_passes():
    (first, *_) = check_environment(ECHO.Ladder, ["a", "b", "c"], steps=3)
    assert [one.turns for one in first] == [0, 1, 2, 3]


class Forgetful(Counting):
    """Says another number each time it is made."""

    def reset(self):
        return ""

    def step(self, answer):
        return Turn(str(type(self).made))


class Fragile(Counting):
    """Wants a number."""

    def step(self, answer):
        return Turn(str(int(answer)))


@pytest.mark.parametrize(
    ("component", "what"),
    [(Forgetful, "when they are played again"), (Fragile, "at the answer")],
)
def test_a_mistake_of_an_environment_is_explained(component, what):
    with pytest.raises(AssertionError, match=what):
        check_environment(component, ["1"])


def test_the_environment_of_the_example_passes():
    hints = load_file(Path(__file__).parent.parent / "examples" / "hints.py")
    tasks = list(hints.cards(limit=4))
    for task, turns in zip(
        tasks, check_environment(hints.Table, ["look", "0"], tasks=tasks), strict=True
    ):
        assert turns[1].observation == str(task.data["hand"][0])
        assert (turns[-1].done, turns[-1].reward) == (True, -0.05)
