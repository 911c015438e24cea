"""What goes wrong in production, done to a server in a process of its own.

`make bench-serve-faults` does the same for longer and prints a table of counts.
"""

import json
import resource
import shutil
import signal
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from rolling import roll
from serve_processes import read_answer

QUIET = ("--access-log", "", "--drain-delay-s", "0.5")


def ask(server, items, *, timeout=60, **headers):
    """POST items; gives the status and the parsed answer."""
    request = urllib.request.Request(
        server.url + "/v1/score",
        data=json.dumps({"items": items}).encode(),
        headers={"content-type": "application/json"}
        | {name.replace("_", "-"): value for name, value in headers.items()},
    )
    try:
        with urllib.request.urlopen(request, timeout=timeout) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def gauge(server, name):
    with urllib.request.urlopen(server.url + "/metrics", timeout=30) as response:
        lines = response.read().decode().splitlines()
    return float(next(line for line in lines if line.startswith(name + " ")).split()[1])


def resident_mb(server):
    pages = Path(f"/proc/{server.process.pid}/statm").read_text().split()[1]
    return int(pages) * resource.getpagesize() / 2**20


def wait_until(claim, timeout=30):
    until = time.monotonic() + timeout
    while not claim():
        assert time.monotonic() < until, "did not happen in time"
        time.sleep(0.05)


def post_bytes(content, kind="application/json", length=None):
    head = f"POST /v1/score HTTP/1.1\r\nhost: x\r\ncontent-type: {kind}\r\n"
    return f"{head}content-length: {length or len(content)}\r\n\r\n".encode() + content


def test_a_reward_that_hangs_crashes_or_talks_nonsense_loses_its_own_row(start, plugin_file):
    server = start("--plugin", plugin_file, "--reward", "orders/by_order", *QUIET)
    words = ["fine", "hang", "crash", "raise", "nan", "abstain", "fine"]
    status, answer = ask(server, [{"completion": word} for word in words])
    found = [(one["status"], one["value"]) for one in answer["results"]]
    lost = [("error", None)] * 3
    assert status == 200
    assert found == [("ok", 1.0), ("timeout", None), *lost, ("abstain", None), ("ok", 1.0)]


def test_a_client_that_hangs_up_frees_the_worker_it_held(start, plugin_file):
    options = ("--plugin", plugin_file, "--reward", "orders/by_order", "--timeout-s", "600")
    server = start(*options, "--workers", "1", *QUIET)
    body = json.dumps({"items": [{"completion": "hang"}]}).encode()
    for content, kind in (
        (body, "application/json"),
        (body[11:-2] + b"\n", "application/x-ndjson"),
    ):
        with server.connect() as sock:
            sock.sendall(post_bytes(content, kind, len(content) + (kind != "application/json")))
            wait_until(lambda: gauge(server, "rlvr_requests_running") == 1)
        if kind == "application/json":
            status, answer = ask(server, [{"completion": "fine"}])
            assert (status, answer["results"][0]["value"]) == (200, 1.0)
            wait_until(lambda: gauge(server, "rlvr_requests_running") == 0)


def test_a_slow_client_is_let_go_and_holds_nobody_up(start):
    server = start("--reward", "text/exact", "--read-timeout-s", "1", "--at-once", "1", *QUIET)
    slow = [server.connect() for _ in range(20)]
    for number, sock in enumerate(slow):
        whole = post_bytes(b'{"items": []}')
        sock.sendall(
            whole[: 20 if number % 2 else len(whole) - 3]
        )  # half a head, or most of a body
    status, _ = ask(server, [{"completion": "a", "answer": "a"}])
    assert status == 200
    for number, sock in enumerate(slow):
        answer = read_answer(sock)
        assert answer == b"" if number % 2 else answer.startswith(b"HTTP/1.1 408 ")
        sock.close()
    wait_until(lambda: gauge(server, "rlvr_requests_waiting") == 0)


def test_a_client_that_reads_nothing_is_let_go_and_fills_no_memory(start):
    server = start("--reward", "text/exact", "--read-timeout-s", "1", "--at-once", "1", *QUIET)
    before = resident_mb(server)
    line = json.dumps({"id": "x" * 1000, "completion": "a", "answer": "a"}).encode() + b"\n"
    with server.connect() as sock:
        sock.settimeout(20)
        sock.sendall(post_bytes(b"", "application/x-ndjson", 50_000 * len(line)))
        with pytest.raises((ConnectionError, TimeoutError)):  # it waits a second, and breaks off
            sock.sendall(line * 50_000)
        assert ask(server, [{"completion": "a", "answer": "a"}])[0] == 200
    assert gauge(server, "rlvr_requests_running") == 0
    assert resident_mb(server) - before < 50


