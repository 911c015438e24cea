"""Our rewards in OpenRLHF: the function in the file that `--reward.remote_url FILE.py` names.

OpenRLHF 0.11.2, `openrlhf/utils/agent.py:285-325`: lists of length 1, positional, in a thread:
the decoded prompt and answer with special tokens, the prompt, and one string column (the label).
A dict of numbers back. An exception is logged and swallowed there, and the run dies later on
without saying why, so this function always gives numbers, except where the rewards can't be used
at all or the error budget is spent.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rlvr_bridge.answers import after_prompt, without_end_tokens
from rlvr_bridge.policy import TRAINERS, NoVerdict
from rlvr_bridge.reference import Reference, Rewards, refer
from rlvr_bridge.scorer import Scorer, ask, policy_for, scorer_of
from rlvr_bridge.tasks import decode_task, prompt_id
from rlvr_ops_core import Sample, Task, Verdict

RewardFunction = Callable[..., dict[str, Any]]


def reward_function(
    rewards: Rewards | Reference,
    *,
    options: Mapping[str, Any] | None = None,
    plugins: Sequence[str | Path] = (),
    error_budget: float = 0.02,
    no_verdict: NoVerdict | None = None,
) -> RewardFunction:
    """`reward_func(queries, prompts, labels)` for OpenRLHF's file.

    A label is a task as JSON (what `rlvr_bridge.tasks.encode_task` writes) or the gold answer.

    Raises:
        PluginError: a reward is not there, or OpenRLHF can't carry it.
        OptionError: an option is wrong.
    """
    reference = refer(rewards, options=options, plugins=plugins, error_budget=error_budget)
    ask(reference).refuse_unless(TRAINERS["openrlhf"])
    policy = policy_for("openrlhf", no_verdict)

    def reward_func(
        queries: Sequence[str], prompts: Sequence[str], labels: Sequence[str], **_: Any
    ) -> dict[str, Any]:
        return judge(scorer_of(reference), queries, prompts, labels, policy)

    return reward_func


def judge(
    scorer: Scorer,
    queries: Sequence[str],
    prompts: Sequence[str],
    labels: Sequence[str],
    policy: NoVerdict,
) -> dict[str, Any]:
    """`rewards`, `scores` in [0, 1] and `extra_logs`: numbers for one answer, lists for several."""
    texts = [after_prompt(query, prompt) for query, prompt in zip(queries, prompts, strict=True)]
    found = [row for row, text in enumerate(texts) if text is not None]
    samples = [
        Sample(label_task(labels[row], prompts[row]), without_end_tokens(texts[row] or ""))
        for row in found
    ]
    verdicts = dict(zip(found, scorer.score(samples), strict=True))
    rows = [_row(scorer, verdicts.get(row, NOT_FOUND), policy) for row in range(len(texts))]
    if len(rows) == 1:  # OpenRLHF wraps every value into a tensor of its own
        return rows[0]
    return {
        "rewards": [row["rewards"] for row in rows],
        "scores": [row["scores"] for row in rows],
        "extra_logs": {
            key: [row["extra_logs"][key] for row in rows]
            for key in (rows[0]["extra_logs"] if rows else {})
        },
    }


NOT_FOUND = Verdict(
    None, "error", info={"error": "the prompt is not at the beginning of the query"}
)
"""Judging the prompt with the answer would pay for gold answers in the prompt's examples."""


def _row(scorer: Scorer, verdict: Verdict, policy: NoVerdict) -> dict[str, Any]:
    value = scorer.number(verdict, policy)
    low, high = scorer.asked.range
    scaled = (value - low) / (high - low) if high > low else 0.0
    return {"rewards": value, "scores": scaled, "extra_logs": scorer.numbers(verdict)}


def label_task(label: Any, prompt: str) -> Task:
    """The task of a label: JSON of a whole task, or a gold answer."""
    if isinstance(label, str) and label.startswith("{"):
        try:
            content = json.loads(label)
        except (ValueError, RecursionError):
            content = None
        if isinstance(content, dict) and {"id", "prompt"} <= set(content):
            return decode_task(content)
    return Task(prompt_id(prompt), prompt, None if label is None else str(label))
