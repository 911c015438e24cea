"""Each trainer's own call of a reward: in the real package where it is installed, else a replay.

A call site is given a folder, the words that go to `rlvr export`, and answers; it exports, loads
what was written as the trainer loads it, calls as the trainer calls, and says what the trainer had
in its hands. A replay names the version, the file and the lines that it repeats.
"""

from bridge_sites import (  # noqa: F401  # each notes its call sites
    environments,
    nemo,
    openrlhf_and_slime,
    trl_and_swift,
    verifiers_calls,
    verl_calls,
)
from bridge_sites.base import CALL_SITES, REAL, Answer, Got, Order, is_real, module_in, post, write

__all__ = [
    "CALL_SITES",
    "REAL",
    "Answer",
    "Got",
    "Order",
    "is_real",
    "module_in",
    "post",
    "write",
]
