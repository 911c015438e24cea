"""A run as it is drawn in a terminal. What a model wrote loses its control characters first."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from rlvr_monitor.pages.text import plain
from rlvr_monitor.terminal.run import RunSeen
from rlvr_ops_core.report.metrics import METRICS, Series, metric
from rlvr_ops_core.report.numbers import duration, number

BARS = "▁▂▃▄▅▆▇█"
WIDTH = 40
SHOWN_SERIES = 8
SHOWN_ALARMS = 6
COLOURS = {"critical": "bold red", "warning": "yellow", "info": "cyan"}
STATUS = {
    "finished": "green",
    "done": "green",
    "running": "blue",
    "failed": "red",
    "stopped": "red",
}


def view(run: RunSeen, *, now: str = "") -> RenderableType:
    """The whole view. `now` stands at the foot: what keys there are."""
    parts: list[RenderableType] = [_head(run), _stages(run)]
    if run.alarms:
        parts += [_title("Alarms"), _alarms(run)]
    for folder, seen in list(run.stages.items())[-1:]:
        parts += [_title(f"Curves of {plain(folder.rpartition('/')[2])}")]
        parts += [_curves(list(seen.series.values()))]
    if run.latest:
        parts += [_title("Latest rollouts"), _latest(run)]
    if now:
        parts.append(Text(now, style="dim"))
    return Group(*parts)


def _title(text: str) -> Text:
    return Text(f"\n{text}", style="bold")


def _head(run: RunSeen) -> Text:
    about = run.found.about
    text = Text(plain(about.get("name") or run.found.name), style="bold")
    text.append(f"  {plain(run.status)}", style=STATUS.get(run.status, "dim"))
    text.append(f"  model {plain(about.get('model') or '–')}  seed {about.get('seed', '–')}", "dim")
    for trouble in (run.found.trouble, about.get("reason")):
        if trouble:
            text.append(f"\n{plain(trouble)}", style="red")
    return text


def _stages(run: RunSeen) -> Table:
    table = Table.grid(padding=(0, 2))
    for stage in run.found.stages:
        name, status = plain(stage.get("name")), plain(stage.get("status"))
        seen = run.stages.get(str(stage.get("folder")))
        total = run.steps.get(str(stage.get("name")))
        step = seen.step if seen else 0
        bar = ProgressBar(total=total, completed=step, width=24) if total and step else Text("")
        seconds = stage.get("seconds")
        table.add_row(
            Text(name),
            Text(status, style=STATUS.get(status, "dim")),
            bar,
            Text(f"{step}/{total}" if total and step else str(step) if step else ""),
            Text(duration(seconds) if isinstance(seconds, int | float) else "", style="dim"),
        )
    return table


def _alarms(run: RunSeen) -> Table:
    table = Table.grid(padding=(0, 2))
    for alarm in reversed(run.alarms[-SHOWN_ALARMS:]):
        severity = plain(alarm.get("severity"))
        rows = alarm.get("rows")
        named = f" ({len(rows)} rollouts)" if isinstance(rows, list) and rows else ""
        table.add_row(
            Text(severity, style=COLOURS.get(severity, "")),
            Text(f"{plain(alarm.get('stage'))} {plain(alarm.get('step'))}", style="dim"),
            Text(plain(alarm.get("detector"))),
            Text(plain(alarm.get("message")) + named),
        )
    if len(run.alarms) > SHOWN_ALARMS:
        table.add_row(Text(f"{len(run.alarms) - SHOWN_ALARMS} earlier", style="dim"))
    return table


def _curves(series: list[Series]) -> Table:
    order = {name: place for place, name in enumerate(METRICS)}
    chosen = sorted(
        (one for one in series if one.values),
        key=lambda one: (order.get(one.name.split("/")[0], 99), one.name),
    )
    table = Table.grid(padding=(0, 2))
    for one in chosen[:SHOWN_SERIES]:
        low, high = min(one.values), max(one.values)
        table.add_row(
            Text(metric(plain(one.name)).label),
            Text(sparkline(one.values), style="blue"),
            Text(number(one.values[-1]), justify="right"),
            Text(f"{number(low)} to {number(high)}", style="dim"),
        )
    return table


def sparkline(values: object) -> str:
    """A series as one line of bars, each the mean of its stretch; an empty one -> ""."""
    numbers = list(values)  # type: ignore[call-overload]
    means = list(_stretches(numbers))
    low, high = min(means, default=0.0), max(means, default=0.0)
    span = (high - low) or 1.0
    return "".join(BARS[min(7, int((value - low) / span * 8))] for value in means)


def _stretches(values: list[float]) -> Iterator[float]:
    count = min(WIDTH, len(values))
    for place in range(count):
        stretch = values[place * len(values) // count : (place + 1) * len(values) // count]
        yield sum(stretch) / len(stretch)


def _latest(run: RunSeen) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), expand=True, header_style="dim")
    for name, ratio in (("where", None), ("reward", None), ("prompt", 2), ("answer", 4)):
        table.add_column(name, ratio=ratio, no_wrap=True, overflow="ellipsis")
    for name in ("extracted", "gold"):
        table.add_column(name, ratio=1, no_wrap=True, overflow="ellipsis")
    for one in reversed(run.latest):
        value = number(one.value) if one.value is not None else one.status
        style = "red" if one.value is None else ""
        where = f"step {one.step}" if one.step is not None else "answer"
        table.add_row(
            Text(where, style="dim"),
            Text(value, style=style),
            *(
                Text(plain(text)[:300])
                for text in (one.prompt, one.completion, one.extracted, one.gold)
            ),
        )
    return table
