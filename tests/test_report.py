"""What the report says and how it holds: broken run folders, hostile answers, many rows."""

import json
import re
import subprocess
import sys
from base64 import b64encode
from collections import Counter
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path

import pytest

from rlvr_ops_core.errors import RunError
from rlvr_ops_core.report import write_report
from rlvr_ops_core.report.answers import evenly, read_answers
from rlvr_ops_core.report.charts import curve, ticks, value_range
from rlvr_ops_core.report.folder import JsonLines, read_run
from rlvr_ops_core.report.markup import Markup, join, tag
from rlvr_ops_core.report.metrics import Series, read_series, smooth, thin
from rlvr_ops_core.report.rows import as_text, cut
from rlvr_ops_core.report.summary import fenced, plain, sparkline
from tests.run_folder import HOSTILE, Shape, build_run, hostile_rows, write_json, write_lines

SMALL = Shape(steps=12, prompts=4, group_size=4, tasks=20, samples=2)
VOID = {"meta", "input", "br", "hr"}


class Page(HTMLParser):
    """The page as a browser's parser sees it."""

    def __init__(self, path):
        super().__init__()
        self.tags, self.attributes, self.open_tags = Counter(), [], []
        self.scripts, self.style, self.text = [], "", ""
        self.feed(path.read_text("utf-8"))
        self.close()
        assert self.open_tags == []

    def handle_starttag(self, name, attributes):
        self.tags[name] += 1
        self.attributes += [(name, *attribute) for attribute in attributes]
        if name not in VOID:
            self.open_tags.append(name)
        if name == "script":
            self.scripts.append([dict(attributes), ""])

    def handle_endtag(self, name):
        assert self.open_tags.pop() == name

    def handle_data(self, data):
        within = self.open_tags[-1] if self.open_tags else ""
        if within == "script":
            self.scripts[-1][1] += data
        elif within == "style":
            self.style += data
        else:
            self.text += data + "\n"

    @property
    def code(self):
        return [text for attributes, text in self.scripts if "type" not in attributes]

    @property
    def data(self):
        return {one["id"]: json.loads(text) for one, text in self.scripts if "type" in one}

    def attribute(self, tag_name, key):
        return [value for name, found, value in self.attributes if (name, found) == (tag_name, key)]


@pytest.fixture
def run(tmp_path):
    return build_run(tmp_path / "runs" / "demo", SMALL)


def report(run, **options):
    html, markdown = write_report(run, **options)
    return Page(html), markdown.read_text("utf-8")


def change(path, **values):
    write_json(path, json.loads(path.read_text()) | values)


# the page


def test_page_has_its_parts(run):
    page, _ = report(run)
    assert page.tags["h1"] == 1
    for part in ("Stages", "Evaluation: evaluate", "Training: policy", "Answers", "AMD EPYC 7B13"):
        assert part in page.text
    ids = [value for _, key, value in page.attributes if key == "id"]
    assert len(ids) == len(set(ids))
    curves = page.attribute("figure", "data-curve")
    for name in ("reward", "reward/correct", "completion_length", "entropy", "loss", "kl"):
        assert f"02-policy/{name}" in curves
    assert set(curves) == set(page.data["curves"])


def test_page_shows_the_figures_of_the_evaluation(run):
    page, _ = report(run)
    result = json.loads((run / "stages/03-evaluate/result.json").read_text())
    for block in result["models"].values():
        assert f"{100 * block['pass@1']['value']:.1f}%" in page.text
    gain = result["pairs"][0]["difference"]
    assert f"{100 * gain:+.1f}" in page.text


