"""The door: tokens, sizes, places, deadlines, ids, and what may be served to whom."""

import asyncio
import contextlib
import gc
import os
import time
from pathlib import Path

import pytest
from fastapi import APIRouter, Request
from fastapi.testclient import TestClient
from rlvr_serve.rewards.app import reward_app
from rlvr_serve.web import tokens as tokens_module
from rlvr_serve.web.admission import Admission
from rlvr_serve.web.app import make_app
from rlvr_serve.web.patrol import LOOK_EVERY_S, Watch
from rlvr_serve.web.problems import Problem
from rlvr_serve.web.settings import WebSettings
from rlvr_serve.web.tokens import Tokens

from rlvr_ops_core import OptionError

ITEMS = {"items": [{"completion": "a", "answer": "a"}]}
TOKEN = "a-long-and-secret-token"


@contextlib.contextmanager
def served(*, rewards=("text/exact",), plugins=(), **settings):
    """A client of a server that is ready."""
    settings = WebSettings(**{"access_log": "", **settings})
    with TestClient(reward_app(rewards, settings=settings, plugins=plugins)) as client:
        while client.get("/readyz").status_code != 200:  # health needs no token
            time.sleep(0.01)
        yield client


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "example.org"])
def test_beyond_loopback_a_server_wants_tokens_or_to_be_told(host, tmp_path):
    with pytest.raises(OptionError, match="anybody"):
        WebSettings(host=host).check()
    WebSettings(host=host, open_to_all=True).check()
    WebSettings(host=host, token_file=tmp_path).check()


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_on_loopback_it_does_not(host):
    WebSettings(host=host).check()


@pytest.mark.parametrize(
    "header",
    [None, "", TOKEN, f"Basic {TOKEN}", "Bearer ", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}"],
)
def test_without_a_token_that_it_knows_nobody_comes_in(header, tmp_path):
    file = tmp_path / "tokens"
    file.write_text(f"# two\nalice: {TOKEN}\nbob:another-secret-token-1\n")
    with served(token_file=file) as client:
        headers = {} if header is None else {"authorization": header}
        refused = client.post("/v1/score", json=ITEMS, headers=headers)
        assert refused.status_code == 401
        assert refused.headers["www-authenticate"] == "Bearer"
        assert client.get("/metrics", headers=headers).status_code == 401
        let_in = {"authorization": f"bearer {TOKEN}"}
        assert client.post("/v1/score", json=ITEMS, headers=let_in).status_code == 200


def test_tokens_change_with_their_file_and_survive_its_end(tmp_path, monkeypatch):
    monkeypatch.setattr(tokens_module, "LOOK_EVERY_S", 0.0)
    file = tmp_path / "tokens"
    file.write_text(f"alice:{TOKEN}")
    tokens = Tokens(file)
    assert tokens.name_of(TOKEN) == "alice"
    file.write_text("alice:the-next-secret-token")
    os.utime(file, ns=(1, 1))
    assert tokens.name_of(TOKEN) is None
    assert tokens.name_of("the-next-secret-token") == "alice"
    file.write_text("")  # what a full disk leaves of it
    assert tokens.name_of("the-next-secret-token") == "alice"
    assert "holds no token" in tokens.trouble
    file.unlink()
    assert tokens.name_of("the-next-secret-token") == "alice"


@pytest.mark.parametrize("text", ["", "alice", "alice:short", f"a:{TOKEN}\na:{TOKEN}2"])
def test_a_token_file_with_a_mistake_is_refused_at_the_start(text, tmp_path):
    file = tmp_path / "tokens"
    file.write_text(text)
    with pytest.raises(OptionError, match="token"):
        Tokens(file)


def test_a_body_that_is_too_large_is_refused():
    with served(max_body_mb=0.01) as client:
        refused = client.post("/v1/score", content=b"x" * 20_000)
        assert (refused.status_code, refused.json()["type"]) == (413, "urn:rlvr:body_too_large")

        def pieces():
            yield from [b"x" * 1000] * 20

        assert client.post("/v1/score", content=pieces()).status_code == 413


def test_a_deadline_that_passes_is_a_504_and_the_work_stops(plugin_file):
    with served(rewards=["orders/waits"], plugins=[plugin_file]) as client:
        items = {"items": [{"completion": "8"}]}
        started = time.monotonic()
        late = client.post("/v1/score", json=items, headers={"x-request-deadline-ms": "200"})
        assert (late.status_code, late.json()["type"]) == (504, "urn:rlvr:deadline_passed")
        assert time.monotonic() - started < 5
        admission = client.app.state.web.admission
        assert (admission.running, admission.tickets, admission.bytes) == (0, 0, 0)


