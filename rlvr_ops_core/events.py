"""Everything that happens in a run, told to everybody who watches: monitors, folder, progress."""

from __future__ import annotations

import dataclasses
import logging
import time
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from rlvr_ops_core.errors import StopRun
from rlvr_ops_core.runs import RunFolder
from rlvr_ops_core.types import Alarm, Event

logger = logging.getLogger(__name__)

Watch = Callable[[Event], None]
"""Shows events."""

Monitoring = Callable[[Event], Alarm | Iterable[Alarm] | None]
"""What a monitor gives: sees events, and may answer with alarms."""

BULKY = frozenset({"samples", "verdicts"})
"""What monitors see of an event and `events.jsonl` leaves out: the stage's own files have it."""


class Events:
    """Sends each event to the run folder, to the monitors, and to what shows progress.

    An alarm that a monitor returns is sent in the same way, as an event of kind `alarm`; what
    monitors return to that is dropped, so that no two of them go on answering each other.
    A monitor that raises anything but `StopRun` is reported and hears no more; the run goes on.
    """

    def __init__(
        self,
        run: str,
        folder: RunFolder,
        monitors: Mapping[str, Monitoring],
        show: Sequence[Watch] = (),
    ) -> None:
        self.run = run
        self.folder = folder
        self.monitors = dict(monitors)
        self.show = tuple(show)

    def emit(self, kind: str, *, stage: str = "", step: int | None = None, **data: Any) -> None:
        """Tell everybody.

        Raises:
            StopRun: a monitor ends the run; everybody has been told.
        """
        event = Event(kind, self.run, stage, step, data, round(time.time(), 3))
        alarms, stop = self._send(event)
        for monitor, alarm in alarms:
            fields = {name: getattr(alarm, name) for name in ALARM_FIELDS}
            told = Event("alarm", self.run, stage, step, {"monitor": monitor} | fields, event.time)
            _, stop_too = self._send(told)
            if alarm.stop:
                stop_too = StopRun(f'monitor "{monitor}": {alarm.message}', hint=alarm.hint)
            stop = stop or stop_too
        if stop is not None:
            raise stop

    def tell(self, kind: str, *, stage: str = "", **data: Any) -> None:
        """Tell everybody of an end that no monitor can hasten."""
        try:
            self.emit(kind, stage=stage, **data)
        except StopRun as late:
            logger.info("%s, but it is ending anyway", late.what)

    def _send(self, event: Event) -> tuple[list[tuple[str, Alarm]], StopRun | None]:
        """Show one event to everybody; the alarms that came back, and whether to stop."""
        if self.folder.events is not None:
            self.folder.events.append([as_row(event)])
        for watch in self.show:
            watch(event)
        stop: StopRun | None = None
        alarms: list[tuple[str, Alarm]] = []
        for name, monitor in list(self.monitors.items()):
            try:
                alarms += [(name, alarm) for alarm in answers(monitor(event))]
            except StopRun as reason:
                stop = stop or StopRun(f'monitor "{name}": {reason.what}', hint=reason.hint)
            except Exception as error:  # noqa: BLE001  # a plugin's code: recorded, the run goes on
                del self.monitors[name]
                self._report_failed_monitor(name, error)
        return alarms, stop

    def _report_failed_monitor(self, name: str, error: Exception) -> None:
        logger.warning('monitor "%s" failed and is left out from here on: %r', name, error)
        if self.folder.events is not None:
            row = {"kind": "monitor_failed", "run": self.run, "time": round(time.time(), 3)}
            data = {"monitor": name, "traceback": traceback.format_exc()}
            self.folder.events.append([row | {"data": data}])


ALARM_FIELDS = tuple(field.name for field in dataclasses.fields(Alarm))


def answers(returned: object) -> list[Alarm]:
    """The alarms that a monitor returned.

    Raises:
        TypeError: it returned something else.
    """
    if returned is None:
        return []
    alarms = []
    for alarm in returned if isinstance(returned, Iterable) else (returned,):
        if not isinstance(alarm, Alarm):
            raise TypeError(f"a monitor may return alarms or None, not {alarm!r}")
        alarms.append(alarm)
    return alarms


def as_row(event: Event) -> dict[str, Any]:
    """An event as a line of `events.jsonl`."""
    data = {name: value for name, value in event.data.items() if name not in BULKY}
    return {
        "kind": event.kind,
        "run": event.run,
        "stage": event.stage,
        "step": event.step,
        "time": event.time,
        "data": data,
    }
