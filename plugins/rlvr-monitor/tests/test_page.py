"""The page over HTTP: who may look, what it shows, and that hostile text stays text."""

import json
import re

import pytest
from fastapi.testclient import TestClient
from monitor_runs import run_with_alarms
from rlvr_monitor.pages.app import make_app
from rlvr_monitor.pages.text import plain, visible
from rlvr_monitor.store.changes import changes
from rlvr_monitor.store.filling import Filler
from rlvr_monitor.store.schema import Database


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("place")
    run_with_alarms(folder / "runs" / "quickstart")
    database = Database(folder / "cache", folder / "labels.sqlite")
    database.prepare()
    filler = Filler(database, folder / "runs")
    filler.fill()
    filler.close()
    return database, folder / "runs"


@pytest.fixture(scope="module")
def client(place):
    with TestClient(make_app(*place), base_url="http://127.0.0.1") as client:
        yield client


def links(page):
    return [link.replace("&amp;", "&") for link in re.findall(r'href="([^"]*)"', page)]


def test_every_link_on_every_page_leads_somewhere(client):
    seen, waiting = set(), ["/"]
    while waiting and len(seen) < 120:
        address = waiting.pop(0)
        kind = re.sub(r"[0-9a-f]{16}|\d+", "#", address)
        if kind in seen:
            continue
        seen.add(kind)
        answer = client.get(address)
        assert answer.status_code == 200, address
        if "html" in answer.headers["content-type"]:
            base = address.partition("?")[0]
            found = [base + link if link.startswith("?") else link for link in links(answer.text)]
            waiting += [link.partition("#")[0] for link in found if link.startswith("/")]
    assert len(seen) > 15


def test_an_alarm_leads_in_two_clicks_to_its_rollouts(client):
    run = client.get("/runs/quickstart").text
    alarm = re.search(r'class="alarm critical" href="([^"]+)"', run)[1]
    page = client.get(alarm).text
    rollouts = [link for link in links(page) if re.search(r"/rollouts/[0-9a-f]{16}$", link)]
    assert len(rollouts) == 3
    assert "shadow_disagreement" in client.get(rollouts[0]).text


@pytest.mark.parametrize("address", ["?task=hostile", "?q=onerror", "?q=</script>"])
def test_hostile_answers_are_text_on_every_page(client, address):
    page = client.get(f"/runs/quickstart/rollouts{address}").text
    one = next(link for link in links(page) if re.search(r"/rollouts/[0-9a-f]{16}$", link))
    for text in (page, client.get(one).text):
        assert len(re.findall("<script", text)) == 1  # our own, in the head
        assert "<img" not in text
        assert "&lt;" in text


def test_what_hides_is_made_visible():
    assert "U+202E RIGHT-TO-LEFT OVERRIDE" in visible("a\u202eb")
    assert visible("<b>&") == "&lt;b&gt;&amp;"
    assert "200B" in visible("a\u200bb")
    assert plain("a\x1b[31mb\u202ec\nd") == "a·[31mb·c⏎d"


def test_nothing_is_loaded_from_elsewhere(client):
    answer = client.get("/runs/quickstart")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"""(src|href)=["'](https?:)?//""", answer.text)
    assert " style=" not in answer.text
    assert " onclick=" not in answer.text


def test_an_export_holds_what_the_filter_holds(client):
    answer = client.get("/runs/quickstart/export.jsonl?stage=policy&step_from=3&step_to=3")
    rows = [json.loads(line) for line in answer.text.splitlines()]
    assert len(rows) == 128
    assert {row["step"] for row in rows} == {3}
    assert set(rows[0]) >= {"prompt", "completion", "gold", "value", "advantage", "components"}


def test_labels_are_set_by_this_page_alone(client):
    page = client.get("/runs/quickstart/rollouts?stage=policy").text
    one = next(link for link in links(page) if re.search(r"/rollouts/[0-9a-f]{16}$", link))
    wrong = client.post(f"{one}/label", json={"label": "x"})
    assert wrong.status_code == 422
    foreign = {"origin": "http://evil.example"}
    assert client.post(f"{one}/label", json={"label": "hack"}, headers=foreign).status_code == 403
    cross = {"sec-fetch-site": "cross-site"}
    assert client.post(f"{one}/label", json={"label": "hack"}, headers=cross).status_code == 403
    assert client.post(f"{one}/label", json={"label": "hack", "note": "n"}).status_code == 200
    assert one in client.get("/runs/quickstart/rollouts?label=hack").text
    assert client.post(f"{one}/label", json={"label": ""}).status_code == 200
    assert one not in client.get("/runs/quickstart/rollouts?label=any").text


@pytest.mark.parametrize(
    "address",
    [
        "/runs/none",
        "/runs/quickstart/alarms/99999",
        "/runs/quickstart/rollouts/0000000000000000",
        "/runs/quickstart/rollouts/nonsense",
        "/runs/quickstart/groups/99999",
    ],
)
def test_what_is_not_there_is_404(client, address):
    assert client.get(address).status_code == 404
    page = client.get(address, headers={"Accept": "text/html"})
    assert page.status_code == 404
    assert "All runs" in page.text


@pytest.mark.parametrize(
    "query",
    ["step_from=x", "page=-3", "page=99999999999999999999", "reward_from=nan", "sort=';--",
     "q=%22%27%28*", "q=%00", "q=AND+OR", "alarm=x", "status=' OR 1", "tokens_to=1e400"],
)  # fmt: skip
def test_nonsense_in_a_filter_is_no_error(client, query):
    assert client.get(f"/runs/quickstart/rollouts?{query}").status_code == 200


def test_other_names_than_this_machine_are_refused_without_a_token(place):
    with TestClient(make_app(*place), base_url="http://rebound.example") as client:
        assert client.get("/").status_code == 403


def test_a_token_is_asked_for_and_becomes_a_cookie(place):
    with TestClient(make_app(*place, token="s3cret"), base_url="http://train.example") as client:
        assert client.get("/").status_code == 401
        assert client.get("/version").status_code == 401
        assert client.get("/?token=wrong").status_code == 401
        assert client.get("/version", headers={"authorization": "Bearer s3cret"}).status_code == 200
        first = client.get("/?token=s3cret", follow_redirects=False)
        assert first.status_code == 303
        assert "HttpOnly" in first.headers["set-cookie"]
        assert client.get("/").status_code == 200


def test_phrases_that_came_are_found():
    before = ["the sum is 4 .", "we add 2 and 2 ."] * 40
    after = ["the sum is 4 . or maybe 5 or maybe 6"] * 60 + before[:20]
    found = changes(before, after)
    assert any("maybe" in one.phrase for one in found if one.z > 0)
    assert changes(before, before) == []
    assert changes([], after) == []
