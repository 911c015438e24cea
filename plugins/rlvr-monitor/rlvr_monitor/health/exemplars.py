"""The rollouts to look at for an alarm: those of the newest batch that show it best."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from rlvr_monitor.health.signals import length, repetition
from rlvr_ops_core import Event, RolloutRef, Sample, Verdict

MOST = 8

Rank = Callable[[Sample, Verdict], Any]


def _lowest_reward(_: Sample, verdict: Verdict) -> float:
    return verdict.value if verdict.value is not None else float("inf")


def _highest_reward(_: Sample, verdict: Verdict) -> float:
    return -verdict.value if verdict.value is not None else float("inf")


def _longest(sample: Sample, _: Verdict) -> float:
    return -length(sample)


RANKS: Mapping[str, Rank] = {
    "reward_jump": _highest_reward,
    "reward_reversed": _highest_reward,
    "groups_all_right": _highest_reward,
    "eval_divergence": _highest_reward,
    "length_explosion": _longest,
    "length_pays": _longest,
    "truncation": lambda sample, _: (sample.finish != "length", -length(sample)),
    "length_collapse": lambda sample, _: length(sample),
    "repetition": lambda sample, _: -repetition(sample),
    "verifier_errors": lambda _, verdict: not verdict.failed,
    "abstentions": lambda _, verdict: verdict.status != "abstain",
    "verifier_latency": lambda _, verdict: -verdict.seconds,
}
"""What to show first; for any other detector the least rewarded answers."""


def exemplars(detector: str, rollouts: Event | None) -> list[RolloutRef]:
    """Up to 8 rollouts of a `rollouts` event, the most telling first."""
    if rollouts is None:
        return []
    rank = RANKS.get(detector, _lowest_reward)
    judged = list(zip(rollouts.data["samples"], rollouts.data["verdicts"], strict=True))
    judged.sort(key=lambda pair: rank(*pair))
    return [
        RolloutRef(rollouts.stage, rollouts.step, sample.group, sample.index)
        for sample, _ in judged[:MOST]
    ]