def test_page_loads_nothing_and_names_its_own_code_by_hash(run):
    page, _ = report(run)
    names = {key for _, key, _ in page.attributes}
    assert not names & {"src", "href", "style", "action", "srcset"}
    assert not [name for name in names if name.startswith("on")]
    assert "http" not in page.style
    (policy,) = [value for value in page.attribute("meta", "content") if "default-src" in value]
    (code,) = page.code
    assert policy.startswith("default-src 'none';")
    for kind, text in (("style", page.style), ("script", code)):
        digest = b64encode(sha256(text.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}';" in policy
    assert "unsafe" not in policy


def test_script_makes_no_markup_from_text(run):
    (code,) = report(run)[0].code
    for door in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
        assert door not in code


def test_every_answer_is_data_with_its_verdict(run):
    rows = report(run)[0].data["answers-1"]["rows"]
    lines = (run / "stages/02-policy/rollouts.jsonl").read_text().splitlines()
    assert [row["completion"] for row in rows] == [json.loads(line)["completion"] for line in lines]
    assert {row["label"] for row in rows} <= {"right", "wrong", "none"}
    for row, line in zip(rows, map(json.loads, lines), strict=True):
        expected = {1.0: "right", 0.0: "wrong", None: "none"}[line["value"]]
        assert (row["label"], row["reason"], row["ref"]) == (expected, line["reason"], line["ref"])


def test_nothing_is_left_beside_the_two_files(run):
    before = set(run.iterdir())
    report(run)
    assert {path.name for path in set(run.iterdir()) - before} == {"report.html", "report.md"}


# hostile text


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_anywhere_stays_text(run, text):
    calm = report(run)[0].tags
    rows = hostile_rows(step=1)
    for row in rows:
        row.update(prompt=text, completion=text, task=text, reason=text, status=text, value=None)
        row.update(gold=[text], extracted={text: text}, ref=text, finish=text, info={text: text})
        row["components"] = {text: {"value": None, "weight": 1, "share": 0}}
    write_lines(run / "stages/02-policy/rollouts.jsonl", rows)
    page, markdown = report(run)
    for name in ("script", "img", "style", "h1", "form"):
        assert page.tags[name] == calm[name]
    shown = page.data["answers-1"]
    assert shown["rows"][0]["completion"] == cut(text, 6_000)
    assert shown["tasks"][0]["prompt"] == cut(text, 6_000)
    assert "\x1b" not in markdown


@pytest.mark.parametrize("text", HOSTILE[:4])
def test_hostile_names_stay_text(run, text):
    calm = report(run)[0].tags["script"]
    stages = json.loads((run / "run.json").read_text())["stages"]
    for stage in stages:
        stage |= {"name": text, "use": text, "status": text}
    change(run / "run.json", name=text, status=text, model=text, reason=text, stages=stages)
    result = json.loads((run / "stages/03-evaluate/result.json").read_text())
    result["models"] = {text: result["models"]["policy"]}
    result["pairs"][0] |= {"before": text, "after": text, "test": text}
    write_json(run / "stages/03-evaluate/result.json", result)
    page, _ = report(run)
    assert (page.tags["script"], page.tags["img"]) == (calm, 0)


def test_data_blocks_hold_no_less_than_sign(run):
    html = write_report(run)[0].read_text("utf-8")
    blocks = re.findall(r'<script type="application/json"[^>]*>(.*?)</script>', html, re.DOTALL)
    assert len(blocks) == 3
    assert not [block for block in blocks if "<" in block]


@pytest.mark.parametrize(
    "line",
    [
        "[" * 100_000,
        '{"step": 1, "task": "a", "value": ' + "9" * 6_000 + "}",
        "not json",
        "[1, 2]",
        '{"step": 1',
    ],
)
def test_an_unreadable_line_is_counted_and_told(run, line):
    path = run / "stages/02-policy/rollouts.jsonl"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines[:3], line, *lines[3:]]) + "\n")
    page, _ = report(run)
    assert page.data["answers-1"]["total"] == len(lines)
    assert "no JSON objects" in page.text


def test_values_that_are_not_finite_do_not_break_the_data(run):
    row = hostile_rows(step=1)[0] | {"value": float("nan"), "tokens": float("inf")}
    row["components"]["correct"]["value"] = float("nan")
    write_lines(run / "stages/02-policy/rollouts.jsonl", [row])
    (shown,) = report(run)[0].data["answers-1"]["rows"]
    assert (shown["value"], shown["tokens"], shown["label"]) == (None, None, "none")


