"""Code rewards for RLVR-Ops, and the data sources that go with them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rlvr_ops_core import DataSource, Reward, hookimpl

if TYPE_CHECKING:
    import click


@hookimpl
def rlvr_rewards() -> Mapping[str, Reward]:
    """The reward `code/tests`."""
    from rlvr_rewards_code.tests_reward import Tests

    return {"tests": Tests}


@hookimpl
def rlvr_data_sources() -> Mapping[str, DataSource]:
    """The data sources `code/humaneval`, `code/mbpp`, `code/jsonl`."""
    from rlvr_rewards_code.sources.humaneval import humaneval
    from rlvr_rewards_code.sources.jsonl import jsonl
    from rlvr_rewards_code.sources.mbpp import mbpp

    return {"humaneval": humaneval, "mbpp": mbpp, "jsonl": jsonl}


@hookimpl
def rlvr_commands() -> Mapping[str, click.Command]:
    """The command `rlvr code-image`."""
    from rlvr_rewards_code.command import code_image

    return {"code-image": code_image}
