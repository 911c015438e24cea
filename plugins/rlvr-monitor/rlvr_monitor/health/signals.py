"""What a run's events say, as signals with one name each, whoever the trainer is."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from rlvr_ops_core import Sample, Verdict

ALIASES: Mapping[str, str] = {
    "reward": "reward",
    "reward/mean": "reward",
    "rewards/mean": "reward",
    "mean_reward": "reward",
    "critic/score/mean": "reward",
    "critic/rewards/mean": "reward",
    "loss": "loss",
    "train/loss": "loss",
    "policy_loss": "loss",
    "actor/pg_loss": "loss",
    "grad_norm": "grad_norm",
    "actor/grad_norm": "grad_norm",
    "entropy": "entropy",
    "policy/entropy": "entropy",
    "actor/entropy": "entropy",
    "actor/entropy_loss": "entropy",
    "kl": "kl",
    "objective/kl": "kl",
    "actor/kl_loss": "kl",
    "actor/ppo_kl": "kl",
    "completion_length": "length",
    "completions/mean_length": "length",
    "response_length/mean": "length",
    "response_length": "length",
    "truncated": "truncated",
    "completions/clipped_ratio": "truncated",
    "response_length/clip_ratio": "truncated",
    "groups_alike": "groups_alike",
    "frac_reward_zero_std": "groups_alike",
    "reward_std": "spread",
    "no_verdict": "no_verdict",
    "repetition": "repetition",
    "seconds/score": "latency",
    "clip_ratio": "clip_ratio",
    "clip_ratio/region_mean": "clip_ratio",
    "actor/pg_clipfrac": "clip_ratio",
    "sampling/sampling_logp_difference/mean": "mismatch",
    "rollout_corr/kl": "mismatch",
    "learning_rate": "learning_rate",
}
"""The names that our trainers, TRL and verl give to a signal. Any other name is left alone."""

MOST_TEXTS = 32
MOST_WORDS = 200


def from_metrics(data: Mapping[str, Any]) -> dict[str, float]:
    """The signals among a step's numbers; `component/NAME` for each part of the reward."""
    found: dict[str, float] = {}
    for name, value in data.items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            continue
        signal = ALIASES.get(name) or _component(name)
        if signal and signal not in found:
            found[signal] = float(value)
    return found


def _component(name: str) -> str:
    if name.startswith("rewards/") and name.endswith("/mean"):
        return "component/" + name.removeprefix("rewards/").removesuffix("/mean")
    if name.startswith("reward/") and name.count("/") == 1:
        return "component/" + name.removeprefix("reward/")
    return ""


def eval_reward(data: Mapping[str, Any]) -> float | None:
    """The held-out reward or accuracy among a step's numbers, if it is there and finite."""
    for name in (
        "eval_reward",
        "eval/reward",
        "eval_accuracy",
        "eval/accuracy",
        "eval_score",
        "eval/score",
        "val_reward",
        "val/reward",
        "eval/pass@1",
        "eval_pass@1",
        "test_reward",
    ):
        value = data.get(name)
        if isinstance(value, int | float) and math.isfinite(value):
            return float(value)
    return None


def from_rollouts(samples: Sequence[Sample], verdicts: Sequence[Verdict]) -> dict[str, float]:
    """The signals of one judged batch; what can't be said of it is left out."""
    count = len(samples)
    if not count:
        return {}
    found: dict[str, float] = {
        "length": sum(map(length, samples)) / count,
        "truncated": sum(sample.finish == "length" for sample in samples) / count,
        "abstained": sum(verdict.status == "abstain" for verdict in verdicts) / count,
        "latency": _ninth_tenth([verdict.seconds for verdict in verdicts]),
    }
    values = [verdict.value for verdict in verdicts if verdict.value is not None]
    if values:
        found["reward"] = mean(values)
    parts: dict[str, list[float]] = defaultdict(list)
    for verdict in verdicts:
        for name, part in verdict.components.items():
            if part.value is not None:
                parts[name].append(part.value)
    if len(parts) > 1:
        found |= {f"component/{name}": mean(these) for name, these in parts.items()}
    looked_at = samples[:: max(1, count // MOST_TEXTS)][:MOST_TEXTS]
    found["repetition"] = mean([repetition(one) for one in looked_at])
    found |= _groups(samples, verdicts)
    return found


def mean(values: Sequence[float]) -> float:
    """Of at least one; `statistics.fmean` takes its time for so few."""
    return sum(values) / len(values)


def _ninth_tenth(values: Sequence[float]) -> float:
    """Nine of ten are no greater: some slow ones show, one alone does not (of ten or more)."""
    return sorted(values)[max(0, math.ceil(0.9 * len(values)) - 1)]


def length(sample: Sample) -> int:
    """Tokens, or characters where the trainer names no tokens."""
    return len(sample.token_ids) if sample.token_ids is not None else len(sample.text)


def repetition(sample: Sample) -> float:
    """Share of 4-grams that came before in the text: 0 says nothing twice, 1 nothing else."""
    units: Sequence[object] = sample.text[: 8 * MOST_WORDS].split()[:MOST_WORDS]
    size = 4
    if len(units) < 16:
        units, size = sample.text[:MOST_WORDS], 8
    if len(units) < 32 and size == 8:
        return 0.0
    grams = [tuple(units[i : i + size]) for i in range(len(units) - size + 1)]
    return 1 - len(set(grams)) / len(grams)


def _groups(samples: Sequence[Sample], verdicts: Sequence[Verdict]) -> dict[str, float]:
    groups: dict[str, list[tuple[Sample, float]]] = defaultdict(list)
    for sample, verdict in zip(samples, verdicts, strict=True):
        if sample.group is not None and verdict.value is not None:
            groups[sample.group].append((sample, verdict.value))
    judged = [group for group in groups.values() if len(group) > 1]
    if not judged:
        return {}
    highest = max(value for group in judged for _, value in group)
    lowest = min(0.0, min(value for group in judged for _, value in group))
    right = wrong = alike = 0
    distinct: list[float] = []
    ties: list[float] = []
    for group in judged:
        values = [value for _, value in group]
        if max(values) - min(values) < 1e-9:
            alike += 1
            right += values[0] > lowest and values[0] >= min(1.0, highest)
            wrong += values[0] <= lowest
        elif len(ties) < 16:
            ties.append(_concordance([length(sample) for sample, _ in group], values))
        distinct.append(len({sample.text for sample, _ in group}) / len(group))
    found = {
        "groups_alike": alike / len(judged),
        "all_right": right / len(judged),
        "all_wrong": wrong / len(judged),
        "distinct": mean(distinct),
    }
    if len(ties) >= 2:
        found["length_pays"] = mean(ties)
    return found


def _concordance(lengths: Sequence[int], values: Sequence[float]) -> float:
    """Goodman and Kruskal's gamma of length and reward inside a group; 0 where nothing differs."""
    same = other = 0
    if min(lengths) == max(lengths):
        return 0.0
    for i in range(len(values)):
        for j in range(i):
            sign = (lengths[i] - lengths[j]) * (values[i] - values[j])
            same += sign > 0
            other += sign < 0
    return (same - other) / (same + other) if same + other else 0.0