# what is missing or cut off


def test_a_torn_last_line_is_ignored(run):
    for name in ("rollouts", "metrics"):
        path = run / f"stages/02-policy/{name}.jsonl"
        whole = path.read_bytes()
        path.write_bytes(whole + whole.splitlines()[0][:40])
    page, _ = report(run)
    assert page.data["answers-1"]["total"] == 12 * 16
    assert page.data["curves"]["02-policy/reward"]["steps"] == list(range(1, 13))
    assert "no JSON objects" not in page.text


def test_a_run_that_goes_on_has_a_report(run):
    stages = json.loads((run / "run.json").read_text())["stages"]
    stages[1] |= {"status": "running", "seconds": None}
    stages[2] |= {"status": "waiting", "seconds": None}
    change(run / "run.json", status="running", finished=None, stages=stages)
    for path in sorted((run / "stages/03-evaluate").rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    page, markdown = report(run)
    assert "Evaluation" not in page.text + markdown
    assert "waiting" in page.text
    assert "**running**" in markdown


def test_a_failed_run_says_why(run):
    change(run / "run.json", status="failed", reason="stage policy: 3 of 9 answers had no verdict")
    page, markdown = report(run)
    assert "3 of 9 answers had no verdict" in page.text
    assert "3 of 9 answers had no verdict" in markdown


def test_alarms_are_listed_with_what_to_do_and_hostile_ones_stay_text(run):
    page, markdown = report(run)
    assert "Alarms" not in page.text + markdown
    found = {"detector": "length", "severity": "warning", "message": "<b>long</b>", "hint": "cut"}
    lines = [
        {"kind": "alarm", "stage": "policy", "step": step, "data": found} for step in range(60)
    ]
    with (run / "events.jsonl").open("a") as file:
        file.writelines(json.dumps(line) + "\n" for line in lines)
    page, markdown = report(run)
    assert page.text.count("<b>long</b>") == 50
    assert "10 more alarms" in page.text
    assert "## Alarms" in markdown
    assert r"\<b\>long\</b\>" in markdown


def test_run_json_alone_is_enough(tmp_path):
    write_json(tmp_path / "run.json", {})
    with pytest.raises(RunError, match="no run here"):
        write_report(tmp_path)
    write_json(tmp_path / "run.json", {"name": "bare", "stages": [{"name": "a"}]})
    page, markdown = report(tmp_path)
    assert "No judged answers yet." in page.text
    assert markdown.startswith("# bare\n")


@pytest.mark.parametrize(
    "name", ["stages", "environment.json", "pipeline.yaml", "stages/02-policy"]
)
def test_any_part_may_be_missing(run, name):
    path = run / name
    path.rename(run.parent / "gone")
    page, markdown = report(run)
    assert page.tags["h1"] == 1
    assert markdown.startswith("# demo\n")


@pytest.mark.parametrize("name", ["metrics.jsonl", "rollouts.jsonl", "stage.json"])
def test_any_file_of_a_stage_may_be_empty(run, name):
    (run / "stages/02-policy" / name).write_bytes(b"")
    page, _ = report(run)
    assert ("Training: policy" in page.text) == (name != "metrics.jsonl")


def test_an_evaluation_without_verdicts_shows_none(run):
    path = run / "stages/03-evaluate/result.json"
    result = json.loads(path.read_text())
    nothing = {"value": None, "low": None, "high": None}
    for block in result["models"].values():
        block |= {"pass@1": nothing, "pass@2": nothing, "reward": nothing, "mean_tokens": None}
    result["pairs"][0] |= {"difference": None, "low": None, "high": None, "p": None}
    write_json(path, result)
    page, markdown = report(run)
    assert "nothing to compare" in page.text
    assert "nothing to compare" in markdown


def test_no_run_is_an_error_with_a_hint(tmp_path):
    with pytest.raises(RunError) as caught:
        write_report(tmp_path / "nowhere")
    assert "run.json is missing" in str(caught.value)


# the choice of answers


@pytest.mark.parametrize("most", [1, 30, 100, 191, 192, 5_000])
def test_about_as_many_answers_as_asked_are_kept(run, most):
    shown = report(run, rows_per_stage=most)[0].data["answers-1"]
    assert shown["total"] == 192
    assert len(shown["rows"]) <= max(4, most)
    assert len(shown["rows"]) >= min(192, most) - 8


def test_kept_answers_are_spread_over_the_steps_and_groups_stay_whole(run):
    rows = report(run, rows_per_stage=96)[0].data["answers-1"]["rows"]
    steps = [row["step"] for row in rows]
    assert steps == sorted(steps)
    assert len(set(steps)) >= 10
    assert set(Counter(row["task"] for row in rows).values()) == {4}


def test_rare_right_answers_are_kept(tmp_path):
    run = build_run(tmp_path / "rare", SMALL)
    path = run / "stages/02-policy/rollouts.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    for place, row in enumerate(rows):
        row["components"]["correct"]["value"] = float(place in (50, 150))
    write_lines(path, rows)
    shown = report(run, rows_per_stage=24)[0].data["answers-1"]["rows"]
    assert sum(row["label"] == "right" for row in shown) == 2


def test_evaluations_keep_the_same_tasks_of_every_model(run):
    shown = report(run, rows_per_stage=24)[0].data["answers-2"]
    assert shown["models"] == ["warm_start", "policy"]
    by_task = {}
    for row in shown["rows"]:
        by_task.setdefault(row["task"], []).append(row["model"])
    assert set(map(tuple, by_task.values())) == {("warm_start",) * 2 + ("policy",) * 2}


def test_right_is_what_the_evaluation_says(run):
    path = run / "stages/03-evaluate/result.json"
    change(path, pass_on="worked")
    answers = read_answers(read_run(run), read_run(run).stages[1], most=10_000)
    lines = (run / "stages/02-policy/rollouts.jsonl").read_text().splitlines()
    worked = sum(json.loads(line)["components"]["worked"]["value"] == 1.0 for line in lines)
    assert answers.labels["right"] == worked
    assert answers.judged_by == "worked ≥ 1"


def test_a_model_from_the_hub_has_its_own_name(run):
    folder = run / "stages/03-evaluate"
    result = json.loads((folder / "result.json").read_text())
    result["models"] = {"org/tiny:main": result["models"]["warm_start"]} | result["models"]
    del result["models"]["warm_start"]
    write_json(folder / "result.json", result)
    (folder / "answers/warm_start.jsonl").rename(folder / "answers/org--tiny-main.jsonl")
    page, _ = report(run)
    assert page.data["answers-2"]["models"] == ["org/tiny:main", "policy"]


def test_answers_of_an_evaluation_that_is_not_done_are_shown(run):
    (run / "stages/03-evaluate/result.json").unlink()
    (run / "stages/03-evaluate/answers/policy.jsonl").rename(run / "answers.partial")
    shown = report(run)[0].data["answers-2"]
    assert (shown["models"], shown["judged_by"]) == (["warm_start"], "correct ≥ 1")


def test_packages_that_decide_nothing_are_folded_away(run):
    page, markdown = report(run)
    assert "2 more packages" in page.text
    assert "xxhash" in page.text
    assert "xxhash" not in markdown


def test_without_an_evaluation_the_heaviest_component_decides(run):
    (run / "stages/03-evaluate").rename(run / "gone")
    answers = read_answers(read_run(run), read_run(run).stages[1], most=10_000)
    lines = (run / "stages/02-policy/rollouts.jsonl").read_text().splitlines()
    correct = sum(json.loads(line)["components"]["correct"]["value"] == 1.0 for line in lines)
    assert answers.labels["right"] == correct
    assert answers.judged_by == "the component of most weight ≥ 1"


def test_failures_are_counted_by_reason(run):
    rows = hostile_rows(step=1)[:1] * 3
    broken = [row | {"status": "error", "value": None, "reason": "boom\nat line 3"} for row in rows]
    write_lines(run / "stages/02-policy/rollouts.jsonl", rows + broken)
    answers = read_answers(read_run(run), read_run(run).stages[1], most=10)
    assert answers.failures == {("error", "boom"): 3}


def test_evenly_spreads_from_first_to_last():
    assert evenly(range(10), 4) == [0, 3, 6, 9]
    assert evenly(range(3), 4) == [0, 1, 2]
    assert (evenly([7, 8], 1), evenly([7, 8], 0)) == ([7], [])


@pytest.mark.slow
@pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="reads its peak in Linux's /proc"
)
def test_a_hundred_thousand_answers_need_little_memory(tmp_path):
    run = build_run(tmp_path / "big", Shape(steps=782, tasks=100))
    code = (
        "import sys; from pathlib import Path\n"
        "from rlvr_ops_core.report import write_report; write_report(Path(sys.argv[1]))\n"
        "print(Path('/proc/self/status').read_text())"
    )
    spent = subprocess.run([sys.executable, "-c", code, run], check=True, capture_output=True)
    (peak_kib,) = re.findall(rb"VmHWM:\s*(\d+) kB", spent.stdout)
    assert int(peak_kib) < 100 * 1024
    assert (run / "report.html").stat().st_size < 5_000_000


