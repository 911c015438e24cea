"""`rlvr check`: every mistake of a pipeline file, with its place; and sound files become plans."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from wrong_pipelines import PLUGIN_FILES, SOUND, WRONG, Wrong, but, write_plugins

from rlvr_ops_core.check import check_pipeline
from rlvr_ops_core.cli import cli
from rlvr_ops_core.errors import PipelineError
from rlvr_ops_core.plan import BASE, Plan

WRONG_CASES = [pytest.param(wrong, id=wrong.title) for wrong in WRONG]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with the plugin files; no plugin is installed."""
    write_plugins(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda **_: [])
    return tmp_path


def write(content: str | bytes) -> Path:
    file = Path("pipeline.yaml")
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return file


def plan_of(content: str, *settings: str) -> Plan:
    return check_pipeline(write(content), settings=settings)


def lines_of(content: str, *settings: str) -> list[str]:
    with pytest.raises(PipelineError) as raised:
        plan_of(content, *settings)
    return str(raised.value).splitlines()


def shown(lines: str, folder: Path) -> list[str]:
    return lines.replace(str(folder), "FOLDER").replace("pipeline.yaml", "FILE").splitlines()


def test_the_table_is_long_enough() -> None:
    assert len(WRONG) >= 45
    assert len({wrong.title for wrong in WRONG}) == len(WRONG)


@pytest.mark.parametrize("wrong", WRONG_CASES)
def test_a_wrong_file_gives_all_its_mistakes(wrong: Wrong, folder: Path) -> None:
    with pytest.raises(PipelineError) as raised:
        check_pipeline(write(wrong.content), settings=wrong.settings)
    assert shown(str(raised.value), folder) == list(wrong.expected)
    lines = [mistake.line for mistake in raised.value.mistakes]
    assert lines == sorted(lines)


@pytest.mark.parametrize("wrong", WRONG_CASES)
def test_the_command_line_says_the_same_and_exits_with_2(wrong: Wrong, folder: Path) -> None:
    write(wrong.content)
    settings = [argument for setting in wrong.settings for argument in ("--set", setting)]
    result = CliRunner().invoke(cli, ["check", "pipeline.yaml", *settings])
    assert result.exit_code == 2
    assert result.stdout == ""
    said = [line.removeprefix("error: ") for line in shown(result.stderr, folder)]
    assert said == list(wrong.expected)
    assert all(line.isprintable() for line in result.stderr.splitlines())


