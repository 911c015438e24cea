"""`rlvr score`: a file of answers through a reward, a verdict a line, in the order of the lines."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from echo_plugin import ECHO_FILE

from rlvr_ops_core import DataError, Sample, Task
from rlvr_ops_core.cli import cli
from rlvr_ops_core.score_file import chunks, parse_options

ROWS = [
    {"completion": "42", "answer": "42"},
    {"completion": "41", "answer": "42"},
    {"completion": [{"role": "assistant", "content": "42"}], "answer": "42"},
]

Score = Callable[..., Result]


def write(file: Path, rows: list[Any]) -> None:
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))


@pytest.fixture
def score(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Score:
    """Run `rlvr score` in a folder of its own, with the fake plugin."""
    monkeypatch.chdir(tmp_path)
    write(Path("answers.jsonl"), ROWS)

    def run(reward: str, *arguments: str, file: str = "answers.jsonl") -> Result:
        command = ["score", reward, file, "--plugin", str(ECHO_FILE), *arguments]
        return CliRunner().invoke(cli, command)

    return run


def verdicts(file: str = "answers.jsonl.verdicts.jsonl") -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path(file).read_text().splitlines()]


def refused(result: Result, code: int, *lines: str) -> None:
    """The command failed with exactly these lines and left nothing behind."""
    assert (result.exit_code, result.stdout) == (code, "")
    assert result.stderr.splitlines() == [f"error: {lines[0]}", *lines[1:]]
    assert [file.name for file in Path().iterdir() if "verdicts" in file.name] == []


def test_every_line_gets_its_verdict_in_order(score: Score) -> None:
    result = score("text/exact")
    assert result.exit_code == 0, result.output
    assert [row["value"] for row in verdicts()] == [1.0, 0.0, 1.0]
    assert [row["completion"] for row in verdicts()] == ["42", "41", "42"]
    assert verdicts()[0]["ref"].startswith("text/exact@")
    assert result.stdout.splitlines() == [
        "text/exact: mean reward 0.6667 over 3 judged answers (ok 3)",
        "verdicts: answers.jsonl.verdicts.jsonl  (3 lines)",
    ]


def test_a_compressed_file_is_read_and_the_output_may_be_named(score: Score) -> None:
    with gzip.open("answers.jsonl.gz", "wt") as stream:
        stream.writelines(json.dumps(row) + "\n" for row in ROWS)
    result = score("text/exact", "--output", "out.jsonl", file="answers.jsonl.gz")
    assert result.exit_code == 0, result.output
    assert [row["value"] for row in verdicts("out.jsonl")] == [1.0, 0.0, 1.0]


def test_columns_can_be_named_and_the_others_become_data(score: Score) -> None:
    row = {"id": "q1", "said": "42", "gold": "42", "question": "6 * 7?", "level": 3}
    write(Path("answers.jsonl"), [row])
    columns = ["--completion", "said", "--answer", "gold", "--prompt", "question"]
    assert score("text/exact", *columns).exit_code == 0
    (verdict,) = verdicts()
    assert (verdict["task"], verdict["prompt"], verdict["gold"]) == ("q1", "6 * 7?", "42")


def test_options_reach_the_reward(score: Score) -> None:
    write(Path("answers.jsonl"), [{"completion": "YES", "answer": "yes"}])
    assert score("text/exact").exit_code == 0
    assert verdicts()[0]["value"] == 0.0
    assert score("text/exact", "--option", "ignore_case=true").exit_code == 0
    assert verdicts()[0]["value"] == 1.0


def test_failures_are_counted_and_stand_on_their_own_rows(score: Score) -> None:
    texts = ["hang", "42", "raise", "os_exit", "nan", "none", "hang", "41"]
    write(Path("answers.jsonl"), [{"completion": text, "answer": "42"} for text in texts])
    result = score("rlvr_echo/nasty", "--timeout-s", "0.3", "--workers", "2")
    assert result.exit_code == 0, result.output
    assert [row["status"] for row in verdicts()] == [
        "timeout",
        "ok",
        "error",
        "error",
        "error",
        "abstain",
        "timeout",
        "ok",
    ]
    assert [row["value"] for row in verdicts()] == [None, 1.0, None, None, None, None, None, 0.0]
    lines = result.stdout.splitlines()
    assert lines[0] == (
        "rlvr_echo/nasty: mean reward 0.5000 over 2 judged answers "
        "(abstain 1, error 3, ok 2, timeout 2)"
    )
    assert lines[1].startswith("  2 x ")


def test_a_thousand_lines_and_more_keep_their_order(score: Score) -> None:
    write(Path("answers.jsonl"), [{"completion": str(n), "answer": "7"} for n in range(2500)])
    assert score("rlvr_echo/exact").exit_code == 0
    assert [row["completion"] for row in verdicts()] == [str(n) for n in range(2500)]
    assert [n for n, row in enumerate(verdicts()) if row["value"]] == [7]


def test_answers_of_a_group_are_judged_together(score: Score) -> None:
    rows = [{"completion": "4", "answer": "4", "group": n // 4} for n in range(1200)]
    write(Path("answers.jsonl"), rows)
    assert score("rlvr_echo/group").exit_code == 0
    assert {row["value"] for row in verdicts()} == {0.25}


def test_a_group_that_is_torn_apart_is_refused(score: Score) -> None:
    rows = [{"completion": "4", "answer": "4", "group": name} for name in "aab" + "a"]
    write(Path("answers.jsonl"), rows)
    refused(
        score("rlvr_echo/group"),
        1,
        'answers.jsonl: the answers of group "a" do not stand together',
        "  sort the file by its groups",
    )


def test_a_group_reward_needs_groups(score: Score) -> None:
    refused(
        score("rlvr_echo/group"),
        1,
        'answers.jsonl:1: has no group in "group", and the reward judges groups',
        '  it has "completion", "answer"; name the column that answers to one prompt share with '
        "--group",
    )


@pytest.mark.parametrize("size", [1, 2, 3, 5, 100])
def test_no_group_is_cut_by_a_chunk(size: int) -> None:
    task = Task("1", "")
    given = [Sample(task, str(n), group=group) for n, group in enumerate("aaabbcdddd")]
    parts = list(chunks(iter(given), is_grouped=True, size=size))
    assert [sample for part in parts for sample in part] == given
    for before, after in pairwise(parts):
        assert before[-1].group != after[0].group
        assert len(before) >= size


def test_chunks_without_groups_have_their_size() -> None:
    task = Task("1", "")
    given = [Sample(task, str(n), group="a") for n in range(7)]
    assert [len(part) for part in chunks(iter(given), is_grouped=False, size=3)] == [3, 3, 1]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"{nope}\n", "is no JSON: Expecting property name"),
        (b"[" * 100_000 + b"\n", "is no JSON: "),
        (b'{"completion": 1' + b"0" * 5000 + b"}\n", "is no JSON: Exceeds the limit"),
        (b'["a"]\n', "must be an object"),
        (b"\xff\xfe\n", "is no UTF-8 text"),
        (b'{"text": "42"}\n', 'has no text or messages in "completion"'),
        (b'{"completion": 42}\n', 'has no text or messages in "completion"'),
        (b'{"completion": ["42"]}\n', 'has no text or messages in "completion"'),
        (b'{"completion": null}\n', 'has no text or messages in "completion"'),
    ],
)
def test_a_bad_line_is_named_and_nothing_is_written(line: bytes, said: str, score: Score) -> None:
    Path("answers.jsonl").write_bytes(b'{"completion": "42"}\n\n' + line)
    result = score("text/exact")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith(f"error: answers.jsonl:3: {said}")
    assert list(Path().glob("*verdicts*")) == list(Path().glob(".*partial")) == []


def test_a_wrong_column_is_told_with_those_that_are_there(score: Score) -> None:
    refused(
        score("text/exact", "--completion", "response"),
        1,
        'answers.jsonl:1: has no text or messages in "response"',
        '  it has "completion", "answer"; name the right column with --completion',
    )


def test_odd_prompts_and_surrogates_break_nothing(score: Score) -> None:
    rows = [{"completion": "\ud83d", "prompt": prompt, "answer": "x"} for prompt in (5, None, [1])]
    write(Path("answers.jsonl"), rows)
    assert score("text/exact").exit_code == 0
    assert [row["prompt"] for row in verdicts()] == ["5", "null", "[1]"]


def test_a_torn_gz_is_told(score: Score) -> None:
    whole = gzip.compress(b'{"completion": "42", "answer": "42"}\n' * 5000)
    Path("torn.gz").write_bytes(whole[: len(whole) // 2])
    Path("foreign.gz").write_bytes(b"no gzip at all")
    for name in ("torn.gz", "foreign.gz"):
        result = score("text/exact", file=name)
        assert result.exit_code == 1
        assert re.match(rf"error: {name}(:\d+)?: can't be read: ", result.stderr)
        assert list(Path().glob("*verdicts*")) == []


@pytest.mark.parametrize(
    ("reward", "arguments", "lines"),
    [
        (
            "text/exat",
            [],
            ['unknown reward "text/exat"', '  did you mean "text/exact"?'],
        ),
        (
            "text/exact",
            ["--option", "ignore_cas=true"],
            ['text/exact: ignore_cas: unknown option; did you mean "ignore_case"?'],
        ),
        ("text/exact", ["--option", "ignore_case"], ["text/exact: --option ignore_case: is not"]),
        ("text/exact", ["--option", "=5"], ["text/exact: --option =5: is not of the form"]),
        ("text/exact", ["--option", "tag=[1"], ["text/exact: --option tag=[1: is no YAML"]),
        ("text/exact", ["--timeout-s", "0"], ["--timeout-s 0.0: must be more than 0 seconds"]),
        ("text/exact", ["--timeout-s", "nan"], ["--timeout-s nan: must be more than 0 seconds"]),
        (
            "text/exact",
            ["--output", "answers.jsonl"],
            ["--output answers.jsonl: would overwrite the answers"],
        ),
    ],
)
def test_what_was_asked_for_wrongly_exits_with_2(
    reward: str, arguments: list[str], lines: list[str], score: Score
) -> None:
    result = score(reward, *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    said = result.stderr.splitlines()
    assert said[0].startswith(f"error: {lines[0]}")
    assert all(line.startswith(start) for line, start in zip(said[1:], lines[1:], strict=False))
    assert Path("answers.jsonl").read_text().count("\n") == 3


@pytest.mark.parametrize(
    ("arguments", "file", "said"),
    [
        ([], "nowhere.jsonl", "nowhere.jsonl: can't be read: No such file or directory"),
        ([], "folder", "folder: can't be read: Is a directory"),
        ([], "folder.gz", "folder.gz: can't be read: Is a directory"),
        (["--output", "folder"], "answers.jsonl", "folder is a folder"),
        (["--output", "no/out"], "answers.jsonl", "no/out can't be written: No such file or dir"),
        (["--output", "a.txt/out"], "answers.jsonl", "a.txt/out can't be written: Not a directory"),
        ([], "a.txt", "a.txt holds no answer to judge"),
    ],
)
def test_files_that_can_not_be_used_are_named(
    arguments: list[str], file: str, said: str, score: Score
) -> None:
    Path("folder").mkdir()
    Path("folder.gz").mkdir()
    Path("a.txt").write_text("\n\n")
    result = score("text/exact", *arguments, file=file)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith(f"error: {said}")
    assert list(Path().glob("**/*verdicts*")) == list(Path().glob("**/.*partial")) == []


def test_options_are_read_as_yaml() -> None:
    given = ["limit=5", "rate=1e-5", "tags=[a, b]", "name=", "text=a=b", "on=yes"]
    expected: Mapping[str, Any] = {
        "limit": 5,
        "rate": 1e-5,
        "tags": ["a", "b"],
        "name": None,
        "text": "a=b",
        "on": True,
    }
    assert parse_options(given) == expected


def test_a_torn_group_is_found_from_python_too() -> None:
    task = Task("1", "", source="a.jsonl")
    given = [Sample(task, "", group=group) for group in "aba"]
    with pytest.raises(DataError, match="do not stand together"):
        list(chunks(iter(given), is_grouped=True))