# series and drawings


def test_a_step_that_comes_again_replaces_what_followed(tmp_path):
    path = tmp_path / "metrics.jsonl"
    write_lines(path, [{"step": step, "loss": value} for step, value in [(1, 9), (2, 8), (3, 7)]])
    with path.open("a") as file:
        file.write('{"step": 2, "loss": 5.0}\n')
    (series,) = read_series(path)
    assert (list(series.steps), list(series.values)) == ([1, 2], [9.0, 5.0])


def test_values_that_are_not_finite_are_counted_not_drawn(run):
    lines = [{"step": 1, "loss": float("nan")}, {"step": 2, "loss": 1.0}, {"step": 3, "kl": None}]
    write_lines(run / "stages/02-policy/metrics.jsonl", lines)
    by_name = {one.name: one for one in read_series(run / "stages/02-policy/metrics.jsonl")}
    assert (list(by_name["loss"].values), by_name["loss"].not_finite) == ([1.0], 1)
    assert "Not finite (NaN, infinite or null): 1" in report(run)[0].text


def test_reward_comes_first_with_its_components(run):
    names = [one.name for one in read_series(run / "stages/02-policy/metrics.jsonl")]
    assert names[:4] == ["reward", "reward/correct", "reward/worked", "completion_length"]
    assert "time" not in names


