"""Alarms by webhook: sent, tried again, never in the way."""

from __future__ import annotations

import dataclasses
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from rlvr_monitor.webhook import MOST_WAITING, webhook

from rlvr_ops_core import Alarm, Event, OptionError, RolloutRef
from rlvr_ops_core.testing import check_monitor


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.tries += 1
        if self.server.tries <= self.server.refuse:
            self.send_error(503)
            return
        self.server.got.append((dict(self.headers), body))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *args):
        pass


@pytest.fixture
def receiver():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    server.tries = server.refuse = 0
    server.got = []
    server.url = f"http://127.0.0.1:{server.server_port}/hook"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def alarm(severity="critical"):
    found = Alarm(
        "nan_loss", "loss is nan", "go back", severity, rows=[RolloutRef("p", 3, "3/0", 1)]
    )
    fields = {field.name: getattr(found, field.name) for field in dataclasses.fields(found)}
    return Event("alarm", "run", "policy", 3, {"monitor": "health", **fields}, 1.5)


def test_the_webhook_is_a_monitor_as_the_core_wants_it():
    check_monitor(webhook, url="http://127.0.0.1:1/")


def test_an_alarm_is_sent_with_its_rows_and_a_line_for_people(receiver):
    see = webhook(url=receiver.url, headers={"X-Token": "secret"})
    see(alarm("info"))
    see(alarm())
    see(Event("run_finished", "run"))
    ((headers, body),) = receiver.got
    assert headers["X-Token"] == "secret"
    assert body["text"] == "critical: run/policy nan_loss at step 3: loss is nan. go back"
    assert body["alarm"]["rows"] == [{"stage": "p", "step": 3, "group": "3/0", "index": 1}]


def test_a_receiver_that_is_down_for_a_moment_gets_it_later(receiver):
    receiver.refuse = 2
    see = webhook(url=receiver.url, pauses_s=[0.01, 0.01])
    see(alarm())
    see(Event("run_finished", "run"))
    assert len(receiver.got) == 1


def test_a_receiver_that_is_gone_holds_nothing_up(monkeypatch, caplog):
    monkeypatch.setattr("rlvr_monitor.webhook.END_S", 0.5)
    see = webhook(url="http://127.0.0.1:1/", pauses_s=[30])
    before = threading.active_count()
    started = time.monotonic()
    for _ in range(3 * MOST_WAITING):
        see(alarm())
    assert time.monotonic() - started < 5
    assert threading.active_count() <= before + 1
    see(Event("run_finished", "run"))
    assert time.monotonic() - started < 10
    assert "were not sent to http://127.0.0.1:1/" in caplog.records[-1].message


def test_a_full_queue_is_waited_for_at_the_end(receiver):
    receiver.refuse = 1
    see = webhook(url=receiver.url, pauses_s=[30])
    for _ in range(MOST_WAITING):
        see(alarm())
    see(Event("run_finished", "run"))
    assert len(receiver.got) == MOST_WAITING


def test_an_address_that_is_no_address_is_refused():
    with pytest.raises(OptionError, match="http or https"):
        webhook(url="file:///etc/passwd")
