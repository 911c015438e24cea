"""For each detector: what to do when it speaks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

DetectorName = Literal[
    "nan_loss",
    "reward_collapse",
    "reward_jump",
    "reward_frozen",
    "reward_unstable",
    "reward_reversed",
    "reward_values",
    "groups_all_right",
    "groups_all_wrong",
    "groups_alike",
    "length_explosion",
    "length_collapse",
    "length_pays",
    "truncation",
    "entropy_collapse",
    "entropy_explosion",
    "kl_blowup",
    "grad_spike",
    "grad_explosion",
    "dead_gradient",
    "loss_explosion",
    "clipping",
    "logprob_mismatch",
    "repetition",
    "duplicates",
    "verifier_errors",
    "verifier_latency",
    "abstentions",
    "component_divergence",
    "eval_divergence",
    "shadow_disagreement",
]

WHAT_TO_DO: Mapping[str, str] = {
    "nan_loss": "go back to the last checkpoint with a lower learning rate or gradient clipping",
    "reward_collapse": "look at the answers: are they bad, or does the reward misjudge them? "
    "Then go back to a checkpoint before the fall, with a lower learning rate",
    "reward_jump": "look at the rewarded answers: a broken verifier, a leaked answer or a hole "
    "in the reward; `rlvr audit` the reward",
    "reward_frozen": "score some answers by hand with `rlvr score`: a reward that never varies "
    "judges nothing",
    "reward_unstable": "lower the learning rate, or take more answers a step",
    "reward_reversed": "score the rows with `rlvr score`: has the reward's sign changed, or the "
    "data's answers?",
    "reward_values": "score the rows with `rlvr score`: another reward, or another version of it, "
    "judges now",
    "groups_all_right": "end the run, or give it harder tasks",
    "groups_all_wrong": "look at the answers and verdicts; give it easier tasks or a warm start",
    "groups_alike": "vary the tasks' difficulty, or drop such groups and sample others",
    "length_explosion": "look at the longest answers; add a penalty for length, or mend what pays",
    "length_collapse": "look at the shortest answers: does the reward pay for saying nothing?",
    "length_pays": "look at the longest answers: does the reward pay for length?",
    "truncation": "raise the token limit, or add a penalty for length",
    "entropy_collapse": "raise the clipping's upper bound or the temperature, or lower the "
    "learning rate; go back to a checkpoint before the fall",
    "entropy_explosion": "look at the answers for gibberish; lower the learning rate",
    "kl_blowup": "raise beta or lower the learning rate; go back to a checkpoint before it",
    "grad_spike": "look at this step's answers; clip the gradient",
    "grad_explosion": "lower the learning rate; go back to a checkpoint before it",
    "dead_gradient": "see whether all rewards of a group are equal, and whether weights are frozen",
    "loss_explosion": "lower the learning rate; go back to a checkpoint before it",
    "clipping": "take fewer updates for each batch of answers, or a lower learning rate",
    "logprob_mismatch": "use the same precision and kernels in sampler and trainer, or correct by "
    "importance sampling",
    "repetition": "look at the repeating answers; add a penalty, or end answers at a stop string",
    "duplicates": "raise the temperature; the groups no longer explore",
    "verifier_errors": "look at the reasons of the failed verdicts; score those rows with "
    "`rlvr score`",
    "verifier_latency": "see which answers take long; give the reward a shorter timeout or more "
    "workers",
    "abstentions": "look at what the reward abstains on: has the form of the answers changed?",
    "component_divergence": "change the weights, or gate one part on the other with `only_if`",
    "eval_divergence": "look at highly rewarded answers for what the reward should not pay; "
    "keep the checkpoint of the best evaluation",
    "shadow_disagreement": "look at the rows: the reward pays for what its stricter twin refuses; "
    "promote one to a case of the audit and mend the reward",
}
