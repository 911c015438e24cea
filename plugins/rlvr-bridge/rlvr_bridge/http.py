"""What a reward server answers: the requests of OpenRLHF and slime, and our own.

`answer(body, reference)` is pure: give it the parsed JSON of a POST and send back what it gives.

| request | from | answer |
|---|---|---|
| `{"query": [..], "prompts": [..], "labels": [..]}` | OpenRLHF 0.11.2, `openrlhf/utils/agent.py:327` | `{"rewards", "scores", "extra_logs"}` |
| `{"prompt", "response", "label"}` | slime 624b824, `slime/rollout/rm_hub/__init__.py:34` | a number |
| `{"samples": [{"task": {..}, "completion": ".."}]}` | ours | `{"verdicts": [..]}` |
"""  # noqa: E501  # a table

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rlvr_bridge.answers import without_end_tokens
from rlvr_bridge.openrlhf import judge, label_task
from rlvr_bridge.policy import TRAINERS, NoVerdict
from rlvr_bridge.reference import Reference, Rewards, refer
from rlvr_bridge.scorer import Scorer, policy_for, scorer_of, summary
from rlvr_bridge.tasks import decode_task, message_list
from rlvr_ops_core import DataError, Sample


def answer(
    body: Mapping[str, Any],
    rewards: Rewards | Reference,
    *,
    no_verdict: NoVerdict | None = None,
) -> Any:
    """The JSON that a request is answered with.

    Raises:
        DataError: the body is none of the three requests: answer 400.
        PluginError: a reward is not there, or can't be asked over HTTP.
        ErrorBudgetExceeded: too many answers got no verdict: answer 503.
    """
    scorer = scorer_of(refer(rewards))
    if "samples" in body:
        return {"verdicts": _verdicts(scorer, body)}
    scorer.asked.refuse_unless(TRAINERS["openrlhf-http"])
    policy = policy_for("openrlhf-http", no_verdict)
    if "query" in body:
        queries, prompts, labels = (_texts(body, key) for key in ("query", "prompts", "labels"))
        if not len(queries) == len(prompts) == len(labels):
            raise DataError("query, prompts and labels must be of one length")
        return judge(scorer, queries, prompts, labels, policy)
    if "response" in body:
        prompt = message_list(body.get("prompt")) or str(body.get("prompt", ""))
        task = label_task(body.get("label"), prompt if isinstance(prompt, str) else str(prompt))
        sample = Sample(task, without_end_tokens(str(body["response"])))
        return scorer.number(scorer.score([sample])[0], policy)
    raise DataError(
        f"a request has query, prompts and labels, or prompt, response and label, or samples; "
        f"this one has {', '.join(sorted(map(str, body))) or 'nothing'}"
    )


def _texts(body: Mapping[str, Any], key: str) -> list[Any]:
    value = body.get(key)
    if not isinstance(value, list):
        raise DataError(f"{key} must be a list of texts")
    return value


def _verdicts(scorer: Scorer, body: Mapping[str, Any]) -> list[dict[str, object]]:
    rows = body["samples"]
    if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
        raise DataError("samples must be a list of objects")
    samples = []
    for row in rows:
        if "task" not in row or "completion" not in row:
            raise DataError("each sample has a task and a completion")
        completion = message_list(row["completion"]) or str(row["completion"])
        group = row.get("group")
        samples.append(
            Sample(decode_task(row["task"]), completion, None if group is None else str(group))
        )
    return [summary(verdict) for verdict in scorer.score(samples)]
