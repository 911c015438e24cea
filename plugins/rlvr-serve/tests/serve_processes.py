"""Servers in processes of their own, the rewards they break on, and a raw way to ask them."""

import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

REWARDS = '''
import json, os, time
from pathlib import Path
from rlvr_ops_core import hookimpl, reward

@reward(timeout_s=1.0)
def by_order(sample):
    """Does what the answer says."""
    word = sample.text
    if word == "hang":
        time.sleep(3600)
    if word == "crash":
        os._exit(3)
    if word == "raise":
        raise ValueError("as ordered")
    if word == "nan":
        return float("nan")
    if word == "abstain":
        return None
    if word.startswith("sleep "):
        time.sleep(float(word.split()[1]))
    return 1.0

@reward(timeout_s=30.0)
def counted(sample):
    """Notes each judgement in a file: how often was it made?"""
    time.sleep(float(sample.task.data.get("seconds", 0)))
    with open(os.environ["COUNT_FILE"], "ab", buffering=0) as stream:
        stream.write(json.dumps([sample.task.id, sample.text]).encode() + b"\\n")
    return 0.5

async def waits(sample):
    """Waits as long as the answer says."""
    import asyncio
    await asyncio.sleep(float(sample.text))
    return 1.0

@hookimpl
def rlvr_rewards():
    return {"by_order": by_order, "counted": counted, "waits": waits}
'''


class Server:
    """`rlvr serve` in a process of its own."""

    def __init__(self, *options, port=0, environment=None, before=()):
        command = [
            *before,
            sys.executable,
            "-m",
            "rlvr_ops_core",
            "serve",
            "--port",
            str(port),
            *options,
        ]
        self.process = subprocess.Popen(
            list(map(str, command)),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=os.environ | (environment or {}),
            text=True,
        )
        line = self.process.stdout.readline()
        assert line.startswith("listening on "), line + self.process.stderr.read()
        self.url = line.split()[-1]
        self.port = int(self.url.rpartition(":")[2])
        self.told_to_stop = False
        self.wait_until_ready()

    def wait_until_ready(self):
        until = time.monotonic() + 300  # importing torch on a busy machine
        while time.monotonic() < until:
            with contextlib.suppress(urllib.error.URLError, ConnectionError):
                urllib.request.urlopen(self.url + "/readyz", timeout=5).close()
                return
            time.sleep(0.05)
        raise AssertionError("not ready in five minutes")

    def signal(self, number=signal.SIGTERM):
        self.told_to_stop = True
        self.process.send_signal(number)

    def end(self, timeout=60):
        """Stop it if nobody has; gives the exit code and what it wrote to stderr."""
        if self.process.poll() is None and not self.told_to_stop:
            self.signal()
        _, errors = self.process.communicate(timeout=timeout)
        return self.process.returncode, errors

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=30)


def read_answer(sock, timeout=30.0):
    """All that comes until the other side closes, or one whole answer."""
    data = b""
    until = time.monotonic() + timeout
    while time.monotonic() < until:
        ready, _, _ = select.select([sock], [], [], 0.1)
        if not ready:
            continue
        try:
            chunk = sock.recv(65536)
        except ConnectionError:
            break
        if not chunk:
            break
        data += chunk
        head, end, body = data.partition(b"\r\n\r\n")
        lengths = [
            int(line.split(b":")[1])
            for line in head.split(b"\r\n")
            if line.lower().startswith(b"content-length:")
        ]
        if end and lengths and len(body) >= lengths[0]:
            break
    return data
