"""A reference window against a live one: which signals moved, and whose doing it is."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from rlvr_monitor.drift.tests import (
    Shuffles,
    Tested,
    ks_test,
    mean_test,
    paired_test,
    population_stability,
    prompt_features,
    random_signs,
    step_down,
)
from rlvr_monitor.drift.window import OUTCOMES, Unit
from rlvr_monitor.health.sequential import EDetector
from rlvr_ops_core import DataError

if TYPE_CHECKING:
    import numpy as np

FEWEST = 20
"""Units that a window needs, and tasks that both windows need to be compared task by task."""
SEED = 0
SEQUENTIAL_SHARE = 0.2
"""Of alpha, for the tests of rates that may be asked after each unit."""

Kind = Literal["input", "policy", "verifier"]


@dataclass(frozen=True)
class Shift:
    """One signal's test."""

    signal: str
    kind: Kind
    detector: str
    statistic: float
    p_value: float
    reference: float
    live: float
    varies: bool = True
    """False where all units of both windows are alike: there is nothing to test."""
    drifted: bool = False
    psi: float | None = None
    psi_critical: float | None = None


Signal = tuple[Shift, Tested]
"""A signal's test as it is told, and what chance makes of it."""


@dataclass(frozen=True)
class Comparison:
    """All tests of two windows."""

    reference: int
    live: int
    alpha: float
    shared_tasks: int
    shifts: tuple[Shift, ...]
    sequential: tuple[str, ...]
    """What the tests of rates, valid at any moment, found: `pass rate fell at unit 312`."""

    @property
    def drifted(self) -> bool:
        """Anything moved."""
        return bool(self.sequential) or any(shift.drifted for shift in self.shifts)

    @property
    def cause(self) -> str:
        """In words: did the input move, or the policy, or the verifier?"""
        moved = {shift.kind for shift in self.shifts if shift.drifted}
        if not moved:
            return "a rate moved" if self.sequential else "nothing moved"
        paired = self.shared_tasks >= FEWEST
        if "input" not in moved:
            return f"the input is as before: the {' and the '.join(sorted(moved))} moved"
        if moved == {"input"}:
            return "the input moved; nothing else did"
        if paired and "policy" in moved:
            return "the input moved, and on the same tasks the policy moved too"
        rest = " and the ".join(sorted(moved - {"input"}))
        if paired:
            return f"the input and the {rest} moved"
        return (
            f"the input moved; that the {rest} moved may follow from it: "
            "the windows share too few tasks to tell"
        )

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        return {**asdict(self), "drifted": self.drifted, "cause": self.cause}


def compare_windows(
    reference: Sequence[Unit], live: Sequence[Unit], *, alpha: float = 0.05
) -> Comparison:
    """Test every signal; the chance of any alarm without drift is held to `alpha`.

    A fifth of it goes to the sequential tests of rates where they are made, the rest to the tests
    of the signals together.

    Where the windows share 20 tasks or more, what the policy does is compared task by task, so that
    another mix of tasks does not look like another policy.

    Raises:
        DataError: a window has fewer than 20 units.
    """
    import numpy as np

    for name, units in (("reference", reference), ("live", live)):
        if len(units) < FEWEST:
            raise DataError(
                f"the {name} window holds {len(units)} groups of answers",
                hint=f"at least {FEWEST} are needed to compare",
            )
    rng = np.random.default_rng(SEED)
    pairs = shared(reference, live)
    shuffles = Shuffles(len(reference), len(live), rng)
    tested = [*_input(reference, live, shuffles), *_verifier(reference, live, shuffles)]
    sequential: list[str] = []
    share = alpha
    if len(pairs) >= FEWEST:
        tested += _policy_on_same_tasks(pairs, rng)
    else:
        tested += _policy(reference, live, shuffles)
        share = alpha * (1 - SEQUENTIAL_SHARE)
        sequential = list(_rates(reference, live, alpha * SEQUENTIAL_SHARE))
    shifts = tuple(significant(tested, share))
    return Comparison(len(reference), len(live), alpha, len(pairs), shifts, tuple(sequential))


def significant(signals: Sequence[Signal], alpha: float) -> list[Shift]:
    """The shifts, saying which are significant; one that never varies is no test at all.

    Whether it does is the same whoever is in which window, so that leaving it out is no choice
    that favours a finding.
    """
    varying = [(shift, tested) for shift, tested in signals if shift.varies]
    found = step_down([tested.p_values for _, tested in varying], alpha)
    moved = {shift.signal for (shift, _), yes in zip(varying, found, strict=True) if yes}
    return [replace(shift, drifted=shift.signal in moved) for shift, _ in signals]


def _input(reference: Sequence[Unit], live: Sequence[Unit], shuffles: Shuffles) -> list[Signal]:
    import numpy as np

    lengths = [np.array([float(len(unit.prompt)) for unit in units]) for units in (reference, live)]
    texts = [[unit.prompt for unit in units] for units in (reference, live)]
    features = prompt_features([*texts[0], *texts[1]])
    mix = mean_test(features[: len(texts[0])], features[len(texts[0]) :], shuffles)
    kinds = [float(len(set(these))) for these in texts]
    return [
        _continuous("prompt_length", "input", lengths[0], lengths[1], shuffles),
        _signal(
            "prompt_mix",
            "input",
            "ngram_means",
            mix,
            (kinds[0], kinds[1]),
            varies=len({*texts[0], *texts[1]}) > 1,
        ),
    ]


