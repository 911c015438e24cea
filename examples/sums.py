"""Three ways to look at the answer of a sum, for `smollm2.yaml`. A whole plugin in one file."""

from __future__ import annotations

import re
from collections.abc import Mapping

from rlvr_ops_core import Reward, Sample, Score, hookimpl, reward

NUMBER = re.compile(r"-?\d{1,20}")


@reward(inline=True)
def strict(sample: Sample) -> Score:
    """The answer is the number and nothing else."""
    text = sample.text.strip()
    return Score(text == sample.task.answer, info={"extracted": text})


@reward(inline=True)
def first_number(sample: Sample) -> Score:
    """The first number in the answer is right, whatever stands around it: arithmetic, not form."""
    found = NUMBER.search(sample.text)
    number = found.group() if found else ""
    return Score(number == sample.task.answer, info={"extracted": number})


@reward(inline=True)
def constant(sample: Sample, *, answer: str) -> bool:
    """What a model would score that always gave the same answer, here `answer`."""
    return bool(sample.task.answer == answer)


@hookimpl
def rlvr_rewards() -> Mapping[str, Reward]:
    """The rewards, as `sums/strict`, `sums/first_number` and `sums/constant`."""
    return {"strict": strict, "first_number": first_number, "constant": constant}
