"""`math/arithmetic`: sums, differences and products made on the spot, as many as wanted."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator, Sequence
from itertools import count
from typing import Literal

from rlvr_ops_core import DataError, Task

Operation = Literal["+", "-", "*"]


def arithmetic(
    *,
    split: Literal["train", "test"] = "train",
    limit: int | None = None,
    operations: Sequence[Operation] = ("+", "-"),
    terms: int = 2,
    digits: int = 2,
    prompt: str = "{expression} =",
    seed: int = 0,
) -> Iterator[Task]:
    """Calculations with whole numbers, endless unless there is a limit.

    Args:
        split: `train` or `test`; no calculation is in both, whatever the seeds.
        limit: how many tasks; None goes on for ever.
        operations: what may stand between two numbers; `*` binds tighter, as usual.
        terms: how many numbers a calculation has.
        digits: numbers have one to so many digits.
        prompt: the text of the prompt, with `{expression}` for the calculation.
        seed: another seed gives other calculations.

    Raises:
        DataError: no calculation can be made with these options.
    """
    if terms < 1 or digits < 1 or not operations or "{expression}" not in prompt:
        raise DataError(
            f"math/arithmetic: terms {terms}, digits {digits}, operations {list(operations)}, "
            f"prompt {prompt!r}",
            hint="terms and digits start at 1, operations needs at least one, and the prompt must "
            "contain {expression}",
        )
    rng = random.Random(f"arithmetic/{seed}/{split}/{terms}/{digits}/{''.join(operations)}")
    made = 0
    for attempt in count():
        if limit is not None and made >= limit:
            return
        if made == 0 and attempt > 10_000:
            raise DataError(
                f"math/arithmetic: no calculation of this shape is in split {split!r}",
                hint="more digits",
            )
        expression = _expression(rng, operations, terms, digits)
        if _split_of(expression) != split:
            continue
        answer = evaluate(expression)
        yield Task(
            id=f"arithmetic/{split}/{made}",
            prompt=prompt.format(expression=expression),
            answer=str(answer),
            data={"expression": expression},
            source="math/arithmetic",
        )
        made += 1


def evaluate(expression: str) -> int:
    """The value of `12 + 3 * 4 - 5`: numbers and operations between blanks."""
    total, sign, product = 0, 1, 1
    for token in [*expression.split(), "+"]:
        if token in ("+", "-"):
            total += sign * product
            sign, product = (1 if token == "+" else -1), 1
        elif token != "*":
            product *= int(token)
    return total


def _expression(rng: random.Random, operations: Sequence[str], terms: int, digits: int) -> str:
    numbers = [rng.randrange(10 ** rng.randint(1, digits)) for _ in range(terms)]
    parts = [str(numbers[0])]
    for number in numbers[1:]:
        parts += [rng.choice(list(operations)), str(number)]
    return " ".join(parts)


def _split_of(expression: str) -> str:
    """One in five calculations is for testing; which ones depends on the calculation alone."""
    digest = hashlib.sha256(expression.encode()).digest()
    return "test" if digest[0] % 5 == 0 else "train"
