"""The quickstart's task: add up a list of eight numbers. A whole plugin in one file.

A model can answer at once (`! 11`) or work it out, one running total after the other
(`? 3 3 4 6 6 7 10 11`). Only the last number counts.
"""

from __future__ import annotations

import random
import zlib
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate

from rlvr_ops_core import DataSource, Reward, Sample, Score, Task, hookimpl, reward


def lists(
    *,
    split: str = "train",
    limit: int = 1000,
    worked: Sequence[float] = (0.95, 0.95, 0.95, 0.95, 0.35),
    greatest: Sequence[int] = (1, 3, 6, 9),
    seed: int = 0,
) -> Iterator[Task]:
    """Lists to add up, with a demonstration each.

    `worked` is the share of demonstrations that show the running totals, in the first, second …
    part of the lists: a warm start that reads them in order sees how working it out goes, and gets
    into the habit of quick answers at the end. The numbers of a list go from 0 to one of
    `greatest`.

    No list is in both splits: a checksum of the list says which one it belongs to.
    """
    generator = random.Random(f"{seed}/{split}")
    given = 0
    while given < limit:
        top = generator.choice(greatest)
        numbers = [generator.randint(0, top) for _ in range(8)]
        prompt = " ".join(map(str, numbers)) + " ="
        shows_work = generator.random() < worked[given * len(worked) // limit]
        if (zlib.crc32(prompt.encode()) % 8 == 0) != (split == "test"):
            continue
        totals = " ".join(map(str, accumulate(numbers)))
        yield Task(
            id=f"adding/{split}/{given}",
            prompt=prompt,
            answer=sum(numbers),
            data={
                "demonstration": f"? {totals}" if shows_work else f"! {sum(numbers)}",
                "greatest": top,
            },
        )
        given += 1


@reward(inline=True)
def sum_is_right(sample: Sample) -> Score:
    """The last number of the answer is the sum."""
    last = "".join(sample.text.split()[-1:])
    right = last == str(sample.task.answer)
    reason = "the last number is the sum" if right else f"the sum is {sample.task.answer}"
    return Score(right, info={"reason": reason, "extracted": last})


@reward(inline=True)
def is_worked(sample: Sample) -> bool:
    """The answer shows its work; nobody is paid for this."""
    return sample.text.startswith("?")


@hookimpl
def rlvr_data_sources() -> Mapping[str, DataSource]:
    """The task, as `adding/lists`."""
    return {"lists": lists}


@hookimpl
def rlvr_rewards() -> Mapping[str, Reward]:
    """What pays (`adding/sum`) and what is only watched (`adding/worked`)."""
    return {"sum": sum_is_right, "worked": is_worked}
