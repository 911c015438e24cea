"""Our rewards in NeMo-Gym: what a resources server's `POST /verify` answers.

NeMo-Gym 07d6b0d, `nemo_gym/base_resources_server.py:90-121` and `nemo_gym/judge.py:87-115`: an
OpenAI Responses object comes, a number goes back; where several rewards count, NeMo-RL wants
`reward_components` that sum to it. A row with `_ng_failure_class` goes into a failures file and
counts in no mean.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rlvr_bridge.policy import TRAINERS, NoVerdict
from rlvr_bridge.reference import Reference, Rewards, refer
from rlvr_bridge.scorer import Scorer, policy_for, scorer_of, summary
from rlvr_bridge.tasks import TASK_COLUMN, message_list, task_of
from rlvr_ops_core import Message, Sample, Verdict

THE_SERVERS_OWN = ("responses_create_params", "response")


async def verify(
    body: Mapping[str, Any],
    rewards: Rewards | Reference,
    *,
    answer: str = "expected_answer",
    no_verdict: NoVerdict | None = None,
) -> dict[str, Any]:
    """The answer to a verify request, as JSON.

    Args:
        body: the request; the task is its field `rlvr_task`, or its other fields.
        rewards: as for `rlvr_bridge.reference.refer`.
        answer: the field of the gold answer, where there is no `rlvr_task`.
        no_verdict: `failure` (the default), `lowest` or `raise`.

    Raises:
        PluginError: a reward is not there, or NeMo-Gym can't carry it.
        NoVerdictError: there is no verdict and `no_verdict` is `raise`.
    """
    scorer = scorer_of(refer(rewards))
    scorer.asked.refuse_unless(TRAINERS["nemo-gym"])
    policy = policy_for("nemo-gym", no_verdict)
    (verdict,) = await scorer.score_async([_sample(body, answer)])
    row = {**body, **_row(scorer, verdict, policy)}
    if verdict.value is None and policy == "failure":
        row |= {
            "reward": 0.0,
            "_ng_failure_class": "judge_failed",
            "_ng_failure_judge_error": f"{verdict.status}: {verdict.reason}"[:2000],
        }
    return row


def _row(scorer: Scorer, verdict: Verdict, policy: NoVerdict) -> dict[str, Any]:
    value = scorer.number(verdict, policy)
    names = scorer.reference.counted
    shares = scorer.shares(verdict) or dict.fromkeys(names, 0.0) | {names[0]: value}
    return {
        "reward": value,
        "reward_components": shares,
        **scorer.numbers(verdict),
        "rlvr": summary(verdict),
    }


def _sample(body: Mapping[str, Any], answer: str) -> Sample:
    params = body.get("responses_create_params") or {}
    given = params.get("input") or ""
    prompt = message_list(given) or (given if isinstance(given, str) else "")
    row = {key: value for key, value in body.items() if key not in THE_SERVERS_OWN}
    if TASK_COLUMN not in row and answer not in row and "answer" in row:
        answer = "answer"
    response = body.get("response") or {}
    return Sample(
        task_of(row, prompt=prompt, answer=answer), response_messages(response.get("output") or [])
    )


def response_messages(output: Sequence[Mapping[str, Any]]) -> list[Message]:
    """The items of a Responses object as chat messages; reasoning items are left out."""
    messages: list[Message] = []
    for item in output:
        kind = item.get("type", "message")
        if kind == "message" and item.get("role", "assistant") == "assistant":
            messages.append({"role": "assistant", "content": _text(item.get("content"))})
        elif kind == "function_call":
            call = {"name": item.get("name"), "arguments": item.get("arguments")}
            calls = [{"id": item.get("call_id"), "type": "function", "function": call}]
            messages.append({"role": "assistant", "content": "", "tool_calls": calls})
        elif kind == "function_call_output":
            about = {"role": "tool", "tool_call_id": item.get("call_id")}
            messages.append({**about, "content": _text(item.get("output"))})
    return messages


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, Sequence) else []
    texts = [part.get("text") for part in parts if isinstance(part, Mapping)]
    return "".join(text for text in texts if isinstance(text, str))
