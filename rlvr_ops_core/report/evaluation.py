"""The part of the page that tells what an evaluate stage measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rlvr_ops_core.report.charts import intervals
from rlvr_ops_core.report.layout import section, table
from rlvr_ops_core.report.markup import Child, Markup, join, tag
from rlvr_ops_core.report.numbers import (
    NOTHING,
    mean_interval,
    number,
    p_value,
    percent,
    percent_interval,
    points_interval,
)
from rlvr_ops_core.report.view import StageView, pass_names


def evaluation(one: StageView) -> Markup:
    """What an evaluate stage measured: drawing, paired tests and the table of models."""
    result = one.stage.result
    names = pass_names(result)
    models: Mapping[str, Mapping[str, Any]] = result["models"]
    drawn = dict.fromkeys((names[0], names[-1])) if names else {}
    plot = intervals(
        {size: {name: block.get(size) or {} for name, block in models.items()} for size in drawn}
    )
    return section(
        f"Evaluation: {one.stage.name}",
        tag("div", plot, _pairs(result), class_="side"),
        _models(models, names),
        tag("p", _how_evaluated(result), class_="note"),
    )


def _models(models: Mapping[str, Mapping[str, Any]], names: Sequence[str]) -> Markup:
    """One line a model."""
    parts = list(dict.fromkeys(name for m in models.values() for name in m.get("components") or {}))
    head = ["Model", *names, "Reward", *parts, "Tokens", "Truncated", "No verdict", "Tasks"]
    rows: list[list[Child]] = []
    for model, block in models.items():
        means = {"Reward": block.get("reward"), **(block.get("components") or {})}
        rows.append(
            [
                model,
                *(_estimate(percent_interval(block.get(name) or {})) for name in names),
                *(_estimate(mean_interval(means.get(name) or {})) for name in ("Reward", *parts)),
                number(block.get("mean_tokens")),
                percent(block.get("truncated")),
                f"{block.get('no_verdict', 0)} of {block.get('answers', 0)}",
                number(block.get("tasks")),
            ]
        )
    return table(head, rows)


def _estimate(text: str) -> Markup:
    """A value, and its interval on a line of its own."""
    value, bracket, interval = text.partition(" [")
    return join(value, tag("span", f"[{interval}", class_="interval") if bracket else None)


def _pairs(result: Mapping[str, Any]) -> Markup | None:
    pairs = result.get("pairs") or []
    if not pairs:
        return None
    rows = [
        (
            f"{pair.get('before')} → {pair.get('after')}",
            _estimate(points_interval(pair)),
            p_value(pair),
            number(pair.get("tasks")),
        )
        for pair in pairs
    ]
    how = "Difference of pass@1, task by task. " + str(pairs[0].get("test") or "").capitalize()
    shown = table(("Change", "Points", "Test", "Tasks"), rows)
    return tag("div", shown, tag("p", f"{how}.", class_="note"), class_="pairs")


def _how_evaluated(result: Mapping[str, Any]) -> str:
    known = {"models", "pairs", "data", "samples", "pass_on", "solved"}
    sampler = {key: value for key, value in result.items() if key not in known}
    sampler |= sampler.pop("sampler", {})
    options = ", ".join(f"{key} {value}" for key, value in sampler.items() if value is not None)
    methods = {str(block.get("interval")) for block in result["models"].values()}
    return (
        f"Data {result.get('data', NOTHING)}, {result.get('samples', NOTHING)} answers a task"
        f"{'; ' + options if options else ''}. Right: {result.get('pass_on', 'reward')} ≥ "
        f"{result.get('solved', 1)}. Intervals: 95%, of pass@1 {' or '.join(sorted(methods))} "
        "over tasks. Answers without a verdict are left out, not taken for wrong."
    )
