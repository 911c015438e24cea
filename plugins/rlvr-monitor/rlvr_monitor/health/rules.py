"""What counts as ill: for each signal, the boundary that its level must not pass.

A boundary is about size: how far from its own start, or from its own recent level, a signal may go
in a healthy run. Whether the level truly is past it, or noise only made it look so, is left to the
CUSUM of `rlvr_monitor.health.sequential`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from rlvr_monitor.health.tracks import START, Scale, Track, level, ratio, share

Boundary = Callable[["Patient"], float | None]
"""The boundary at this moment; None while the rule has nothing to say."""

EARNED = 0.05
"""A reward that rose by this much explains longer answers and a surer policy."""
MUCH = 0.25
"""And by this much, answers many times as long: the model has learnt to work things out."""


@dataclass(frozen=True)
class Patient:
    """A signal's track beside the other tracks of the stage."""

    track: Track
    others: Mapping[str, Track]

    @property
    def reward(self) -> float | None:
        """The reward's level, if it is known."""
        track = self.others.get("reward")
        return track.recent if track and track.count >= START else None

    def gained(self, *, since_start: bool) -> float:
        """How far the reward has risen, since the start or since some points ago.

        0.0 where it is not known, or where it may be noise.
        """
        track = self.others.get("reward")
        if track is None or track.count < START + 3:
            return 0.0
        gain = track.recent - (track.start if since_start else track.before())
        return gain if gain > 1.5 * track.deviation else 0.0

    def earned(self, *, since_start: bool) -> bool:
        """The reward has clearly risen."""
        return self.gained(since_start=since_start) > EARNED


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One level that is watched."""

    detector: str
    signal: str
    up: bool
    boundary: Boundary
    severity: Literal["warning", "critical"] = "warning"
    says: str
    """What is wrong; `{value}`, `{start}` and `{limit}` are filled in."""


def _reward_collapse(patient: Patient) -> float | None:
    track = patient.track
    floor = min(0.0, track.lowest)
    height = track.best - floor
    return floor + 0.45 * height if height > 2 * track.deviation and height > 1e-6 else None


def _reward_jump(patient: Patient) -> float | None:
    then = patient.track.before(30, 6)
    return max(0.9, then + 0.25) if then < 0.68 and patient.track.best <= 1.0 else None


def _share(start_plus: float, least: float, past: float = 1.0) -> Boundary:
    def boundary(patient: Patient) -> float | None:
        limit = max(least, patient.track.start + start_plus)
        return limit if limit < past else None

    return boundary


def _above(limit: float) -> Boundary:
    def boundary(_: Patient) -> float:
        return limit

    return boundary


def _all_right(patient: Patient) -> float | None:
    return 0.88 if patient.track.start < 0.75 else 0.97


def _all_wrong(patient: Patient) -> float | None:
    return 0.85 if patient.track.start < 0.6 else None


def _alike(patient: Patient) -> float | None:
    reward = patient.reward
    least = 0.87 if reward is not None and reward > 0.75 else 0.82
    limit = max(least, patient.track.start + 0.15)
    return limit if limit < 0.96 else None


def _spread_down(patient: Patient) -> float | None:
    return 0.2 * max(patient.track.start, patient.track.before(40, 10)) or None


def _length_up(patient: Patient) -> float | None:
    start, then = patient.track.start, patient.track.before(45, 12)
    if start <= 0:
        return None
    unearned = 2.2 if patient.reward is not None else 3.0
    far = _by(patient.gained(since_start=True), unearned, 3.6, 8.0)
    near = _by(patient.gained(since_start=False), 2.3, 3.2, 5.0)
    return min(far * start, near * then)


def _by(gain: float, none: float, some: float, much: float) -> float:
    return much if gain > MUCH else some if gain > EARNED else none


def _length_down(patient: Patient) -> float | None:
    start, then = patient.track.start, patient.track.before()
    far = 0.15 if patient.earned(since_start=True) else 0.4
    near = 0.2 if patient.earned(since_start=False) else 0.4
    return max(far * start, near * then) if start > 0 else None


def _entropy_down(patient: Patient) -> float | None:
    start, then = patient.track.start, patient.track.before(20, 6)
    reward = patient.reward
    solved = reward is not None and reward > 0.85
    if start <= 0:
        return None
    slow = 0.04 if solved else 0.11
    fast = 0.12 if solved or patient.earned(since_start=False) else 0.3
    return max(slow * start, min(fast * then, 0.5 * start))


def _entropy_up(patient: Patient) -> float | None:
    start, then = patient.track.start, patient.track.before(45, 12)
    return max(2.3 * then, 1.5 * start) if start > 0 else None


def _kl_up(patient: Patient) -> float | None:
    values, count = patient.track.values, patient.track.count
    first = count - len(values)
    older = [
        value / (first + place + 1)
        for place, value in enumerate(values[:-4])
        if place >= len(values) - 34
    ]
    if len(older) < START:
        return None
    older.sort()
    steady = older[len(older) // 2] * count
    return max(0.08, 3 * steady, 2 * patient.track.before(20, 5))


def _grad_up(patient: Patient) -> float | None:
    return max(3.0 * patient.track.start, 2.5 * patient.track.before(60, 15))


def _grad_down(patient: Patient) -> float | None:
    then = patient.track.before(40, 6)
    return 0.02 * max(then, patient.track.start) or None


def _times(far: float, near: float, least: float) -> Boundary:
    def boundary(patient: Patient) -> float | None:
        return max(least, far * patient.track.start, near * patient.track.before(45, 12))

    return boundary


def _distinct(patient: Patient) -> float | None:
    reward = patient.reward
    solved = reward is not None and reward > 0.8
    return 0.3 if patient.track.start >= 0.6 and not solved else None


def _length_pays(patient: Patient) -> float | None:
    lengths = patient.others.get("length")
    longer = lengths is not None and lengths.recent > 1.3 * lengths.start
    return 0.6 if longer and patient.track.start < 0.4 else None


RULES: tuple[Rule, ...] = (
    Rule(
        detector="reward_collapse",
        signal="reward",
        up=False,
        boundary=_reward_collapse,
        severity="critical",
        says="the reward fell to {value}, far below its best level",
    ),
    Rule(
        detector="reward_jump",
        signal="reward",
        up=True,
        boundary=_reward_jump,
        severity="critical",
        says="nearly every answer is suddenly right: the reward is {value}",
    ),
    Rule(
        detector="groups_all_right",
        signal="all_right",
        up=True,
        boundary=_all_right,
        says="in {value} of the groups all answers are right: nothing is left to learn",
    ),
    Rule(
        detector="groups_all_wrong",
        signal="all_wrong",
        up=True,
        boundary=_all_wrong,
        severity="critical",
        says="in {value} of the groups all answers are wrong; it was {start} at the start",
    ),
    Rule(
        detector="groups_alike",
        signal="groups_alike",
        up=True,
        boundary=_alike,
        says="in {value} of the groups all rewards are equal; it was {start} at the start",
    ),
    Rule(
        detector="groups_alike",
        signal="spread",
        up=False,
        boundary=_spread_down,
        says="the rewards deviate by {value}, by {start} at the start: they teach little",
    ),
    Rule(
        detector="length_explosion",
        signal="length",
        up=True,
        boundary=_length_up,
        says="answers grew to {value} long without a reward that explains it; {start} at the start",
    ),
    Rule(
        detector="length_collapse",
        signal="length",
        up=False,
        boundary=_length_down,
        says="answers shrank to {value} long; {start} at the start",
    ),
    Rule(
        detector="truncation",
        signal="truncated",
        up=True,
        boundary=_share(0.2, 0.25),
        says="{value} of the answers are cut off at the token limit; {start} at the start",
    ),
    Rule(
        detector="entropy_collapse",
        signal="entropy",
        up=False,
        boundary=_entropy_down,
        severity="critical",
        says="the entropy fell to {value}; {start} at the start",
    ),
    Rule(
        detector="entropy_explosion",
        signal="entropy",
        up=True,
        boundary=_entropy_up,
        says="the entropy rose to {value}; {start} at the start",
    ),
    Rule(
        detector="kl_blowup",
        signal="kl",
        up=True,
        boundary=_kl_up,
        says="the divergence from the reference is {value}, and grows ever faster",
    ),
    Rule(
        detector="grad_explosion",
        signal="grad_norm",
        up=True,
        boundary=_grad_up,
        says="the gradient stays at {value}; {start} at the start",
    ),
    Rule(
        detector="dead_gradient",
        signal="grad_norm",
        up=False,
        boundary=_grad_down,
        severity="critical",
        says="the gradient is {value}: nothing is learnt",
    ),
    Rule(
        detector="repetition",
        signal="repetition",
        up=True,
        boundary=_share(0.2, 0.3),
        says="{value} of the text repeats what the answer said before; {start} at the start",
    ),
    Rule(
        detector="duplicates",
        signal="distinct",
        up=False,
        boundary=_distinct,
        says="only {value} of the answers in a group differ; {start} at the start",
    ),
    Rule(
        detector="verifier_errors",
        signal="no_verdict",
        up=True,
        boundary=_above(0.05),
        severity="critical",
        says="{value} of the answers got no verdict",
    ),
    Rule(
        detector="abstentions",
        signal="abstained",
        up=True,
        boundary=_share(0.2, 0.25),
        says="the reward abstains on {value} of the answers; {start} at the start",
    ),
    Rule(
        detector="verifier_latency",
        signal="latency",
        up=True,
        boundary=_times(3.0, 3.0, 0.005),
        says="a verdict takes {value} s; {start} s at the start",
    ),
    Rule(
        detector="length_pays",
        signal="length_pays",
        up=True,
        boundary=_length_pays,
        says="longer answers are paid better ({value} on a scale to 1), and answers get longer",
    ),
    Rule(
        detector="clipping",
        signal="clip_ratio",
        up=True,
        boundary=_share(0.2, 0.25),
        says="{value} of the tokens are clipped; {start} at the start",
    ),
    Rule(
        detector="logprob_mismatch",
        signal="mismatch",
        up=True,
        boundary=_times(2.7, 2.5, 1e-4),
        says="sampler and trainer disagree by {value} nats a token; {start} at the start",
    ),
)

SCALES: Mapping[str, tuple[Scale, float]] = {
    "reward": (level, 0.02),
    "spread": (ratio, 0.1),
    "length": (ratio, 0.05),
    "entropy": (ratio, 0.05),
    "kl": (ratio, 0.1),
    "grad_norm": (ratio, 0.1),
    "latency": (ratio, 0.15),
    "mismatch": (ratio, 0.1),
    "truncated": (share, 0.03),
    "groups_alike": (share, 0.05),
    "all_right": (share, 0.05),
    "all_wrong": (share, 0.05),
    "no_verdict": (share, 0.03),
    "abstained": (share, 0.03),
    "repetition": (share, 0.03),
    "distinct": (share, 0.05),
    "length_pays": (level, 0.1),
    "clip_ratio": (share, 0.03),
}
"""For each signal: the scale on which its noise is even, and the least noise assumed there."""
