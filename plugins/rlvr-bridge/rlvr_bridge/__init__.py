"""One reward in every trainer, and theirs here: the plugin `bridge`.

Out: `rlvr export TRAINER REWARD` and the modules beside this one, one a trainer. In: the rewards
`bridge/trl`, `bridge/verl` … and the data sources `bridge/verifiers` and `bridge/verl`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rlvr_ops_core import DataSource, Reward, hookimpl

if TYPE_CHECKING:
    import click


@hookimpl
def rlvr_rewards() -> Mapping[str, Reward]:
    """Rewards of other libraries, by the shape of their function."""
    from rlvr_bridge.incoming.detect import Function
    from rlvr_bridge.incoming.environments import OpenEnv, Verifiers
    from rlvr_bridge.incoming.functions import Plain, Trl, TrlGroup, Verl

    return {
        "function": Function,
        "trl": Trl,
        "trl_group": TrlGroup,
        "verl": Verl,
        "verifiers": Verifiers,
        "openenv": OpenEnv,
        "plain": Plain,
    }


@hookimpl
def rlvr_data_sources() -> Mapping[str, DataSource]:
    """Tasks of other libraries."""
    from rlvr_bridge.incoming.environments import verifiers_tasks
    from rlvr_bridge.incoming.rows import verl_rows

    return {"verifiers": verifiers_tasks, "verl": verl_rows}


@hookimpl
def rlvr_commands() -> Mapping[str, click.Command]:
    """`rlvr export`."""
    from rlvr_bridge.export.command import export

    return {"export": export}
