"""Math rewards for RLVR-Ops, and the data sources that go with them."""

from __future__ import annotations

from collections.abc import Mapping

from rlvr_ops_core import DataSource, Reward, hookimpl


@hookimpl
def rlvr_rewards() -> Mapping[str, Reward]:
    """The rewards `math/equal` and `math/boxed`."""
    from rlvr_rewards_math.boxed import boxed
    from rlvr_rewards_math.equal import equal

    return {"equal": equal, "boxed": boxed}


@hookimpl
def rlvr_data_sources() -> Mapping[str, DataSource]:
    """The data sources `math/gsm8k`, `math/math500`, `math/math`, `math/svamp`, `math/aime`.

    `math/arithmetic`.
    """
    from rlvr_rewards_math.arithmetic import arithmetic
    from rlvr_rewards_math.sources import SOURCES

    return {**SOURCES, "arithmetic": arithmetic}
