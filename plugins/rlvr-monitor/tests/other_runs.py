"""Simulated runs of another make than `simulated_runs`: TRL's names, rewards of any scale, faults
early and late, small and slow, logs that average over steps and lack what a trainer does not say.

Everything comes out of the single answers of a step, and a log averages the steps since the last
one. Nothing here was fitted to a detector.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import fmean, pstdev

from rlvr_ops_core import Event, Part, Sample, Task, Verdict

LIMIT = 1024

FATAL = frozenset(
    [
        "nan",
        "inf",
        "down",
        "zero",
        "one",
        "leaked",
        "entropy_drop",
        "short",
        "cut",
        "dead",
        "spike",
        "flaky",
        "gone_length",
    ]
)
"""Faults that are there at once, or within five points."""
IN_ROLLOUTS = frozenset(["flaky", "down", "repeats", "slow", "abstains", "twins"])
"""What TRL's log does not show."""
IN_LOG = frozenset(
    [
        "nan",
        "inf",
        "entropy_drop",
        "entropy_fade",
        "entropy_rise",
        "kl_jump",
        "kl_runs",
        "dead",
        "spike",
        "gradients",
        "loss",
        "mismatch",
        "clipped",
        "held_out",
    ]
)
SHOWN_BY = {
    "kl_jump": "kl",
    "kl_runs": "kl",
    "entropy_drop": "entropy",
    "entropy_fade": "entropy",
    "entropy_rise": "entropy",
}
"""The number that alone shows the fault."""
IN_BOTH = frozenset({"collapse", "saturated", "traded", "grows", "wild", "frozen"})
FAULTS = tuple(sorted(FATAL | IN_ROLLOUTS | IN_LOG | IN_BOTH))
CALM = (
    "plain",
    "quick",
    "longer",
    "surer",
    "bolder",
    "cosine",
    "epochs",
    "sparse",
    "staged",
    "warm",
    "heavy",
)


@dataclass
class Plan:
    """One run: sizes, how it learns, its fault."""

    rng: random.Random
    calm: str
    fault: str = ""
    onset: int = 10**9

    def __post_init__(self) -> None:
        rng = self.rng
        self.points = rng.choice([60, 100, 160, 240])
        self.every = rng.choice([1, 1, 2, 5, 10])
        self.prompts = rng.choice([2, 4, 8, 16])
        self.group = rng.choice([4, 8, 16])
        self.scale = rng.choice([1.0, 1.0, 1.0, 2.0, 10.0])
        self.shift = rng.choice([0.0, 0.0, 0.0, -0.5])
        self.first, self.last = rng.uniform(0.1, 0.5), rng.uniform(0.55, 0.85)
        self.pace = rng.uniform(0.15, 0.6)
        if self.calm == "sparse":
            self.first, self.last = 0.03, 0.35
        if self.calm == "quick":
            self.last, self.pace = 0.9, 0.06
        self.length = rng.choice([40.0, 120.0, 300.0])
        self.entropy = math.exp(rng.uniform(math.log(0.1), math.log(1.5)))
        self.memory = rng.uniform(0, 0.8)
        self.wobble = rng.uniform(0.5, 1.5)
        self.strength = rng.random()  # 0: the mildest form of the fault, 1: the worst
        self.over = math.exp(rng.uniform(math.log(3), math.log(30)))
        if self.fault in FATAL:
            self.over = rng.choice([1.0, 1.0, 3.0])
        self.left_out = {name for name in ("kl", "entropy", "frac_reward_zero_std", "reward_std")
                         if rng.random() < 0.25}  # fmt: skip
        self.left_out -= {SHOWN_BY.get(self.fault, "")}
        self.noise: dict[str, float] = {}

    def between(self, mild: float, worst: float) -> float:
        """A size by the fault's strength, on a scale of ratios."""
        return mild * (worst / mild) ** self.strength

    def shake(self, name: str) -> float:
        """Noise that remembers, now and then with a heavy tail."""
        old = self.noise.get(name, self.rng.gauss(0, 1))
        new = self.memory * old + math.sqrt(1 - self.memory**2) * self.rng.gauss(0, 1)
        self.noise[name] = new
        wide = self.calm == "heavy" and self.rng.random() < 0.03
        return new * self.wobble * (3 if wide else 1)


