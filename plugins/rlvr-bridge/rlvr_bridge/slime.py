"""Our rewards in slime: the coroutine that `--custom-rm-path MODULE.NAME` names.

slime 624b824, `slime/rollout/rm_hub/__init__.py:55-107`: awaited with one sample or, for rollouts
of several segments and with `--group-rm`, with a list. Numbers back. An answer without a verdict
is marked with `remove_sample`, which leaves it out of the loss.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rlvr_bridge.answers import without_end_tokens
from rlvr_bridge.policy import TRAINERS, NoVerdict
from rlvr_bridge.reference import Reference, Rewards, refer
from rlvr_bridge.scorer import Scorer, ask, policy_for, scorer_of, summary
from rlvr_bridge.tasks import TASK_COLUMN, message_list, task_of
from rlvr_ops_core import Sample, Verdict

RewardModel = Callable[..., Awaitable[Any]]


def reward(
    rewards: Rewards | Reference,
    *,
    options: Mapping[str, Any] | None = None,
    plugins: Sequence[str | Path] = (),
    error_budget: float = 0.02,
    no_verdict: NoVerdict | None = None,
    parts: bool = False,
) -> RewardModel:
    """`async rm(args, sample)` for slime; `sample.metadata["rlvr"]` keeps the verdict.

    With `parts` it gives a dict, `{"reward": …, "reward/NAME": …, "rlvr_ok": …}`, which slime
    keeps on the sample; start slime with `--reward-key reward` then.

    Raises:
        PluginError: a reward is not there, or slime can't carry it.
        OptionError: an option is wrong.
    """
    reference = refer(rewards, options=options, plugins=plugins, error_budget=error_budget)
    ask(reference).refuse_unless(TRAINERS["slime"])
    return _reward_model(reference, policy_for("slime", no_verdict), parts)


def group_reward(
    rewards: Rewards | Reference,
    *,
    options: Mapping[str, Any] | None = None,
    plugins: Sequence[str | Path] = (),
    error_budget: float = 0.02,
    no_verdict: NoVerdict | None = None,
    parts: bool = False,
) -> RewardModel:
    """As `reward`, for `--group-rm`: rewards of groups work too.

    Raises:
        PluginError: a reward is not there.
        OptionError: an option is wrong.
    """
    reference = refer(rewards, options=options, plugins=plugins, error_budget=error_budget)
    ask(reference).refuse_unless(TRAINERS["slime"], groups=True)
    return _reward_model(reference, policy_for("slime", no_verdict), parts)


def _reward_model(reference: Reference, policy: NoVerdict, parts: bool) -> RewardModel:
    async def rm(args: Any, sample: Any, **_: Any) -> Any:  # noqa: ARG001  # slime's signature
        scorer = scorer_of(reference)
        theirs = sample if isinstance(sample, list) else [sample]
        verdicts = await scorer.score_async([_sample(one) for one in theirs])
        values = [
            _settle(scorer, one, verdict, policy, parts)
            for one, verdict in zip(theirs, verdicts, strict=True)
        ]
        return values if isinstance(sample, list) else values[0]

    return rm


def _sample(theirs: Any) -> Sample:
    metadata = theirs.metadata or {}
    prompt = message_list(theirs.prompt) or str(theirs.prompt)
    label = theirs.label
    is_task = isinstance(label, str) and label.startswith('{"id":')
    row = {TASK_COLUMN: label} if is_task else {"answer": label, **metadata}
    status = str(getattr(getattr(theirs, "status", ""), "value", ""))
    return Sample(
        task_of(row, prompt=prompt),
        without_end_tokens(theirs.response),
        group=str(getattr(theirs, "group_index", None) or 0),
        index=int(getattr(theirs, "index", None) or 0),
        finish="length" if status == "truncated" else "stop",
    )


def _settle(scorer: Scorer, theirs: Any, verdict: Verdict, policy: NoVerdict, parts: bool) -> Any:
    theirs.metadata = {**(theirs.metadata or {}), "rlvr": summary(verdict)}
    if verdict.value is None:
        theirs.remove_sample = policy == "remove"
    value = scorer.number(verdict, policy)
    return {"reward": value, **scorer.numbers(verdict)} if parts else value
