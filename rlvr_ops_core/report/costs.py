"""What a training stage spent, where its trainer keeps accounts: seconds, tokens, money.

Accounts are numbers that a trainer logs with each step: `seconds/NAME` and `tokens/NAME` by phase,
`seconds/saved/NAME` and `tokens/saved/NAME` for what was not computed, `cost/NAME`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rlvr_ops_core.report.layout import section, table
from rlvr_ops_core.report.markup import Child, Markup, join, tag
from rlvr_ops_core.report.numbers import duration, number, percent
from rlvr_ops_core.report.view import StageView

FAMILIES = ("seconds/", "tokens/", "cost/")
SAVED = "saved/"


def is_account(name: str) -> bool:
    """Whether a logged number belongs into the table, not into a drawing."""
    return name.startswith(FAMILIES)


def costs(one: StageView) -> Markup | None:
    """A table of a stage's accounts; None if its trainer keeps none."""
    sums = {series.name: sum(series.values) for series in one.series if is_account(series.name)}
    wall = sums.get("seconds/wall", 0.0)
    if wall <= 0:
        return None
    phases = {
        name: value
        for name, value in _family(sums, "seconds/").items()
        if not name.startswith(SAVED) and name not in ("wall", "cpu")
    }
    rows: list[Sequence[Child]] = [
        (name, duration(value), percent(value / wall)) for name, value in phases.items()
    ]
    rows.append((tag("b", "all"), duration(wall), percent(sum(phases.values()) / wall)))
    parts = [tag("p", _spent(sums), class_="note"), table(("Time", "Seconds", "Share"), rows)]
    tokens = _family(sums, "tokens/")
    saved = _family(tokens, SAVED)
    counted = [(name, number(value)) for name, value in tokens.items() if name not in _keys(saved)]
    if counted:
        parts.append(table(("Tokens", "Count"), counted))
    seconds = _family(sums, f"seconds/{SAVED}")
    if saved or seconds:
        parts.append(
            table(
                ("Not computed", "Tokens", "Seconds saved (estimate)"),
                [
                    (name, number(saved.get(name)), duration(seconds.get(name)))
                    for name in dict.fromkeys([*saved, *seconds])
                ],
            )
        )
    return section(f"Costs: {one.stage.name}", *parts)


def _family(sums: Mapping[str, float], prefix: str) -> dict[str, float]:
    return {n.removeprefix(prefix): v for n, v in sums.items() if n.startswith(prefix)}


def _keys(saved: Mapping[str, float]) -> set[str]:
    return {f"{SAVED}{name}" for name in saved}


def _spent(sums: Mapping[str, float]) -> Markup:
    words: list[Child] = []
    if "seconds/cpu" in sums:
        words.append(f"CPU time {duration(sums['seconds/cpu'])}. ")
    for name, value in _family(sums, "cost/").items():
        words.append(f"{name.replace('_', ' ').capitalize()}: {number(value)}. ")
    return join(*words)
