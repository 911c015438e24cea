"""The data sources: what their tasks hold, and what they say when they can't be read."""

import gzip
import json

import pytest
from rlvr_rewards_math import rlvr_data_sources
from rlvr_rewards_math.equal import check_task

from rlvr_ops_core import DataError

SOURCES = rlvr_data_sources()
GSM8K_ROW = {"question": "6 times 7?", "answer": "6*7=<<6*7=42>>42\n#### 1,042"}


def write(folder, name, rows):
    file = folder / name
    text = "\n".join(json.dumps(row) for row in rows)
    if name.endswith(".gz"):
        file.write_bytes(gzip.compress(text.encode()))
    else:
        file.write_text(text, encoding="utf-8")
    return str(file)


def test_gsm8k_row(tmp_path):
    task = next(SOURCES["gsm8k"](split="test", path=write(tmp_path, "a.jsonl", [GSM8K_ROW])))
    assert task.id == "gsm8k/test/0"
    assert task.answer == "1042"
    assert task.prompt[0]["content"].startswith("6 times 7?\nPlease reason")
    assert task.data == {"question": "6 times 7?", "solution": "6*7=42"}


def test_prompt_options(tmp_path):
    path = write(tmp_path, "a.jsonl.gz", [GSM8K_ROW])
    task = next(SOURCES["gsm8k"](path=path, instruction="", system="Be brief."))
    assert [message["role"] for message in task.prompt] == ["system", "user"]
    assert task.prompt[1]["content"] == "6 times 7?"


def test_parquet(tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet", reason="install rlvr-rewards-math[hub]")
    import pyarrow

    file = tmp_path / "gsm8k_train.parquet"
    parquet.write_table(pyarrow.Table.from_pylist([GSM8K_ROW] * 3), file)
    assert len(list(SOURCES["gsm8k"](path=str(file), limit=2))) == 2
    assert len(list(SOURCES["gsm8k"](path=str(tmp_path), split="train"))) == 3


@pytest.mark.parametrize(
    ("name", "row", "answer"),
    [
        ("math500", {"problem": "p", "answer": r"\frac{1}{2}", "level": 3}, r"\frac{1}{2}"),
        ("math", {"problem": "p", "solution": r"So \boxed{7}.", "type": "Algebra"}, "7"),
        ("aime", {"Problem": "p", "Answer": 33, "year": 2024}, "33"),
        ("svamp", {"Body": "There are 5", "Question": "How many?", "Answer": 5.0}, "5"),
    ],
)
def test_other_rows(tmp_path, name, row, answer):
    task = next(SOURCES[name](path=write(tmp_path, "a.jsonl", [row])))
    assert task.answer == answer
    assert task.source == f"math/{name}"


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([{"question": "a"}], "no column answer"),
        ([{"question": "a", "answer": "5"}], "no ####"),
        ([["a"]], "no object"),
    ],
)
def test_wrong_rows_are_named(tmp_path, rows, message):
    with pytest.raises(DataError, match=message) as caught:
        list(SOURCES["gsm8k"](path=write(tmp_path, "a.jsonl", rows)))
    assert caught.value.hint


def test_broken_json_is_named_by_line(tmp_path):
    file = tmp_path / "a.jsonl"
    file.write_text('{"question": "a", "answer": "#### 1"}\n{oops\n', encoding="utf-8")
    with pytest.raises(DataError, match=r"a\.jsonl:2"):
        list(SOURCES["gsm8k"](path=str(file)))


def test_missing_files_say_what_is_there(tmp_path):
    with pytest.raises(DataError, match="no file or folder"):
        list(SOURCES["gsm8k"](path=str(tmp_path / "nothing")))
    write(tmp_path, "gsm8k_test.jsonl", [GSM8K_ROW])
    with pytest.raises(DataError, match='split "train"') as caught:
        list(SOURCES["gsm8k"](path=str(tmp_path)))
    assert "gsm8k_test.jsonl" in caught.value.hint
    (tmp_path / "a.csv").write_text("x", encoding="utf-8")
    with pytest.raises(DataError, match="can't read"):
        list(SOURCES["gsm8k"](path=str(tmp_path / "a.csv")))


def test_real_files_have_all_their_rows(data_file):
    folder = str(data_file("gsm8k_train.jsonl.gz").parent)
    assert sum(1 for _ in SOURCES["gsm8k"](path=folder)) == 7473
    assert sum(1 for _ in SOURCES["svamp"](path=str(data_file("svamp.jsonl.gz")))) == 1000
    golds = list(SOURCES["math500"](path=str(data_file("math500.jsonl.gz"))))
    unreadable = [task.answer for task in golds if check_task(task)]
    assert len(unreadable) <= 5, unreadable