@pytest.mark.parametrize(
    "title",
    [
        "many mistakes at once, in the order of their lines",
        "nested too deeply to be read",
        "bytes that are no text",
        "a plugin that leaves the program",
        "settings and the file, all at once",
    ],
)
@pytest.mark.parametrize("command", ["check", "run"])
def test_a_process_prints_no_traceback_and_makes_nothing(
    command: str, title: str, folder: Path
) -> None:
    (wrong,) = [wrong for wrong in WRONG if wrong.title == title]
    write(wrong.content)
    before = sorted(folder.rglob("*.yaml"))
    settings = [argument for setting in wrong.settings for argument in ("--set", setting)]
    rlvr = [str(Path(sys.executable).with_name("rlvr")), command, "pipeline.yaml", *settings]
    done = subprocess.run(rlvr, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert shown(done.stderr, folder)[0] == f"error: {wrong.expected[0]}"
    assert done.stderr.count("error: ") == sum(not one.startswith("  ") for one in wrong.expected)
    assert sorted(folder.rglob("*.yaml")) == before
    assert not Path("runs").exists()


# Files that can't be read


def test_a_missing_file_names_the_nearest(folder: Path) -> None:
    write(SOUND)
    with pytest.raises(PipelineError, match=r"pipelin.yaml: there is no such file\n  did you mean"):
        check_pipeline(Path("pipelin.yaml"))


def test_a_missing_file_lists_what_there_is(folder: Path) -> None:
    write(SOUND)
    with pytest.raises(PipelineError, match=r"\n  there is: pipeline.yaml"):
        check_pipeline(Path("x"))


def test_a_file_in_a_missing_folder_says_so() -> None:
    with pytest.raises(PipelineError, match=r"\n  there is no folder nowhere either"):
        check_pipeline(Path("nowhere/pipeline.yaml"))


def test_a_folder_is_no_file(folder: Path) -> None:
    write(SOUND)
    with pytest.raises(PipelineError, match=r"is a folder, not a file\n  name the file in it: pip"):
        check_pipeline(folder)


@pytest.mark.parametrize("name", ["x" * 5000, "a\0b.yaml"])
def test_a_name_that_no_file_can_have_is_a_mistake(name: str) -> None:
    with pytest.raises(PipelineError, match="can't be read: "):
        check_pipeline(Path(name))


def test_an_endless_file_is_not_read_to_its_end() -> None:
    with pytest.raises(PipelineError, match="is larger than 1 MiB"):
        check_pipeline(Path("/dev/zero"))


# What a sound file becomes


def test_a_sound_file_becomes_a_plan(folder: Path) -> None:
    plan = plan_of(SOUND)
    train, evaluate = plan.stages
    assert (plan.name, plan.seed, plan.model, plan.error_budget) == ("sound", 0, "skill=0.2", 0.02)
    assert train.bound.component.name == "rlvr_echo/learn"
    assert (train.start, train.data, train.rewards) == (BASE, "train", ("correct", "brief"))
    assert train.bound.options["steps"] == 3
    assert train.bound.options["rate"] == 0.1  # defaults are written out
    assert (evaluate.name, evaluate.models, evaluate.pass_on) == (
        "evaluate",
        ("policy",),
        "correct",
    )
    assert evaluate.bound.component.name == "rlvr_echo/answer"  # of the plugin that trained it
    assert plan.rewards["brief"].weight == 0.1


def test_the_command_says_that_a_file_is_sound(folder: Path) -> None:
    write(SOUND)
    result = CliRunner().invoke(cli, ["check", "pipeline.yaml"])
    assert result.exit_code == 0
    assert result.stdout == (
        "pipeline.yaml is sound: policy, evaluate; run it with: rlvr run pipeline.yaml\n"
    )


def test_check_data_counts_the_tasks(folder: Path) -> None:
    write(SOUND)
    result = CliRunner().invoke(cli, ["check", "--data", "pipeline.yaml"])
    assert result.exit_code == 0
    assert result.stdout.startswith("data.train: 9 tasks, read by rlvr_echo/sums\n")


def test_check_data_says_which_row_is_broken(folder: Path) -> None:
    write(but("limit: 9", "broken_row: 2"))
    result = CliRunner().invoke(cli, ["check", "--data", "pipeline.yaml"])
    assert result.exit_code == 1
    assert "error: sums.jsonl:3: no column 'prompt'\n  it has: a, b\n" in result.stderr


def test_a_byte_order_mark_is_no_mistake(folder: Path) -> None:
    assert check_pipeline(write(b"\xef\xbb\xbf" + SOUND.encode())).name == "sound"


def test_a_section_whose_entries_are_commented_out_is_empty(folder: Path) -> None:
    plan = plan_of(SOUND + "monitors:\n  # tape: {use: rlvr_echo/tape}\n")
    assert plan.monitors == {}


def test_a_merged_entry_takes_what_it_does_not_say_itself(folder: Path) -> None:
    merged = "&train {use: rlvr_echo/sums, limit: 9}\n  test: {<<: *train, split: test}"
    plan = plan_of(but("{use: rlvr_echo/sums, limit: 9}", merged))
    assert plan.data["test"].options == {"split": "test", "limit": 9, "broken_row": -1}


def test_a_mistake_in_a_merged_entry_has_the_line_where_it_is_written(folder: Path) -> None:
    merged = "limit: x}\n  test: {<<: *train, split: y}"
    lines = lines_of(
        but("{use: rlvr_echo/sums, limit: 9}", "&train {use: rlvr_echo/sums, " + merged)
    )
    assert [line.partition(": must")[0] for line in lines] == [
        "pipeline.yaml:6: data.train.limit",
        "pipeline.yaml:6: data.test.limit",
        "pipeline.yaml:7: data.test.split",
    ]


def test_gates_are_read_in_all_three_forms(folder: Path) -> None:
    for written, read in [
        ("correct", {"correct": 0.0}),
        ("[correct]", {"correct": 0.0}),
        ("{correct: 0.5}", {"correct": 0.5}),
    ]:
        plan = plan_of(but("weight: 0.1", f"only_if: {written}"))
        assert plan.rewards["brief"].only_if == read


def test_a_sum_has_its_members(folder: Path) -> None:
    plan = plan_of(but("rewards:\n", "rewards:\n  all: {sum: [correct, brief], weight: 2}\n"))
    assert plan.rewards["all"].members == ("correct", "brief")
    assert plan.rewards["all"].weight == 2


def test_a_model_folder_beside_the_file_is_meant_by_its_name(folder: Path) -> None:
    (folder / "warm").mkdir()
    plan = plan_of(but("train: policy,", "train: policy, start: warm,"))
    assert plan.stages[0].start == str(folder / "warm")


def test_a_model_from_outside_can_be_evaluated(folder: Path) -> None:
    plan = plan_of(but("evaluate: policy", "evaluate: [owner/model, policy]"))
    assert plan.stages[1].models == ("owner/model", "policy")


def test_a_model_name_that_no_file_can_have_is_left_to_the_trainer(folder: Path) -> None:
    assert plan_of(but("skill=0.2", "x" * 5000)).model == "x" * 5000


def test_a_trainer_that_needs_nothing_more_is_content(folder: Path) -> None:
    text = but("[rlvr_echo.py]", "[rlvr_echo.py, needy.py]")
    plan = plan_of(text.replace("rlvr_echo/learn", "needy/greedy").replace(", steps: 3", ""))
    assert plan.stages[0].bound.component.name == "needy/greedy"


# Names that only we may suggest


def test_nothing_but_our_own_distributions_is_ever_suggested(folder: Path) -> None:
    for stranger in ["torch/exact", "requests/exact", "rlvr-rewards-math/equal", "mathe/equal"]:
        said = "\n".join(lines_of(but("rlvr_echo/exact", stranger)))
        assert "pip install" not in said
        assert "is installed" in said


def test_every_one_of_our_distributions_is_suggested_for_its_plugin(folder: Path) -> None:
    from rlvr_ops_core.plugins import OUR_DISTRIBUTIONS

    for plugin, distribution in OUR_DISTRIBUTIONS.items():
        lines = lines_of(but("rlvr_echo/exact", f"{plugin}/name"))
        assert lines[1] == f"  it comes with: pip install {distribution}"


# Settings


def test_settings_change_the_plan(folder: Path) -> None:
    plan = plan_of(
        SOUND,
        "seed=7",
        "stages.0.steps=5",
        "stages.policy.rate=1e-5",
        "stages.evaluate.samples=4",
        "data.train.limit=3",
        "data.test={use: rlvr_echo/sums, split: test}",
        "monitors.tape.use=rlvr_echo/tape",
    )
    assert plan.seed == 7
    assert plan.stages[0].bound.options["steps"] == 5
    assert plan.stages[0].bound.options["rate"] == 1e-5
    assert plan.stages[1].samples == 4
    assert plan.data["train"].options["limit"] == 3
    assert plan.data["test"].options["split"] == "test"
    assert list(plan.monitors) == ["tape"]
    assert plan.resolved["seed"] == 7


def test_a_setting_without_text_sets_nothing_as_yaml_does(folder: Path) -> None:
    assert lines_of(SOUND, "name=") == ["--set name=: name: must be text (got nothing)"]


def test_a_later_setting_wins(folder: Path) -> None:
    plan = plan_of(SOUND, "data.train.limit=x", "data.train={use: rlvr_echo/sums, limit: 2}")
    assert plan.data["train"].options["limit"] == 2


def test_settings_do_not_hide_a_file_that_is_no_mapping(folder: Path) -> None:
    assert lines_of("- a\n", "seed=1")[0].startswith("pipeline.yaml:1: a pipeline must be")


# Plugins that hand options on


def test_a_misspelt_option_of_trl_is_found_without_loading_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("rlvr_trainer_grpo", reason="pip install rlvr-trainer-grpo runs this")
    monkeypatch.chdir(tmp_path)
    write_plugins(tmp_path)
    use = "use: grpo/grpo, learning_rte: 1e-5, num_iteratons: 2, epsilon: 0.3"
    lines = lines_of(but("use: rlvr_echo/learn", use))
    assert lines == [
        'pipeline.yaml:11: stages.0.learning_rte: unknown option; did you mean "learning_rate"?',
        'pipeline.yaml:11: stages.0.num_iteratons: unknown option; did you mean "num_iterations"?',
    ]


def test_the_plugin_files_of_the_table_are_used_by_it() -> None:
    used = "".join(str(wrong.content) for wrong in WRONG)
    assert [name for name in PLUGIN_FILES if name not in used] == []
