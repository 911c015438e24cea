"""Each trainer in one row: how it calls, what no verdict becomes there, what it can't carry.

The table in the README is made from these rows, and the adapters take their defaults from them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

NoVerdict = Literal["none", "lowest", "raise", "remove", "failure"]
"""What a trainer is given where a reward abstained, broke or was too slow.

- `none`: None, and the trainer leaves the answer out;
- `lowest`: the least value the rewards can give, so that breaking a verifier never pays, and
  `rlvr_ok` 0 beside it;
- `raise`: `NoVerdictError`, for trainers that drop what raised;
- `remove`: as `lowest`, and the answer is marked as not to be trained on;
- `failure`: a row that the trainer puts aside as failed.
"""


@dataclass(frozen=True, kw_only=True)
class Trainer:
    """How one trainer asks for rewards."""

    title: str
    version: str
    """The version whose call site was read."""
    call_site: str
    """File and line there."""
    adapter: str
    """Where our side is: `module:name`."""
    judges: str
    """What one call judges."""
    no_verdict: tuple[NoVerdict, ...]
    """What it can be given for no verdict; the first is the default."""
    becomes: str
    """What the default means there."""
    components: str
    """Where the named parts show up."""
    groups: Literal["yes", "no", "with group_size"] = "no"
    """Whether all answers to one prompt come in one call."""
    messages: bool = False
    """Whether tool calls and tool results reach a reward."""
    why_no_groups: str = "it asks for one answer at a time"


TRAINERS: Mapping[str, Trainer] = {
    "trl": Trainer(
        title="TRL",
        version="1.16.0",
        call_site="trl/trainer/grpo_trainer.py:1579",
        adapter="rlvr_bridge.trl:reward",
        judges="a batch",
        no_verdict=("none", "raise"),
        becomes="None: the answer takes no part in its group's mean and gets advantage 0",
        components="metrics `reward/NAME`, columns of the completions table",
        groups="with group_size",
        messages=True,
        why_no_groups="a batch may hold a part of a group; say group_size=… (num_generations) "
        "and keep the per-device batch a multiple of it",
    ),
    "trl-async": Trainer(
        title="TRL AsyncGRPO",
        version="1.16.0",
        call_site="trl/experimental/async_grpo/async_rollout_worker.py:1023",
        adapter="rlvr_bridge.trl:group_reward",
        judges="a group",
        no_verdict=("none", "raise"),
        becomes="None: the answer takes no part in its group's mean and gets advantage 0",
        components="the process's log (`rlvr_bridge.trl`, INFO): AsyncGRPO has no way to log more",
        groups="yes",
        messages=True,
    ),
    "swift": Trainer(
        title="ms-swift",
        version="4.6.0",
        call_site="swift/rl_core/grpo_algorithm.py:65",
        adapter="rlvr_bridge.swift:reward_class",
        judges="a batch",
        no_verdict=("lowest", "none", "raise"),
        becomes="the least value the rewards can give; `none` gives None, which ms-swift counts as "
        "0 where no other function judged the answer",
        components="`rewards/NAME/PART`: an entry of its own for each part, with weight 0",
        groups="with group_size",
        why_no_groups="a batch may hold a part of a group; say group_size=… (num_generations)",
    ),
    "verl": Trainer(
        title="verl",
        version="0.9.1",
        call_site="verl/experimental/reward_loop/reward_manager/naive.py:66",
        adapter="rlvr_bridge.verl:compute_score",
        judges="an answer",
        no_verdict=("lowest", "raise"),
        becomes="the least value the rewards can give, with `rlvr_ok` 0",
        components="`reward_extra_info`: `reward/NAME`, the same keys on every row",
    ),
    "openrlhf": Trainer(
        title="OpenRLHF (file)",
        version="0.11.2",
        call_site="openrlhf/utils/agent.py:306",
        adapter="rlvr_bridge.openrlhf:reward_function",
        judges="an answer",
        no_verdict=("lowest", "raise"),
        becomes="the least value the rewards can give, with `rlvr_ok` 0",
        components="`extra_logs`",
    ),
    "openrlhf-http": Trainer(
        title="OpenRLHF and slime (HTTP)",
        version="0.11.2, 624b824",
        call_site="openrlhf/utils/agent.py:327, slime/rollout/rm_hub/__init__.py:34",
        adapter="rlvr_bridge.http:answer",
        judges="a list",
        no_verdict=("lowest", "raise"),
        becomes="the least value the rewards can give, with `rlvr_ok` 0",
        components="`extra_logs` (slime takes a bare number)",
        why_no_groups="its requests carry one answer at a time",
    ),
    "slime": Trainer(
        title="slime",
        version="624b824",
        call_site="slime/rollout/rm_hub/__init__.py:63",
        adapter="rlvr_bridge.slime:reward",
        judges="an answer, or a list",
        no_verdict=("remove", "raise"),
        becomes="the least value the rewards can give, with `sample.remove_sample` set: "
        "the answer is left out of the loss",
        components='`sample.metadata["rlvr"]`',
        groups="with group_size",
        why_no_groups="without --group-rm it asks for one answer at a time; "
        "take rlvr_bridge.slime:group_reward and --group-rm",
    ),
    "skyrl": Trainer(
        title="SkyRL-gym",
        version="0.4.0",
        call_site="skyrl_gym/envs/base_text_env.py:53",
        adapter="rlvr_bridge.skyrl:RewardEnv",
        judges="an answer",
        no_verdict=("lowest", "raise"),
        becomes="the least value the rewards can give, with the metric `rlvr_ok` 0",
        components="`get_metrics()`, averaged over the episodes",
    ),
    "nemo-rl": Trainer(
        title="NeMo-RL",
        version="7ea279a",
        call_site="nemo_rl/environments/interfaces.py:52",
        adapter="rlvr_bridge.nemo_rl:RewardEnvironment",
        judges="a batch",
        no_verdict=("lowest", "raise"),
        becomes="the least value the rewards can give; counted in the metric `rlvr_ok`",
        components="a dict of rewards whose sum is the value (`reward/NAME`), and metrics",
        messages=True,
        why_no_groups="a batch does not say which answers belong to one prompt",
    ),
    "nemo-gym": Trainer(
        title="NeMo-Gym",
        version="07d6b0d",
        call_site="nemo_gym/base_resources_server.py:172",
        adapter="rlvr_bridge.nemo_gym:verify",
        judges="an answer",
        no_verdict=("failure", "lowest", "raise"),
        becomes="a row with `_ng_failure_class`, which NeMo-Gym puts into its failures file",
        components="`reward_components`, which sum to `reward`, and numeric fields beside it",
        messages=True,
    ),
    "verifiers": Trainer(
        title="verifiers v1",
        version="0.4.0",
        call_site="verifiers/v1/task.py:213",
        adapter="rlvr_bridge.verifiers:reward",
        judges="a trace",
        no_verdict=("raise",),
        becomes="NoVerdictError, so a TaskError: the trace is not ok, and prime-rl drops it",
        components="`trace.metrics` as `reward/NAME`; shares of several rewards as rewards",
        messages=True,
        why_no_groups="a task's rewards see one trace; only Env.finalize() sees several",
    ),
    "openenv": Trainer(
        title="OpenEnv",
        version="0.10.0",
        call_site="openenv/core/env_server/interfaces.py:366",
        adapter="rlvr_bridge.openenv:RewardRubric",
        judges="a step",
        no_verdict=("none", "lowest", "raise"),
        becomes="None: the observation has no reward",
        components='`observation.metadata["rlvr"]`, and a child rubric for each part',
        why_no_groups="an environment sees one episode",
    ),
    "openai": Trainer(
        title="OpenAI-style python grader",
        version="image 2025-05-08",
        call_site="grade(sample, item)",
        adapter="rlvr_bridge.openai:grader",
        judges="an answer",
        no_verdict=("raise",),
        becomes="an exception, which the service counts as `python_grader_runtime_error`",
        components="none: a grader gives one number",
    ),
}


def policy_table() -> str:
    """The rows as a Markdown table, for the README."""
    heads = "trainer", "read in", "our side", "no verdict becomes", "parts", "groups", "tool calls"
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for name, row in TRAINERS.items():
        module, _, attribute = row.adapter.partition(":")
        cells = (
            f"{row.title} (`{name}`)",
            f"{row.version}, `{row.call_site}`",
            f"`{module}.{attribute}`",
            row.becomes,
            row.components,
            row.groups,
            "yes" if row.messages else "refused",
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    import sys

    sys.stdout.write(policy_table())
