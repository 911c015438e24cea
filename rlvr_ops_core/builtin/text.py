"""The plugin `text`: rewards on text that every project needs.

All of them judge in this process, in time linear in the text, and say in `info` why: `reason`,
`extracted` and `gold`. A task whose answer can't be used gets no verdict (they abstain).
"""

from __future__ import annotations

from collections.abc import Mapping

from rlvr_ops_core.builtin.choice import Choice
from rlvr_ops_core.builtin.match import exact, f1
from rlvr_ops_core.builtin.number import Number
from rlvr_ops_core.builtin.shape import Format, Length
from rlvr_ops_core.hookspecs import hookimpl
from rlvr_ops_core.types import Reward


@hookimpl
def rlvr_rewards() -> Mapping[str, Reward]:
    """The text rewards by name."""
    return {
        "exact": exact,
        "f1": f1,
        "choice": Choice,
        "number": Number,
        "format": Format,
        "length": Length,
    }
