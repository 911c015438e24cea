"""GRPO's relatives, as their papers name them: `grpo/grpo` with other defaults.

Every option of `grpo/grpo` can still be set.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from rlvr_ops_core import TrainJob, launches, needs, takes_environment
from rlvr_trainer_grpo.grpo import grpo
from rlvr_trainer_grpo.pruning import Pruning
from rlvr_trainer_grpo.trl_options import passes_on_to


def _relative(name: str, summary: str, **defaults: Any) -> Callable[..., None]:
    """`grpo` with other defaults, for its own options and for those that it hands on to TRL."""

    def train(job: TrainJob, **options: Any) -> None:
        grpo(job, **(defaults | options))

    given = inspect.signature(grpo, eval_str=True)
    own = [
        one.replace(default=defaults.get(one.name, one.default))
        for one in given.parameters.values()
    ]
    train.__name__ = train.__qualname__ = name
    train.__doc__ = summary
    train.__signature__ = given.replace(parameters=own)  # type: ignore[attr-defined]  # inspect reads it
    declared = needs("model", "data", "rewards")(passes_on_to("GRPOConfig")(train))
    return takes_environment(launches("torchrun", "ray")(declared))


dapo = _relative(
    "dapo",
    "DAPO (arXiv:2503.14476): clip higher, token-level loss, dynamic sampling, overlong filtering.",
    loss_type="dapo",
    beta=0.0,
    epsilon=0.2,
    epsilon_high=0.28,
    mask_truncated_completions=True,
    pruning=Pruning(resample_rounds=3),
)

dr_grpo = _relative(
    "dr_grpo",
    "Dr. GRPO (arXiv:2503.20783): no division by the length of an answer or the group's deviation.",
    loss_type="dr_grpo",
    scale_rewards="none",
    beta=0.0,
)

gspo = _relative(
    "gspo",
    "GSPO (arXiv:2507.18071): one importance ratio a sequence, clipped tightly.",
    loss_type="grpo",
    importance_sampling_level="sequence",
    epsilon=3e-4,
    epsilon_high=4e-4,
    beta=0.0,
)

rloo = _relative(
    "rloo",
    "RLOO (arXiv:2402.14740): REINFORCE, an answer compared with the mean of the others.",
    loss_type="luspo",  # the sum over an answer's tokens, the mean over answers: REINFORCE's
    scale_rewards="none",
    baseline="leave_one_out",
    beta=0.0,
)
