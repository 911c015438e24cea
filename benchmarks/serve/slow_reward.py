"""A reward that takes 20 ms, as a sandbox does: what overload is measured with."""

import asyncio

from rlvr_ops_core import hookimpl


async def twenty_ms(sample):
    """Wait, then say yes."""
    await asyncio.sleep(0.02)
    return 1.0


@hookimpl
def rlvr_rewards():
    """One reward."""
    return {"twenty_ms": twenty_ms}
