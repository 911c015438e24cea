"""Our rewards in verl: an importable `compute_score` that the configuration names.

verl 0.9.1, `verl/experimental/reward_loop/reward_manager/naive.py:66-97`: one answer as text, the
gold answer and `extra_info`; a dict with `score` back. The keys of the first answer's dict are
looked up in all others (`reward_loop.py:366-369`), so every dict here has the same keys.

    reward:
      custom_reward_function:
        path: pkg://rlvr_bridge.verl
        name: compute_score
        reward_kwargs: {reference: math/equal}
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rlvr_bridge.policy import TRAINERS, NoVerdict
from rlvr_bridge.reference import Reference, parse
from rlvr_bridge.scorer import Scorer, policy_for, scorer_of
from rlvr_bridge.tasks import TASK_COLUMN, as_json, decode_task, message_list
from rlvr_ops_core import Sample, Task, Verdict

THE_TRAINERS_OWN = ("num_turns", "rollout_reward_scores")
"""What verl's manager writes into `extra_info` before it calls."""


async def compute_score(
    data_source: str,
    solution_str: str,
    ground_truth: Any,
    extra_info: Mapping[str, Any] | None = None,
    *,
    reference: str,
    no_verdict: NoVerdict | None = None,
    **_: Any,
) -> dict[str, Any]:
    """Judge one answer: `score`, `reward/NAME` of every part, `rlvr_ok` and `rlvr_status`.

    Args:
        data_source: becomes the task's source.
        solution_str: the answer.
        ground_truth: the gold answer, unless `extra_info` holds a whole task in `rlvr_task`.
        extra_info: the task's data.
        reference: one reward's name, or what `rlvr export verl` writes.
        no_verdict: `lowest` (the default) or `raise`.

    Raises:
        PluginError: a reward is not there, or verl can't carry it.
        NoVerdictError: there is no verdict and `no_verdict` is `raise`.
    """
    scorer, policy = _set_up(reference, no_verdict)
    sample = _sample(data_source, solution_str, ground_truth, extra_info or {})
    (verdict,) = await scorer.score_async([sample])
    return _row(scorer, verdict, policy)


def compute_score_sync(
    data_source: str,
    solution_str: str,
    ground_truth: Any,
    extra_info: Mapping[str, Any] | None = None,
    *,
    reference: str,
    no_verdict: NoVerdict | None = None,
    **_: Any,
) -> dict[str, Any]:
    """As `compute_score`, for verl before the reward loop, which does not await.

    Raises:
        PluginError: a reward is not there, or verl can't carry it.
        NoVerdictError: there is no verdict and `no_verdict` is `raise`.
    """
    scorer, policy = _set_up(reference, no_verdict)
    sample = _sample(data_source, solution_str, ground_truth, extra_info or {})
    (verdict,) = scorer.score([sample])
    return _row(scorer, verdict, policy)


def _set_up(reference: str, no_verdict: NoVerdict | None) -> tuple[Scorer, NoVerdict]:
    scorer = scorer_of(parse(reference))
    scorer.asked.refuse_unless(TRAINERS["verl"])
    return scorer, policy_for("verl", no_verdict)


def _sample(
    data_source: str, solution: str, ground_truth: Any, extra_info: Mapping[str, Any]
) -> Sample:
    return Sample(verl_task(data_source, ground_truth, extra_info), solution)


def verl_task(data_source: str, ground_truth: Any, extra_info: Mapping[str, Any]) -> Task:
    """The task of a row as verl keeps it."""
    if extra_info.get(TASK_COLUMN):
        return decode_task(extra_info[TASK_COLUMN])
    prompt = extra_info.get("prompt", extra_info.get("question", ""))
    data = {key: value for key, value in extra_info.items() if key not in THE_TRAINERS_OWN}
    return Task(
        id=str(extra_info.get("index", extra_info.get("id", ""))),
        prompt=message_list(prompt) or str(prompt),
        answer=as_json(ground_truth),
        data=as_json(data),
        source=str(data_source),
    )


def _row(scorer: Scorer, verdict: Verdict, policy: NoVerdict) -> dict[str, Any]:
    return {
        "score": scorer.number(verdict, policy),
        **scorer.numbers(verdict),
        "rlvr_status": verdict.status,  # texts are kept with the rollout, and left out of metrics
        "rlvr_reason": verdict.reason[:500],
    }


def gdpo_reward_keys(reference: str | Reference) -> list[str]:
    """What `algorithm.gdpo_reward_keys` is for these rewards: the names of their parts.

    Raises:
        PluginError: a reward is not there.
    """
    known = parse(reference) if isinstance(reference, str) else reference
    return [f"reward/{name}" for name in known.counted]
