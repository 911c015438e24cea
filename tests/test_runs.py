"""The run folder: whole files or none, series without torn lines, one process at a time."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rlvr_ops_core import RunError, Sample, Task, Verdict
from rlvr_ops_core.runs import (
    RunFolder,
    Series,
    environment,
    json_line,
    read_json,
    read_lines,
    rollout_row,
    set_aside,
    write_json,
)

MANIFEST = {"name": "test", "status": "running", "plugins": {}, "stages": []}


def test_a_series_cuts_the_line_that_a_kill_tore(tmp_path: Path) -> None:
    file = tmp_path / "metrics.jsonl"
    file.write_text('{"step": 1}\n{"step": 2}\n{"step": 3, "lo')
    series = Series(file)
    series.append([{"step": 3}])
    series.close()
    assert [row["step"] for row in read_lines(file)] == [1, 2, 3]


def test_a_series_that_is_one_torn_line_starts_anew(tmp_path: Path) -> None:
    file = tmp_path / "metrics.jsonl"
    file.write_text('{"step": 1' + " " * 100_000)
    series = Series(file)
    series.append([{"step": 1}])
    series.close()
    assert list(read_lines(file)) == [{"step": 1}]


def test_reading_leaves_out_a_torn_last_line(tmp_path: Path) -> None:
    file = tmp_path / "metrics.jsonl"
    file.write_text('{"step": 1}\n{"st')
    assert list(read_lines(file)) == [{"step": 1}]


def test_taking_back_steps_keeps_the_earlier_ones(tmp_path: Path) -> None:
    series = Series(tmp_path / "rollouts.jsonl")
    series.append({"step": step, "row": row} for step in (1, 2, 3) for row in range(2))
    series.keep(2)
    series.append([{"step": 3, "row": "again"}])
    assert series.last_step() == 3
    series.close()
    rows = [(row["step"], row["row"]) for row in read_lines(series.file)]
    assert rows == [(1, 0), (1, 1), (2, 0), (2, 1), (3, "again")]


def test_a_lone_surrogate_from_a_tokenizer_is_kept_as_an_escape(tmp_path: Path) -> None:
    series = Series(tmp_path / "rollouts.jsonl")
    series.append([{"completion": "a\ud83db", "nan": float("nan")}])
    series.close()
    (row,) = read_lines(series.file)
    assert row["completion"] == "a\ud83db"
    assert json_line({"a": "é"}) == '{"a": "é"}\n'


def test_two_runs_do_not_share_a_folder(tmp_path: Path) -> None:
    first, second = RunFolder(tmp_path / "run"), RunFolder(tmp_path / "run")
    first.open(MANIFEST, {})
    with pytest.raises(RunError, match="in use by another"):
        second.open(MANIFEST, {})
    first.close()
    second.open(MANIFEST, {})
    second.close()


def test_a_folder_that_holds_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(RunError, match="holds no run"):
        RunFolder(tmp_path).open(MANIFEST, {})
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_setting_aside_never_overwrites(tmp_path: Path) -> None:
    names = []
    for content in ("first", "second"):
        (tmp_path / "stage").mkdir()
        (tmp_path / "stage" / "file").write_text(content)
        names.append(set_aside(tmp_path / "stage"))
    assert [(path / "file").read_text() for path in names] == ["first", "second"]


def test_json_is_whole_or_absent(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "run.json"
    assert read_json(file) is None
    write_json(file, {"a": 1})
    assert read_json(file) == {"a": 1}
    assert [path.name for path in file.parent.iterdir()] == ["run.json"]


def test_a_rollout_row_holds_what_a_person_wants_to_see() -> None:
    task = Task("t/1", [{"role": "user", "content": "1 + 1"}], answer="2")
    sample = Sample(task, "<think>hm</think>2", group="3/1", index=4, token_ids=[1, 2, 3])
    verdict = Verdict(1.0, info={"reason": "equal", "extracted": "2"}, ref="math/equal@1#ab")
    row = rollout_row(sample, verdict, 3)
    assert (row["prompt"], row["gold"], row["extracted"], row["reason"]) == (
        "1 + 1",
        "2",
        "2",
        "equal",
    )
    assert (row["step"], row["group"], row["index"], row["tokens"]) == (3, "3/1", 4, 3)
    json.dumps(row)


def test_the_environment_names_packages_without_loading_them() -> None:
    found = environment({"math": "rlvr-rewards-math 0.1.0"})
    assert found["cores"] >= 1
    assert found["memory_gib"] > 0
    assert "pluggy" in found["packages"]
    assert found["plugins"] == {"math": "rlvr-rewards-math 0.1.0"}
