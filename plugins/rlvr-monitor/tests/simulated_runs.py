"""Runs that never happened: what a GRPO run logs and judges, healthy or with one planted fault.

A run is a set of latent curves (skill, length, entropy …) with noise that remembers its last value,
seen through the trainer's log, and on demand through rollouts with verdicts. A fault bends the
curves from its onset on. Nothing here knows the detectors.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from rlvr_ops_core import Event, Part, Sample, Task, Verdict

LIMIT = 2048


@dataclass
class State:
    """The latent values at one point."""

    skill: float = 0.4
    form: float = 0.7
    length: float = 300.0
    entropy: float = 0.9
    kl: float = 0.01
    grad: float = 0.4
    loss: float = 0.0
    errors: float = 0.002
    abstains: float = 0.0
    latency: float = 0.03
    repetition: float = 0.05
    clip: float = 0.01
    mismatch: float = 0.005
    distinct: float = 0.95
    length_pays: float = 0.0
    held_out: float = 0.4
    wild: float = 0.0
    spread: float = 1.0
    frozen: float | None = None


@dataclass
class Setting:
    """How a run goes while nothing is wrong, and how noisy it is."""

    points: int = 200
    start: float = 0.35
    end: float = 0.7
    tau: float = 80.0
    length: float = 300.0
    growth: float = 1.2
    entropy: float = 0.9
    decay: float = 0.5
    kl: float = 0.0004
    memory: float = 0.6
    noise: float = 1.0
    prompts: int = 16
    group: int = 8
    every: int = 1
    harder_at: tuple[int, ...] = ()
    schedule: bool = False
    evaluate_every: int = 20


def healthy(name: str, rng: random.Random) -> Setting:
    """The setting of a healthy variant, with chance in its sizes."""
    base = Setting(
        start=rng.uniform(0.15, 0.5),
        end=rng.uniform(0.55, 0.8),
        tau=rng.uniform(50, 150),
        length=rng.choice([60.0, 200.0, 500.0]),
        entropy=rng.choice([0.12, 0.4, 0.9, 1.4]),
        noise=rng.choice([0.6, 1.0, 1.6]),
        memory=rng.choice([0.0, 0.3, 0.6, 0.75]),
        prompts=rng.choice([8, 16, 32]),
        group=rng.choice([4, 8]),
        every=rng.choice([1, 1, 5, 10]),
    )
    match name:
        case "fast":
            base.start, base.end, base.tau = 0.2, 0.88, rng.uniform(12, 25)
        case "longer":
            base.growth = rng.uniform(1.8, 2.6)
        case "shorter":
            base.growth = rng.uniform(0.5, 0.7)
        case "surer":
            base.decay = rng.uniform(0.2, 0.3)
        case "curriculum":
            base.harder_at = (rng.randint(40, 70), rng.randint(100, 140))
        case "schedule":
            base.schedule = True
        case "hard":
            base.start, base.end, base.tau = 0.03, rng.uniform(0.2, 0.4), 120
        case "flat":
            base.end, base.growth, base.decay = base.start + 0.02, 1.0, 0.9
        case "brief":
            base.points, base.tau = 40, 15
        case "good":
            base.start, base.end = 0.75, 0.93
    return base


VARIANTS = (
    "plain",
    "fast",
    "longer",
    "shorter",
    "surer",
    "curriculum",
    "schedule",
    "hard",
    "flat",
    "brief",
    "good",
)

Fault = Callable[[State, int, float], None]
"""Bends the state `n` points after the onset (from 0), with a severity in [0.7, 1.3]."""


def _fault_table() -> dict[str, tuple[str, Fault]]:
    def ramp(n: int, over: float) -> float:
        return min(1.0, (n + 1) / over)

    def nan_loss(s: State, _n: int, _z: float) -> None:
        s.loss = math.nan

    def nan_grad(s: State, _n: int, _z: float) -> None:
        s.grad = math.nan

    def all_wrong(s: State, _n: int, _z: float) -> None:
        s.skill = s.form = 0.0

    def all_right(s: State, _n: int, _z: float) -> None:
        s.skill = s.form = 1.0

    def collapse(s: State, n: int, z: float) -> None:
        s.skill *= 1 - ramp(n, 12 / z)
        s.entropy *= 1 + ramp(n, 12)

    def spike(s: State, n: int, z: float) -> None:
        s.grad *= 40 * z if n == 0 else 1

    def grad_growth(s: State, n: int, z: float) -> None:
        s.grad *= 1 + 9 * z * ramp(n, 15)

    def dead(s: State, _n: int, _z: float) -> None:
        s.grad = 0.0

    def entropy_fast(s: State, n: int, z: float) -> None:
        s.entropy *= max(0.01, 1 - 0.97 * ramp(n, 3 / z))

    def entropy_slow(s: State, n: int, z: float) -> None:
        s.entropy *= math.exp(-4.5 * ramp(n, 20 / z))
        s.distinct = max(0.15, s.distinct * (1 - 0.9 * ramp(n, 20)))

    def entropy_up(s: State, n: int, z: float) -> None:
        s.entropy *= 1 + 4 * z * ramp(n, 12)
        s.skill *= 1 - 0.5 * ramp(n, 12)

    def kl_up(s: State, n: int, z: float) -> None:
        s.kl = min(20.0, s.kl + 0.02 * math.exp(0.25 * z * n))

    def length_fast(s: State, n: int, z: float) -> None:
        s.length *= 1 + 4 * z * ramp(n, 3)

    def length_slow(s: State, n: int, z: float) -> None:
        s.length *= 1 + 2.5 * z * ramp(n, 18)

    def length_down(s: State, n: int, _z: float) -> None:
        s.length *= max(0.05, 1 - 0.95 * ramp(n, 4))

    def truncation(s: State, n: int, z: float) -> None:
        s.length = max(s.length, 0.7 * LIMIT + 0.6 * z * LIMIT * ramp(n, 4))

    def repetition(s: State, n: int, z: float) -> None:
        s.repetition += 0.7 * z * ramp(n, 8)

    def errors(s: State, _n: int, z: float) -> None:
        s.errors = 0.4 * z

    def timeouts(s: State, n: int, z: float) -> None:
        s.errors = 0.12 * z * ramp(n, 5)
        s.latency *= 1 + 4 * ramp(n, 5)

    def latency(s: State, n: int, z: float) -> None:
        s.latency *= 1 + 7 * z * ramp(n, 3)

    def abstains(s: State, n: int, z: float) -> None:
        s.abstains = 0.6 * z * ramp(n, 4)

    def saturate(s: State, n: int, _z: float) -> None:
        s.skill = max(s.skill, s.skill + (0.998 - s.skill) * ramp(n, 12))

    def hopeless(s: State, n: int, z: float) -> None:
        s.skill *= 1 - 0.995 * ramp(n, 12 / z)

    def parts(s: State, n: int, z: float) -> None:
        s.form = s.form + (1 - s.form) * ramp(n, 10)
        s.skill *= 1 - 0.8 * min(1.1, z) * ramp(n, 20)

    def overfit(s: State, n: int, z: float) -> None:
        s.skill = min(0.95, s.skill + 0.3 * ramp(n, 60))
        s.held_out -= 0.3 * z * ramp(n, 50)

    def mismatch(s: State, n: int, z: float) -> None:
        s.mismatch *= 1 + 8 * z * ramp(n, 8)

    def clipping(s: State, n: int, z: float) -> None:
        s.clip += 0.5 * z * ramp(n, 6)

    def frozen(s: State, _n: int, z: float) -> None:
        s.frozen = 0.5 * z

    def wild(s: State, _n: int, z: float) -> None:
        s.wild = 0.3 * z

    def loss_up(s: State, n: int, z: float) -> None:
        s.loss = 3.0 * z * ramp(n, 4)

    def length_hack(s: State, n: int, z: float) -> None:
        s.length_pays = 0.9 * ramp(n, 5)
        s.length *= 1 + 1.5 * z * ramp(n, 20)
        s.skill = min(0.9, s.skill + 0.15 * ramp(n, 20))

    return {
        "nan_loss": ("fatal", nan_loss),
        "nan_grad": ("fatal", nan_grad),
        "all_wrong": ("fatal", all_wrong),
        "all_right": ("fatal", all_right),
        "verifier_errors": ("fatal", errors),
        "dead_gradient": ("fatal", dead),
        "grad_spike": ("fatal", spike),
        "entropy_fast": ("fatal", entropy_fast),
        "length_fast": ("fatal", length_fast),
        "length_down": ("fatal", length_down),
        "truncation": ("fatal", truncation),
        "latency": ("gradual", latency),
        "collapse": ("gradual", collapse),
        "grad_growth": ("gradual", grad_growth),
        "entropy_slow": ("gradual", entropy_slow),
        "entropy_up": ("gradual", entropy_up),
        "kl_up": ("gradual", kl_up),
        "length_slow": ("gradual", length_slow),
        "repetition": ("gradual", repetition),
        "timeouts": ("gradual", timeouts),
        "abstains": ("gradual", abstains),
        "saturate": ("gradual", saturate),
        "hopeless": ("gradual", hopeless),
        "parts": ("gradual", parts),
        "mismatch": ("gradual", mismatch),
        "clipping": ("gradual", clipping),
        "frozen": ("gradual", frozen),
        "wild": ("gradual", wild),
        "loss_up": ("gradual", loss_up),
        "overfit": ("evaluated", overfit),
        "length_hack": ("rollouts", length_hack),
    }


FAULTS = _fault_table()
"""For each fault: what it is (`fatal`, `gradual`; `evaluated`: only evaluations show it;
`rollouts`: only rollouts do), and what it does."""

ONLY_IN_ROLLOUTS = {"length_hack", "abstains"}


@dataclass
class Noise:
    """Normal noise of deviation 1 whose neighbours are correlated."""

    rng: random.Random
    memory: float
    last: dict[str, float] = field(default_factory=dict)

    def __call__(self, name: str) -> float:
        fresh = self.rng.gauss(0, 1)
        old = self.last.get(name, self.rng.gauss(0, 1))
        self.last[name] = self.memory * old + math.sqrt(1 - self.memory**2) * fresh
        return self.last[name]


def latent(setting: Setting, t: int) -> State:
    """The state of a healthy run at a point."""
    s = setting
    done = 1 - math.exp(-t / s.tau)
    share = t / s.points
    skill = s.start + (s.end - s.start) * done
    length = s.length * (1 + (s.growth - 1) * done)
    entropy = s.entropy * (s.decay + (1 - s.decay) * math.exp(-t / s.tau))
    grad = 0.4
    for at in s.harder_at:
        if t >= at:
            since = 1 - math.exp(-(t - at) / 50)
            skill *= 0.65 + 0.3 * since
            length *= 1.3
            entropy *= 1.15
    if s.schedule:
        grad *= 0.6 + 0.8 * min(1.0, t / 20) * (1 - 0.7 * share)
    return State(
        skill=skill,
        form=0.6 + 0.35 * done,
        length=length,
        entropy=entropy,
        kl=s.kl * t + 1e-4,
        grad=grad,
        held_out=0.95 * skill,
    )


def simulate(
    setting: Setting,
    rng: random.Random,
    *,
    fault: str = "",
    onset: int = 0,
    rollouts: bool = False,
    log: bool = True,
) -> Iterator[tuple[int, Event]]:
    """The events of a run, each with its point."""
    noise = Noise(rng, setting.memory)
    severity = rng.uniform(0.7, 1.3)
    for kind in ("run_started", "stage_started"):
        yield -1, Event(kind, "simulated", "policy" if kind == "stage_started" else "")
    for t in range(setting.points):
        state = latent(setting, t)
        if fault and t >= onset:
            FAULTS[fault][1](state, t - onset, severity)
        step = (t + 1) * setting.every
        if rollouts:
            yield t, _rollouts(setting, state, rng, step)
        if log:
            yield (
                t,
                Event("metrics", "simulated", "policy", step, _log(setting, state, noise, rng, t)),
            )


def _log(setting: Setting, s: State, noise: Noise, rng: random.Random, t: int) -> dict[str, float]:
    n, count = setting.noise, setting.prompts * setting.group
    shake = 1 + 0.6 * noise("tasks") * n / math.sqrt(setting.prompts) * 0.4
    skill = min(1.0, max(0.0, s.skill * shake)) if 0 < s.skill < 1 else s.skill
    skill = min(1.0, max(0.0, skill + s.wild * rng.gauss(0, 1)))
    right = sum(rng.random() < skill for _ in range(count)) / count
    form = sum(rng.random() < min(1.0, s.form) for _ in range(count)) / count
    reward = s.frozen if s.frozen is not None else right + 0.1 * form
    alike = sum(
        (q := min(1.0, max(0.0, rng.betavariate(*_shape(skill))))) ** setting.group
        + (1 - q) ** setting.group
        > rng.random()
        for _ in range(setting.prompts)
    )
    length = s.length * math.exp(0.1 * n * noise("length"))
    log = {
        "loss": s.loss + 0.02 * n * noise("loss"),
        "grad_norm": s.grad * math.exp(0.3 * n * noise("grad")),
        "entropy": s.entropy * math.exp(0.08 * n * noise("entropy")),
        "kl": s.kl * math.exp(0.2 * n * noise("kl")),
        "reward": reward,
        "reward/correct": right,
        "reward/form": form,
        "groups_alike": alike / setting.prompts,
        "no_verdict": sum(rng.random() < s.errors for _ in range(count)) / count,
        "truncated": _share(rng, _over_limit(length), count),
        "completion_length": min(LIMIT, length),
        "clip_ratio": s.clip * math.exp(0.3 * n * noise("clip")),
        "repetition": min(1.0, s.repetition * math.exp(0.2 * n * noise("repetition"))),
        "seconds/score": s.latency * count / 8 * math.exp(0.25 * n * noise("latency")),
        "sampling/sampling_logp_difference/mean": s.mismatch * math.exp(0.2 * n * noise("gap")),
        "learning_rate": 1e-6,
        "made_up_by_somebody": rng.expovariate(1),
    }
    if t % setting.evaluate_every == setting.evaluate_every - 1:
        log["eval_reward"] = s.held_out + 0.02 * n * rng.gauss(0, 1)
    return log


def _shape(skill: float) -> tuple[float, float]:
    mean = min(0.999, max(0.001, skill))
    return 1.5 * mean + 1e-3, 1.5 * (1 - mean) + 1e-3


def _over_limit(length: float) -> float:
    return 1 / (1 + math.exp(-(math.log(length) - math.log(LIMIT)) / 0.2))


def _share(rng: random.Random, p: float, count: int) -> float:
    return sum(rng.random() < p for _ in range(count)) / count


WORDS = [f"w{n}" for n in range(400)]


def _rollouts(setting: Setting, s: State, rng: random.Random, step: int) -> Event:
    samples, verdicts = [], []
    skill = min(1.0, max(0.0, s.skill + s.wild * rng.gauss(0, 1)))
    for prompt in range(setting.prompts):
        task = Task(f"t{rng.randrange(1000)}", "a prompt", "gold")
        mean = rng.betavariate(*_shape(skill)) if 0 < skill < 1 else skill
        same = " ".join(rng.choices(WORDS, k=20))
        for index in range(setting.group):
            tokens = max(1, round(s.length * math.exp(rng.gauss(0, 0.35))))
            cut = tokens >= LIMIT
            text = same if rng.random() > s.distinct else " ".join(rng.choices(WORDS, k=24))
            if rng.random() < s.repetition:
                text = "again and again " * 20
            value = float(rng.random() < mean)
            if rng.random() < s.length_pays:
                value = float(tokens > s.length)
            form = float(rng.random() < s.form)
            samples.append(
                Sample(
                    task,
                    text,
                    group=f"{step}/{prompt}",
                    index=index,
                    token_ids=range(min(LIMIT, tokens)),
                    finish="length" if cut else "stop",
                )
            )
            total = s.frozen if s.frozen is not None else value + 0.1 * form
            seconds = s.latency * math.exp(rng.gauss(0, 0.4))
            if rng.random() < s.errors:
                verdicts.append(Verdict(None, "error", seconds=seconds))
            elif rng.random() < s.abstains:
                verdicts.append(Verdict(None, "abstain", seconds=seconds))
            else:
                parts = {"correct": Part(value, 1.0, value), "form": Part(form, 0.1, 0.1 * form)}
                verdicts.append(Verdict(total, "ok", parts, seconds=seconds))
    data = {"count": len(samples), "samples": samples, "verdicts": verdicts}
    return Event("rollouts", "simulated", "policy", step, data)
