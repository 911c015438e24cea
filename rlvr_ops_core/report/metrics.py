"""The numbers that trainers log: what each means, and their series over the steps of a stage."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from math import isfinite
from pathlib import Path

from rlvr_ops_core.report.folder import JsonLines

MAX_POINTS = 600


@dataclass(frozen=True, slots=True)
class Metric:
    """How one logged number is shown."""

    label: str
    unit: str = ""
    note: str = ""
    from_zero: bool = True


METRICS = {
    "reward": Metric("Reward", "mean", "of all answers of a step that got a verdict"),
    "completion_length": Metric("Answer length", "tokens", "mean"),
    "entropy": Metric("Entropy", "nats a token", "near 0: it always gives the same answer"),
    "loss": Metric("Loss", from_zero=False),
    "kl": Metric("KL from the start", "nats a token", "how far the policy has moved"),
    "groups_alike": Metric("Groups alike", "share", "all rewards equal: they teach nothing"),
    "no_verdict": Metric("No verdict", "share", "abstained, failed or too slow"),
    "truncated": Metric("Truncated", "share", "cut off by the token limit"),
    "grad_norm": Metric("Gradient norm"),
    "reward_std": Metric("Reward spread", "standard deviation", "inside a group"),
    "clip_ratio": Metric("Clipped", "share", "of tokens whose ratio hit the clip range"),
    "learning_rate": Metric("Learning rate"),
    "seconds": Metric("Time", "s a step"),
}
"""In the order in which they are shown; `reward/<component>` follows `reward`, others come last."""

NOT_SHOWN = {"step", "time", "epoch"}


@dataclass(slots=True)
class Series:
    """One number over the steps of a stage, steps rising."""

    name: str
    steps: array[int] = field(default_factory=lambda: array("q"))
    values: array[float] = field(default_factory=lambda: array("d"))
    not_finite: int = 0
    """How many values were NaN, infinite or null: they are not among `values`."""

    def add(self, step: int, value: object) -> None:
        """Appends a value; a step that comes again (training went back) replaces what followed."""
        while self.steps and self.steps[-1] >= step:
            self.steps.pop()
            self.values.pop()
        if isinstance(value, int | float) and isfinite(value):
            self.steps.append(step)
            self.values.append(float(value))
        elif value is None or isinstance(value, float):
            self.not_finite += 1


def metric(name: str) -> Metric:
    """How the number of that name is shown."""
    if name.startswith("reward/"):
        return Metric(f"Reward: {name.removeprefix('reward/')}", "mean", "of this component")
    return METRICS.get(name) or Metric(name, from_zero=False)


def read_series(path: Path) -> list[Series]:
    """All series of a stage's `metrics.jsonl`, in the order in which they are shown."""
    series: dict[str, Series] = {}
    for _, line in JsonLines(path):
        step = line.get("step")
        if not isinstance(step, int):
            continue
        for name, value in line.items():
            if name not in NOT_SHOWN:
                series.setdefault(name, Series(name)).add(step, value)
    kept = [one for one in series.values() if one.values or one.not_finite]
    return sorted(kept, key=_rank)


def _rank(series: Series) -> tuple[int, int, str]:
    known = list(METRICS)
    if series.name.startswith("reward/"):
        return (0, 1, series.name)
    place = known.index(series.name) if series.name in known else len(known)
    return (place, 0, series.name)


def smooth(values: Sequence[float]) -> list[float]:
    """A centred moving average over about a tenth of the series; short series stay as they are.

    At the ends, where the window does not fit, it goes on along the line through the outermost
    window: so a straight line stays what it is and the ends neither lag nor jump.
    """
    n = len(values)
    reach = n // 20 if n >= 40 else n // 8
    sums = [0.0, *accumulate(values)]
    window = 2 * reach + 1
    middle = [(sums[i + window] - sums[i]) / window for i in range(n - window + 1)]
    if reach == 0:
        return middle
    first, last = _slope(values[:window]), _slope(values[-window:])
    head = [middle[0] - first * away for away in range(reach, 0, -1)]
    tail = [middle[-1] + last * away for away in range(1, reach + 1)]
    return head + middle + tail


def _slope(values: Sequence[float]) -> float:
    """The slope of the least-squares line through an odd number of values, a step apart."""
    reach = len(values) // 2
    turned = sum((place - reach) * value for place, value in enumerate(values))
    return turned / (2 * sum(away * away for away in range(1, reach + 1)))


def thin(values: Sequence[float], most: int = MAX_POINTS) -> list[int]:
    """The places to draw of a long series: each stretch's lowest and highest, so spikes stay."""
    n = len(values)
    if n <= most:
        return list(range(n))
    stretches = most // 2
    places = {0, n - 1}
    for number in range(stretches):
        stretch = range(number * n // stretches, (number + 1) * n // stretches)
        places.add(min(stretch, key=values.__getitem__))
        places.add(max(stretch, key=values.__getitem__))
    return sorted(places)
