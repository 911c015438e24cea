"""Drawings as SVG: a curve over steps, and dots with their intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import floor, log10
from typing import Any

from rlvr_ops_core.report.markup import Markup, join, tag
from rlvr_ops_core.report.metrics import Series, metric, smooth, thin
from rlvr_ops_core.report.numbers import number, percent_interval

WIDTH, HEIGHT = 320, 150
LEFT, RIGHT, TOP, BOTTOM = 42, 8, 8, 24


@dataclass(frozen=True, slots=True)
class Scale:
    """Places values on a line of the drawing."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Where a value lies."""
        share = (value - self.low) / (self.high - self.low)
        return round(self.start + share * (self.end - self.start), 2)


def ticks(low: float, high: float, about: int = 4) -> list[float]:
    """Round numbers from at most `low` to at least `high`: steps of 1, 2 or 5 times a power of ten.

    `low` must be below `high`.
    """
    raw = (high - low) / about
    power = 10.0 ** floor(log10(raw))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= raw * 0.999)
    first = floor(low / step + 1e-9)
    marks = [first * step]
    while marks[-1] < high - step * 1e-9:
        marks.append((first + len(marks)) * step)
    return [float(f"{mark:.10g}") for mark in marks]


def value_range(name: str, values: Sequence[float]) -> tuple[float, float]:
    """The range to show: from 0 where that is the floor, and 0 to 1 for rewards inside it."""
    low, high = min(values), max(values)
    if name.startswith("reward") and name != "reward_std" and low >= 0 and high <= 1:
        return 0.0, 1.0
    if metric(name).from_zero:
        low, high = min(low, 0.0), max(high, 0.0)
    if low == high:
        room = abs(low) / 2 or 1.0
        return (low, low + room) if low == 0 else (low - room, high + room)
    return low, high


def curve(series: Series) -> tuple[Markup, dict[str, Any]]:
    """One series as a drawing, and the numbers that the page shows under the pointer."""
    places = thin(series.values)
    steps, values = [series.steps[i] for i in places], [series.values[i] for i in places]
    smoothed = smooth(series.values)
    line = [smoothed[i] for i in places]
    y_marks = ticks(*value_range(series.name, values))
    x_low, x_high = steps[0], steps[-1] if steps[-1] > steps[0] else steps[0] + 1
    x = Scale(x_low, x_high, LEFT, WIDTH - RIGHT)
    y = Scale(y_marks[0], y_marks[-1], HEIGHT - BOTTOM, TOP)
    raw = [(x(step), y(value)) for step, value in zip(steps, values, strict=True)]
    soft = [(x(step), y(value)) for step, value in zip(steps, line, strict=True)]
    first, last = number(values[0]), number(values[-1])
    shown = metric(series.name)
    drawing = tag(
        "svg",
        _y_axis(y, y_marks),
        _x_axis(x, [mark for mark in ticks(x_low, x_high) if x_low <= mark <= x_high]),
        _path(raw, "raw"),
        *([_dot(*point) for point in raw] if len(raw) <= 80 else []),
        _path(soft, "smooth"),
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        class_="curve",
        role="img",
        tabindex="0",
        aria_label=f"{shown.label}: {first} at step {steps[0]}, {last} at step {steps[-1]}",
    )
    points = {
        "steps": steps,
        "values": values,
        "smooth": [float(f"{value:.6g}") for value in line],
        "at": raw,
    }
    return drawing, points


def _path(points: Sequence[tuple[float, float]], kind: str) -> Markup:
    return tag("polyline", points=" ".join(f"{x:g},{y:g}" for x, y in points), class_=kind)


def _dot(x: float, y: float) -> Markup:
    return tag("circle", cx=x, cy=y, r=1.6, class_="dot")


def _y_axis(y: Scale, marks: Sequence[float]) -> Markup:
    return join(
        *(
            join(
                tag("line", x1=LEFT, x2=WIDTH - RIGHT, y1=y(mark), y2=y(mark), class_="grid"),
                tag("text", number(mark), x=LEFT - 5, y=y(mark) + 3.5, text_anchor="end"),
            )
            for mark in marks
        )
    )


def _x_axis(x: Scale, marks: Sequence[float]) -> Markup:
    bottom = HEIGHT - BOTTOM
    labels = [
        tag("text", number(mark), x=x(mark), y=bottom + 14, text_anchor="middle")
        for mark in marks
        if mark == int(mark) and x(mark) < WIDTH - 46
    ]
    name = tag("text", "step", x=WIDTH - RIGHT, y=bottom + 14, text_anchor="end", class_="name")
    return join(tag("line", x1=LEFT, x2=WIDTH - RIGHT, y1=bottom, y2=bottom), *labels, name)


def intervals(groups: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> Markup:
    """Shares with their intervals, from 0 to 100%: for each name, model to estimate."""
    x = Scale(0.0, 1.0, 120, 500)
    y, pieces = 4.0, []
    for name, estimates in groups.items():
        y += 12
        pieces.append(tag("text", name, x=8, y=y, class_="group"))
        for order, (model, estimate) in enumerate(estimates.items()):
            y += 18
            pieces.append(_interval(x, y, model, estimate, order=order))
        y += 14
    grid = [
        join(
            tag("line", x1=x(share), x2=x(share), y1=4, y2=y - 4, class_="grid"),
            tag("text", f"{share:.0%}", x=x(share), y=y + 10, text_anchor="middle"),
        )
        for share in (0.0, 0.25, 0.5, 0.75, 1.0)
    ]
    return tag(
        "svg",
        *grid,
        *pieces,
        viewBox=f"0 0 520 {y + 16:g}",
        class_="intervals",
        role="img",
        aria_label="Shares of solved tasks with their 95% intervals; the table has the numbers",
    )


MARKS = ("circle", "square", "diamond", "triangle")
"""Each model has its shape as well as its colour."""


def _interval(x: Scale, y: float, model: str, estimate: Mapping[str, Any], *, order: int) -> Markup:
    name = model if len(model) <= 18 else model[:17] + "…"
    label = tag("text", name, x=112, y=y + 4, text_anchor="end")
    value, low, high = (estimate.get(key) for key in ("value", "low", "high"))
    if value is None:
        return join(label, tag("text", "no verdicts", x=x(0) + 6, y=y + 4))
    whisker = None
    if low is not None and high is not None:
        whisker = tag("line", x1=x(low), x2=x(high), y1=y, y2=y, class_="whisker")
    hint = tag("title", f"{model}: {percent_interval(estimate)}")
    kind = order % len(MARKS)
    return join(label, tag("g", hint, whisker, mark(x(value), y, kind), class_=f"mark{kind}"))


def mark(x: float, y: float, kind: int) -> Markup:
    """One of the shapes of `MARKS`, about 9 units wide."""
    if kind == 0:
        return tag("circle", cx=x, cy=y, r=4.5)
    corners: dict[int, list[tuple[float, float]]] = {
        1: [(-4, -4), (4, -4), (4, 4), (-4, 4)],
        2: [(0, -5.5), (5.5, 0), (0, 5.5), (-5.5, 0)],
        3: [(0, -5), (5, 4), (-5, 4)],
    }
    points = " ".join(f"{x + dx:g},{y + dy:g}" for dx, dy in corners[kind])
    return tag("polygon", points=points)
