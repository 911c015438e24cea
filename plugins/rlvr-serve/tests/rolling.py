"""Rolling restarts of two replicas behind HAProxy, under clients that never try again."""

import asyncio
import collections
import contextlib
import json
import socket
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from serve_processes import Server

HAPROXY = """
global
    maxconn 2000
defaults
    mode http
    retries 0
    timeout connect 2s
    timeout client 60s
    timeout server 60s
    timeout queue 10s
    timeout check 5s
frontend all
    bind 127.0.0.1:{port}
    default_backend replicas
backend replicas
    balance roundrobin
    option httpchk GET /readyz
    default-server check inter 200ms fall 1 rise 1
    server one 127.0.0.1:{one}
    server two 127.0.0.1:{two}
"""
CLIENTS = 24
TWICE_EVERY = 10
"""Each tenth key is sent twice at the same moment, so often to both replicas."""


@dataclass
class Outcome:
    """What the clients and the reward saw."""

    requests: int = 0
    keys: int = 0
    lost: list[str] = field(default_factory=list)
    unequal: int = 0
    """Keys whose two answers differ."""
    judged_twice: int = 0
    never_judged: int = 0
    restarts: int = 0
    exit_codes: list[int] = field(default_factory=list)
    memory_mb: list[tuple[float, float]] = field(default_factory=list)
    """Of each replica that was stopped: when it was ready, and before the signal."""


def roll(folder, plugin_file, *, restarts, requests, seconds=0.01, drain_delay_s=1.0):
    """Restart the replicas in turn; clients go on until all restarts and requests are done."""
    ports = [free_port(), free_port(), free_port()]
    counts = folder / "judged.jsonl"
    options = ("--plugin", plugin_file, "--reward", "orders/counted", "--access-log", "")
    options += ("--idempotency-file", folder / "answers.db", "--client-share", "1")
    options += ("--drain-delay-s", drain_delay_s)
    environment = {"COUNT_FILE": str(counts)}
    outcome = Outcome()
    config = folder / "haproxy.cfg"
    config.write_text(HAPROXY.format(port=ports[2], one=ports[0], two=ports[1]))
    with contextlib.ExitStack() as stack:
        replicas = [Server(*options, port=port, environment=environment) for port in ports[:2]]
        stack.callback(lambda: [replica.end() for replica in replicas])
        proxy = subprocess.Popen(["haproxy", "-q", "-db", "-f", str(config)])
        stack.callback(proxy.wait)
        stack.callback(proxy.terminate)
        wait_for(ports[2])
        time.sleep(0.6)

        async def everything():
            done = asyncio.Event()
            loads = [
                asyncio.create_task(client(ports[2], number, outcome, done, requests, seconds))
                for number in range(CLIENTS)
            ]
            for number in range(restarts):
                await asyncio.to_thread(
                    restart, replicas, number % 2, options, environment, outcome
                )
            done.set()
            await asyncio.gather(*loads)

        asyncio.run(everything())
    lines = counts.read_text().splitlines()
    times = collections.Counter(json.loads(line)[0] for line in lines)
    outcome.judged_twice = sum(count > 1 for count in times.values())
    outcome.never_judged = outcome.keys - len(times) - len(outcome.lost)
    return outcome


def restart(replicas, place, options, environment, outcome):
    """Stop one replica as Kubernetes does, and start another in its place."""
    old = replicas[place]
    fresh_mb = memory_mb(old.process.pid)
    time.sleep(1.0)
    outcome.memory_mb.append((fresh_mb, memory_mb(old.process.pid)))
    code, errors = old.end()
    assert not errors, errors
    outcome.exit_codes.append(code)
    replicas[place] = Server(*options, port=old.port, environment=environment)
    time.sleep(0.6)  # HAProxy must have seen that it is ready, as a rollout waits for readiness
    outcome.restarts += 1


async def client(port, number, outcome, done, requests, seconds):
    """Requests one after the other on one connection, opened anew when the server closes it."""
    connection = None
    turn = 0
    while not done.is_set() or outcome.requests < requests:
        turn += 1
        key = f"{number}-{turn}"
        outcome.keys += 1
        body = {"items": [{"id": key, "completion": "a", "data": {"seconds": seconds}}]}
        request = post(body, key)
        twice = turn % TWICE_EVERY == 0
        extra = asyncio.create_task(once(port, None, request, outcome)) if twice else None
        connection, answer = await once(port, connection, request, outcome)
        if extra is not None:
            other, same = await extra
            if other is not None:
                other[1].close()
            outcome.unequal += same != answer
    if connection is not None:
        connection[1].close()


async def once(port, connection, request, outcome):
    """One request, tried once; gives the connection if it may be used again, and the body."""
    outcome.requests += 1
    try:
        reader, writer = connection or await asyncio.open_connection("127.0.0.1", port)
        writer.write(request)
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 60)
        lower = head.lower()
        length = int(lower.partition(b"content-length:")[2].split(b"\r\n")[0])
        body = await reader.readexactly(length)
    except (OSError, asyncio.IncompleteReadError, TimeoutError, ValueError) as error:
        outcome.lost.append(repr(error))
        return None, b""
    if not head.startswith(b"HTTP/1.1 200"):
        outcome.lost.append(head.partition(b"\r\n")[0].decode() + body[:200].decode())
    if b"connection: close" in lower:
        writer.close()
        return None, body
    return (reader, writer), body


def post(body, key):
    """A request as bytes."""
    content = json.dumps(body).encode()
    head = "POST /v1/score HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
    head += f"idempotency-key: {key}\r\ncontent-length: {len(content)}\r\n\r\n"
    return head.encode() + content


def wait_for(port):
    """Until somebody listens."""
    for _ in range(200):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.05)
    raise AssertionError(f"nobody listens on {port}")


def free_port():
    """A port that nobody has."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def memory_mb(pid):
    """Resident memory of a process."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096 / 2**20
