"""Curves over steps as SVG: a point leads to the rollouts of its step, a mark to an alarm."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from markupsafe import Markup

from rlvr_monitor.store.reading import Alarm
from rlvr_ops_core.report.charts import Scale, ticks, value_range
from rlvr_ops_core.report.metrics import Series, metric, smooth, thin
from rlvr_ops_core.report.numbers import number

WIDTH, HEIGHT = 320, 140
LEFT, RIGHT, TOP, BOTTOM = 40, 8, 12, 20
MOST_POINTS = 200


def curve(
    series: Series,
    *,
    alarms: Sequence[Alarm] = (),
    step_link: Callable[[int], str] | None,
    alarm_link: Callable[[Alarm], str],
) -> Markup:
    """One series; each point is a link, unless there are no rollouts to lead to."""
    places = thin(series.values, MOST_POINTS)
    steps, values = [series.steps[i] for i in places], [series.values[i] for i in places]
    smoothed = smooth(series.values)
    marks = ticks(*value_range(series.name, values))
    last = steps[-1] if steps[-1] > steps[0] else steps[0] + 1
    x = Scale(steps[0], last, LEFT, WIDTH - RIGHT)
    y = Scale(marks[0], marks[-1], HEIGHT - BOTTOM, TOP)
    parts = [_axes(x, y, marks, steps[0], last)]
    parts += [
        _alarm(x(one.step), one, alarm_link(one))
        for one in alarms
        if one.step is not None and steps[0] <= one.step <= last
    ]
    raw = [(x(step), y(value)) for step, value in zip(steps, values, strict=True)]
    soft = [(x(step), y(smoothed[i])) for step, i in zip(steps, places, strict=True)]
    parts += [_line(raw, "raw"), _line(soft, "smooth")]
    half = max(2.0, (WIDTH - LEFT - RIGHT) / max(1, len(raw)) / 2)
    parts += [
        Markup(
            '<a href="{}" class="point"><title>step {}: {}</title>'
            '<rect x="{:.1f}" y="{}" width="{:.1f}" height="{}"/>'
            '<circle cx="{:.1f}" cy="{:.1f}" r="2"/></a>'
        ).format(
            step_link(step),
            step,
            number(value),
            px - half,
            TOP,
            half * 2,
            HEIGHT - TOP - BOTTOM,
            px,
            py,
        )
        for step, value, (px, py) in zip(steps, values, raw, strict=True)
        if step_link is not None
    ]
    label = f"{metric(series.name).label}: {number(values[0])} to {number(values[-1])}"
    return Markup(
        '<svg class="curve" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>'
    ).format(WIDTH, HEIGHT, label, Markup("").join(parts))


def _axes(x: Scale, y: Scale, marks: Sequence[float], first: int, last: int) -> Markup:
    lines = [
        Markup(
            '<line class="grid" x1="{0}" x2="{1}" y1="{2}" y2="{2}"/>'
            '<text x="{3}" y="{4}" text-anchor="end">{5}</text>'
        ).format(LEFT, WIDTH - RIGHT, y(mark), LEFT - 5, y(mark) + 3.5, number(mark))
        for mark in marks
    ]
    ends = ((first, "start"), (last, "end"))
    lines += [
        Markup('<text x="{}" y="{}" text-anchor="{}">{}</text>').format(
            x(step), HEIGHT - 5, anchor, number(step)
        )
        for step, anchor in ends
    ]
    return Markup("").join(lines)


def _alarm(x: float, alarm: Alarm, link: str) -> Markup:
    return Markup(
        '<a href="{0}" class="alarm-mark {1}"><title>{2}, step {3}: {4}</title>'
        '<line x1="{5}" x2="{5}" y1="{6}" y2="{7}"/><path d="M{8} 0h10l-5 9z"/></a>'
    ).format(
        link,
        alarm.severity,
        alarm.detector,
        alarm.step,
        alarm.message,
        x,
        TOP - 3,
        HEIGHT - BOTTOM,
        x - 5,
    )


def _line(points: Sequence[tuple[float, float]], kind: str) -> Markup:
    pairs = " ".join(f"{px:.1f},{py:.1f}" for px, py in points)
    return Markup('<polyline class="{}" points="{}"/>').format(kind, pairs)


def sparkline(values: Sequence[float]) -> Markup:
    """A series without axes, for a table."""
    if len(values) < 2:
        return Markup("")
    low, high = min(values), max(values)
    x = Scale(0, len(values) - 1, 1, 99)
    y = Scale(low, high if high > low else low + 1, 21, 3)
    kept = thin(values, 100)
    return Markup('<svg class="spark" viewBox="0 0 100 24" aria-hidden="true">{}</svg>').format(
        _line([(x(place), y(values[place])) for place in kept], "smooth")
    )
