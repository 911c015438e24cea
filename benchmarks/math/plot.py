"""The league as a picture: how often right, against how long a verdict takes.

SVG, no dependency.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT = 760, 420, 70, 60, 30, 200


def draw(points: Sequence[tuple[str, float, float]]) -> str:
    """An SVG of points (name, median microseconds, share right); the time axis is logarithmic."""
    first = math.floor(math.log10(min(us for _, us, _ in points)))
    last = max(first + 1, math.ceil(math.log10(max(us for _, us, _ in points))))
    low = math.floor(min(right for _, _, right in points) * 10) / 10

    def x(us: float) -> float:
        return LEFT + (math.log10(us) - first) / (last - first) * (WIDTH - LEFT - RIGHT)

    def y(right: float) -> float:
        return HEIGHT - BOTTOM - (right - low) / max(1e-9, 1 - low) * (HEIGHT - BOTTOM - TOP)

    parts = [
        _grid(x(10.0**power), TOP, x(10.0**power), HEIGHT - BOTTOM)
        for power in range(first, last + 1)
    ]
    parts += [
        _label(x(10.0**power), HEIGHT - BOTTOM + 18, _time(10.0**power), "middle")
        for power in range(first, last + 1)
    ]
    steps = [low + step * 0.1 for step in range(round((1 - low) / 0.1) + 1)]
    parts += [_grid(LEFT, y(step), WIDTH - RIGHT, y(step)) for step in steps]
    parts += [_label(LEFT - 8, y(step) + 4, f"{step:.0%}", "end") for step in steps]
    parts.append(
        _label((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 18, "median time of a verdict", "middle")
    )
    parts.append(_label(LEFT, TOP - 12, "verdicts that are right", "start"))
    label_y = 0.0
    for name, us, right in sorted(points, key=lambda point: -point[2]):
        color = "#0b6e4f" if name.startswith("math/equal") else "#555"
        parts.append(f'<circle cx="{x(us):.1f}" cy="{y(right):.1f}" r="6" fill="{color}"/>')
        label_y = max(y(right) + 4, label_y + 15)  # no label over another
        parts.append(_label(x(us) + 10, label_y, f"{name} {right:.1%}", "start"))
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="sans-serif" font-size="12">\n'
        f'<rect width="100%" height="100%" fill="white"/>\n{body}\n</svg>\n'
    )


def _grid(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="#ddd"/>'


def _label(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="#222">{escape(text)}</text>'


def _time(us: float) -> str:
    return f"{us / 1000:g} ms" if us >= 1000 else f"{us:g} µs"
