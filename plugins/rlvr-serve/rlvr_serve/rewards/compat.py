"""The wire formats of trainers: OpenRLHF, slime, verl and NeMo-Gym, as their clients send them.

Their formats have room for a number and none for "no verdict". By default such an answer is a 503,
which their clients try again and then report; `?no_verdict=lowest` in the URL asks for the least
value of the reward's range instead. NeMo-Gym can be told, and is.

Sources: OpenRLHF 0.11.2 `openrlhf/utils/agent.py:327`; slime 624b824
`slime/rollout/rm_hub/__init__.py:34`; verl 0.9.1
`verl/experimental/reward_loop/reward_manager/naive.py:66`; NeMo-Gym 07d6b0d
`nemo_gym/base_resources_server.py:90` and `nemo_gym/judge.py:87`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from rlvr_ops_core import Sample, Task, Verdict
from rlvr_serve.rewards.responses_api import response_messages
from rlvr_serve.rewards.service import RewardService
from rlvr_serve.rewards.texts import (
    after_prompt,
    as_task,
    message_list,
    prompt_id,
    without_end_tokens,
)
from rlvr_serve.web.problems import Problem, problem_responses

NoVerdict = Literal["error", "lowest"]
RewardName = Annotated[str | None, Query(description="Which reward; may be left out if one.")]
TASK_FIELD = "rlvr_task"
PROBLEMS = problem_responses(400, 401, 404, 408, 413, 422, 429, 503, 504)
ANY_OBJECT: dict[str, Any] = {
    "requestBody": {"required": True, "content": {"application/json": {"schema": {}}}}
}


class OpenRlhfRequest(msgspec.Struct):
    """Lists of one length, usually of one answer; `query` holds the prompt too."""

    query: list[str]
    prompts: list[str]
    labels: list[Any]


class SlimeRequest(msgspec.Struct):
    """One answer."""

    prompt: str | list[dict[str, Any]]
    response: str
    label: Any = None


class VerlRequest(msgspec.Struct):
    """One answer, by the names of `compute_score`."""

    solution_str: str
    data_source: str = ""
    ground_truth: Any = None
    extra_info: dict[str, Any] | None = None


class NemoRequest(msgspec.Struct):
    """What of a verify request we read; all of it goes back."""

    response: dict[str, Any]
    responses_create_params: dict[str, Any] = {}


def compat_router(service: RewardService) -> APIRouter:
    """The four formats."""
    router = APIRouter(prefix="/compat", tags=["trainers"])

    @router.post("/openrlhf", response_class=Response, responses=PROBLEMS, openapi_extra=ANY_OBJECT)
    async def openrlhf(
        request: Request, reward: RewardName = None, no_verdict: NoVerdict = "error"
    ) -> Response:
        """For OpenRLHF's `--reward.remote_url`."""
        body = read(await request.body(), OpenRlhfRequest)
        return _json(await judge_openrlhf(service, service.choose(reward), body, no_verdict))

    @router.post("/slime", response_class=Response, responses=PROBLEMS, openapi_extra=ANY_OBJECT)
    async def slime(
        request: Request, reward: RewardName = None, no_verdict: NoVerdict = "error"
    ) -> Response:
        """For slime's `--rm-url`; a bare number."""
        body = read(await request.body(), SlimeRequest)
        name = service.choose(reward)
        sample = Sample(label_task(body.label, body.prompt), without_end_tokens(body.response))
        (verdict,) = await judge_singly(service, name, [sample])
        return _json(number(service, name, verdict, no_verdict))

    @router.post("/verl", response_class=Response, responses=PROBLEMS, openapi_extra=ANY_OBJECT)
    async def verl(
        request: Request, reward: RewardName = None, no_verdict: NoVerdict = "error"
    ) -> Response:
        """For a verl reward function that posts its arguments; `score` and even columns."""
        body = read(await request.body(), VerlRequest)
        name = service.choose(reward)
        (verdict,) = await judge_singly(service, name, [verl_sample(body)])
        row = {"score": number(service, name, verdict, no_verdict)}
        about = {"rlvr_status": verdict.status, "rlvr_reason": verdict.reason[:500]}
        return _json(row | logs(service, name, verdict) | about)

    @router.post(
        "/nemo-gym/verify", response_class=Response, responses=PROBLEMS, openapi_extra=ANY_OBJECT
    )
    async def nemo_gym(request: Request, reward: RewardName = None) -> Response:
        """For NeMo-Gym's `/verify`: the request, with its reward."""
        body = await request.body()
        known = read(body, NemoRequest)
        fields: dict[str, Any] = msgspec.json.decode(body)
        name = service.choose(reward)
        (verdict,) = await judge_singly(service, name, [nemo_sample(known, fields)])
        return _json(fields | nemo_row(service, name, verdict))

    return router


