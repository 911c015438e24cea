"""`monitor/webhook`: alarms to a URL, in a thread that never holds the run up."""

from __future__ import annotations

import dataclasses
import json
import logging
import queue
import threading
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from rlvr_ops_core import Event, OptionError

logger = logging.getLogger(__name__)

MOST_WAITING = 100
END_S = 10.0
"""How long the end of a run waits for alarms that are still to be sent."""
SEVERITIES = ("info", "warning", "critical")


def webhook(
    *,
    url: str,
    at_least: Literal["info", "warning", "critical"] = "warning",
    headers: Mapping[str, str] | None = None,
    timeout_s: float = 5.0,
    pauses_s: Sequence[float] = (1, 5, 20),
    text_key: str = "text",
) -> Callable[[Event], None]:
    """POST each alarm as JSON; a line under `text` is what Slack and Mattermost show.

    Args:
        url: where to.
        at_least: alarms below this severity are not sent.
        headers: further headers, for a token say.
        timeout_s: how long one try may take.
        pauses_s: before each further try; then the alarm is given up and logged.
        text_key: the key of the line for people.

    Raises:
        OptionError: `url` is not http or https.
    """
    if not url.startswith(("http://", "https://")):
        raise OptionError(f"monitor/webhook: url: {url!r} is no http or https address")
    return Webhook(url, at_least, headers or {}, timeout_s, tuple(pauses_s), text_key).see


class Webhook:
    """A queue that holds at most MOST_WAITING alarms, and the thread that empties it."""

    def __init__(
        self,
        url: str,
        at_least: str,
        headers: Mapping[str, str],
        timeout_s: float,
        pauses_s: Sequence[float],
        text_key: str,
    ) -> None:
        self.url = url
        self.shown_url = url.split("?")[0]
        self.least = SEVERITIES.index(at_least)
        self.headers = {"Content-Type": "application/json", **headers}
        self.timeout_s = timeout_s
        self.pauses_s = pauses_s
        self.text_key = text_key
        self.todo: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self.closing = threading.Event()
        self.is_given_up = False
        self.thread: threading.Thread | None = None

    def see(self, event: Event) -> None:
        """Take an event; never waits, but at the end of the run."""
        if event.kind == "alarm" and SEVERITIES.index(event.data["severity"]) >= self.least:
            if self.thread is None:
                self.thread = threading.Thread(target=self._work, name="rlvr-webhook", daemon=True)
                self.thread.start()
            if self.todo.qsize() < MOST_WAITING:
                self.todo.put(self._body(event))
            else:
                logger.warning("webhook: %d alarms wait already; one is left out", MOST_WAITING)
        if event.kind == "run_finished" and self.thread is not None:
            self._close()

    def _close(self) -> None:
        assert self.thread is not None
        self.closing.set()
        self.todo.put(None)
        self.thread.join(timeout=END_S)
        self.is_given_up = True
        if left := self.todo.qsize():
            logger.warning("webhook: %d alarms were not sent to %s", left, self.shown_url)

    def _body(self, event: Event) -> dict[str, Any]:
        alarm = event.data
        line = f"{alarm['severity']}: {event.run}/{event.stage} {alarm['detector']}"
        line += f" at step {event.step}" if event.step is not None else ""
        known = {name: value for name, value in alarm.items() if name != "rows"}
        return {
            self.text_key: f"{line}: {alarm['message']}. {alarm['hint']}",
            "run": event.run,
            "stage": event.stage,
            "step": event.step,
            "time": event.time,
            "alarm": known | {"rows": [dataclasses.asdict(row) for row in alarm["rows"]]},
        }

    def _work(self) -> None:
        while (body := self.todo.get()) is not None and not self.is_given_up:
            data = json.dumps(body).encode()
            for pause in (0.0, *self.pauses_s):
                if pause:
                    self.closing.wait(pause) if not self.closing.is_set() else time.sleep(0.1)
                if self._send(data):
                    break
            else:
                logger.warning("webhook: an alarm could not be sent to %s", self.shown_url)

    def _send(self, data: bytes) -> bool:
        request = urllib.request.Request(self.url, data, self.headers)
        try:
            with urllib.request.urlopen(request, timeout=self.timeout_s) as answer:
                answer.read(1000)
            return True
        except (OSError, ValueError) as error:
            logger.info("webhook: %r; trying again", error)
            return False
