"""Two-sample tests by permutation: exact whatever the distribution, ties and all."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

PERMUTATIONS = 1999
AT_ONCE = 250
FEATURES = 512


class Shuffles:
    """Who is in the second sample, over and over by chance: shared by all tests of two samples.

    Each test is exact by itself; that they share their chance leaves them as dependent on each
    other as the signals are.
    """

    def __init__(self, first: int, second: int, rng: np.random.Generator) -> None:
        """Of samples of so many units each."""
        import numpy as np

        self.first, self.second = first, second
        self.seen = np.arange(first + second) >= first
        rows = np.tile(self.seen, (PERMUTATIONS, 1))
        self.labels = rng.permuted(rows, axis=1, out=rows)

    def chunks(self) -> Iterator[NDArray[np.bool_]]:
        """The labels, some permutations at a time: a row for each, a column for each unit."""
        for start in range(0, PERMUTATIONS, AT_ONCE):
            yield self.labels[start : start + AT_ONCE]

    def p_value(self, beaten: int) -> float:
        """Of a statistic that so many permutations reach."""
        return (beaten + 1) / (PERMUTATIONS + 1)


def ks_test(a: Floats, b: Floats, shuffles: Shuffles) -> tuple[float, float]:
    """Kolmogorov-Smirnov distance of two samples, and its p-value by permutation."""
    import numpy as np

    pooled = np.concatenate([a, b])
    order = np.argsort(pooled, kind="stable")
    ends = np.append(np.diff(pooled[order]) > 0, True)  # ties count together

    def distances(labels: NDArray[np.bool_]) -> Floats:
        weight = np.where(labels[:, order], -1 / len(b), 1 / len(a))
        found: Floats = np.abs(np.cumsum(weight, axis=1)[:, ends]).max(axis=1)
        return found

    seen = float(distances(shuffles.seen[None])[0])
    beaten = sum(int((distances(rows) >= seen - 1e-12).sum()) for rows in shuffles.chunks())
    return seen, shuffles.p_value(beaten)


def mean_test(a: Floats, b: Floats, shuffles: Shuffles) -> tuple[float, float]:
    """Difference of the means of two samples in rows of one or more columns, and its p-value.

    The statistic is the sum over columns of the squared difference over the pooled variance.
    """
    import numpy as np

    pooled = np.concatenate([a, b]).reshape(len(a) + len(b), -1)
    pooled = pooled[:, pooled.std(axis=0) > 0]
    if pooled.shape[1] == 0:
        return 0.0, 1.0
    pooled = (pooled - pooled.mean(axis=0)) / pooled.std(axis=0)

    def differences(labels: NDArray[np.bool_]) -> Floats:
        # the columns sum to 0, so that the second sample's sum says both means
        sums = labels.astype(np.float64) @ pooled * (1 / len(a) + 1 / len(b))
        found: Floats = (sums**2).sum(axis=1)
        return found

    seen = float(differences(shuffles.seen[None])[0])
    enough = seen * (1 - 1e-9)
    beaten = sum(int((differences(rows) >= enough).sum()) for rows in shuffles.chunks())
    return seen, shuffles.p_value(beaten)


def paired_test(differences: Floats, rng: np.random.Generator) -> tuple[float, float]:
    """Mean of paired differences, and its p-value by flipping their signs."""
    import numpy as np

    seen = abs(float(differences.mean()))
    signs = rng.choice([-1.0, 1.0], size=(PERMUTATIONS, len(differences)))
    beaten = int((np.abs(signs @ differences) / len(differences) >= seen - 1e-12).sum())
    return float(differences.mean()), (beaten + 1) / (PERMUTATIONS + 1)


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


def false_discovery(p_values: list[float], alpha: float) -> list[bool]:
    """Which tests are significant at a false-discovery rate of `alpha`.

    Source: Benjamini and Hochberg (1995).
    """
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    last = 0
    for rank, place in enumerate(order, start=1):
        if p_values[place] <= alpha * rank / len(order):
            last = rank
    chosen = set(order[:last])
    return [place in chosen for place in range(len(p_values))]


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
