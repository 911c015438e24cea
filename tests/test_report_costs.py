"""The table of what a training spent."""

import json

import pytest

from rlvr_ops_core.report import write_report
from tests.run_folder import Shape, build_run


def add_accounts(run, *, steps, **numbers):
    """Accounts in the series of the training stage, as a trainer logs them."""
    (file,) = run.glob("stages/*policy*/metrics.jsonl")
    lines = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    named = {name.replace("__", "/"): value for name, value in numbers.items()}
    rows = [line | named if place < steps else line for place, line in enumerate(lines)]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")


def page_of(run):
    return write_report(run)[0].read_text("utf-8")


@pytest.fixture
def run(tmp_path):
    return build_run(tmp_path / "run", Shape(steps=4, prompts=2, group_size=2, tasks=2, samples=1))


def test_accounts_are_summed_in_a_table_and_not_drawn(run):
    add_accounts(
        run,
        steps=4,
        seconds__generate=30.0,
        seconds__train=60.0,
        seconds__wall=90.0,
        seconds__cpu=45.0,
        seconds__saved__idle_rows=15.0,
        seconds__saved__overlap=2.5,
        tokens__generated=1000.0,
        tokens__saved__idle_rows=250.0,
        cost__money=0.5,
    )
    page = page_of(run)
    assert "Costs: policy" in page
    table = page[page.index("Costs: policy") :].partition("</section>")[0]
    for shown in ("33.3", "66.7", "100", "4,000", "1,000", "Money: 2", "CPU time", "idle_rows"):
        assert shown in table, shown
    overlap = table[table.index("overlap") :].partition("</tr>")[0]
    assert "10.0 s" in overlap  # no tokens are saved, only time
    assert "policy/seconds/generate" not in page


def test_stage_without_accounts_has_no_table(run):
    assert "Costs" not in page_of(run)
    add_accounts(run, steps=4, seconds__wall=0.0, tokens__generated=5.0)
    assert "Costs" not in page_of(run)
