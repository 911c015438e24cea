"""SIGTERM ends a training after the step that is running: it is saved, and the process exits 0."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def sigterm_noticed() -> Iterator[threading.Event]:
    """An event that SIGTERM sets while the `with` lasts; nothing outside the main thread."""
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return

    def notice(_number: int, _frame: Any) -> None:
        asked.set()

    before = signal.signal(signal.SIGTERM, notice)
    try:
        yield asked
    finally:
        signal.signal(signal.SIGTERM, before)
