"""From items to results in one loop, for rewards that are declared cheap: the server's hot path.

The engine makes a verdict of whatever a reward returns, and a result is made of that. What nearly
all rewards return, a `Score` in range without components, needs no verdict in between; everything
else goes the engine's way.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from time import perf_counter

from rlvr_ops_core import Sample, Score, Task
from rlvr_ops_core.scoring import BoundReward
from rlvr_ops_core.scoring.verdicts import raised, settle
from rlvr_serve.rewards.items import Item, Result, result_of
from rlvr_serve.rewards.judges import SLICE


async def judge_quickly(bound: BoundReward, items: Sequence[Item]) -> list[Result]:
    """One result an item, in order; the event loop turns between slices."""
    if len(items) <= SLICE:
        return judge_slice(bound, items)
    results: list[Result] = []
    for first in range(0, len(items), SLICE):
        results += judge_slice(bound, items[first : first + SLICE])
        await asyncio.sleep(0)
    return results


def judge_slice(bound: BoundReward, items: Sequence[Item]) -> list[Result]:
    """One result an item, in order; what a reward raises is its own item's error."""
    call, spec, ref, clock = bound.call, bound.spec, bound.ref, perf_counter
    (low, high), is_plain = spec.range, not spec.components
    results = []
    started = clock()
    for item in items:
        name, group = item.id, item.group
        id_ = "" if name is None else str(name)
        task = Task(id_, item.prompt, item.answer, item.data, item.source)
        group = group if group is None else str(group)
        sample = Sample(task, item.completion, group, item.index, item.token_ids, item.finish)
        try:
            raw = call(sample)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001  # one reward call: recorded as its verdict
            now = clock()
            results.append(result_of(item, raised(error, ref=ref, seconds=now - started)))
            started = now
            continue
        now = clock()
        if type(raw) is Score and is_plain and not raw.components:
            value, info = raw.value, raw.info
            if type(value) is float and low <= value <= high and type(info) is dict:
                results.append(Result(name, value, "ok", {}, info, now - started, ref))
                started = now
                continue
        results.append(result_of(item, settle(raw, spec, ref, now - started)))
        started = now
    return results