async def judge_openrlhf(
    service: RewardService, name: str, body: OpenRlhfRequest, no_verdict: NoVerdict
) -> dict[str, Any]:
    """`rewards`, `scores` in [0, 1] and `extra_logs`: numbers for one answer, lists for several."""
    if not len(body.query) == len(body.prompts) == len(body.labels) or not body.query:
        what = "query, prompts and labels must be of one length, 1 or more"
        raise Problem(422, "invalid_request", what)
    samples = []
    for query, prompt, label in zip(body.query, body.prompts, body.labels, strict=True):
        text = after_prompt(query, prompt)
        if text is None:  # judging the prompt too would pay for gold answers in its examples
            what = "the prompt is not at the beginning of the query"
            raise Problem(422, "invalid_request", what, param="query")
        samples.append(Sample(label_task(label, prompt), without_end_tokens(text)))
    verdicts = await judge_singly(service, name, samples)
    low, high = service.judges.bound[name].spec.range
    rewards = [number(service, name, verdict, no_verdict) for verdict in verdicts]
    scores = [(value - low) / (high - low) for value in rewards]
    rows = [logs(service, name, verdict) for verdict in verdicts]
    if len(rewards) == 1:  # OpenRLHF makes a tensor of each value by itself
        return {"rewards": rewards[0], "scores": scores[0], "extra_logs": rows[0]}
    columns = {key: [row[key] for row in rows] for key in rows[0]}
    return {"rewards": rewards, "scores": scores, "extra_logs": columns}


async def judge_singly(
    service: RewardService, name: str, samples: Sequence[Sample]
) -> list[Verdict]:
    """Verdicts for a format that carries answer after answer.

    Raises:
        Problem: 422, the reward judges groups or needs more than a text.
    """
    bound = service.judges.bound[name]
    if bound.judges == "group":
        what = f"{name} judges all answers to one prompt together; this format can't carry that"
        raise Problem(422, "reward_of_groups", what + ": use /v1/score")
    return await service.judge(name, samples)


def number(service: RewardService, name: str, verdict: Verdict, no_verdict: NoVerdict) -> float:
    """The value of a verdict.

    Raises:
        Problem: 503, there is none, and the least value was not asked for.
    """
    if verdict.value is not None:
        return verdict.value
    if no_verdict == "lowest":
        return service.judges.bound[name].spec.range[0]
    what = f"no verdict ({verdict.status}): {verdict.reason or verdict.ref}"[:500]
    raise Problem(503, "no_verdict", what, 1.0)


def logs(service: RewardService, name: str, verdict: Verdict) -> dict[str, float]:
    """Numbers for a trainer's logs, the same keys on every row; a part without value is 0."""
    spec = service.judges.bound[name].spec
    parts = {part: verdict.components.get(part) for part in spec.components}
    found = {f"reward/{part}": (one.value or 0.0) if one else 0.0 for part, one in parts.items()}
    return found | {"rlvr_ok": float(verdict.status == "ok")}


def nemo_row(service: RewardService, name: str, verdict: Verdict) -> dict[str, Any]:
    """NeMo-Gym's fields; a row with a failure class counts in no mean there."""
    short = name.partition("/")[2]
    about = {"value": verdict.value, "status": verdict.status, "ref": verdict.ref}
    row = logs(service, name, verdict) | {"rlvr": about | {"reason": verdict.reason[:2000]}}
    if verdict.value is not None:
        return row | {"reward": verdict.value, "reward_components": {short: verdict.value}}
    return row | {
        "reward": 0.0,
        "reward_components": {short: 0.0},
        "_ng_failure_class": "judge_failed",
        "_ng_failure_judge_error": f"{verdict.status}: {verdict.reason}"[:2000],
    }


def label_task(label: Any, prompt: str | Sequence[Mapping[str, Any]]) -> Task:
    """The task of a label: JSON of a whole task, or the gold answer."""
    if isinstance(label, str) and label.startswith("{"):
        found = as_task(label)
        if found is not None:
            return found
    return Task(prompt_id(prompt), prompt, label)


def verl_sample(body: VerlRequest) -> Sample:
    """The sample of verl's arguments."""
    extra = body.extra_info or {}
    task = as_task(extra.get(TASK_FIELD))
    if task is None:
        prompt = extra.get("prompt", extra.get("question", ""))
        task = Task(
            id=str(extra.get("index", extra.get("id", ""))),
            prompt=message_list(prompt) or str(prompt),
            answer=body.ground_truth,
            data=extra,
            source=body.data_source,
        )
    return Sample(task, body.solution_str)


def nemo_sample(body: NemoRequest, fields: Mapping[str, Any]) -> Sample:
    """The sample of a verify request: the items of the response as messages."""
    messages = response_messages(body.response.get("output"))
    task = as_task(fields.get(TASK_FIELD))
    if task is None:
        given = body.responses_create_params.get("input") or ""
        prompt = message_list(given) or (given if isinstance(given, str) else "")
        own = ("responses_create_params", "response")
        data = {key: value for key, value in fields.items() if key not in own}
        answer = data.pop("expected_answer", data.pop("answer", None))
        task = Task(str(fields.get("id", prompt_id(prompt))), prompt, answer, data)
    return Sample(task, messages)


def read(body: bytes, kind: type[Any]) -> Any:
    """A request of one of the formats.

    Raises:
        Problem: 400 no JSON, 422 not of this shape.
    """
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        raise Problem(422, "invalid_request", str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Problem(400, "bad_json", f"the body is no JSON: {error}") from None


def _json(value: Any) -> Response:
    return Response(msgspec.json.encode(value), media_type="application/json")
