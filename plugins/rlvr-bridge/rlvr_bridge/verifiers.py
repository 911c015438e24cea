"""Our rewards in verifiers: functions to plug into any task, and a taskset of our own tasks.

verifiers 0.4.0, `verifiers/v1/task.py:213-284`: `await reward(task=…, trace=…)`, a float or a
mapping of named floats back. What raises becomes a TaskError: the trace is not ok and no reward
of it counts, which is what no verdict should be.

    [env.taskset.task.rewards.correct]
    fn = "my_rewards:correct"      # correct = rlvr_bridge.verifiers.reward("math/equal")
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rlvr_bridge.policy import TRAINERS, NoVerdict
from rlvr_bridge.reference import Reference, Rewards, refer
from rlvr_bridge.scorer import Asked, Scorer, ask, policy_for, scorer_of, summary
from rlvr_bridge.tasks import TASK_COLUMN, as_json, message_list, task_of
from rlvr_ops_core import Message, Sample, Verdict

TraceReward = Callable[..., Awaitable[float | dict[str, float]]]


def reward(
    rewards: Rewards | Reference,
    *,
    options: Mapping[str, Any] | None = None,
    plugins: Sequence[str | Path] = (),
    error_budget: float = 0.02,
    answer: str = "answer",
    no_verdict: NoVerdict | None = None,
) -> TraceReward:
    """A coroutine function for `rewards.NAME.fn`, or to call from a `@vf.reward` method.

    One reward gives its value. Several give what each added to the value, under their own names.
    The task is the field `rlvr_task`, or the row's other fields with the gold answer in `answer`.

    Raises:
        PluginError: a reward is not there, or verifiers can't carry it.
        OptionError: an option is wrong.
    """
    reference = refer(rewards, options=options, plugins=plugins, error_budget=error_budget)
    asked = ask(reference)
    asked.refuse_unless(TRAINERS["verifiers"])
    policy = policy_for("verifiers", no_verdict)

    async def rlvr(task: Any, trace: Any) -> float | dict[str, float]:
        scorer = scorer_of(reference)
        (verdict,) = await scorer.score_async([_sample(asked, task, trace, answer)])
        return _record(scorer, verdict, trace, policy)

    rlvr.__name__ = rlvr.__qualname__ = reference.name
    return rlvr


def _record(
    scorer: Scorer, verdict: Verdict, trace: Any, policy: NoVerdict
) -> float | dict[str, float]:
    trace.info["rlvr"] = summary(verdict)
    for name, value in scorer.parts(verdict).items():
        if value is not None:
            trace.record_metric(f"reward/{name}", value)
    value = scorer.number(verdict, policy)
    return value if len(scorer.reference.counted) == 1 else scorer.shares(verdict)


def _sample(asked: Asked, task: Any, trace: Any, answer: str) -> Sample:
    row = task.model_dump(mode="json", exclude_none=True)
    prompt = message_list(row.pop("prompt", None)) or task.prompt_text
    row.pop("idx", None)
    if TASK_COLUMN not in row:
        row = {key: row[key] for key in row if key not in BASE_FIELDS or key == "id"}
    completion: str | list[Message] = trace.last_reply
    if asked.needs_messages:
        completion = trace_messages(trace)
    return Sample(task_of(row, prompt=prompt, answer=answer), completion)


BASE_FIELDS = frozenset(
    {"id", "name", "description", "system_prompt", "image", "workdir", "agent_user", "skills"}
    | {"network_allow", "network_block", "artifacts", "artifact_max_bytes", "timeout", "resources"}
)
"""What every verifiers task has: nothing that a verifier needs."""


def trace_messages(trace: Any) -> list[Message]:
    """The last branch of a trace from its first answer on, tool calls and results included."""
    branches = trace.branches
    messages = [
        as_json(message.model_dump(mode="json", exclude_none=True))
        for message in (branches[-1].messages if branches else [])
    ]
    first = next(
        (at for at, message in enumerate(messages) if message.get("role") == "assistant"),
        len(messages),
    )
    return [
        {**message, "tool_calls": [_call(call) for call in message.get("tool_calls") or []]}
        if message.get("tool_calls")
        else message
        for message in messages[first:]
    ]


def _call(call: Mapping[str, Any]) -> Message:
    function = {"name": call.get("name"), "arguments": call.get("arguments")}
    return {"id": call.get("id"), "type": "function", "function": function}
