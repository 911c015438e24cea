"""The reward server beside a bare FastAPI echo, FastAPI as usual, raw ASGI and LitServe.

In one run: requests a second in batches of 64, server CPU an item in batches of 256, and what an
overload of four times leaves of the goodput. `make bench-serve`. The last line is JSON.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from load import Seen, closed_loop, cpu_seconds, memory_mb, open_loop, request_bytes

HERE = Path(__file__).parent
ROUNDS = int(os.environ.get("ROUNDS", "15"))
ROUND_S = float(os.environ.get("ROUND_S", "0.6"))
"""Short, and many: the machine's pace changes every few seconds, and all servers must see the same."""
FLOOD_S = 12.0
CLIENTS = 8


def main() -> None:
    """Print a table, then one JSON line."""
    print(f"load average {os.getloadavg()[0]:.2f}, {os.cpu_count()} cores, {ROUNDS} rounds")
    figures = speed() | overload()
    print(json.dumps(figures))


def speed() -> dict[str, Any]:
    """Each server in turn, round after round; the median of each, and our cost in a quiet quarter."""
    names = ["ours", "echo", "usual", "raw"]
    if importlib.util.find_spec("litserve"):
        names.append("litserve")
    rates: dict[str, list[float]] = {name: [] for name in names}
    costs: dict[str, list[float]] = {name: [] for name in names}
    with contextlib.ExitStack() as stack:
        servers = {name: stack.enter_context(started(name)) for name in names}
        for _ in range(ROUNDS):
            for name, (pid, port, path) in servers.items():
                seen = asyncio.run(closed_loop(port, batch(path, 64), CLIENTS, ROUND_S))
                rates[name].append(seen.statuses.get(200, 0) / seen.wall_s)
                before = cpu_seconds(pid)
                seen = asyncio.run(closed_loop(port, batch(path, 256), CLIENTS, ROUND_S))
                count = seen.statuses.get(200, 0) * 256
                costs[name].append((cpu_seconds(pid) - before) / count * 1e6)
    print(f"{'':10} {'requests/s, 64 items':>22} {'CPU µs an item, 256 items':>28}")
    for name in names:
        rate, cost = median(rates[name]), median(costs[name])
        print(f"{name:10} {rate:>22.0f} {cost:>28.2f}   {spread(costs[name])}")
    shares = [ours / echo for ours, echo in zip(rates["ours"], rates["echo"], strict=True)]
    return {
        "share_of_echo_64": round(median(shares), 3),
        "cpu_us_an_item_256_quiet": round(sorted(costs["ours"])[ROUNDS // 4], 2),
        "cpu_us_an_item_256": round(median(costs["ours"]), 2),
        **{f"rps_64_{name}": round(median(rates[name])) for name in names},
        **{f"cpu_us_256_{name}": round(median(costs[name]), 2) for name in names},
    }


def overload() -> dict[str, Any]:
    """Peak goodput in a closed loop, then four times as many requests, whatever is answered."""
    request = request_bytes("/v1/score", body(1))
    options = ["--at-once", "8", "--queue", "16", "--client-share", "1"]
    reward = f"--plugin={HERE / 'slow_reward.py'}"
    with rlvr_serve("slow_reward/twenty_ms", reward, *options) as (pid, port, _):
        asyncio.run(closed_loop(port, request, 8, 1))
        peak = asyncio.run(closed_loop(port, request, 8, FLOOD_S / 4))
        rate = peak.statuses[200] / peak.wall_s
        memory = memory_mb(pid)
        flood = asyncio.run(open_loop(port, request, 4 * rate, FLOOD_S))
        grown = memory_mb(pid) - memory
    good = flood.statuses.get(200, 0) / flood.wall_s
    refused = 503 if 503 in flood.statuses else 429
    print(
        f"overload: peak {rate:.0f}/s; at 4x {good:.0f}/s good, {flood.statuses}, refusals "
        f"p99 {flood.quantile(refused, 0.99) * 1e3:.1f} ms, memory {grown:+.1f} MiB"
    )
    return {
        "overload_share_of_peak": round(good / rate, 3),
        "overload_refusal_p99_ms": round(flood.quantile(refused, 0.99) * 1e3, 1),
        "overload_refusal_max_ms": round(flood.quantile(refused, 1.0) * 1e3, 1),
        "overload_without_retry_after": flood.without_retry_after,
        "overload_broken": flood.broken,
        "overload_memory_mib": round(grown, 1),
        "overload_statuses": flood.statuses,
    }


@contextlib.contextmanager
def started(name: str) -> Iterator[tuple[int, int, str]]:
    """A server in a process of its own: its pid, port and path."""
    if name == "ours":
        with rlvr_serve("text/exact") as found:
            yield found
        return
    port = free_port()
    short = "lit" if name == "litserve" else name
    command = [sys.executable, str(HERE / "bare.py"), short, str(port)]
    with running(command, port) as pid:
        yield pid, port, "/"


@contextlib.contextmanager
def rlvr_serve(reward: str, *options: str) -> Iterator[tuple[int, int, str]]:
    """Our server, with its access log on."""
    port = free_port()
    command = [sys.executable, "-m", "rlvr_ops_core", "serve", "--reward", reward, "--port"]
    command += [str(port), "--access-log", os.devnull, "--drain-delay-s", "0", *options]
    with running(command, port) as pid:
        yield pid, port, "/v1/score"


@contextlib.contextmanager
def running(command: list[str], port: int) -> Iterator[int]:
    """A process that listens."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:
            for _ in range(300):
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                    break
                time.sleep(0.1)
            time.sleep(1.0)
            yield process.pid
        finally:
            process.terminate()


def body(count: int) -> bytes:
    """A batch for text/exact, half of it right."""
    items = [
        {
            "id": number,
            "prompt": f"What is {number} plus {number}?",
            "completion": str(2 * number),
            "answer": str(2 * number + number % 2),
        }
        for number in range(count)
    ]
    return json.dumps({"items": items} | {"reward": None}).encode()


def batch(path: str, count: int) -> bytes:
    """A whole request."""
    content = body(count)
    if path == "/":
        content = content.replace(b'"reward": null', b'"reward": "exact"')
    return request_bytes(path, content)


def free_port() -> int:
    """A port that nobody has."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def median(values: list[float]) -> float:
    """The middle one."""
    return sorted(values)[len(values) // 2]


def spread(values: list[float]) -> str:
    """Least and greatest."""
    return f"[{min(values):.2f}, {max(values):.2f}]"


__all__ = ["Seen"]

if __name__ == "__main__":
    main()
