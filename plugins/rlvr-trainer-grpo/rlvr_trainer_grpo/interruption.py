"""SIGTERM ends a training after the step that is running: it is saved, and the process exits 0."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn


class Asked:
    """Whether the run was asked to end, and by what."""

    def __init__(self) -> None:
        self.by: signal.Signals | None = None

    def is_set(self) -> bool:
        """Whether it was."""
        return self.by is not None

    def leave(self) -> NoReturn:
        """End as that signal ends a run.

        Raises:
            KeyboardInterrupt: it was Ctrl-C.
            SystemExit: it was SIGTERM; the exit status is 0.
        """
        if self.by == signal.SIGINT:
            raise KeyboardInterrupt
        raise SystemExit(0)


@contextmanager
def end_noticed(*signals: signal.Signals) -> Iterator[Asked]:
    """Notes these signals while the `with` lasts; nothing outside the main thread.

    A second Ctrl-C does what it always does.
    """
    asked = Asked()
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return

    def notice(number: int, _frame: Any) -> None:
        if number == signal.SIGINT:
            signal.signal(signal.SIGINT, before[signal.SIGINT])
        asked.by = signal.Signals(number)

    before = {one: signal.getsignal(one) for one in signals}
    for one in signals:
        signal.signal(one, notice)
    try:
        yield asked
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
