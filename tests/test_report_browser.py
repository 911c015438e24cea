"""The report in a real browser: nothing is loaded, nothing hostile runs, and the filters work."""

import pytest

from rlvr_ops_core.report import write_report
from tests.chromium import Tab
from tests.run_folder import HOSTILE, Shape, build_run, hostile_rows, write_lines

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    folder = build_run(tmp_path_factory.mktemp("runs") / "quickstart", Shape(steps=20, tasks=60))
    return write_report(folder)[0]


@pytest.fixture(scope="module")
def tab(tmp_path_factory, page):
    with Tab(tmp_path_factory.mktemp("browser")) as tab:
        tab.open(page)
        yield tab
        assert tab.troubles == []


@pytest.fixture(autouse=True)
def _fresh(tab, page):
    tab.open(page)
    tab.until("document.querySelector('.card') !== null")


def choose(tab, name, value):
    """Sets one filter as a person does and waits until the list was made anew."""
    tab.js("window.seen = document.querySelector('.list').firstElementChild")
    tab.js(
        f"(() => {{ const one = document.querySelector('[name={name}]'); one.value = {value!r};"
        " one.dispatchEvent(new Event('input', {bubbles: true})); })()"
    )
    tab.until("document.querySelector('.list').firstElementChild !== window.seen")


def found(tab):
    return tab.js("document.querySelector('.found').textContent")


def texts(tab, selector):
    return tab.js(f"[...document.querySelectorAll({selector!r})].map(one => one.textContent)")


def test_the_first_page_of_answers_is_there(tab):
    assert found(tab).startswith("1–25 of 488 answers, ")
    assert len(texts(tab, ".card")) == 25


def test_filters_by_verdict_and_model_go_together(tab):
    choose(tab, "label", "wrong")
    assert found(tab).endswith(" 0 of them right")
    choose(tab, "model", "policy")
    assert set(texts(tab, ".card .where")) == {"policy"}
    assert set(texts(tab, ".card .sign")) == {"✗ wrong "}


def test_filters_by_status(tab):
    choose(tab, "status", "error")
    assert set(texts(tab, ".card .value")) == {"error"}


def test_filters_training_answers_by_step(tab):
    choose(tab, "stage", "answers-1")
    choose(tab, "from", "7")
    choose(tab, "to", "8")
    assert set(texts(tab, ".card .where")) <= {"step 7", "step 8"}
    choose(tab, "to", "3")
    assert found(tab) == "No answer fits these filters."


def test_sorts_the_last_step_first(tab):
    choose(tab, "stage", "answers-1")
    tab.js("document.querySelector('[name=sort]').value = 'newest'")
    choose(tab, "label", "right")
    assert texts(tab, ".card .where")[0] == "step 20"


def test_hostile_answers_are_found_and_stay_text(tab):
    choose(tab, "search", "</script><script>")
    assert found(tab).startswith("1–2 of 2 answers")
    tab.js("document.querySelector('.pages .open').click()")
    tab.until("document.querySelectorAll('.inside').length === 2")
    assert HOSTILE[0] in texts(tab, ".inside pre")
    choose(tab, "search", "onerror")
    tab.js("document.querySelector('.pages .open').click()")
    assert tab.js("document.querySelectorAll('img').length") == 0
    assert tab.js("document.title") == "quickstart – RLVR-Ops report"


def test_pages_turn_and_one_prompt_can_be_singled_out(tab):
    tab.js("document.querySelector('[data-go=\"1\"]').click()")
    assert found(tab).startswith("26–50 of 488")
    tab.js("document.querySelector('.card').open = true")
    tab.until("document.querySelector('.inside button') !== null")
    tab.js("document.querySelector('.inside button').click()")
    assert found(tab).startswith("1–8 of 8 answers")
    tab.js("document.querySelector('.chip button').click()")
    assert found(tab).startswith("1–25 of 488")


def test_a_curve_tells_its_values_to_the_arrow_keys(tab):
    tab.js("document.querySelector('[data-curve$=\"/reward\"] svg').focus()")
    for key, expected in (("Home", "step 1: "), ("ArrowRight", "step 2: "), ("End", "step 20: ")):
        tab.send("Input.dispatchKeyEvent", on_page=True, type="keyDown", key=key)
        readout = "document.querySelector('[data-curve$=\"/reward\"] output').textContent"
        assert tab.js(readout).startswith(expected)


@pytest.mark.parametrize("width", [1280, 400])
@pytest.mark.parametrize("dark", [False, True])
def test_the_page_is_never_wider_than_the_screen(tmp_path, page, width, dark):
    with Tab(tmp_path, width=width, dark=dark) as tab:
        tab.open(page)
        tab.until("document.querySelector('.card') !== null")
        assert tab.js("document.documentElement.scrollWidth <= innerWidth")
        background = tab.js("getComputedStyle(document.body).backgroundColor")
        assert background == ("rgb(22, 24, 26)" if dark else "rgb(255, 255, 255)")
        assert tab.troubles == []


def test_thousands_of_rows_filter_quickly(tmp_path):
    folder = build_run(tmp_path / "many", Shape(steps=5, tasks=700))
    write_lines(folder / "stages/02-policy/rollouts.jsonl", hostile_rows(step=1) * 900)
    with Tab(tmp_path / "browser") as tab:
        tab.open(write_report(folder, rows_per_stage=6_000)[0])
        tab.until("document.querySelector('.card') !== null")
        spent = tab.js(
            "(() => { const form = document.querySelector('form'), start = performance.now();"
            " form.elements.label.value = 'wrong';"
            " form.elements.label.dispatchEvent(new Event('input', {bubbles: true}));"
            " return performance.now() - start; })()"
        )
        assert spent < 1_000
        choose(tab, "search", "no such text anywhere")
        assert found(tab) == "No answer fits these filters."