def run(plan: Plan, *, rollouts: bool, log: bool) -> Iterator[tuple[int, Event]]:
    """The events of a run, each with its point."""
    for kind in ("run_started", "stage_started"):
        yield -1, Event(kind, "other", "policy" if kind == "stage_started" else "")
    for point in range(plan.points):
        steps = []
        for inner in range(1 if rollouts else min(plan.every, 3)):
            numbers, event = _step(plan, point, rollouts, inner)
            steps.append(numbers)
            if event is not None:
                yield point, event
        if log:
            known = {name: fmean(one[name] for one in steps) for name in steps[0]}
            if point % 15 == 14:
                known["eval_reward"] = _held_out(plan, point)
            data = {name: one for name, one in known.items() if name not in plan.left_out}
            yield point, Event("metrics", "other", "policy", (point + 1) * plan.every, data)


def _share_done(plan: Plan, point: int) -> float:
    return 1 - math.exp(-point / (plan.pace * plan.points))


def _ramp(plan: Plan, point: int) -> float:
    if not plan.fault or point < plan.onset:
        return 0.0
    return min(1.0, (point - plan.onset + 1) / plan.over)


def _held_out(plan: Plan, point: int) -> float:
    level = plan.first + (plan.last - plan.first) * _share_done(plan, point)
    if plan.fault == "held_out":
        level -= min(1.0, max(0, point - plan.onset) / 40) * plan.between(0.2, 0.4)
    return plan.scale * (level + plan.rng.gauss(0, 0.015)) + plan.shift


