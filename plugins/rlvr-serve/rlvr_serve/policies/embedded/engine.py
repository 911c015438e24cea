"""The embedded engine: a transformers model in this process, all requests in one batch."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncGenerator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from typing import Any

from rlvr_ops_core import OptionError
from rlvr_serve.policies.embedded.batch import Batch, Row
from rlvr_serve.policies.embedded.cores import usable_cores
from rlvr_serve.policies.embedded.model import Dtype, Policy, load_policy
from rlvr_serve.policies.embedded.objects import Objects, Piece
from rlvr_serve.policies.embedded.prompts import (
    logprobs_of,
    prompts_of,
    refuse_unknown,
    settings_of,
)
from rlvr_serve.policies.embedded.sampling import Choice, Settings
from rlvr_serve.policies.embedded.text import TextSoFar
from rlvr_serve.policies.embedded.worker import Worker
from rlvr_serve.policies.wire import Ask
from rlvr_serve.web.problems import Problem


@dataclass(frozen=True, kw_only=True)
class EmbeddedSettings:
    """How much the embedded engine takes on."""

    rows: int = 32
    """Answers written at the same time."""
    cache_tokens: int = 32_768
    """Answers at once times the tokens of the longest, prompt included: what bounds the memory."""
    prefill_tokens: int = 512
    """Of prompts, read between two tokens of those that write."""
    max_tokens: int = 512
    """Of an answer whose request does not say."""
    threads: int | None = None
    """Of torch; None takes the cores of this process, by its container's quota."""
    dtype: Dtype = "auto"
    """`auto`: float32 on a CPU, bfloat16 on a GPU that knows it."""
    device: str = "auto"

    def check(self) -> None:
        """Refuse numbers that can't be.

        Raises:
            OptionError: says which.
        """
        for name in ("rows", "cache_tokens", "prefill_tokens", "max_tokens", "threads"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise OptionError(f"{name} {value}: must be 1 or more")


class EmbeddedEngine:
    """One version of a policy in this process.

    Args:
        place: a model folder or a hub id.
        name: of the model, to clients.
        version: of its weights.
        settings: how much it takes on.
    """

    def __init__(self, place: str, *, name: str, version: str, settings: EmbeddedSettings) -> None:
        settings.check()
        self.root = place
        self.name = name
        self.version = version
        self.settings = settings
        self.policy: Policy
        self._worker: Worker
        self._encoding = ThreadPoolExecutor(1, thread_name_prefix="rlvr-encode")

    async def load(self) -> None:
        """Load the model and start to generate.

        Raises:
            ModelError: it can't be loaded.
        """
        await asyncio.to_thread(self._load)

    async def answer(self, ask: Ask) -> dict[str, Any]:
        """A whole answer."""
        prompts = await self._prompts(ask)
        objects = self._objects(ask, prompts)
        pieces: dict[int, Piece] = {}
        async with aclosing(self._pieces(ask, prompts, is_streamed=False)) as coming:
            async for piece in coming:
                pieces[piece.index] = piece
        return objects.whole([pieces[index] for index in sorted(pieces)])

    async def stream(self, ask: Ask) -> AsyncGenerator[dict[str, Any], None]:
        """Its pieces as they come."""
        prompts = await self._prompts(ask)
        objects = self._objects(ask, prompts)
        begun: set[int] = set()
        async with aclosing(self._pieces(ask, prompts, is_streamed=True)) as coming:
            async for piece in coming:
                if piece.index not in begun:
                    begun.add(piece.index)
                    beginning = objects.begin(piece.index)
                    if beginning:
                        yield beginning
                yield objects.chunk(piece)
        yield objects.end()

    def last_progress(self) -> float:
        """When the last turn ended."""
        return self._worker.progress

    def numbers(self) -> dict[str, float]:
        """Rows at work and waiting."""
        return {"running": self._worker.running, "waiting": self._worker.waiting}

    async def close(self) -> None:
        """End the thread, and let go of the model."""
        self._encoding.shutdown(wait=False)
        if hasattr(self, "_worker"):
            await asyncio.to_thread(self._worker.close)

    def _load(self) -> None:
        settings = self.settings
        self.policy = load_policy(self.root, dtype=settings.dtype, device=settings.device)
        make_batch = partial(
            Batch,
            self.policy.model,
            rows=settings.rows,
            cache_tokens=settings.cache_tokens,
            prefill_tokens=settings.prefill_tokens,
        )
        self._worker = Worker(make_batch, threads=settings.threads or usable_cores())
        self._worker.start()

    async def _prompts(self, ask: Ask) -> list[list[int]]:
        refuse_unknown(ask)
        if ask.choices > self.settings.rows:
            what = f"n: this server writes {self.settings.rows} answers at once"
            raise Problem(400, "too_many_choices", what, param="n")
        logprobs_of(ask)
        loop = asyncio.get_running_loop()
        prompts = await loop.run_in_executor(self._encoding, prompts_of, ask, self.policy)
        for prompt in prompts:
            self._limit(ask, prompt)
        return prompts

    def _limit(self, ask: Ask, prompt: Sequence[int]) -> int:
        """The most tokens of an answer to this prompt.

        Raises:
            Problem: 400, there is no room for so many.
        """
        most = min(self.policy.context, self.settings.cache_tokens // ask.choices)
        room = most - len(prompt)
        asked = ask.limit
        if room < 1 or (asked or 0) > room:
            wanted = f" and {asked} more are asked for" if asked else ""
            what = (
                f"this server's limit is {most} tokens for a prompt with its answer; "
                f"the prompt has {len(prompt)}{wanted}"
            )
            field = "messages" if ask.kind == "chat" else "prompt"
            raise Problem(400, "context_length_exceeded", what, param=field)
        return asked if asked is not None else min(self.settings.max_tokens, room)

    def _objects(self, ask: Ask, prompts: Sequence[Sequence[int]]) -> Objects:
        return Objects(
            ask=ask,
            policy=self.policy,
            model=self.name,
            version=self.version,
            id=f"{'chatcmpl' if ask.kind == 'chat' else 'cmpl'}-{secrets.token_hex(12)}",
            prompt_tokens=sum(map(len, prompts)),
        )

    async def _pieces(
        self, ask: Ask, prompts: Sequence[list[int]], *, is_streamed: bool
    ) -> AsyncGenerator[Piece, None]:
        """What is told of all answers, until the last is finished; leaving it drops them."""
        loop = asyncio.get_running_loop()
        told: asyncio.Queue[Piece] = asyncio.Queue()

        def tell(piece: Piece) -> None:
            self._worker.tell(loop, partial(told.put_nowait, piece))

        groups = [
            [
                self._row(
                    ask, prompt, settings, Teller(number * ask.choices + n, tell, is_streamed)
                )
                for n, settings in enumerate(settings_of(ask))
            ]
            for number, prompt in enumerate(prompts)
        ]
        rows = [row for group in groups for row in group]
        for group in groups:
            self._worker.add(group)
        left = len(rows)
        try:
            while left:
                piece = await told.get()
                if piece.finish == "broken":
                    what = f"generation failed: {piece.error}"
                    raise Problem(503, "generation_failed", what, 1.0)
                left -= piece.finish is not None
                yield piece
        finally:
            self._worker.drop(rows)

    def _row(self, ask: Ask, prompt: list[int], settings: Settings, teller: Teller) -> Row:
        return Row(
            prompt=prompt,
            limit=self._limit(ask, prompt),
            ends=frozenset() if ask.body.ignore_eos else self.policy.ends,
            settings=settings,
            text=TextSoFar(self.policy.text_of, ask.body.stops),
            tell=teller,
            twin=id(prompt) if ask.choices > 1 else None,
        )


class Teller:
    """Tells what is new of one answer: each token's text as it comes, or all of it in the end."""

    def __init__(self, index: int, tell: Callable[[Piece], None], is_streamed: bool) -> None:
        self.index = index
        self.tell = tell
        self.is_streamed = is_streamed
        self._choices: list[Choice] = []
        self._told = 0

    def __call__(self, row: Row, choice: Choice | None) -> None:
        """A token has come, or the answer is finished. Called in the thread that generates."""
        if choice is not None and choice.logprob is not None:
            self._choices.append(choice)
        is_last = row.finish is not None
        if not (is_last or self.is_streamed):
            return
        text = row.text.news(is_last=is_last)
        if not (text or is_last):
            return
        choices, self._choices = self._choices, []
        tokens, self._told = len(row.ids) - self._told, len(row.ids)
        self.tell(Piece(self.index, text, choices, tokens, row.finish, row.error))
