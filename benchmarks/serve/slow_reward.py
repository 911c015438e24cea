"""A reward that takes 20 ms, as a sandbox does: what overload is measured with."""

import asyncio
from collections.abc import Mapping

from rlvr_ops_core import Reward, Sample, hookimpl


async def twenty_ms(sample: Sample) -> float:
    """Wait, then say yes."""
    del sample
    await asyncio.sleep(0.02)
    return 1.0


@hookimpl
def rlvr_rewards() -> Mapping[str, Reward]:
    """One reward."""
    return {"twenty_ms": twenty_ms}
