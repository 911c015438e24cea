"""Show how far a run is: a live bar in a terminal, a line now and then elsewhere. On stderr."""

from __future__ import annotations

import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from rlvr_ops_core.errors import printable
from rlvr_ops_core.tables import estimate
from rlvr_ops_core.types import Event

SHOWN_METRICS = ("reward", "loss", "completion_length", "entropy")
SECONDS_BETWEEN_LINES = 15.0
STYLE_OF_SEVERITY = {"info": "bold", "warning": "bold yellow", "critical": "bold red"}


class RunProgress:
    """Watches the events of a run and shows them; used as a context manager around it."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.live = console.is_terminal
        self.progress = Progress(
            TextColumn("  "),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[numbers]}"),
            console=console,
            transient=True,
            disable=not self.live,
        )
        self.bar: TaskID | None = None
        self.total: int | None = None
        self.last_line = 0.0

    def __enter__(self) -> Self:
        self.progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.progress.stop()

    def __call__(self, event: Event) -> None:
        """Show one event."""
        match event.kind:
            case "stage_started":
                self._start_stage(event)
            case "stage_skipped":
                self._line(f"[dim]{escape(event.stage)}: done before[/dim]")
            case "stage_changed":
                self._line(f"{escape(event.stage)}: changed, so it is done again")
                for change in event.data["changes"][:5]:
                    self._line(f"  [dim]{escape(change)}[/dim]")
                self._line(f"  [dim]what was there is kept as {escape(event.data['kept'])}[/dim]")
            case "metrics":
                self._advance(event.step, self.total, numbers_of(event.data))
            case "progress":
                numbers = f"{event.data['model']} answers"
                self._advance(event.data["done"], event.data["total"], numbers)
            case "evaluated":
                self._line(f"  {escape(event.data['model'])}: {_pass_1(event.data['result'])}")
            case "alarm":
                self._alarm(event)
            case "serving":
                url, model = event.data["url"], event.data["model"]
                self._line(f"  {escape(model)} is served at {escape(url)} until Ctrl-C")
            case "stage_finished":
                self._end_stage(f"  done in {duration(event.data['seconds'])}")
            case "stage_failed":
                self._end_stage("  [red]failed[/red]")

    def _start_stage(self, event: Event) -> None:
        again = ", going on where it stopped" if event.data["resumed"] else ""
        verb, use = event.data["verb"], event.data["use"]
        self._line(f"[bold]{escape(event.stage)}[/bold]: {verb} with {escape(use)}{again}")
        steps = event.data["steps"]
        self.total = steps if isinstance(steps, int) else None
        self.last_line = time.monotonic()
        self.bar = self.progress.add_task("", total=self.total, numbers="")

    def _alarm(self, event: Event) -> None:
        alarm = event.data
        at = f" at step {event.step}" if event.step is not None else ""
        name = f"{alarm['severity']}: {alarm['detector']}{at}"
        style = STYLE_OF_SEVERITY[alarm["severity"]]
        self._line(
            f"  [{style}]{escape(printable(name))}[/]: {escape(printable(alarm['message']))}"
        )
        if alarm["hint"]:
            self._line(f"    {escape(printable(alarm['hint']))}")

    def _end_stage(self, line: str) -> None:
        if self.bar is not None:
            self.progress.remove_task(self.bar)
            self.bar = None
        self._line(line)

    def _advance(self, done: int | None, total: int | None, numbers: str) -> None:
        if self.bar is not None:
            self.progress.update(self.bar, completed=done or 0, total=total, numbers=numbers)
        if not self.live and time.monotonic() - self.last_line >= SECONDS_BETWEEN_LINES:
            self.last_line = time.monotonic()
            of = f"/{total}" if total else ""
            self._line(f"  {done}{of}  {escape(numbers)}")

    def _line(self, text: str) -> None:
        self.console.print(text, highlight=False, soft_wrap=True)


def numbers_of(metrics: Mapping[str, Any]) -> str:
    """The numbers of a step that people look at first."""
    shown = [name for name in SHOWN_METRICS if isinstance(metrics.get(name), int | float)]
    return "  ".join(f"{name} {metrics[name]:.3g}" for name in shown)


def _pass_1(block: Mapping[str, Any]) -> str:
    result = block["pass@1"]
    if result is None or result["value"] is None:
        return "no answer could be judged"
    return f"pass@1 {estimate(result)} on {block['tasks']} tasks"


def duration(seconds: float) -> str:
    """`8 s`, `3 min 20 s`, `2 h 5 min`."""
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"
