"""Load for HTTP servers on this machine: the same request again and again, closed or open loop."""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Seen:
    """What the clients saw."""

    statuses: dict[int, int] = field(default_factory=dict)
    seconds: dict[int, list[float]] = field(default_factory=dict)
    broken: int = 0
    without_retry_after: int = 0
    wall_s: float = 0.0

    def add(self, status: int, seconds: float, head: bytes) -> None:
        """Count one answer."""
        self.statuses[status] = self.statuses.get(status, 0) + 1
        self.seconds.setdefault(status, []).append(seconds)
        if status in (429, 503) and b"retry-after:" not in head.lower():
            self.without_retry_after += 1

    def quantile(self, status: int, share: float) -> float:
        """Of the times of answers with this status."""
        found = sorted(self.seconds.get(status, [0.0]))
        return found[min(len(found) - 1, int(share * len(found)))]


def request_bytes(path: str, body: bytes, headers: str = "") -> bytes:
    """A POST as it goes over the wire."""
    head = f"POST {path} HTTP/1.1\r\nhost: load\r\ncontent-type: application/json\r\n"
    return f"{head}content-length: {len(body)}\r\n{headers}\r\n".encode() + body


async def exchange(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes
) -> tuple[int, bytes]:
    """Send a request, read its answer; gives the status and the head."""
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    status = int(head[9:12])
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            await reader.readexactly(int(value))
    return status, head


async def closed_loop(port: int, request: bytes, clients: int, seconds: float) -> Seen:
    """So many clients, each with one request at a time."""
    seen = Seen()
    end = time.perf_counter() + seconds

    async def client() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while (started := time.perf_counter()) < end:
            status, head = await exchange(reader, writer, request)
            seen.add(status, time.perf_counter() - started, head)
        writer.close()

    started = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(clients)))
    seen.wall_s = time.perf_counter() - started
    return seen


async def open_loop(port: int, request: bytes, rate: float, seconds: float) -> Seen:
    """So many requests a second, whatever the server says; idle connections are used again."""
    seen = Seen()
    idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def one() -> None:
        try:
            pair = idle.pop() if idle else await asyncio.open_connection("127.0.0.1", port)
            started = time.perf_counter()
            status, head = await exchange(*pair, request)
            seen.add(status, time.perf_counter() - started, head)
            idle.append(pair)
        except (OSError, asyncio.IncompleteReadError):
            seen.broken += 1

    started = time.perf_counter()
    tasks = set()
    number = 0
    while (now := time.perf_counter() - started) < seconds:
        while number < now * rate:
            tasks.add(asyncio.create_task(one()))
            number += 1
        await asyncio.sleep(0.002)
    await asyncio.gather(*tasks)
    seen.wall_s = time.perf_counter() - started
    for _, writer in idle:
        writer.close()
    return seen


def cpu_seconds(pid: int) -> float:
    """User and system time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_mb(pid: int) -> float:
    """Resident memory of a process."""
    return (
        int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
    )
