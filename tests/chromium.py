"""A real browser for tests, driven over its debugging pipe: needs chromium and nothing else."""

import json
import os
import select
import shutil
import subprocess
import sys
import time
from itertools import count

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-pipe",
)


def find_chromium():
    """The browser's path; skips the test if there is none."""
    for name in NAMES:
        if path := shutil.which(name):
            return path
    pytest.skip("needs a browser: apt-get install chromium")


class Tab:
    """One page in a headless browser. `with Tab(folder) as tab: tab.open(path)`."""

    def __init__(self, folder, *, width=1280, dark=False):
        self.folder, self.width, self.dark = folder, width, dark
        self.ids, self.buffer, self.troubles = count(1), b"", []

    def __enter__(self):
        command = [find_chromium(), *FLAGS, f"--user-data-dir={self.folder}", "about:blank"]
        to_read, self.to = os.pipe()
        self.out, to_write = os.pipe()
        # the browser speaks on descriptors 3 and 4
        script = "import os, sys; os.dup2(int(sys.argv[1]), 100); os.dup2(int(sys.argv[2]), 4)\n"
        script += "os.dup2(100, 3); os.execv(sys.argv[3], sys.argv[3:])"
        self.process = subprocess.Popen(
            [sys.executable, "-c", script, str(to_read), str(to_write), *command],
            pass_fds=(to_read, to_write),
            stderr=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        os.close(to_read)
        os.close(to_write)
        targets = self.send("Target.getTargets")["targetInfos"]
        page = next(target for target in targets if target["type"] == "page")
        params = {"targetId": page["targetId"], "flatten": True}
        self.session = self.send("Target.attachToTarget", **params)["sessionId"]
        for domain in ("Runtime", "Log", "Page", "Network"):
            self.send(f"{domain}.enable", on_page=True)
        screen = {"width": self.width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        self.send("Emulation.setDeviceMetricsOverride", on_page=True, **screen)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if self.dark else "light"}
        self.send("Emulation.setEmulatedMedia", on_page=True, features=[scheme])
        return self

    def __exit__(self, *_):
        os.close(self.to)
        os.close(self.out)
        try:
            self.process.wait(timeout=5)  # it leaves when its pipe closes
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def send(self, method, *, on_page=False, **params):
        number = next(self.ids)
        message = {"id": number, "method": method, "params": params}
        if on_page:
            message["sessionId"] = self.session
        os.write(self.to, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.receive()
            if answer.get("id") == number:
                assert "error" not in answer, answer
                return answer["result"]
            self.note(answer)

    def receive(self):
        while b"\0" not in self.buffer:
            ready, _, _ = select.select([self.out], [], [], 30)
            read = ready and os.read(self.out, 1 << 16)
            assert read, "the browser is gone"
            self.buffer += read
        message, _, self.buffer = self.buffer.partition(b"\0")
        return json.loads(message)

    def note(self, event):
        """Keeps what should not happen: console messages, errors, dialogs, requests."""
        method, params = event.get("method", ""), event.get("params", {})
        if method in ("Runtime.exceptionThrown", "Log.entryAdded", "Runtime.consoleAPICalled"):
            self.troubles.append(json.dumps(params))
        elif method == "Page.javascriptDialogOpening":
            self.troubles.append(f"dialog: {params['message']}")
        elif method == "Network.requestWillBeSent":
            url = params["request"]["url"]
            self.troubles += [f"request: {url}"] * (not url.startswith("file:"))

    def open(self, path):
        self.send("Page.navigate", on_page=True, url=path.resolve().as_uri())
        self.until("document.readyState === 'complete'")

    def js(self, expression):
        answer = self.send(
            "Runtime.evaluate", on_page=True, expression=expression, returnByValue=True
        )
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def until(self, condition, seconds=10):
        """Waits until an expression is true."""
        deadline = time.monotonic() + seconds
        while not self.js(condition):
            assert time.monotonic() < deadline, f"never true: {condition}"
            time.sleep(0.02)
