"""From a request to the tokens that a model is given, and to the settings of its rows."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from rlvr_serve.policies.embedded.model import Policy
from rlvr_serve.policies.embedded.sampling import Settings
from rlvr_serve.policies.wire import Ask, ChatRequest, CompletionRequest
from rlvr_serve.web.problems import Problem

KNOWN = frozenset({*ChatRequest.__struct_fields__, *CompletionRequest.__struct_fields__})
HARMLESS = frozenset(
    {
        *("user", "metadata", "store", "service_tier", "safety_identifier", "prompt_cache_key"),
        *("parallel_tool_calls", "prompt_cache_retention"),
    }
)
"""Fields that change no answer of a model of ours."""
NEUTRAL: Mapping[str, Sequence[Any]] = {
    "frequency_penalty": (0,),
    "presence_penalty": (0,),
    "repetition_penalty": (1,),
    "logit_bias": ({},),
    "echo": (False,),
    "suffix": ("",),
    "tools": ([],),
    "tool_choice": ("none", "auto"),
    "functions": ([],),
    "function_call": ("none", "auto"),
    "response_format": ({"type": "text"},),
    "modalities": (["text"],),
    "reasoning_effort": ("none",),
    "verbosity": ("medium",),
}
"""Fields that this engine does not know, and the values by which they ask for nothing."""


def refuse_unknown(ask: Ask) -> None:
    """Refuse what this engine would have to ignore: an ignored setting is a wrong answer.

    Raises:
        Problem: 400, names the field.
    """
    for name, value in ask.raw.items():
        if name in KNOWN or name in HARMLESS or value is None:
            continue
        neutral = NEUTRAL.get(name)
        if neutral is None:
            what = f"unknown field {name!r}"
            raise Problem(400, "unknown_field", what, param=name[:100])
        if not any(value == one for one in neutral):
            what = f"the embedded engine does not support {name}; leave it out"
            raise Problem(400, "unsupported_field", what, param=name)
    if ask.body.best_of not in (None, ask.choices) and not ask.body.reward:
        what = "best_of needs a reward that says which is best"
        raise Problem(400, "reward_missing", what, param="best_of")


def prompts_of(ask: Ask, policy: Policy) -> list[list[int]]:
    """The tokens of each prompt of a request. For one thread at a time.

    Raises:
        Problem: 400, the template refuses the messages, or a token is none.
    """
    if isinstance(ask.body, ChatRequest):
        return [_chat_tokens(ask, policy)]
    given = ask.body.prompt
    several = isinstance(given, list) and not isinstance(given[0], int)
    prompts = [_tokens(one, policy) for one in (given if several else [given])]
    if not all(prompts):
        raise Problem(400, "empty_prompt", "a prompt has no token", param="prompt")
    return prompts


def _tokens(prompt: str | list[int], policy: Policy) -> list[int]:
    if isinstance(prompt, str):
        return list(policy.encoder(prompt, verbose=False)["input_ids"])
    wrong = [one for one in prompt if one >= policy.vocabulary]
    if wrong:
        what = f"the token id {wrong[0]} is none: there are {policy.vocabulary}"
        raise Problem(400, "unknown_token", what, param="prompt")
    return prompt


def _chat_tokens(ask: Ask, policy: Policy) -> list[int]:
    from jinja2 import TemplateError

    if not policy.encoder.chat_template:
        what = "this model has no chat template: use /v1/completions"
        raise Problem(400, "no_chat_template", what, param="messages")
    messages = [_plain_message(one) for one in ask.raw["messages"]]
    try:
        text = policy.encoder.apply_chat_template(
            messages, tokenize=False, add_generation_prompt=True
        )
    except (TemplateError, TypeError, ValueError, KeyError) as error:
        what = f"the model's chat template refuses these messages: {error}"[:500]
        raise Problem(400, "chat_template", what, param="messages") from error
    tokens = list(policy.encoder(text, add_special_tokens=False, verbose=False)["input_ids"])
    if not tokens:
        raise Problem(400, "empty_prompt", "the messages make no token", param="messages")
    return tokens


def _plain_message(message: Mapping[str, Any]) -> dict[str, Any]:
    """A message as templates know it: its content a text, and no role that came later."""
    content = message.get("content")
    if isinstance(content, list):
        others = [part["type"] for part in content if part["type"] != "text"]
        if others:
            what = f"the embedded engine reads text alone, not {others[0]!r}"
            raise Problem(400, "unsupported_content", what, param="messages")
        content = "".join(part.get("text") or "" for part in content)
    role = "system" if message["role"] == "developer" else message["role"]
    return {**message, "role": role, "content": content or ""}


def settings_of(ask: Ask) -> list[Settings]:
    """The settings of each answer to one prompt; with one seed each draws its own numbers."""
    body = ask.body
    seed = secrets.randbits(62) if body.seed is None else body.seed
    return [
        Settings(
            temperature=1.0 if body.temperature is None else body.temperature,
            top_p=1.0 if body.top_p is None else body.top_p,
            top_k=max(0, body.top_k or 0),
            min_p=body.min_p or 0.0,
            seed=f"{seed}/{number}",
            logprobs=logprobs_of(ask),
        )
        for number in range(ask.choices)
    ]


def logprobs_of(ask: Ask) -> int | None:
    """How many likeliest tokens are to be told beside each; None for no log-probabilities.

    Raises:
        Problem: 400, `top_logprobs` without `logprobs`.
    """
    if isinstance(ask.body, CompletionRequest):
        return ask.body.logprobs
    if not ask.body.logprobs:
        if ask.body.top_logprobs:
            what = "top_logprobs needs logprobs: true"
            raise Problem(400, "invalid_request", what, param="top_logprobs")
        return None
    return ask.body.top_logprobs or 0
