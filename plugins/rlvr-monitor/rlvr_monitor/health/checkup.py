"""The health of one stage: takes its signals point by point, gives what is wrong."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from rlvr_monitor.health.patterns import (
    TIMES_AS_WILD,
    Evaluations,
    PartsApart,
    Values,
    Wildness,
    frozen,
    grad_spike,
    jumped,
    loss_explosion,
    reversed_pay,
    shortcut,
)
from rlvr_monitor.health.rules import RULES, SCALES, Patient, Rule
from rlvr_monitor.health.sequential import Cusum, EDetector, cusum_threshold, excess
from rlvr_monitor.health.tracks import START, Track, level

CALM = 12
"""So many points in a row must be healthy before a detector speaks again."""
TOLERATED_FAILURES = 0.02
"""The core's default error budget."""
MUST_BE_FINITE = ("loss", "grad_norm", "entropy", "kl", "reward")


@dataclass(frozen=True)
class Finding:
    """Something that is wrong, before it is an alarm."""

    detector: str
    severity: Literal["warning", "critical"]
    message: str
    value: float | None = None
    threshold: float | None = None
    p_value: float | None = None


class Checkup:
    """All detectors over one stage's signals from one source (rollouts, or the trainer's log)."""

    def __init__(self, *, run_length: float) -> None:
        """`run_length`: points between false alarms of one detector, at its boundary."""
        self.threshold = cusum_threshold(run_length)
        self.tracks: dict[str, Track] = {}
        self.cusums = {rule: Cusum(self.threshold) for rule in RULES}
        self.failures = EDetector(TOLERATED_FAILURES, run_length=run_length)
        self.parts = PartsApart(self.threshold)
        self.wildness = Wildness(run_length)
        self.values = Values()
        self.evaluations = Evaluations()
        self.calm: dict[str, int] = {}

    def update(self, signals: Mapping[str, float]) -> list[Finding]:
        """Take a point; what has become wrong with it."""
        ill = dict(self._ill(signals))
        fresh = [finding for name, finding in ill.items() if name not in self.calm]
        for name in ill:
            self.calm[name] = 0
        for name in [name for name in self.calm if name not in ill]:
            self.calm[name] += 1
            if self.calm[name] > CALM:
                del self.calm[name]
        return fresh

    def failed(self, failures: int, count: int) -> Finding | None:
        """Take a batch's verdicts: `failures` of `count` were errors or timeouts."""
        if not self.failures.update(failures, count) or "verifier_errors" in self.calm:
            return None
        self.calm["verifier_errors"] = 0
        return Finding(
            "verifier_errors",
            "critical",
            f"{failures} of {count} answers got no verdict; {TOLERATED_FAILURES:.0%} are tolerated",
            failures / count,
            TOLERATED_FAILURES,
            min(1.0, 1 / self.failures.evidence),
        )

    def valued(self, values: Sequence[float]) -> Finding | None:
        """Take a batch's rewards."""
        known = len(self.values.known)
        new = self.values.update(values)
        if new is None:
            return None
        message = f"{new:.0%} of the rewards are none of the {known} values that there were before"
        return Finding("reward_values", "critical", message, new)

    def evaluated(self, held_out: float, train: float | None = None) -> Finding | None:
        """Take a held-out result."""
        reward = self.tracks.get("reward")
        if train is None and reward is not None and reward.values:
            train = reward.recent
        wrong = self.evaluations.update(train, held_out)
        if not wrong or "eval_divergence" in self.calm:
            return None
        self.calm["eval_divergence"] = -100 * CALM
        return Finding("eval_divergence", "warning", f"{wrong}: {number(held_out)}", held_out)

    def _ill(self, signals: Mapping[str, float]) -> Iterator[tuple[str, Finding]]:
        for name, value in signals.items():
            if not math.isfinite(value):
                if name in MUST_BE_FINITE:
                    message = f"{name.replace('_', ' ')} is {value}"
                    yield "nan_loss", Finding("nan_loss", "critical", message)
                continue
            if name not in self.tracks:
                self.tracks[name] = Track(*SCALES.get(name, (level, 0.02)))
            self.tracks[name].add(value)
        seen = {name for name, value in signals.items() if math.isfinite(value)}
        for rule in RULES:
            if rule.signal in seen:
                yield from self._past_boundary(rule)
        yield from self._patterns(seen)

    def _past_boundary(self, rule: Rule) -> Iterator[tuple[str, Finding]]:
        track = self.tracks[rule.signal]
        if track.count <= START:
            return
        limit = rule.boundary(Patient(track, self.tracks))
        cusum = self.cusums[rule]
        if limit is None:
            cusum.height = 0.0
            return
        sign = 1 if rule.up else -1
        edge = track.scaled(limit)
        now, before = track.on_scale
        over = excess(
            sign * (now - edge), sign * (before - edge), track.deviation, track.correlation
        )
        if cusum.update(over):
            cusum.height = min(cusum.height, 1.5 * self.threshold)
            values = {"value": track.now, "start": track.start, "limit": limit}
            message = rule.says.format(**{name: number(one) for name, one in values.items()})
            yield (
                rule.detector,
                Finding(rule.detector, rule.severity, message, track.now, limit),
            )

    def _patterns(self, seen: set[str]) -> Iterator[tuple[str, Finding]]:
        tracks = self.tracks
        if "grad_norm" in seen and (limit := grad_spike(tracks["grad_norm"])) is not None:
            now = tracks["grad_norm"].now
            message = f"the gradient jumped to {number(now)}, over {number(limit)}"
            yield "grad_spike", Finding("grad_spike", "warning", message, now, limit)
        if "loss" in seen and (limit := loss_explosion(tracks["loss"])) is not None:
            now = tracks["loss"].now
            message = f"the loss stays at {number(now)}, over {number(limit)}"
            yield "loss_explosion", Finding("loss_explosion", "warning", message, now, limit)
        if "reward" in seen:
            yield from self._reward(tracks["reward"])
        yield from self._jumps(seen)
        if "length_pays" in seen and reversed_pay(tracks["length_pays"]):
            now, before = tracks["length_pays"].now, tracks["length_pays"].before(12, 3)
            longer, shorter = ("shorter", "longer") if now > 0 else ("longer", "shorter")
            message = f"{longer} answers were paid better, now {shorter} ones are"
            yield "reward_reversed", Finding("reward_reversed", "critical", message, now, before)
        parts = {name[10:]: track for name, track in tracks.items() if name[:10] == "component/"}
        if any(f"component/{name}" in seen for name in parts) and (
            fell := self.parts.update(tracks.get("reward"), parts)
        ):
            now, best = parts[fell].now, parts[fell].best
            message = f'the part "{fell}" fell to {number(now)} while the total reward held'
            yield (
                "component_divergence",
                Finding("component_divergence", "warning", message, now, best),
            )

    def _jumps(self, seen: set[str]) -> Iterator[tuple[str, Finding]]:
        for name in seen:
            if name != "reward" and not name.startswith("component/"):
                continue
            then = jumped(self.tracks[name])
            if then is not None:
                now = self.tracks[name].now
                what = "the reward" if name == "reward" else f'the part "{name[10:]}"'
                message = f"{what} jumped from {number(then)} to {number(now)} and stays there"
                yield "reward_jump", Finding("reward_jump", "warning", message, now, then)
        if {"reward", "length"} <= seen and shortcut(self.tracks["reward"], self.tracks["length"]):
            now, length = self.tracks["reward"].now, self.tracks["length"].now
            message = (
                f"the reward rose to {number(now)} while answers became as short as "
                f"{number(length)} from one step to the next"
            )
            yield "reward_jump", Finding("reward_jump", "critical", message, now)

    def _reward(self, reward: Track) -> Iterator[tuple[str, Finding]]:
        if frozen(reward):
            message = f"the reward is exactly {number(reward.now)} at every step"
            yield "reward_frozen", Finding("reward_frozen", "critical", message, reward.now)
        wild = self.wildness.update(reward)
        if wild is not None:
            message = f"the reward jumps {number(wild)} times as far as before from step to step"
            yield (
                "reward_unstable",
                Finding("reward_unstable", "warning", message, wild, TIMES_AS_WILD),
            )


def number(value: float) -> str:
    """Three digits."""
    return f"{value:.3g}"
