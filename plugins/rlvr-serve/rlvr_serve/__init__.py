"""Policies and rewards over HTTP: the plugin `serve`.

`rlvr serve RUN` and the server `serve/policy` answer as OpenAI's API does; `rlvr serve --reward
math/equal` and the server `serve/rewards` judge answers for any trainer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rlvr_ops_core import Server, hookimpl

if TYPE_CHECKING:
    import click


@hookimpl
def rlvr_servers() -> Mapping[str, Server]:
    """A policy, and rewards, as a pipeline stage."""
    from rlvr_serve.stages import policy, rewards

    return {"policy": policy, "rewards": rewards}


@hookimpl
def rlvr_commands() -> Mapping[str, click.Command]:
    """`rlvr serve`."""
    from rlvr_serve.command import serve

    return {"serve": serve}
