"""Two-sample tests by permutation: exact whatever the distribution, ties and all."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

PERMUTATIONS = 1999
AT_ONCE = 250
FEATURES = 512
DIGITS, SMALLEST = 9, 1e-6
"""Statistics that differ by less than rounding does are equal: so many digits of the largest one,
or of this."""


class Tested(NamedTuple):
    """A statistic, and what chance makes of it."""

    statistic: float
    p_values: Floats
    """Of what was seen, then of each permutation as if it had been seen."""

    @property
    def p_value(self) -> float:
        """The share of arrangements, what was seen among them, whose statistic is as large."""
        return float(self.p_values[0])


class Shuffles:
    """Who is in the second sample, over and over by chance: shared by all tests of two samples.

    Each test is exact by itself. That they share their chance shows how they depend on each other,
    which `step_down` makes use of.
    """

    def __init__(self, first: int, second: int, rng: np.random.Generator) -> None:
        """Of samples of so many units each."""
        import numpy as np

        self.first, self.second = first, second
        self.seen = np.arange(first + second) >= first
        rows = np.tile(self.seen, (PERMUTATIONS, 1))
        self.labels = rng.permuted(rows, axis=1, out=rows)

    def test(self, statistics: Callable[[NDArray[np.bool_]], Floats]) -> Tested:
        """The test of a statistic; `statistics` takes labels, an arrangement a row."""
        import numpy as np

        chunks = [statistics(self.seen[None])]
        for start in range(0, PERMUTATIONS, AT_ONCE):
            chunks.append(statistics(self.labels[start : start + AT_ONCE]))
        return _tested(np.concatenate(chunks))


def _tested(statistics: Floats) -> Tested:
    """From the statistic that was seen, and those of the permutations after it."""
    import numpy as np

    largest = max(SMALLEST, float(np.abs(statistics).max()))
    rounded = np.round(statistics / largest, DIGITS)
    below = np.searchsorted(np.sort(rounded), rounded, side="left")
    return Tested(float(statistics[0]), 1 - below / len(rounded))


def ks_test(a: Floats, b: Floats, shuffles: Shuffles) -> Tested:
    """Kolmogorov-Smirnov distance of two samples."""
    import numpy as np

    pooled = np.concatenate([a, b])
    order = np.argsort(pooled, kind="stable")
    ends = np.append(np.diff(pooled[order]) > 0, True)  # ties count together

    def distances(labels: NDArray[np.bool_]) -> Floats:
        weight = np.where(labels[:, order], -1 / len(b), 1 / len(a))
        found: Floats = np.abs(np.cumsum(weight, axis=1)[:, ends]).max(axis=1)
        return found

    return shuffles.test(distances)


def mean_test(a: Floats, b: Floats, shuffles: Shuffles) -> Tested:
    """Difference of the means of two samples in rows of one or more columns.

    The statistic is the sum over columns of the squared difference over the pooled variance.
    """
    import numpy as np

    pooled = np.concatenate([a, b]).reshape(len(a) + len(b), -1)
    pooled = pooled[:, pooled.std(axis=0) > 0]
    if pooled.shape[1] == 0:
        return Tested(0.0, np.ones(PERMUTATIONS + 1))
    pooled = (pooled - pooled.mean(axis=0)) / pooled.std(axis=0)

    def differences(labels: NDArray[np.bool_]) -> Floats:
        # the columns sum to 0, so that the second sample's sum says both means
        sums = labels.astype(np.float64) @ pooled * (1 / len(a) + 1 / len(b))
        found: Floats = (sums**2).sum(axis=1)
        return found

    return shuffles.test(differences)


def random_signs(pairs: int, rng: np.random.Generator) -> Floats:
    """Which pairs are turned round, over and over by chance: for all tests of these pairs."""
    signs: Floats = rng.choice([-1.0, 1.0], size=(PERMUTATIONS, pairs))
    return signs


def paired_test(differences: Floats, signs: Floats) -> Tested:
    """Mean of paired differences."""
    import numpy as np

    sums = np.append(differences.sum(), signs @ differences)
    found = _tested(np.abs(sums) / len(differences))
    return found._replace(statistic=float(differences.mean()))


def prompt_features(texts: list[str]) -> Floats:
    """How often each text uses each of 512 hashed 4-grams of characters, square-rooted."""
    import zlib

    import numpy as np

    table = np.zeros((len(texts), FEATURES))
    for place, text in enumerate(texts):
        data = text[:4000].lower().encode()
        for start in range(len(data) - 3):
            table[place, zlib.crc32(data[start : start + 4]) % FEATURES] += 1
    counts: Floats = np.sqrt(table / np.maximum(1, table.sum(axis=1, keepdims=True)))
    return counts


def step_down(tests: Sequence[Floats], alpha: float) -> list[bool]:
    """Which tests are significant, the chance of a wrong one among all of them being `alpha`.

    `tests` are their `p_values`. The smallest is compared with the smallest of the same
    permutations, so that neither ties nor what the tests have in common cost any power; then the
    next one with those of the tests that are left.

    Source: Westfall and Young (1993), step-down minP.
    """
    import numpy as np

    order = sorted(range(len(tests)), key=lambda place: float(tests[place][0]))
    found = [False] * len(tests)
    for rank, place in enumerate(order):
        smallest = np.min([tests[left] for left in order[rank:]], axis=0)
        if (smallest <= tests[place][0]).mean() > alpha:
            break
        found[place] = True
    return found


def population_stability(a: Floats, b: Floats, *, bins: int = 10) -> tuple[float, float]:
    """PSI of b against a over a's quantiles, and its 95 % critical value at these sizes.

    Under no drift PSI · nm / (n + m) is about χ² with bins - 1 degrees of freedom (Yurdakul and
    Naranjo 2020), so that a fixed 0.1 or 0.25 is wrong at small sizes.
    """
    import numpy as np
    from scipy.stats import chi2

    edges = np.unique(np.quantile(a, np.linspace(0, 1, bins + 1)[1:-1]))
    first = np.bincount(np.searchsorted(edges, a, side="right"), minlength=len(edges) + 1)
    second = np.bincount(np.searchsorted(edges, b, side="right"), minlength=len(edges) + 1)
    p = (first + 0.5) / (len(a) + 0.5 * len(first))
    q = (second + 0.5) / (len(b) + 0.5 * len(second))
    value = float(((q - p) * np.log(q / p)).sum())
    used = int(((first + second) > 0).sum())
    if used < 2:
        return 0.0, math.inf
    return value, float(chi2.ppf(0.95, used - 1)) * (1 / len(a) + 1 / len(b))