def _step(
    plan: Plan, point: int, rollouts: bool, inner: int
) -> tuple[dict[str, float], Event | None]:
    rng, fault, ramp = plan.rng, plan.fault, _ramp(plan, point)
    done, share = _share_done(plan, point), point / plan.points
    skill = plan.first + (plan.last - plan.first) * done
    form, length = 0.5 + 0.45 * done, plan.length
    entropy = plan.entropy * (0.6 + 0.4 * math.exp(-3 * share))
    gradient, loss, repeats, slow, wrong, abstain, twins = 0.3, 0.0, 0.03, 0.01, 0.0, 0.0, 0.0
    kl, mismatch, clipped = 0.05 * share + 1e-4, 0.004, 0.01
    match plan.calm:
        case "longer":
            length *= 1 + 1.4 * done
        case "surer":
            entropy = plan.entropy * (0.2 + 0.8 * math.exp(-4 * share))
        case "bolder":
            entropy = plan.entropy * (1 + 0.5 * done)
        case "cosine":
            gradient *= 0.3 + 0.7 * math.cos(1.5 * share)
        case "epochs":
            skill *= 1 + 0.12 * math.sin(point / 3)
        case "staged":
            skill *= 0.7 if point > plan.points / 2 else 1
        case "warm":
            gradient *= 1 + 4 * math.exp(-point / 4)
            loss = 0.3 * math.exp(-point / 4)
    if ramp:
        match fault:
            case "nan":
                gradient = math.nan
            case "inf":
                loss = math.inf
            case "down":
                wrong = 1.0
            case "flaky":
                wrong = ramp * plan.between(0.1, 0.5)
            case "zero":
                skill = form = 0.0
            case "one":
                skill = form = 1.0
            case "leaked":
                skill += (plan.between(0.93, 1.0) - skill) * ramp
                length *= 1 - 0.5 * ramp
            case "collapse":
                skill *= 1 - ramp * plan.between(0.75, 1.0)
                form *= 1 - ramp * 0.6
            case "entropy_drop" | "entropy_fade":
                entropy *= plan.between(0.08, 0.005) ** ramp
                twins = ramp * 0.8
            case "entropy_rise":
                entropy *= plan.between(3, 8) ** ramp
                skill *= 1 - 0.4 * ramp
            case "kl_jump":
                kl += ramp * plan.between(0.5, 10)
            case "kl_runs":
                kl += 0.02 * min(500.0, math.exp(4 * (point - plan.onset) / plan.over))
            case "dead":
                gradient = plan.rng.choice([0.0, 1e-9])
            case "spike":
                gradient *= plan.between(20, 300) if point == plan.onset else 1
            case "gradients":
                gradient *= plan.between(5, 30) ** ramp
            case "loss":
                loss += ramp * plan.between(1, 20)
            case "mismatch":
                mismatch *= plan.between(4, 30) ** ramp
            case "clipped":
                clipped += ramp * plan.between(0.35, 0.8)
            case "grows" | "gone_length":
                length *= plan.between(4, 8) ** ramp
            case "short":
                length *= plan.between(0.2, 0.03) ** ramp
            case "cut":
                length = max(length, LIMIT * plan.between(0.9, 3) * ramp)
            case "repeats":
                repeats += ramp * plan.between(0.4, 0.9)
            case "slow":
                slow *= plan.between(5, 100) ** ramp
            case "abstains":
                abstain = ramp * plan.between(0.4, 1.0)
            case "twins":
                twins = ramp * plan.between(0.85, 1.0)
            case "saturated":
                skill += (1 - skill) * ramp * 0.999
                form += (1 - form) * ramp
            case "traded":
                skill *= 1 - ramp * plan.between(0.6, 0.95)
                form += (1 - form) * ramp
            case "held_out":
                skill = min(0.95, skill + 0.3 * min(1.0, (point - plan.onset) / 60))
            case "wild":
                skill = min(1.0, max(0.0, skill + plan.between(0.25, 0.5) * rng.gauss(0, 1)))
    skill = min(1.0, max(0.0, skill * (1 + 0.06 * plan.shake("skill")))) if 0 < skill < 1 else skill
    step = point * plan.every + inner + 1
    samples, verdicts = [], []
    mean_length = length * math.exp(0.08 * plan.shake("length"))
    for prompt in range(plan.prompts):
        hardness = rng.gauss(0, 1.2)
        chance = skill if skill in (0.0, 1.0) else _sigmoid(_logit(skill) + hardness)
        said = f"an answer to {prompt} " * 3
        for index in range(plan.group):
            right = float(rng.random() < chance)
            tidy = float(rng.random() < min(1.0, form))
            tokens = max(1, min(LIMIT, round(mean_length * math.exp(rng.gauss(0, 0.3)))))
            total = plan.scale * (0.7 * right + 0.3 * tidy) + plan.shift
            if fault == "frozen" and ramp:
                total = plan.scale * 0.3 + plan.shift
            parts = {"correct": Part(right, 0.7, 0.7 * right), "form": Part(tidy, 0.3, 0.3 * tidy)}
            took = slow * math.exp(rng.gauss(0, 0.5))
            chance_of_none = rng.random()
            if chance_of_none < wrong:
                verdicts.append(Verdict(None, "error", seconds=took))
            elif chance_of_none < wrong + abstain:
                verdicts.append(Verdict(None, "abstain", seconds=took))
            else:
                verdicts.append(Verdict(total, "ok", parts, seconds=took))
            text = ""
            if rollouts:
                text = said if rng.random() < twins else f"{rng.random()} and so {index} it is"
                if rng.random() < repeats:
                    text = "again and over " * 30
            samples.append(
                Sample(
                    Task(f"t{rng.randrange(500)}", "a prompt", "gold"),
                    text,
                    group=f"{step}/{prompt}",
                    index=index,
                    token_ids=range(tokens),
                    finish="length" if tokens == LIMIT else "stop",
                )
            )
    values = [[v.value for v in verdicts[n : n + plan.group] if v.value is not None]
              for n in range(0, len(verdicts), plan.group)]  # fmt: skip
    judged = [value for group in values for value in group] or [0.0]
    numbers = {
        "loss": loss + 0.01 * plan.shake("loss"),
        "grad_norm": gradient * math.exp(0.3 * plan.shake("gradient")),
        "learning_rate": 1e-6,
        "entropy": entropy * math.exp(0.07 * plan.shake("entropy")),
        "kl": kl * math.exp(0.2 * plan.shake("kl")),
        "reward": fmean(judged),
        "reward_std": pstdev(judged),
        "frac_reward_zero_std": fmean(len(set(group)) <= 1 for group in values),
        "completions/mean_length": fmean(len(one.token_ids or ()) for one in samples),
        "completions/clipped_ratio": fmean(one.finish == "length" for one in samples),
        "clip_ratio/region_mean": min(1.0, clipped * math.exp(0.3 * plan.shake("clipped"))),
        "sampling/sampling_logp_difference/mean": mismatch * math.exp(0.2 * plan.shake("gap")),
        "step_time": 10 * math.exp(rng.gauss(0, 0.2)),
        "num_tokens": float(step * 1000),
    }
    for name in ("correct", "form"):
        shares = [v.components[name].value or 0.0 for v in verdicts if v.components]
        numbers[f"rewards/{name}/mean"] = fmean(shares or [0.0])
    event = Event("rollouts", "other", "policy", step, {"samples": samples, "verdicts": verdicts})
    return numbers, event if rollouts else None


def _sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def _logit(p: float) -> float:
    p = min(1 - 1e-6, max(1e-6, p))
    return math.log(p / (1 - p))
