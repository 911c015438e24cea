"""The page in a real browser: two clicks from an alarm to its rollouts, keys, labels, live."""

import socket
import threading

import pytest
import uvicorn
from monitor_runs import add_lines, alarm, run_with_alarms
from rlvr_monitor.pages.app import make_app
from rlvr_monitor.store.filling import Filler
from rlvr_monitor.store.schema import Database

from tests.chromium import Tab
from tests.run_folder import HOSTILE

pytestmark = pytest.mark.slow


class SiteTab(Tab):
    """A tab that may talk to one address, and to no other."""

    base = ""

    def note(self, event):
        before = len(self.troubles)
        super().note(event)
        self.troubles[before:] = [
            one for one in self.troubles[before:] if not one.startswith(f"request: {self.base}/")
        ]

    def go(self, address):
        self.send("Page.navigate", on_page=True, url=self.base + address)
        self.arrive(address.partition("?")[0])

    def arrive(self, path):
        """Waits for a page whose path begins so."""
        self.until(
            f"location.pathname.startsWith({path!r}) && document.readyState === 'complete'", 30
        )

    def press(self, key):
        self.send("Input.dispatchKeyEvent", on_page=True, type="keyDown", key=key, text=key[:1])
        self.send("Input.dispatchKeyEvent", on_page=True, type="keyUp", key=key)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return run_with_alarms(tmp_path_factory.mktemp("site") / "runs" / "quickstart")


@pytest.fixture(scope="module")
def base(run):
    root = run.parent
    database = Database(root.parent / "cache", root.parent / "labels.sqlite")
    database.prepare()
    filler = Filler(database, root)
    filler.fill()
    filler.close()
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    config = uvicorn.Config(make_app(database, root), log_level="warning", access_log=False)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    thread.join(timeout=30)
    listening.close()


@pytest.fixture(scope="module")
def tab(tmp_path_factory, base):
    with SiteTab(tmp_path_factory.mktemp("browser")) as tab:
        tab.base = base
        yield tab
        assert tab.troubles == []


def texts(tab, selector):
    return tab.js(f"[...document.querySelectorAll({selector!r})].map(one => one.textContent)")


def test_two_clicks_lead_from_an_alarm_to_a_rollout_that_made_it(tab):
    tab.go("/runs/quickstart")
    tab.js("document.querySelector('.alarm.critical').click()")
    tab.arrive("/runs/quickstart/alarms/")
    assert len(texts(tab, "tr.row")) == 3
    tab.js("document.querySelector('tr.row .cell').click()")
    tab.arrive("/runs/quickstart/rollouts/")
    assert "shadow_disagreement" in texts(tab, ".alarm")[0]
    assert texts(tab, ".command")[0].startswith("rlvr audit --promote ")


def test_a_point_of_a_curve_leads_to_the_rollouts_of_its_step(tab):
    tab.go("/runs/quickstart")
    box = tab.js(
        "(() => { const point = document.querySelector('[id^=curves] .point:nth-of-type(7) rect');"
        " point.scrollIntoView({block: 'center'}); const box = point.getBoundingClientRect();"
        " return [box.x + box.width / 2, box.y + box.height / 2,"
        " point.closest('a').getAttribute('href')]; })()"
    )
    for kind in ("mousePressed", "mouseReleased"):
        place = {"x": box[0], "y": box[1], "button": "left", "clickCount": 1}
        tab.send("Input.dispatchMouseEvent", on_page=True, type=kind, **place)
    tab.arrive("/runs/quickstart/rollouts")
    step = tab.js("new URLSearchParams(location.search).get('step_from')")
    assert f"step_from={step}&" in box[2]
    assert {text.strip() for text in texts(tab, "tr.row .open")} == {f"policy {step}"}
    assert len(texts(tab, ".dot")) == 16


def test_a_completion_with_a_script_stays_text(tab):
    tab.go("/runs/quickstart/rollouts?stage=policy&task=hostile")
    assert HOSTILE[0] in [text.strip() for text in texts(tab, "td.wide")]
    for number in range(len(HOSTILE)):
        tab.go("/runs/quickstart/rollouts?stage=policy&task=hostile&sort=oldest")
        tab.js(f"document.querySelectorAll('tr.row .open')[{number}].click()")
        tab.until("document.querySelector('.completion') !== null", 30)
        assert (
            tab.js("document.querySelectorAll('main script, main img, main table table').length")
            == 0
        )
        assert "RLVR-Ops" in tab.js("document.title")
    assert tab.js("typeof window.owned") == "undefined"


def test_keys_move_open_and_label(tab):
    tab.go("/runs/quickstart/rollouts?stage=policy&step_from=3&step_to=3")
    tab.press("j")
    tab.press("j")
    assert tab.js("[...document.querySelectorAll('.row')].findIndex(r => r.matches('.at'))") == 1
    tab.press("Enter")
    tab.arrive("/runs/quickstart/rollouts/")
    tab.press("2")
    tab.until("document.querySelector('.here-label .hack') !== null")
    tab.go("/runs/quickstart/rollouts?label=hack")
    assert len(texts(tab, "tr.row")) == 1
    tab.press("j")
    tab.press("g")
    tab.arrive("/runs/quickstart/groups/")
    advantages = tab.js("[...document.querySelectorAll('article')].map(a => a.className)")
    ranks = [("better", "same", "worse", "none").index(name.split()[1]) for name in advantages]
    assert len(ranks) == 8
    assert ranks == sorted(ranks)


def test_a_filter_is_applied_as_soon_as_it_is_chosen(tab):
    tab.go("/runs/quickstart/rollouts?stage=policy")
    tab.js(
        "(() => { const one = document.querySelector('[name=step_from]'); one.value = '12';"
        " one.dispatchEvent(new Event('change', {bubbles: true})); })()"
    )
    tab.until("location.search.includes('step_from=12')", 30)
    tab.arrive("/runs/quickstart/rollouts")
    assert "of 133" in texts(tab, "#found")[0]
    assert tab.js("location.search") == "?stage=policy&step_from=12&sort=newest"


def test_a_running_run_appears_without_a_reload(tab, run):
    tab.go("/runs/quickstart")
    tab.js("window.same = true")
    add_lines(run / "events.jsonl", [alarm(12, detector="fresh_alarm", rows=[("12/0", 0)])])
    tab.until("document.querySelector('#alarms').textContent.includes('fresh_alarm')", 60)
    assert tab.js("window.same") is True


def test_pages_fit_every_screen_in_light_and_dark(tmp_path, base):
    for width, dark in ((1280, True), (400, False)):
        with SiteTab(tmp_path / str(width), width=width, dark=dark) as tab:
            tab.base = base
            for address in ("/runs/quickstart", "/runs/quickstart/rollouts", "/"):
                tab.go(address)
                assert tab.js("document.documentElement.scrollWidth <= innerWidth"), address
            background = tab.js("getComputedStyle(document.body).backgroundColor")
            assert background == ("rgb(22, 24, 26)" if dark else "rgb(255, 255, 255)")
            assert tab.troubles == []
