"""A plugin file for the matrix: ragged parts, a range with a sign, a need for tools, a group."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rlvr_ops_core import Sample, Score, hookimpl, reward


@reward(inline=True)
def ragged(sample: Sample) -> Score:
    """0.5, with a part that is called as the answer is, and one that is there or not."""
    word = sample.text.split()[0]
    return Score(0.5, {word: 1.0, **({"even": 1.0} if len(sample.text) % 2 == 0 else {})})


@reward(inline=True, range=(-1, 1), components=("steady",))
def signed(sample: Sample) -> Score | None:
    """Between -1 and 1; None where the answer says so."""
    return None if sample.text == "none" else Score(-0.25, {"steady": 2.0})


@reward(inline=True, needs=("messages",))
def used_tools(sample: Sample) -> bool:
    """Whether a tool was called."""
    return any(message.get("tool_calls") for message in sample.messages)


@reward(inline=True)
def best_of(group: Sequence[Sample]) -> list[float]:
    """1 for the longest answer of a group."""
    longest = max(len(sample.text) for sample in group)
    return [float(len(sample.text) == longest) for sample in group]


@hookimpl
def rlvr_rewards() -> dict[str, Any]:
    return {"ragged": ragged, "signed": signed, "used_tools": used_tools, "best_of": best_of}