def test_smooth_is_a_moving_average():
    values = [float(n % 7) for n in range(100)]
    slow = [sum(values[i - 5 : i + 6]) / 11 for i in range(5, 95)]
    assert smooth(values)[5:95] == pytest.approx(slow)
    assert len(smooth(values)) == 100
    assert smooth([1.0, 5.0]) == [1.0, 5.0]
    assert smooth([]) == []


@pytest.mark.parametrize("n", [1, 8, 9, 39, 40, 100])
def test_smooth_leaves_a_straight_line_alone(n):
    values = [3 - 0.25 * place for place in range(n)]
    assert smooth(values) == pytest.approx(values)


def test_thin_keeps_the_spikes():
    values = [0.0] * 10_000
    values[4_321], values[8_765] = 9.0, -9.0
    places = thin(values)
    assert len(places) <= 602
    assert {0, 4_321, 8_765, 9_999} <= set(places)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 1, [0, 0.5, 1]),
        (0, 0.031, [0, 0.01, 0.02, 0.03, 0.04]),
        (-0.3, 0.4, [-0.4, -0.2, 0, 0.2, 0.4]),
        (3, 40, [0, 10, 20, 30, 40]),
        (1e-7, 3e-7, [1e-7, 1.5e-7, 2e-7, 2.5e-7, 3e-7]),
    ],
)
def test_ticks_are_round_and_enclose(low, high, expected):
    marks = ticks(low, high)
    assert marks[0] <= low
    assert marks[-1] >= high - 1e-12
    assert marks == pytest.approx(expected)


