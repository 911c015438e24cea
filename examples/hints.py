"""Cards on their faces: what do they add up to? An environment, its tasks, in one file.

The model may `look` at one card after the other, for a small price each, and then says a number.
Guessing is free and mostly wrong.
"""

from __future__ import annotations

import random
import zlib
from collections.abc import Iterator, Mapping

from rlvr_ops_core import DataSource, Environment, Task, Turn, environment, hookimpl

GREATEST = 4
"""Cards show 0 to this."""


def cards(
    *, split: str = "train", limit: int = 1000, careful: float = 0.4, seed: int = 0
) -> Iterator[Task]:
    """One to three cards, with a demonstration of play each.

    A share of `careful` demonstrations looks at all cards before it answers; the others look at
    fewer, and guess the rest. No hand of three cards is in both splits.
    """
    generator = random.Random(f"{seed}/{split}")
    given = 0
    while given < limit:
        hand = [generator.randint(0, GREATEST) for _ in range(generator.randint(1, 3))]
        looks = len(hand) if generator.random() < careful else generator.randrange(len(hand))
        guesses = [generator.randint(0, GREATEST) for _ in hand[looks:]]
        is_test = zlib.crc32(repr(hand).encode()) % 8 == 0
        if len(hand) == 3 and is_test != (split == "test"):
            continue
        play = [{"role": "assistant", "content": "look"} for _ in range(looks)]
        told = [{"role": "user", "content": str(card)} for card in hand[:looks]]
        answer = {"role": "assistant", "content": str(sum(hand[:looks] + guesses))}
        yield Task(
            id=f"cards/{split}/{given}",
            prompt=f"{len(hand)} cards :",
            answer=str(sum(hand)),
            data={
                "hand": hand,
                "demonstration": [one for pair in zip(play, told, strict=True) for one in pair]
                + [answer],
            },
        )
        given += 1


@environment(inline=True)  # cheap, and done in no time whatever the model says
class Table:
    """Shows a card for each `look`; whatever else the model says is its answer."""

    def __init__(self, task: Task, *, price: float = 0.05) -> None:
        """`price` of a look."""
        self.hidden = list(task.data["hand"])
        self.price = price

    def reset(self) -> str:
        """The prompt says it all."""
        return ""

    def step(self, answer: str) -> Turn:
        """A card, or the end; whether the answer is right is for a reward to say."""
        if answer.strip() != "look":
            return Turn(done=True)
        card = str(self.hidden.pop(0)) if self.hidden else "none"
        return Turn(card, reward=-self.price)


@hookimpl
def rlvr_data_sources() -> Mapping[str, DataSource]:
    """The tasks, as `hints/cards`."""
    return {"cards": cards}


@hookimpl
def rlvr_environments() -> Mapping[str, Environment]:
    """The table they lie on, as `hints/table`."""
    return {"table": Table}