def _verifier(reference: Sequence[Unit], live: Sequence[Unit], shuffles: Shuffles) -> list[Signal]:
    import numpy as np

    seconds = [
        np.array([float(np.median(unit.seconds)) for unit in units]) for units in (reference, live)
    ]
    failed = [
        np.array([_share(unit, OUTCOMES[3:]) for unit in units]) for units in (reference, live)
    ]
    return [
        _continuous("verdict_seconds", "verifier", seconds[0], seconds[1], shuffles),
        _rate("no_verdict", "verifier", failed[0], failed[1], shuffles),
    ]


def _policy(reference: Sequence[Unit], live: Sequence[Unit], shuffles: Shuffles) -> list[Signal]:
    import numpy as np

    lengths = [
        np.array([float(np.mean(unit.lengths)) for unit in units]) for units in (reference, live)
    ]
    signals = [_continuous("completion_length", "policy", lengths[0], lengths[1], shuffles)]
    for name, of in RATES_OF_POLICY.items():
        a, b = (np.array([of(unit) for unit in units]) for units in (reference, live))
        signals.append(_rate(name, "policy", a, b, shuffles))
    return signals


def _policy_on_same_tasks(
    pairs: Sequence[tuple[list[Unit], list[Unit]]], rng: np.random.Generator
) -> list[Signal]:
    import numpy as np

    logarithms: dict[str, Callable[[Unit], float]] = {
        "completion_length": lambda unit: math.log1p(float(np.mean(unit.lengths)))
    }
    signals = []
    signs = random_signs(len(pairs), rng)
    for name, of in {**logarithms, **RATES_OF_POLICY}.items():
        a = np.array([np.mean([of(unit) for unit in before]) for before, _ in pairs])
        b = np.array([np.mean([of(unit) for unit in after]) for _, after in pairs])
        means = [
            float(np.expm1(one.mean()) if name in logarithms else one.mean()) for one in (a, b)
        ]
        tested = paired_test(b - a, signs)
        varied = bool((a != b).any())
        signals.append(
            _signal(name, "policy", "same_tasks", tested, (means[0], means[1]), varies=varied)
        )
    return signals


def _continuous(name: str, kind: Kind, a: np.ndarray, b: np.ndarray, shuffles: Shuffles) -> Signal:
    import numpy as np

    psi, critical = population_stability(a, b)
    shift, tested = _signal(
        name,
        kind,
        "ks",
        ks_test(a, b, shuffles),
        (float(np.median(a)), float(np.median(b))),
        varies=varies(a, b),
    )
    return replace(shift, psi=psi, psi_critical=critical), tested


def _rate(name: str, kind: Kind, a: np.ndarray, b: np.ndarray, shuffles: Shuffles) -> Signal:
    means = (float(a.mean()), float(b.mean()))
    return _signal(name, kind, "permutation", mean_test(a, b, shuffles), means, varies=varies(a, b))


def _signal(
    name: str,
    kind: Kind,
    detector: str,
    tested: Tested,
    levels: tuple[float, float],
    *,
    varies: bool,
) -> Signal:
    before, after = levels
    shift = Shift(
        name, kind, detector, tested.statistic, tested.p_value, before, after, varies=varies
    )
    return shift, tested


def varies(*samples: np.ndarray) -> bool:
    """Not all of the values are equal."""
    return len({value for sample in samples for value in sample.ravel().tolist()}) > 1


def _share(unit: Unit, outcomes: Sequence[str]) -> float:
    return sum(one in outcomes for one in unit.outcomes) / len(unit.outcomes)


RATES_OF_POLICY: Mapping[str, Callable[[Unit], float]] = {
    "pass_rate": lambda unit: _share(unit, ("pass",)),
    "partial_rate": lambda unit: _share(unit, ("partial",)),
    "truncated": lambda unit: sum(unit.cut) / len(unit.cut),
}


def shared(reference: Sequence[Unit], live: Sequence[Unit]) -> list[tuple[list[Unit], list[Unit]]]:
    """The units of each task that both windows have, the task's id and prompt being equal."""
    before: dict[tuple[str, str], list[Unit]] = defaultdict(list)
    after: dict[tuple[str, str], list[Unit]] = defaultdict(list)
    for units, by_task in ((reference, before), (live, after)):
        for unit in units:
            by_task[unit.task, unit.prompt].append(unit)
    return [(before[task], after[task]) for task in before if task in after]


def _rates(reference: Sequence[Unit], live: Sequence[Unit], alpha: float) -> list[str]:
    """Pass and failure rates, unit by unit: may be asked after each one, at the same error rate.

    One answer of each unit counts (its first), since answers to one prompt depend on each other.
    What is tolerated is the reference's rate with all its uncertainty (Clopper-Pearson).
    """
    from scipy.stats import beta

    found = []
    watched: dict[str, Callable[[Unit], bool]] = {
        "the pass rate fell": lambda unit: unit.outcomes[0] in ("fail", "partial"),
        "the pass rate rose": lambda unit: unit.outcomes[0] == "pass",
        "verdicts fail more often": lambda unit: unit.outcomes[0] in ("error", "timeout"),
    }
    for words, hit in watched.items():
        hits = sum(map(hit, reference))
        level = alpha / len(watched) / 2  # half for the reference's uncertainty
        tolerated = float(beta.ppf(1 - level, hits + 1, max(1, len(reference) - hits)))
        if tolerated >= 0.999:
            continue
        test = EDetector(tolerated, once_in=1 / level)
        for number, unit in enumerate(live, start=1):
            if test.update(int(hit(unit)), 1):
                found.append(f"{words}, clear after {number} groups")
                break
    return found
