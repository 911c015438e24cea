"""What an evaluation says, with its doubt: pass@k, intervals, and a paired test of two models.

The answers to one task belong together, so tasks, never answers, are what is resampled and paired.
Pure functions on plain numbers; a mean over tasks that are all right or all wrong is a proportion
and gets Wilson's interval, any other mean a bootstrap over tasks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import product
from math import ceil, comb, floor, isfinite, sqrt
from random import Random
from statistics import NormalDist
from typing import Any

BOOTSTRAP_DRAWS = 2_000
PERMUTATION_DRAWS = 10_000
MAX_ENUMERATED = 100_000
"""Up to so many different outcomes of flipping signs, the paired test counts them all."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean over tasks and its interval.

    `value` is None where no task counts; `low` and `high` are None where nothing can be said (no
    task, or one task that is neither right nor wrong).
    """

    value: float | None
    low: float | None
    high: float | None
    tasks: int
    """How many tasks the mean is taken over."""


@dataclass(frozen=True, slots=True)
class PairedTest:
    """A two-sided test that two models do equally well on each task; `p` is None without tasks."""

    p: float | None
    exact: bool
    """All outcomes were counted; otherwise `p` comes from random draws."""


def pass_at_k(right: int, total: int, k: int) -> float:
    """The chance that at least one of `k` answers is right, from `right` of `total` answers.

    Unbiased: 1 - C(total-right, k) / C(total, k), as a product that never overflows.
    Source: Chen et al. 2021, eq. 1 (arXiv:2107.03374).

    Raises:
        ValueError: there are fewer than `k` answers, or the counts make no sense.
    """
    if not (0 <= right <= total and 1 <= k <= total):
        raise ValueError(
            f"pass@{k} of {right} right among {total}: needs right, k <= total, k >= 1"
        )
    all_wrong = 1.0
    for drawn in range(k):
        all_wrong *= max(0, total - right - drawn) / (total - drawn)
    return 1.0 - all_wrong


def wilson(successes: int, n: int, confidence: float = 0.95) -> Estimate:
    """A proportion with Wilson's score interval; nothing tried -> no value, no interval.

    Source: Wilson 1927; honest at 0 and at `n` successes, where the normal interval has no width.
    """
    if not 0 <= successes <= n:
        raise ValueError(f"{successes} successes of {n}: needs 0 <= successes <= n")
    if n == 0:
        return Estimate(None, None, None, 0)
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    share = successes / n
    spread = z * sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    middle = share + z * z / (2 * n)
    scale = 1 + z * z / n
    # at the ends the bound is 0 or 1 exactly; rounding would leave 1e-17 there
    low = 0.0 if successes == 0 else (middle - spread) / scale
    high = 1.0 if successes == n else (middle + spread) / scale
    return Estimate(share, low, high, n)


def bootstrap_mean(
    values: Sequence[float],
    *,
    seed: int | str,
    confidence: float = 0.95,
    draws: int = BOOTSTRAP_DRAWS,
) -> Estimate:
    """The mean of one value a task, with the percentile interval of resampled tasks.

    No values -> no mean; one value -> no interval. Values that are all equal have no spread to
    resample: the interval has no width then.
    """
    n = len(values)
    if n == 0:
        return Estimate(None, None, None, 0)
    mean = sum(values) / n
    if n == 1:
        return Estimate(mean, None, None, 1)
    rng = Random(seed)
    means = sorted(sum(rng.choices(values, k=n)) / n for _ in range(draws))
    tail = (1 - confidence) / 2
    return Estimate(mean, _quantile(means, tail), _quantile(means, 1 - tail), n)


def _quantile(ordered: Sequence[float], share: float) -> float:
    """The quantile of sorted values, with linear interpolation."""
    place = share * (len(ordered) - 1)
    below, above = ordered[floor(place)], ordered[ceil(place)]
    return below + (above - below) * (place - floor(place))


def estimate_mean(values: Sequence[float], *, seed: int | str) -> Estimate:
    """The mean over tasks: a proportion (Wilson) if every value is 0 or 1, else a bootstrap."""
    if is_proportion(values):
        return wilson(round(sum(values)), len(values))
    return bootstrap_mean(values, seed=seed)


def is_proportion(values: Sequence[float]) -> bool:
    """Every value is 0 or 1 (no values: True)."""
    return all(value in (0.0, 1.0) for value in values)


def paired_permutation(
    before: Sequence[float],
    after: Sequence[float],
    *,
    seed: int | str,
    draws: int = PERMUTATION_DRAWS,
) -> PairedTest:
    """The two-sided sign-flip test of per-task differences.

    If both models were equally good, each difference could as well have the other sign. Tasks
    without a difference say nothing either way. Differences of one size are flipped together: how
    many come out positive is binomial. So few sizes mean few outcomes, and those are all counted
    (with 0/1 values this is the exact McNemar test); otherwise `p` is from `draws` random flips,
    plus one for the outcome that was seen, and so never 0 (Phipson and Smyth 2010).

    Raises:
        ValueError: the lengths differ.
    """
    differences = [b - a for a, b in zip(before, after, strict=True)]
    if not differences:
        return PairedTest(None, True)
    # 1/3 - 0 and 1 - 2/3 differ in the last bit only: they are one size
    sizes = Counter(round(abs(difference), 12) for difference in differences)
    sizes.pop(0.0, None)
    seen = abs(sum(differences)) - 1e-9
    outcomes = 1
    for count in sizes.values():
        outcomes *= count + 1
        if outcomes > MAX_ENUMERATED:
            return PairedTest(_p_from_draws(sizes, seen, Random(seed), draws), False)
    return PairedTest(_p_from_all(sizes, seen), True)


def _p_from_all(sizes: Mapping[float, int], seen: float) -> float:
    """The share of all sign flips whose sum is at least as far from 0 as `seen`."""
    classes = [
        [(size * (2 * plus - count), comb(count, plus)) for plus in range(count + 1)]
        for size, count in sizes.items()
    ]
    extreme = 0
    for outcome in product(*classes):
        if abs(sum(part for part, _ in outcome)) >= seen:
            ways = 1
            for _, factor in outcome:
                ways *= factor
            extreme += ways
    return float(extreme / 2 ** sum(sizes.values()))


def _p_from_draws(sizes: Mapping[float, int], seen: float, rng: Random, draws: int) -> float:
    extreme = 0
    for _ in range(draws):
        total = 0.0
        for size, count in sizes.items():
            total += size * (2 * rng.getrandbits(count).bit_count() - count)
        extreme += abs(total) >= seen
    return (1 + extreme) / (1 + draws)


@dataclass(slots=True)
class _Answers:
    """What was judged, task by task: successes, total rewards and components."""

    right: dict[str, list[float]] = field(default_factory=dict)
    reward: dict[str, list[float]] = field(default_factory=dict)
    components: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    answers: int = 0
    truncated: int = 0
    tokens: list[int] = field(default_factory=list)


def _number(value: object) -> float | None:
    """A finite number as float; None for anything else."""
    if isinstance(value, int | float) and isfinite(value):
        return float(value)
    return None


def _collect(rows: Iterable[Mapping[str, Any]], pass_on: str, solved: float) -> _Answers:
    seen = _Answers()
    for row in rows:
        task = str(row["task"])
        seen.answers += 1
        seen.truncated += row.get("finish") == "length"
        if (tokens := row.get("tokens")) is not None:
            seen.tokens.append(tokens)
        right, reward = seen.right.setdefault(task, []), seen.reward.setdefault(task, [])
        if (value := _number(row.get("value"))) is not None:
            reward.append(value)
        for name, part in (row.get("components") or {}).items():
            if (value := _number(part.get("value"))) is None:
                continue
            seen.components.setdefault(name, {}).setdefault(task, []).append(value)
            if name == pass_on:
                right.append(float(value >= solved))
    return seen


def _task_means(values: Mapping[str, Sequence[float]]) -> list[float]:
    """The mean of each task that has any value."""
    return [sum(few) / len(few) for few in values.values() if few]


def pass_sizes(samples: int) -> list[int]:
    """The k of pass@k for so many answers a task: powers of two, and `samples` itself."""
    sizes = {samples}
    power = 1
    while power < samples:
        sizes.add(power)
        power *= 2
    return sorted(sizes)


def summarize(
    rows: Iterable[Mapping[str, Any]], *, samples: int, pass_on: str, solved: float, seed: int
) -> dict[str, Any]:
    """One model's block of `result.json`, from its judged answers.

    An answer is right if its component `pass_on` is at least `solved`; where that component has no
    value there is no verdict: such answers are counted (`no_verdict`) and left out, never taken
    for wrong. A task without any verdict leaves the mean and is counted too. pass@k is over the
    tasks with at least k judged answers. `interval` names the method behind pass@1.
    """
    seen = _collect(rows, pass_on, solved)
    judged = sum(len(few) for few in seen.right.values())

    def estimate(values: Sequence[float]) -> dict[str, Any]:
        return asdict(estimate_mean(values, seed=seed))  # one seed: equal values, equal intervals

    passes = {
        f"pass@{k}": estimate(
            [
                pass_at_k(round(sum(few)), len(few), k)
                for few in seen.right.values()
                if len(few) >= k
            ]
        )
        for k in pass_sizes(samples)
    }
    return {
        "tasks": len(seen.right),
        "tasks_without_verdict": sum(not few for few in seen.right.values()),
        "answers": seen.answers,
        "no_verdict": seen.answers - judged,
        **passes,
        "reward": estimate(_task_means(seen.reward)),
        "components": {
            name: estimate(_task_means(values)) for name, values in seen.components.items()
        },
        "mean_tokens": sum(seen.tokens) / len(seen.tokens) if seen.tokens else None,
        "truncated": seen.truncated / seen.answers if seen.answers else None,
        "interval": "wilson" if is_proportion(_task_means(seen.right)) else "bootstrap",
    }


def compare(
    before_rows: Iterable[Mapping[str, Any]],
    after_rows: Iterable[Mapping[str, Any]],
    *,
    before: str,
    after: str,
    pass_on: str,
    solved: float,
    seed: int,
) -> dict[str, Any]:
    """One entry of `pairs` in `result.json`: how much better `after` is than `before`.

    The difference is of pass@1, over the tasks for which both models have a verdict; `unpaired`
    counts the others. The interval is a bootstrap over tasks.
    """
    old = _collect(before_rows, pass_on, solved).right
    new = _collect(after_rows, pass_on, solved).right
    shared = [task for task, few in old.items() if few and new.get(task)]
    old_means = _task_means({task: old[task] for task in shared})
    new_means = _task_means({task: new[task] for task in shared})
    gains = [b - a for a, b in zip(old_means, new_means, strict=True)]
    gain = bootstrap_mean(gains, seed=f"{seed}/{before}/{after}/difference")
    test = paired_permutation(old_means, new_means, seed=f"{seed}/{before}/{after}/test")
    return {
        "before": before,
        "after": after,
        "difference": gain.value,
        "low": gain.low,
        "high": gain.high,
        "p": test.p,
        "test": "paired sign-flip permutation",
        "exact": test.exact,
        "tasks": len(shared),
        "unpaired": len(old.keys() | new.keys()) - len(shared),
    }
