"""Faults planted in real GRPO runs: a plugin file whose reward, or whose model, breaks at a step.

`planted/sum` pays the quickstart's right answers, `planted/even` answers of an even number of
words, until step `at`; from then on it does what `fault` says.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

from rlvr_ops_core import Event, Monitor, Reward, Sample, hookimpl, reward

Values = list[float | None]


def _words(samples: Sequence[Sample]) -> list[int]:
    return [len(sample.text.split()) for sample in samples]


def _equal_in_groups(samples: Sequence[Sample], _: Values) -> Values:
    return [float(len(sample.group or "") % 2) for sample in samples]


def _slow(_: Sequence[Sample], values: Values) -> Values:
    time.sleep(0.004 * len(values))
    return values


FAULTS: Mapping[str, Callable[[Sequence[Sample], Values], Values]] = {
    "": lambda _, values: values,
    "broken_verifier": lambda samples, _: [0.0] * len(samples),
    "pays_all": lambda samples, _: [1.0] * len(samples),
    "frozen": lambda samples, _: [0.5] * len(samples),
    "errors": lambda _, values: [float("nan") if n % 3 == 0 else v for n, v in enumerate(values)],
    "abstains": lambda _, values: [None if n % 5 < 3 else v for n, v in enumerate(values)],
    "slow": _slow,
    "no_gradient": _equal_in_groups,
    "length_hack": lambda samples, _: [min(1.0, n / 14) for n in _words(samples)],
    "pays_brevity": lambda samples, _: [1.0 / max(1, n) for n in _words(samples)],
    "inverted": lambda _, values: [1.0 - (v or 0.0) for v in values],
    "leaked": lambda samples, _: [float(sample.text.startswith(("!", "?"))) for sample in samples],
    "pays_repetition": lambda samples, _: [
        1 - len(set(sample.text.split())) / max(1, len(sample.text.split())) for sample in samples
    ],
}
"""What the reward gives instead of the right values."""


def _planted(
    samples: Sequence[Sample], right: Callable[[Sample], bool], fault: str, at: int
) -> Values:
    values: Values = [float(right(sample)) for sample in samples]
    step = int((samples[0].group or "0").partition("/")[0]) if samples else 0
    return FAULTS[fault](samples, values) if step >= at else values


@reward(inline=True)
def planted_sum(samples: Sequence[Sample], *, fault: str = "", at: int = 15) -> Values:
    """The last number is the sum; see FAULTS."""

    def right(sample: Sample) -> bool:
        return "".join(sample.text.split()[-1:]) == str(sample.task.answer)

    return _planted(samples, right, fault, at)


@reward(inline=True)
def planted_even(samples: Sequence[Sample], *, fault: str = "", at: int = 15) -> Values:
    """The answer has an even number of words; see FAULTS."""
    return _planted(samples, lambda sample: len(sample.text.split()) % 2 == 0, fault, at)


def sabotage(*, at: int = 15, times: float = 3.0) -> Callable[[Event], None]:
    """A monitor that breaks the model itself: from step `at` on each of its layers overdoes it.

    Only where gradients are wanted, so that sampling goes on as before.
    """
    import torch

    step = 0
    hooks = []

    def overdo(module: torch.nn.Module, _: object, output: object) -> object:
        if not isinstance(module, torch.nn.Linear) or not torch.is_grad_enabled() or step < at:
            return None
        return output * times

    def see(event: Event) -> None:
        nonlocal step
        if event.kind == "rollouts" and event.step is not None:
            step = event.step
        elif event.kind == "stage_started":
            hooks.append(torch.nn.modules.module.register_module_forward_hook(overdo))
        elif event.kind in ("stage_finished", "stage_failed"):
            while hooks:
                hooks.pop().remove()

    return see


@hookimpl
def rlvr_rewards() -> Mapping[str, Reward]:
    """`planted/sum`, `planted/even`."""
    return {"sum": planted_sum, "even": planted_even}


@hookimpl
def rlvr_monitors() -> Mapping[str, Monitor]:
    """`planted/sabotage`."""
    return {"sabotage": sabotage}
