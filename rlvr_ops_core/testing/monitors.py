"""Check a monitor: it sees a whole run without breaking it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from rlvr_ops_core.errors import StopRun
from rlvr_ops_core.testing.calls import TASKS, bound, expect
from rlvr_ops_core.types import Event, Sample, Verdict


def check_monitor(
    component: Callable[..., Any], *, events: Sequence[Event] | None = None, **options: Any
) -> str:
    """Show `events`, or those of a whole run; give the reason of its StopRun, "" if it had none.

    A monitor passes if it raises nothing but StopRun, on numbers that are no numbers too.
    """
    watch = expect(lambda: bound(component, options)(), "the monitor raised when it was made")
    assert callable(watch), f"the monitor must return a function of an event, not {watch!r}"
    for event in whole_run() if events is None else events:
        try:
            expect(partial(watch, event), f"the monitor raised on {event.kind!r}")
        except StopRun as stop:
            return str(stop)
    return ""


def whole_run(steps: int = 3) -> list[Event]:
    """One event of each kind, and `steps` steps of metrics and rollouts, as a run sends them."""
    answers = [Sample(TASKS[0], text, group="g", index=n) for n, text in enumerate(("2", "3"))]
    rollouts = {"samples": answers, "verdicts": [Verdict(1.0), Verdict(None, "timeout")]}
    training: list[Event] = []
    for step in range(1, steps + 1):
        numbers = {"loss": math.nan if step == steps else 1 / step, "reward": 0.5}
        training += [
            Event("rollouts", "run", "policy", step, rollouts),
            Event("metrics", "run", "policy", step, numbers),
        ]
    return [
        Event("run_started", "run"),
        Event("stage_started", "run", "policy"),
        *training,
        Event("stage_finished", "run", "policy"),
        Event("stage_started", "run", "evaluate"),
        Event("evaluated", "run", "evaluate", None, {"policy": {"pass@1": 0.5}}),
        Event("stage_failed", "run", "evaluate", None, {"error": "ValueError: no"}),
        Event("a kind of a later version", "run"),
        Event("run_finished", "run"),
    ]
