"""Training and sampling on TRL: models from scratch, SFT warm start, GRPO, answers for evaluation.

torch, transformers and trl load when a component runs, not when this plugin is found.
"""

from __future__ import annotations

from collections.abc import Mapping

from rlvr_ops_core import Sampler, Trainer, hookimpl
from rlvr_trainer_grpo.grpo import grpo
from rlvr_trainer_grpo.sampling import sample
from rlvr_trainer_grpo.scratch import scratch
from rlvr_trainer_grpo.sft import sft

__all__ = ["grpo", "rlvr_samplers", "rlvr_trainers", "sample", "scratch", "sft"]


@hookimpl
def rlvr_trainers() -> Mapping[str, Trainer]:
    """The trainers: a model from scratch, a supervised warm start, GRPO."""
    return {"scratch": scratch, "sft": sft, "grpo": grpo}


@hookimpl
def rlvr_samplers() -> Mapping[str, Sampler]:
    """The sampler that evaluation stages use."""
    return {"sample": sample}