@pytest.mark.parametrize("values", [[0.0], [5.0], [-2.0, -2.0], [1e-5] * 50, [1e300, -1e300]])
@pytest.mark.parametrize("name", ["reward", "loss", "kl", "anything"])
def test_any_finite_series_can_be_drawn(name, values):
    series = Series(name)
    for step, value in enumerate(values):
        series.add(step, value)
    drawing, points = curve(series)
    assert "nan" not in drawing
    assert "inf" not in drawing
    assert points["values"] == values
    low, high = value_range(name, values)
    assert low < high


def test_markup_escapes_what_is_not_markup():
    assert tag("p", "<b>", tag("i", "&"), title='"x"') == (
        '<p title="&quot;x&quot;">&lt;b&gt;<i>&amp;</i></p>'
    )
    assert isinstance(join("<", Markup("<br>")), Markup)
    assert join("<", Markup("<br>")) == "&lt;<br>"
    assert tag("input", hidden=True, value=None) == "<input hidden>"


def test_long_texts_lose_their_middle_and_say_so():
    text = cut("a" * 100 + "b" * 100, 30)
    assert text.startswith("a" * 20 + "\n[… 170 characters left out …]\n")
    assert text.endswith("b" * 10)
    assert as_text({"a": ["é"]}, 99) == '{"a": ["é"]}'


def test_json_lines_give_the_place_of_each_line(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_bytes('{"é": 1}\n\n{"b": 2}'.encode())
    places = list(JsonLines(path))
    assert [row for _, row in places] == [{"é": 1}, {"b": 2}]
    assert [path.read_bytes()[place : place + 1] for place, _ in places] == [b"{", b"{"]


# the summary


def test_summary_has_the_table_the_curve_and_the_command(run):
    _, markdown = report(run)
    assert re.search(r"\| policy \| \d+\.\d% \\\[\d+\.\d, \d+\.\d\\\] \|", markdown)
    assert re.search("[▁▂▃▄▅▆▇█]{12}\n", markdown)
    assert "rlvr run examples/quickstart.yaml" in markdown
    assert "AMD EPYC 7B13" in markdown
    assert "torch 2.13.0" in markdown
    curve_table = markdown.split("| step |")[1].split("\n\n")[0]
    assert len(curve_table.splitlines()) == 2 + 8


def test_neither_file_tells_where_the_run_lay(run):
    change(run / "run.json", pipeline="/home/somebody/secret/place/run.yaml")
    page, markdown = report(run)
    assert "somebody" not in page.text + markdown
    assert "rlvr run run.yaml" in markdown


@pytest.mark.parametrize("text", [*HOSTILE, "`" * 50, "~~~\n# x\n~~~", "", "\n```\n"])
def test_a_fence_is_longer_than_any_in_the_text(text):
    block = fenced(text)
    opening, *inside, closing = block.split("\n")
    assert opening == closing
    assert set(opening) == {"`"}
    for line in inside:
        assert not re.fullmatch(rf" {{0,3}}`{{{len(opening)},}}\s*", line)
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f\u202e]", block)


def test_plain_text_is_no_markdown():
    assert plain("a | b\n# [x](y) <b> `c` *d*") == (r"a \| b \# \[x\](y) \<b\> \`c\` \*d\*")
    assert len(plain("x" * 500)) == 200


def test_sparkline_rises_with_the_series():
    series = Series("reward")
    for step in range(8):
        series.add(step, step / 7)
    assert sparkline(series).splitlines()[0] == "▁▂▃▄▅▆▇█"


def test_the_report_needs_neither_pydantic_nor_yaml():
    code = "import sys, rlvr_ops_core.report; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    )
    assert not {"pydantic", "yaml", "torch", "numpy", "rich"} & set(loaded.stdout.split())


def test_style_and_script_are_files_of_the_package():
    folder = Path(sys.modules["rlvr_ops_core.report"].__file__).parent
    assert {"page.css", "page.js", "answers.html"} <= {path.name for path in folder.iterdir()}
