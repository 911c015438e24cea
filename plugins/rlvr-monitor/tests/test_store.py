"""The database: filled bit by bit from run folders that grow, go back, and break."""

import json
import sqlite3

import pytest
from monitor_runs import add_lines, alarm, run_with_alarms
from rlvr_monitor.store.filling import Filler
from rlvr_monitor.store.labels import set_label
from rlvr_monitor.store.query import Filter, read_filter, select_rollouts
from rlvr_monitor.store.reading import all_runs, one_run
from rlvr_monitor.store.schema import VERSION, Database

from rlvr_ops_core.runs import Series
from tests.run_folder import HOSTILE


class Place:
    """A folder of runs with its database."""

    def __init__(self, folder):
        self.runs = folder / "runs"
        self.database = Database(folder / "cache", folder / "labels.sqlite")
        self.database.prepare()
        self.filler = Filler(self.database, self.runs)
        self.connection = self.database.connect()

    def run(self, name="quickstart"):
        return one_run(self.connection, name)

    def check_index(self):
        """Raises where the search index no longer fits the texts."""
        for table in ("completions", "questions"):
            self.filler.connection.execute(
                f"INSERT INTO {table} ({table}) VALUES ('integrity-check')"
            )

    def counted(self):
        tables = ("rollouts", "texts", "groups", "events", "alarm_rows", "numbers")
        return [
            self.connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            for table in tables
        ]


@pytest.fixture
def place(tmp_path):
    run_with_alarms(tmp_path / "runs" / "quickstart")
    place = Place(tmp_path)
    yield place
    place.filler.close()
    place.connection.close()


def lines_of(place, path="stages/02-policy/rollouts.jsonl"):
    return (place.runs / "quickstart" / path).read_text().splitlines()


def test_a_run_is_read_once_and_then_only_what_is_new(place):
    assert place.filler.fill() > 1_500
    assert place.filler.fill() == 0
    file = place.runs / "quickstart/stages/02-policy/rollouts.jsonl"
    row = json.loads(lines_of(place)[0])
    add_lines(file, [row | {"step": 13, "index": index} for index in range(3)])
    assert place.filler.fill() == 3
    assert place.run().find(Filter(step_from=13)).total == 3


def test_a_half_written_line_waits_for_its_end(place):
    place.filler.fill()
    file = place.runs / "quickstart/stages/02-policy/rollouts.jsonl"
    line = json.dumps({"step": 99, "task": "t", "completion": "late"})
    with file.open("a") as stream:
        stream.write(line[:20])
        stream.flush()
        assert place.filler.fill() == 0
        stream.write(line[20:] + "\n")
    assert place.filler.fill() == 1
    assert place.run().find(Filter(step_from=99)).shown[0].completion == "late"


def test_after_a_rewind_the_database_is_what_a_fresh_one_would_be(place, tmp_path):
    place.filler.fill()
    series = Series(place.runs / "quickstart/stages/02-policy/rollouts.jsonl")
    series.keep(5)
    series.append([{"step": 6, "task": "new", "group": "6/0", "completion": "again", "value": 1.0}])
    series.close()
    place.filler.fill()
    place.check_index()
    other = Database(tmp_path / "other", tmp_path / "labels.sqlite")
    other.prepare()
    fresh = Filler(other, place.runs)
    fresh.fill()
    for table in ("rollouts", "groups", "texts"):
        count = f"SELECT count(*) FROM {table}"
        assert (
            place.connection.execute(count).fetchone()[:]
            == fresh.connection.execute(count).fetchone()[:]
        )
    columns = "key, step, line, value, advantage, status"
    rows = f"SELECT {columns} FROM rollouts ORDER BY file, line"
    mine, theirs = (c.execute(rows).fetchall() for c in (place.connection, fresh.connection))
    assert [tuple(row) for row in mine] == [tuple(row) for row in theirs]
    fresh.close()
    assert place.run().find(Filter(q="again")).total == 1


