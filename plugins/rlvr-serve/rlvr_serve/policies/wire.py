"""The requests of OpenAI's API as far as we read them, and what we add to them.

Fields that are not here go to the engine as they came: the one behind us may know them, the
embedded one refuses what it would have to ignore.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from rlvr_serve.web.problems import Problem

MOST_CHOICES = 128
MOST_STOPS = 16
MOST_PROMPTS = 256
"""In one request; a list of more is for several."""
OWN_FIELDS = frozenset({"reward", "answer", "data", "best_of"})
"""What asks for a verified answer; never sent to an engine."""

Choices = Annotated[int, Meta(ge=1, le=MOST_CHOICES)]
Tokens = Annotated[int, Meta(ge=1, le=10_000_000)]
Stop = Annotated[str, Meta(min_length=1, max_length=1000)]
Stops = Annotated[list[Stop], Meta(max_length=MOST_STOPS)]
TokenId = Annotated[int, Meta(ge=0, le=2**31 - 1)]


class StreamOptions(msgspec.Struct):
    """`include_usage`: a last event with the counts of tokens."""

    include_usage: bool | None = None


class Part(msgspec.Struct):
    """A piece of a message's content."""

    type: str
    text: str | None = None


class ChatMessage(msgspec.Struct):
    """One message; further fields go to the chat template."""

    role: Annotated[str, Meta(min_length=1, max_length=64)]
    content: str | list[Part] | None = None


class Common(msgspec.Struct, kw_only=True):
    """What both kinds of requests have."""

    model: str | None = None
    n: Choices | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_tokens: Tokens | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    top_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    top_k: Annotated[int, Meta(ge=-1, le=10_000_000)] | None = None
    min_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    seed: Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)] | None = None
    stop: Stop | Stops | None = None
    ignore_eos: bool | None = None
    best_of: Choices | None = None
    reward: str | None = None
    answer: Any = None
    data: dict[str, Any] | None = None

    @property
    def stops(self) -> tuple[str, ...]:
        """The stop strings."""
        return (self.stop,) if isinstance(self.stop, str) else tuple(self.stop or ())


class ChatRequest(Common, kw_only=True):
    """`POST /v1/chat/completions`.

    With `reward` the answer is verified: `best_of` answers are sampled and judged with that reward
    against `answer` (and `data`), and the best `n` come back with their verdicts.
    """

    messages: Annotated[list[ChatMessage], Meta(min_length=1)]
    max_completion_tokens: Tokens | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Meta(ge=0, le=20)] | None = None


class CompletionRequest(Common, kw_only=True):
    """`POST /v1/completions`; a prompt is a text, token ids, or a list of either."""

    prompt: str | list[Any]
    logprobs: Annotated[int, Meta(ge=0, le=20)] | None = None


@dataclass(frozen=True)
class Ask:
    """A request that has been read and checked."""

    kind: Literal["chat", "text"]
    body: ChatRequest | CompletionRequest
    raw: dict[str, Any]
    """The same as it came, for an engine that knows more fields."""

    @property
    def choices(self) -> int:
        """How many answers to each prompt."""
        return self.body.n or 1

    @property
    def limit(self) -> int | None:
        """The most tokens of an answer; None if the client does not say."""
        newer = getattr(self.body, "max_completion_tokens", None)
        return newer if newer is not None else self.body.max_tokens

    @property
    def wants_usage(self) -> bool:
        """Whether a stream ends with the counts of tokens."""
        return bool(self.body.stream_options and self.body.stream_options.include_usage)


def read_ask(kind: Literal["chat", "text"], body: bytes) -> Ask:
    """A request out of its bytes.

    Raises:
        Problem: 400, no JSON or not of this shape; says which field.
    """
    try:
        raw = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Problem(400, "bad_json", f"the body is no JSON: {error}") from None
    shape: type[ChatRequest | CompletionRequest]
    shape = ChatRequest if kind == "chat" else CompletionRequest
    try:
        read = msgspec.convert(raw, shape)
    except msgspec.ValidationError as error:
        raise Problem(400, "invalid_request", str(error), param=field_of(str(error))) from None
    except RecursionError:
        raise Problem(400, "invalid_request", "the body is nested too deeply") from None
    if isinstance(read, CompletionRequest):
        check_prompt(read.prompt)
    return Ask(kind, read, raw)


def check_prompt(prompt: str | list[Any]) -> None:
    """Refuse a prompt that is no text, token ids, or a list of either.

    Raises:
        Problem: 400.
    """
    forms = (str, list[TokenId], list[str], list[list[TokenId]])
    for form in forms:
        try:
            found = msgspec.convert(prompt, form)
        except msgspec.ValidationError:
            continue
        if found and (form in (str, list[TokenId]) or len(found) <= MOST_PROMPTS):
            return
        break
    what = (
        "prompt: must be a text, a list of token ids, or a list of either; not empty, "
        f"and at most {MOST_PROMPTS} in one request"
    )
    raise Problem(400, "invalid_request", what, param="prompt")


def field_of(message: str) -> str | None:
    """The field that msgspec complains about: `… - at `$.stop[0]`` is `stop`."""
    _, _, place = message.rpartition("`$.")
    name = place.partition("`")[0].partition("[")[0].partition(".")[0] if place else ""
    if not name and "required field `" in message:
        name = message.partition("required field `")[2].partition("`")[0]
    return name if name.isidentifier() else None
