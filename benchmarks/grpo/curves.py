"""Curves of several seeds over each other, as an SVG file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

WIDTH, HEIGHT, EDGE = 640, 320, 40
COLOURS = ("#c44e52", "#4c72b0", "#55a868", "#8172b2")


def draw(file: Path, title: str, curves: Mapping[str, Sequence[Sequence[float]]]) -> None:
    """One colour a kind, one line a seed; values lie between 0 and 1, one a step."""
    lines = {
        kind: [(list(map(float, range(len(line)))), line) for line in some]
        for kind, some in curves.items()
    }
    draw_lines(file, title, lines)


def draw_lines(
    file: Path,
    title: str,
    lines: Mapping[str, Sequence[tuple[Sequence[float], Sequence[float]]]],
) -> None:
    """The same with a place on the axis for each value."""
    furthest = max(max(xs) for some in lines.values() for xs, _ in some) or 1.0
    marks = [f'<text x="{EDGE}" y="20" font-weight="bold">{title}</text>']
    for value in (0.0, 0.25, 0.5, 0.75, 1.0):
        y = _y(value)
        marks.append(
            f'<line x1="{EDGE}" x2="{WIDTH - EDGE}" y1="{y}" y2="{y}" stroke="#ddd"/>'
            f'<text x="{EDGE - 6}" y="{y + 4}" text-anchor="end">{value:g}</text>'
        )
    marks.append(
        f'<text x="{WIDTH - EDGE}" y="{HEIGHT - EDGE + 18}" text-anchor="end">{furthest:,.0f}</text>'
    )
    for place, (kind, some) in enumerate(lines.items()):
        colour = COLOURS[place % len(COLOURS)]
        marks.append(
            f'<text x="{WIDTH - EDGE}" y="{HEIGHT - EDGE - 10 - 18 * place}" fill="{colour}" '
            f'text-anchor="end">{kind}</text>'
        )
        for xs, values in some:
            points = " ".join(
                f"{_x(x / furthest)},{_y(value)}" for x, value in zip(xs, values, strict=True)
            )
            marks.append(
                f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-opacity="0.7"/>'
            )
    file.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'font-family="sans-serif" font-size="12">{"".join(marks)}</svg>\n',
        encoding="utf-8",
    )


def _x(share: float) -> float:
    return round(EDGE + (WIDTH - 2 * EDGE) * share, 1)


def _y(value: float) -> float:
    return round(HEIGHT - EDGE - (HEIGHT - 2 * EDGE) * value, 1)
