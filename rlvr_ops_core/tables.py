"""The evaluations of a run as tables for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rich.table import Table

from rlvr_ops_core.runs import read_json


def evaluation_tables(folder: Path) -> Iterator[Table]:
    """One table an evaluate stage: each model's numbers with their intervals, and the change."""
    for stage in (read_json(folder / "run.json") or {}).get("stages", []):
        result = read_json(folder / stage["folder"] / "result.json")
        if result is not None:
            yield evaluation_table(stage["name"], result)


def evaluation_table(name: str, result: Mapping[str, Any]) -> Table:
    """A column a model, a row a number; below, what changed from each model to the next."""
    blocks: Mapping[str, Mapping[str, Any]] = result["models"]
    title = f"{name}: {result['data']}, {result['samples']} answers a task"
    table = Table(title=title, title_justify="left")
    table.add_column("")
    for model in blocks:
        table.add_column(model, justify="right")
    first = next(iter(blocks.values()))
    for row in [key for key in first if key.startswith("pass@")]:
        table.add_row(row, *(estimate(block[row]) for block in blocks.values()))
    for row in first["components"]:
        if all(_says_the_same(block, row) for block in blocks.values()):
            continue  # an answer is right or wrong: then the mean is pass@1 once more
        cells = [estimate(block["components"].get(row)) for block in blocks.values()]
        table.add_row(row, *cells)
    for place, pair in enumerate(result["pairs"], start=1):
        if pair["difference"] is not None:
            cells = ["" for _ in range(place)] + [difference(pair)]
            table.add_row("change in pass@1", *cells)
    return table


def _says_the_same(block: Mapping[str, Any], component: str) -> bool:
    return bool(block["components"][component] == block["pass@1"])


def difference(pair: Mapping[str, Any]) -> str:
    """`+0.375 [+0.305, +0.445], p = 3.6e-12`."""
    interval = f" [{pair['low']:+.3f}, {pair['high']:+.3f}]" if pair["low"] is not None else ""
    p = f", p = {pair['p']:.2g}" if pair["p"] is not None else ""
    return f"{pair['difference']:+.3f}{interval}{p}"


def estimate(value: Mapping[str, Any] | None) -> str:
    """`0.45 [0.41, 0.49]`, or a dash where there is nothing to estimate from."""
    if value is None or value["value"] is None:
        return "–"
    if value["low"] is None:
        return f"{value['value']:.3f}"
    return f"{value['value']:.3f} [{value['low']:.3f}, {value['high']:.3f}]"