def test_ten_megabytes_are_refused_before_they_are_read(start):
    server = start("--reward", "text/exact", *QUIET)
    with server.connect() as sock:
        sock.sendall(post_bytes(b"", length=10 * 2**20))
        assert read_answer(sock).startswith(b"HTTP/1.1 413 ")  # nothing was sent but the head
    with server.connect() as sock:
        sock.sendall(post_bytes(b"x" * (10 * 2**20)))
        assert read_answer(sock).startswith(b"HTTP/1.1 413 ")
    assert ask(server, [{"completion": "a"}])[0] == 200


def test_a_full_disk_costs_replays_after_a_restart_and_no_request(start, plugin_file, tmp_path):
    if shutil.which("prlimit") is None:
        pytest.skip("needs prlimit, from util-linux")
    counts = tmp_path / "counts"
    server = start(
        *("--plugin", plugin_file, "--reward", "orders/waits", *QUIET),
        *("--idempotency-file", tmp_path / "answers.db"),
        before=("prlimit", "--fsize=65536"),
        environment={"COUNT_FILE": str(counts)},
    )
    for number in range(60):
        items = [{"completion": "0", "id": "x" * 4000}]
        status, answer = ask(server, items, idempotency_key=str(number))
        again = ask(server, items, idempotency_key=str(number))
        assert (status, again) == (200, (200, answer))  # seconds and all: the very same verdict


def test_a_key_gives_the_same_bytes_is_judged_once_and_refuses_another_body(
    start, plugin_file, tmp_path
):
    counts = tmp_path / "counts"
    server = start(
        *("--plugin", plugin_file, "--reward", "orders/counted", *QUIET),
        environment={"COUNT_FILE": str(counts)},
    )
    items = [{"completion": "a", "id": "1", "data": {"seconds": 0.5}}]
    answers = []

    def same():
        answers.append(ask(server, items, idempotency_key="k"))

    threads = [threading.Thread(target=same) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    same()
    assert len(answers) == 9
    assert all(answer == answers[0] for answer in answers)
    assert answers[0][0] == 200
    assert len(counts.read_text().splitlines()) == 1
    status, problem = ask(server, [{"completion": "b"}], idempotency_key="k")
    assert (status, problem["type"]) == (422, "urn:rlvr:idempotency_conflict")


def test_sigterm_under_load_cuts_nobody_off(start, plugin_file):
    server = start("--plugin", plugin_file, "--reward", "orders/waits", *QUIET)
    statuses = []

    def one(seconds):
        statuses.append(ask(server, [{"completion": str(seconds)}])[0])

    threads = [threading.Thread(target=one, args=(1.5,)) for _ in range(40)]
    for thread in threads:
        thread.start()
    wait_until(lambda: gauge(server, "rlvr_http_requests_in_flight") > 40)
    server.signal()
    time.sleep(0.2)  # not ready any more, but still taking what comes
    with pytest.raises(urllib.error.HTTPError, match="503"):
        urllib.request.urlopen(server.url + "/readyz", timeout=10)
    one(0.0)
    for thread in threads:
        thread.join()
    assert statuses == [200] * 41
    assert server.end() == (0, "")
    with pytest.raises(ConnectionRefusedError):
        server.connect()


def test_a_second_signal_means_now(start, plugin_file):
    server = start(
        "--plugin", plugin_file, "--reward", "orders/waits", "--timeout-s", "300", *QUIET
    )
    with server.connect() as sock:
        sock.sendall(post_bytes(b'{"items": [{"completion": "200"}]}'))
        wait_until(lambda: gauge(server, "rlvr_requests_running") == 1)
        server.signal()
        time.sleep(0.3)
        server.signal(signal.SIGINT)
        code, _ = server.end(timeout=30)
    assert code == 1


def test_a_flood_is_turned_away_quickly_and_the_server_lives(start, plugin_file):
    options = ("--plugin", plugin_file, "--reward", "orders/waits")
    server = start(*options, "--at-once", "2", "--queue", "2", "--client-share", "1", *QUIET)
    answers = []

    def one():
        request = urllib.request.Request(server.url + "/v1/score", data=BODY, headers=JSON)
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                answers.append((response.status, None))
        except urllib.error.HTTPError as error:
            with error:
                answers.append((error.code, error.headers["retry-after"]))

    threads = [threading.Thread(target=one) for _ in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    refused = [wait for status, wait in answers if status == 503]
    assert len([1 for status, _ in answers if status == 200]) + len(refused) == 30
    assert refused
    assert all(int(wait) >= 1 for wait in refused)
    assert gauge(server, "rlvr_requests_waiting") == 0


BODY = json.dumps({"items": [{"completion": "0.5"}]}).encode()
JSON = {"content-type": "application/json"}


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("haproxy") is None, reason="apt-get install haproxy")
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_rolling_restarts_behind_haproxy_lose_and_repeat_nothing(tmp_path, plugin_file):
    outcome = roll(tmp_path, plugin_file, restarts=2, requests=500)
    assert outcome.lost == []
    assert outcome.unequal == outcome.judged_twice == outcome.never_judged == 0
    assert outcome.exit_codes == [0, 0]
    assert outcome.requests >= 500