def test_a_rewind_inside_a_large_file_reads_only_its_end_again(place):
    file = place.runs / "quickstart/stages/02-policy/rollouts.jsonl"
    row = json.loads(lines_of(place)[0])
    series = Series(file)
    series.append([row | {"step": 20 + n // 100, "index": n} for n in range(5_000)])
    series.keep(1_000)  # from here on every line is written as the core writes it
    place.filler.fill()
    series.keep(60)
    series.close()
    assert place.filler.fill() <= 512
    assert place.run().find(Filter(step_from=60)).total == 100


def test_a_stage_that_is_done_again_replaces_the_old_one(place):
    place.filler.fill()
    file = place.runs / "quickstart/stages/02-policy/rollouts.jsonl"
    file.unlink()
    place.filler.fill()
    assert place.run().find(Filter(stage="policy")).total == 0
    add_lines(file, [{"step": 1, "task": "t", "completion": "anew", "value": 0.5}])
    place.filler.fill()
    assert [one.completion for one in place.run().find(Filter(stage="policy")).shown] == ["anew"]


def test_a_run_that_is_gone_leaves_nothing(place):
    place.filler.fill()
    (place.runs / "quickstart").rename(place.runs.parent / "elsewhere")
    place.filler.fill()
    assert place.counted() == [0] * 6
    place.check_index()


def test_broken_runs_are_named_and_stop_nobody(place):
    for name, text in (("cut", '{"name": "c'), ("list", "[1]"), ("empty", "")):
        (place.runs / name).mkdir()
        (place.runs / name / "run.json").write_text(text)
    outside = {"name": "o", "stages": [{"name": "x", "folder": "../quickstart/stages/02-policy"}]}
    (place.runs / "outside").mkdir()
    (place.runs / "outside" / "run.json").write_text(json.dumps(outside))
    add_lines(place.runs / "quickstart/events.jsonl", [])
    with (place.runs / "quickstart/stages/02-policy/rollouts.jsonl").open("ab") as stream:
        stream.write(b'no json\n[1]\n\xff\xfe{}\n{"step": "x", "value": "y", "info": 3}\n')
        stream.write(b"[" * 100_000 + b"\n" + b'{"value": ' + b"9" * 5_000 + b"}\n")
    place.filler.fill()
    troubles = {run.name: run.trouble for run in all_runs(place.connection)}
    assert troubles["quickstart"] == ""
    assert "no JSON" in troubles["cut"]
    assert "no JSON object" in troubles["list"]
    assert place.run("outside").answers == 0
    assert place.run().unreadable[0]["unreadable"] == 5
    assert place.run().answers > 1_000


def test_hostile_texts_are_kept_and_found(place):
    place.filler.fill()
    found = place.run().find(Filter(stage="policy", q="</script><script>"))
    assert [one.completion for one in found.shown] == [HOSTILE[0]]
    hostile = place.run().find(Filter(stage="policy", task="hostile", sort="oldest")).shown
    assert [one.completion for one in hostile] == [
        text.replace("\ud800", "\ufffd").replace("\0", "␀")[:600] for text in HOSTILE
    ]


@pytest.mark.parametrize(
    ("query", "fits"),
    [
        ("step_from=3&step_to=4", lambda row: row["step"] in (3, 4)),
        ("status=none", lambda row: row["status"] != "ok"),
        ("status=timeout&sort=oldest", lambda row: row["status"] == "timeout"),
        ("reward_from=1&sort=longest", lambda row: (row["value"] or 0) >= 1),
        ("q=%3F 1", lambda row: "? 1" in row["completion"]),
        ("q=8", lambda row: "8" in row["completion"]),
        ("tokens_to=2&sort=worst", lambda row: row["tokens"] <= 2 and row["value"] is not None),
        ("prompt=5 5", lambda row: "5 5" in row["prompt"]),
    ],
)
def test_a_filter_finds_what_fits_and_nothing_else(place, query, fits):
    place.filler.fill()
    given = dict(pair.split("=") for pair in query.replace("%3F", "?").split("&"))
    wanted = read_filter(given | {"stage": "policy"})
    rows = [json.loads(line) for line in lines_of(place)]
    exported = list(place.run().export(wanted))
    assert sorted(json.dumps(row["completion"]) for row in exported) == sorted(
        json.dumps(row["completion"].replace("\ud800", "\ufffd").replace("\0", "␀"))
        for row in rows
        if fits(row)
    )


def test_advantages_are_rewards_less_the_mean_of_the_group(place):
    place.filler.fill()
    group = place.run().find(Filter(stage="policy", step_from=2, step_to=2)).shown[0].group_id
    answers = place.run().group(group)
    values = [one.value for one in answers if one.value is not None]
    mean = sum(values) / len(values)
    assert [one.advantage for one in answers if one.value is not None] == pytest.approx(
        [value - mean for value in values]
    )
    assert [one.advantage for one in answers] == sorted(
        (one.advantage for one in answers), key=lambda a: -9 if a is None else a, reverse=True
    )


def test_an_alarm_leads_to_its_rollouts_even_if_it_came_first(place):
    file = place.runs / "quickstart"
    add_lines(file / "events.jsonl", [alarm(77, rows=[("77/0", 1)])])
    place.filler.fill()
    number = place.run().alarms[0].id
    assert place.run().of_alarm(number) == []
    row = json.loads(lines_of(place)[0])
    add_lines(
        file / "stages/02-policy/rollouts.jsonl",
        [row | {"step": 77, "group": "77/0", "index": index} for index in range(3)],
    )
    place.filler.fill()
    assert [one.place for one in place.run().of_alarm(number)] == [1]
    assert place.run().find(Filter(alarm="shadow")).total == 4


def test_labels_outlive_the_database(place):
    place.filler.fill()
    one = place.run().find(Filter(stage="policy", sort="best")).shown[0]
    set_label(place.connection, "quickstart", one.key, label="hack", note="lists sums")
    with pytest.raises(ValueError, match="a label is one of"):
        set_label(place.connection, "quickstart", one.key, label="nonsense")
    place.filler.close()
    place.database.file.unlink()
    fresh = Place(place.runs.parent)
    fresh.filler.fill()
    found = fresh.run().find(Filter(label="hack")).shown
    assert [(row.key, row.note) for row in found] == [(one.key, "lists sums")]
    fresh.filler.close()
    fresh.connection.close()


def test_another_version_or_a_damaged_database_is_made_anew(tmp_path):
    database = Database(tmp_path / "cache", tmp_path / "labels.sqlite")
    database.file.parent.mkdir()
    old = database.file.with_name(f"runs-v{VERSION + 1}.sqlite")
    old.write_text("old")
    database.file.write_bytes(b"no database at all" * 100)
    database.prepare()
    assert not old.exists()
    connection = database.connect()
    assert connection.execute("SELECT count(*) FROM rollouts").fetchone()[0] == 0
    connection.close()


def test_two_processes_fill_one_database_without_doubles(place):
    other = Filler(place.database, place.runs)
    place.filler.fill()
    add_lines(
        place.runs / "quickstart/stages/02-policy/rollouts.jsonl",
        [{"step": 50, "task": "t", "index": index} for index in range(4)],
    )
    other.fill()
    place.filler.fill()
    assert place.run().find(Filter(step_from=50)).total == 4
    other.close()


def test_run_folders_are_never_written_to(place):
    def state():
        return {
            file: (file.stat().st_mtime_ns, file.stat().st_size) for file in place.runs.rglob("*")
        }

    before = state()
    place.filler.fill()
    assert state() == before


@pytest.fixture(scope="module")
def three_runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("three")
    for name in ("first", "quickstart", "third"):
        run_with_alarms(folder / "runs" / name)
    place = Place(folder)
    place.filler.fill()
    yield place
    place.filler.close()
    place.connection.close()


@pytest.mark.parametrize(
    "query",
    [
        "",
        "stage=policy",
        "step_from=3&step_to=3",
        "sort=best",
        "sort=worst",
        "sort=surprising",
        "sort=longest",
        "status=error",
        "status=none",
        "truncated=1",
        "reward_from=1",
        "tokens_from=3&tokens_to=4",
        "task=train/100",
        "prompt=5 5",
        "q=some text",
        "alarm=any",
        "alarm=3",
        "label=hack",
    ],
)
def test_every_filter_is_served_by_an_index(three_runs, query):
    place = three_runs
    wanted = read_filter(dict(pair.split("=") for pair in query.split("&") if pair))
    sql, values = select_rollouts(place.run().id, "quickstart", wanted, most=50)
    plan = [row["detail"] for row in place.connection.execute(f"EXPLAIN QUERY PLAN {sql}", values)]
    scans = [step for step in plan if step.split()[:2] in [["SCAN", name] for name in "rxtgp"]]
    assert scans == [], plan


def test_readers_see_the_rows_while_others_write(place):
    place.filler.fill()
    reader = place.database.connect(read_only=True)
    place.filler.connection.execute("BEGIN IMMEDIATE")
    assert reader.execute("SELECT count(*) FROM rollouts").fetchone()[0] > 1_000
    place.filler.connection.execute("ROLLBACK")
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        reader.execute("DELETE FROM rollouts")
    reader.close()
