"""Verified answers: sample several, judge them with a reward, give the best with its verdict."""

from __future__ import annotations

import secrets
from collections import Counter
from typing import Any

import msgspec

from rlvr_ops_core import Sample, Task, Verdict
from rlvr_serve.policies.host import PolicyHost
from rlvr_serve.policies.wire import OWN_FIELDS, Ask, ChatRequest
from rlvr_serve.rewards.service import RewardService
from rlvr_serve.rewards.texts import prompt_id
from rlvr_serve.web.problems import Problem


async def verified_answer(host: PolicyHost, service: RewardService, ask: Ask) -> dict[str, Any]:
    """The best `n` of `best_of` answers, each with its `verdict`; `verification` says of all.

    An answer without a verdict ranks behind all that have one; it is never taken for a zero.

    Raises:
        Problem: 400, what is asked for can't be; what the engine or the reward raises.
    """
    name = choose(service, ask)
    sampled = ask.body.best_of or ask.choices
    if sampled < ask.choices:
        what = f"best_of {sampled} is less than n {ask.choices}"
        raise Problem(400, "invalid_request", what, param="best_of")
    if ask.body.stream:
        what = "an answer is known to be the best only when all are there: it can't be streamed"
        raise Problem(400, "invalid_request", what, param="stream")
    task = task_of(ask)
    answer = await host.answer(to_sample(ask, sampled))
    group = secrets.token_hex(8)
    samples = [
        Sample(task, text_of(choice), group, index, None, choice.get("finish_reason") or "stop")
        for index, choice in enumerate(answer["choices"])
    ]
    verdicts = await service.judge(name, samples)
    ranked = sorted(range(len(samples)), key=lambda index: rank(verdicts[index]))
    best = ranked[: ask.choices]
    answer["choices"] = [
        answer["choices"][index] | {"index": place, "verdict": describe(verdicts[index])}
        for place, index in enumerate(best)
    ]
    answer["verification"] = {
        "reward": name,
        "ref": verdicts[0].ref,
        "sampled": len(samples),
        "statuses": dict(Counter(verdict.status for verdict in verdicts)),
        "values": [verdict.value for verdict in verdicts],
    }
    return answer


def choose(service: RewardService, ask: Ask) -> str:
    """The reward, by the errors of OpenAI's API.

    Raises:
        Problem: 400, no such reward is served.
    """
    try:
        return service.choose(ask.body.reward)
    except Problem as problem:
        raise Problem(400, problem.kind, problem.detail, param="reward") from None


def to_sample(ask: Ask, count: int) -> Ask:
    """The request that an engine gets: without our fields, for so many answers."""
    raw = {name: value for name, value in ask.raw.items() if name not in OWN_FIELDS}
    body = msgspec.structs.replace(ask.body, n=count, best_of=None, reward=None)
    return Ask(ask.kind, body, raw | {"n": count})


def task_of(ask: Ask) -> Task:
    """The task that a reward is told of.

    Raises:
        Problem: 400, there are several prompts.
    """
    if isinstance(ask.body, ChatRequest):
        prompt: Any = ask.raw["messages"]
    else:
        prompt = ask.body.prompt
        if isinstance(prompt, list):
            if len(prompt) == 1 and isinstance(prompt[0], str):
                (prompt,) = prompt
            elif isinstance(prompt[0], int):
                prompt = ""
            else:
                what = "a verified answer is to one prompt"
                raise Problem(400, "invalid_request", what, param="prompt")
    return Task(prompt_id(prompt), prompt, ask.body.answer, ask.body.data or {})


def text_of(choice: dict[str, Any]) -> str:
    """The text of a choice, of either kind."""
    if "message" in choice:
        return str(choice["message"].get("content") or "")
    return str(choice.get("text") or "")


def rank(verdict: Verdict) -> tuple[bool, float]:
    """Least first: verdicts before none, then the greater value. Equals keep their order."""
    return verdict.value is None, -(verdict.value or 0.0)


def describe(verdict: Verdict) -> dict[str, Any]:
    """A verdict as it goes out."""
    return {
        "value": verdict.value,
        "status": verdict.status,
        "reason": verdict.reason[:2000],
        "components": {name: part.value for name, part in verdict.components.items()},
        "ref": verdict.ref,
        "seconds": verdict.seconds,
    }