@pytest.mark.parametrize("path", ["/slow", "/admitted/slow"])
def test_the_time_for_a_body_is_over_once_it_is_there(path):
    router = APIRouter()

    @router.post(path)
    async def slow(request: Request) -> dict[str, int]:
        await asyncio.sleep(0.3)
        return {"bytes": len(await request.body())}

    settings = WebSettings(access_log="", read_timeout_s=0.1)
    app = make_app("slow", settings, routers=[router], admitted=("/admitted/",))
    with TestClient(app) as client:
        while client.get("/readyz").status_code != 200:
            time.sleep(0.01)
        assert client.post(path, content=b"12").json() == {"bytes": 2}


def test_a_watched_request_leaves_nothing_for_the_garbage_collector(plugin_file):
    # a full collection after some thousand requests stopped the server for 200 ms
    with served(rewards=["orders/waits"], plugins=[plugin_file]) as client:
        items = {"items": [{"completion": str(3 * LOOK_EVERY_S)}]}
        gc.collect()
        gc.disable()
        try:
            assert client.post("/v1/score", json=items).json()["results"][0]["status"] == "ok"
            time.sleep(0.1)  # the cancelled watcher gets its turn
            assert not [one for one in gc.get_objects() if type(one) is Watch]
        finally:
            gc.enable()


@pytest.mark.parametrize("value", ["0", "-1", "soon", "1.5", "9" * 20])
def test_a_deadline_that_is_no_number_is_refused(value):
    with served() as client:
        refused = client.post("/v1/score", json=ITEMS, headers={"x-request-deadline-ms": value})
        assert refused.json()["type"] == "urn:rlvr:bad_deadline"


def test_a_request_keeps_the_id_it_brings_unless_it_is_a_strange_one():
    with served() as client:
        kept = client.get("/livez", headers={"x-request-id": "abc-1"})
        assert kept.headers["x-request-id"] == "abc-1"
        strange = client.get("/livez", headers={"x-request-id": 'a"b\tc'})
        assert len(strange.headers["x-request-id"]) == 16


def test_places_are_given_in_order_and_the_rest_is_sent_away():
    async def scene():
        admission = Admission(WebSettings(at_once=1, queue=2, client_share=0.67))
        first = admission.enter("a", 10)
        assert admission.try_now(first)
        second, third = admission.enter("a", 10), admission.enter("b", 10)
        with pytest.raises(Problem) as full:
            admission.enter("c", 10)
        assert (full.value.status, full.value.kind) == (503, "queue_full")
        assert full.value.retry_after_s > 0
        waits = [asyncio.ensure_future(admission.wait(one)) for one in (second, third)]
        await asyncio.sleep(0)
        admission.leave(first)
        await asyncio.sleep(0)
        assert [wait.done() for wait in waits] == [True, False]
        waits[1].cancel()
        admission.leave(third)
        admission.leave(second)
        assert (admission.running, admission.tickets, admission.bytes) == (0, 0, 0)
        assert not admission.held

    asyncio.run(scene())


def test_one_client_gets_no_more_than_its_share():
    admission = Admission(WebSettings(at_once=2, queue=2, client_share=0.5))
    admission.enter("greedy", 0)
    admission.enter("greedy", 0)
    with pytest.raises(Problem) as refused:
        admission.enter("greedy", 0)
    assert (refused.value.status, refused.value.kind) == (429, "share_used_up")
    admission.enter("modest", 0)


def test_the_longer_the_queue_the_later_a_client_is_asked_back():
    admission = Admission(WebSettings(at_once=1, queue=1000, client_share=1))
    admission.service_s = 1.0
    short = admission.patience_s()
    for _ in range(100):
        admission.enter("a", 0)
    assert admission.patience_s() == pytest.approx(short + 100)


def test_the_access_log_has_no_text_unless_it_is_asked_for(tmp_path):
    secret = {"items": [{"completion": "my-answer", "answer": "my-gold"}]}
    for log_texts in (False, True):
        file = tmp_path / f"{log_texts}.log"
        with served(access_log=str(file), log_texts=log_texts) as client:
            client.post("/v1/score", json=secret)
            client.post("/v1/score?q=my-answer", content=b"my-answer")
        assert ("my-answer" in file.read_text()) == log_texts
        assert '"items":1' in file.read_text()


def test_a_full_disk_loses_log_lines_and_no_request():
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full, which Linux has")
    with served(access_log="/dev/full") as client:
        assert client.post("/v1/score", json=ITEMS).status_code == 200
        text = client.get("/metrics").text
    lost = next(line for line in text.splitlines() if line.startswith("rlvr_access_log_lost"))
    assert float(lost.split()[1]) >= 2
