"""An engine that runs elsewhere and speaks OpenAI's API: vLLM, SGLang, llama-server, one of ours.

It makes the tokens. Admission, deadlines, tokens, errors, metrics, draining, verified answers and
hot swap stay here.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from time import monotonic
from typing import TYPE_CHECKING, Any

import msgspec

from rlvr_ops_core import RlvrError
from rlvr_serve.client import seconds_asked
from rlvr_serve.policies.wire import OWN_FIELDS, Ask
from rlvr_serve.web.problems import Problem

if TYPE_CHECKING:
    import httpx2

PATHS = {"chat": "/v1/chat/completions", "text": "/v1/completions"}
CONNECT_S = 5.0
ASK_AGAIN_S = 1.0
SAY_EVERY_S = 30.0
REFUSALS = frozenset({400, 413, 415, 422})
"""What an engine says of the request, and so the client can mend."""

log = logging.getLogger("rlvr.serve")


class ForeignEngine:
    """An engine at a URL.

    Args:
        url: with or without `/v1`.
        name: of the model, to clients; None takes the engine's.
        token: sent to the engine as a bearer token.
        wait_s: how long `load` waits for an engine that is not there yet.
    """

    def __init__(
        self, url: str, *, name: str | None = None, token: str = "", wait_s: float
    ) -> None:
        self.root = url.rstrip("/").removesuffix("/v1")
        self.name = name or ""
        self.version = ""
        self.model = ""
        """What the engine calls the model."""
        self.wait_s = wait_s
        self._token = token
        self._progress = monotonic()
        self._running = 0
        self._client: httpx2.AsyncClient

    async def load(self) -> None:
        """Wait until the engine says what it serves.

        Raises:
            RlvrError: it does not in time.
        """
        import httpx2

        self._client = httpx2.AsyncClient(
            base_url=self.root,
            headers={"authorization": f"Bearer {self._token}"} if self._token else {},
            timeout=httpx2.Timeout(None, connect=CONNECT_S),  # deadlines are the door's
            limits=httpx2.Limits(max_connections=None),  # and so is how many run
        )
        until = monotonic() + self.wait_s
        said = 0.0
        while True:
            try:
                found = await self._models()
                break
            except Problem as problem:
                if monotonic() >= until:
                    raise RlvrError(
                        f"the engine at {self.root} does not answer: {problem.detail}",
                        hint="is it up? it must have /v1/models and /v1/completions",
                    ) from problem
                if monotonic() - said > SAY_EVERY_S:
                    said = monotonic()
                    log.warning("waiting for the engine at %s: %s", self.root, problem.detail)
                await asyncio.sleep(ASK_AGAIN_S)
        self.model = str(found["id"])
        self.name = self.name or self.model
        about = f"{self.root} {self.model} {found.get('root')} {found.get('version')}"
        self.version = hashlib.sha256(about.encode()).hexdigest()[:12]

    async def answer(self, ask: Ask) -> dict[str, Any]:
        """A whole answer. An engine that gives fewer than `n` is asked for the rest."""
        body = self._body(ask)
        answer = await self._ask(PATHS[ask.kind], body)
        wanted = ask.choices * prompts_in(ask)
        while len(answer["choices"]) < wanted:
            missing = wanted - len(answer["choices"])
            if prompts_in(ask) > 1:
                what = f"the engine gave {missing} answers too few"
                raise Problem(502, "engine_failed", what)
            more = body | {"n": missing}
            if body.get("seed") is not None:
                more["seed"] = body["seed"] + len(answer["choices"])
            merge(answer, await self._ask(PATHS[ask.kind], more))
        return answer | {"model": self.name}

    async def stream(self, ask: Ask) -> AsyncGenerator[dict[str, Any], None]:
        """Its pieces as they come, and the counts of tokens if the engine gave them."""
        body = self._body(ask)
        body |= {"stream": True, "stream_options": {"include_usage": True}}
        last: dict[str, Any] = {}
        usage: Any = None
        async with aclosing(self._events(PATHS[ask.kind], body)) as chunks:
            async for chunk in chunks:
                usage = chunk.pop("usage", None) or usage
                last = chunk | {"model": self.name}
                if last.get("choices"):
                    yield last
        if usage is not None:
            yield last | {"choices": [], "usage": usage}

    def last_progress(self) -> float:
        """When the engine last answered, or sent a piece."""
        return self._progress

    def numbers(self) -> dict[str, float]:
        """Requests that are with the engine."""
        return {"running": self._running}

    async def close(self) -> None:
        """Close the connections."""
        if hasattr(self, "_client"):
            await self._client.aclose()

    def _body(self, ask: Ask) -> dict[str, Any]:
        kept = {name: value for name, value in ask.raw.items() if name not in OWN_FIELDS}
        return kept | {"model": self.model}

    async def _models(self) -> Mapping[str, Any]:
        """The engine's first model."""
        found = await self._send("GET", "/v1/models", None)
        models = found.get("data")
        if not (isinstance(models, list) and models and isinstance(models[0], dict)):
            raise Problem(502, "engine_failed", "/v1/models names no model")
        if not models[0].get("id"):
            raise Problem(502, "engine_failed", "/v1/models names a model without id")
        return models[0]

    async def _ask(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        answer = await self._send("POST", path, body)
        choices = answer.get("choices")
        if not (isinstance(choices, list) and choices and all(map(is_object, choices))):
            raise Problem(502, "engine_failed", "the engine's answer has no choices")
        return answer

    async def _send(self, method: str, path: str, body: Mapping[str, Any] | None) -> dict[str, Any]:
        import httpx2

        self._running += 1
        try:
            content = None if body is None else msgspec.json.encode(body)
            headers = {"content-type": "application/json"}
            response = await self._client.request(method, path, content=content, headers=headers)
        except httpx2.TransportError as error:
            raise unreachable(error) from error
        finally:
            self._running -= 1
        if response.status_code != 200:
            raise refusal(response.status_code, response.content, response.headers)
        self._progress = monotonic()
        return as_object(response.content)

    async def _events(
        self, path: str, body: Mapping[str, Any]
    ) -> AsyncGenerator[dict[str, Any], None]:
        """The objects of a stream of events; it must end with `[DONE]`."""
        import httpx2

        self._running += 1
        try:
            content = msgspec.json.encode(body)
            headers = {"content-type": "application/json", "accept": "text/event-stream"}
            async with self._client.stream(
                "POST", path, content=content, headers=headers
            ) as response:
                if response.status_code != 200:
                    raise refusal(response.status_code, await response.aread(), response.headers)
                async for line in response.aiter_lines():
                    if not line.startswith("data:"):
                        continue
                    data = line[5:].strip()
                    if data == "[DONE]":
                        return
                    self._progress = monotonic()
                    chunk = as_object(data.encode())
                    if chunk.get("error"):
                        raise Problem(502, "engine_failed", error_text(chunk)[0])
                    yield chunk
            raise Problem(502, "engine_failed", "the engine broke the stream off", 1.0)
        except httpx2.TransportError as error:
            raise unreachable(error) from error
        finally:
            self._running -= 1


def unreachable(error: Exception) -> Problem:
    """The problem that no answer came."""
    what = f"the engine does not answer: {type(error).__name__}: {error}"[:300]
    return Problem(502, "engine_unreachable", what, 1.0)


def refusal(status: int, content: bytes, headers: Mapping[str, str]) -> Problem:
    """The problem that the engine's own refusal is to a client.

    A token or a model's name that the engine does not know is our mistake, and not the client's.
    """
    try:
        message, code, param = error_text(as_object(content))
    except Problem:
        message, code, param = content[:300].decode("utf-8", "replace"), None, None
    if status in REFUSALS:
        return Problem(
            400 if status == 422 else status, code or "engine_refused", message, None, param
        )
    if status in (429, 503):
        wait_s = seconds_asked(headers) or ASK_AGAIN_S
        return Problem(status, "engine_full", f"the engine is full: {message}", wait_s)
    return Problem(502, "engine_failed", f"the engine answered {status}: {message}", 1.0)


def error_text(answer: Mapping[str, Any]) -> tuple[str, str | None, str | None]:
    """Message, code and field of an error object, in OpenAI's form or a flat one."""
    given = answer.get("error")
    error = given if isinstance(given, dict) else answer
    message = error.get("message") or error.get("detail") or given or "without saying why"
    code, param = error.get("code"), error.get("param")
    return (
        str(message)[:1000],
        code if isinstance(code, str) else None,
        param if isinstance(param, str) else None,
    )


def as_object(content: bytes) -> dict[str, Any]:
    """A JSON object.

    Raises:
        Problem: 502, it is none.
    """
    try:
        found = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        found = None
    if not is_object(found):
        raise Problem(502, "engine_failed", "the engine's answer is no JSON object")
    return dict(found)


def is_object(value: Any) -> bool:
    """Whether this is a JSON object."""
    return isinstance(value, dict)


def prompts_in(ask: Ask) -> int:
    """How many prompts a request has."""
    prompt = getattr(ask.body, "prompt", "")
    return len(prompt) if isinstance(prompt, list) and not isinstance(prompt[0], int) else 1


def merge(answer: dict[str, Any], more: Mapping[str, Any]) -> None:
    """Add the choices, and what they took, to an answer."""
    for choice in more["choices"]:
        answer["choices"].append(choice | {"index": len(answer["choices"])})
    usage = answer.get("usage") or {}
    for name, count in (more.get("usage") or {}).items():
        if isinstance(count, int):
            usage[name] = usage.get(name, 0) + count
    answer["usage"] = usage
