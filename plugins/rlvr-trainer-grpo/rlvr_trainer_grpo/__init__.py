"""Training and sampling on TRL: models from scratch, SFT warm start, GRPO, answers for evaluation.

torch, transformers and trl load when a component runs, not when this plugin is found.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from rlvr_ops_core import Sampler, Trainer, estimated_by, hookimpl
from rlvr_trainer_grpo.best_of_n import best_of_n
from rlvr_trainer_grpo.estimates import ESTIMATES, estimate_grpo
from rlvr_trainer_grpo.grpo import grpo
from rlvr_trainer_grpo.presets import dapo, dr_grpo, gspo, rloo
from rlvr_trainer_grpo.sampling import sample
from rlvr_trainer_grpo.scratch import scratch
from rlvr_trainer_grpo.sft import sft

__all__ = [
    "best_of_n",
    "dapo",
    "dr_grpo",
    "grpo",
    "gspo",
    "rloo",
    "rlvr_samplers",
    "rlvr_trainers",
    "sample",
    "scratch",
    "sft",
]

for component, estimate in ESTIMATES:
    estimated_by(estimate)(component)
for relative in (dapo, dr_grpo, gspo, rloo):
    estimated_by(partial(estimate_grpo, train=relative))(relative)


@hookimpl
def rlvr_trainers() -> Mapping[str, Trainer]:
    """The trainers: a model from scratch, two kinds of imitation, GRPO and its relatives."""
    return {
        "scratch": scratch,
        "sft": sft,
        "best_of_n": best_of_n,
        "grpo": grpo,
        "dapo": dapo,
        "dr_grpo": dr_grpo,
        "gspo": gspo,
        "rloo": rloo,
    }


@hookimpl
def rlvr_samplers() -> Mapping[str, Sampler]:
    """The sampler that evaluation stages use."""
    return {"sample": sample}
