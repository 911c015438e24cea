"""The policy that is served now, and how another takes its place without a request noticing."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from time import monotonic, perf_counter
from typing import Any

import msgspec

from rlvr_ops_core import RlvrError
from rlvr_serve.policies.counts import PolicyCounts
from rlvr_serve.policies.engine import Engine
from rlvr_serve.policies.wire import Ask, read_ask
from rlvr_serve.web.problems import Problem
from rlvr_serve.web.server_state import Web

CANARY = read_ask("text", msgspec.json.encode({"prompt": "1", "max_tokens": 1, "temperature": 0}))
"""One token: cheap, and proof that everything down to the weights works."""
LOOK_AGAIN_S = 1.0
"""How often an engine in trouble is tried."""

log = logging.getLogger("rlvr.serve")


@dataclass(eq=False)
class Post:
    """An engine in service, and how many requests are with it."""

    engine: Engine
    users: int = 0
    is_retired: bool = False


class PolicyHost:
    """Answers with the policy of the moment.

    A request stays with the engine that it began with. An engine that was replaced is closed when
    its last request is done.

    Args:
        make: an engine for a target; it must not load yet.
        target: what to serve first, and again on `reload`.
        canary_s: an engine that made no token for so long is asked for one.
    """

    def __init__(self, make: Callable[[str], Engine], target: str, *, canary_s: float) -> None:
        self.target = target
        self.canary_s = canary_s
        self.created = int(time.time())
        """When this server began, for OpenAI's model object."""
        self.counts = PolicyCounts()
        self._make = make
        self._post: Post | None = None
        self._swapping = asyncio.Lock()
        self._doubt = asyncio.Event()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def is_loaded(self) -> bool:
        """Whether there is a policy."""
        return self._post is not None

    @property
    def engine(self) -> Engine:
        """The engine that new requests get.

        Raises:
            Problem: 503, none is loaded.
        """
        if self._post is None:
            raise Problem(503, "starting", "the policy is still loading", 1.0)
        return self._post.engine

    async def load(self) -> None:
        """Load the first policy and let it make a token.

        Raises:
            RlvrError: it can't be loaded, or makes no token.
        """
        self._loop = asyncio.get_running_loop()
        self._post = Post(await self._ready(self.target))
        self.counts.serve(self._post.engine)

    async def answer(self, ask: Ask) -> dict[str, Any]:
        """A whole answer, counted."""
        with self._lease() as engine:
            answer = await engine.answer(ask)
        self.counts.record(answer)
        return answer

    async def stream(self, ask: Ask) -> AsyncGenerator[dict[str, Any], None]:
        """The chunks of an answer, counted; the last has no choices and the `usage`."""
        started = perf_counter()
        is_first = True
        with self._lease() as engine:
            async with aclosing(engine.stream(ask)) as chunks:
                async for chunk in chunks:
                    if is_first:
                        self.counts.first_token(perf_counter() - started)
                        is_first = False
                    self.counts.record(chunk)
                    yield chunk

    async def swap(self, target: str) -> bool:
        """Serve this from now on. False if it is what is served already.

        Raises:
            RlvrError: it can't be loaded, or makes no token; what was served before still is.
        """
        async with self._swapping:
            candidate = self._make(target)
            if self._is_served(candidate):
                await candidate.close()
                return False
            try:
                fresh = Post(await self._ready(candidate))
            except RlvrError:
                self.counts.swapped("failed")
                raise
            if self._is_served(candidate):  # an engine elsewhere says so only when it is asked
                await candidate.close()
                return False
            before, self._post, self.target = self._post, fresh, target
            self.counts.serve(fresh.engine)
            self.counts.swapped("done")
            log.warning("serving %s, version %s", fresh.engine.root, fresh.engine.version)
            if before is not None:
                before.is_retired = True
                self._close_if_done(before)
            return True

    def reload(self) -> None:
        """Look again at what is served: a run may have a newer checkpoint. For signal handlers."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(lambda: self._begin(self._reload()))

    async def watch(self, web: Web) -> None:
        """Keep `web.trouble` true: whether the engine makes tokens, asked when it was idle."""
        while True:
            try:
                async with asyncio.timeout(LOOK_AGAIN_S if web.trouble else self.canary_s):
                    await self._doubt.wait()
            except TimeoutError:
                pass
            in_doubt = self._doubt.is_set() or bool(web.trouble)
            self._doubt.clear()
            with self._lease() as engine:
                if in_doubt or monotonic() - engine.last_progress() >= self.canary_s:
                    web.trouble = await self._trouble(engine)

    async def close(self) -> None:
        """Close every engine."""
        post, self._post = self._post, None
        for task in self._tasks:
            task.cancel()
        if post is not None:
            await post.engine.close()

    @contextmanager
    def _lease(self) -> Iterator[Engine]:
        post = self._post
        if post is None:
            raise Problem(503, "starting", "the policy is still loading", 1.0)
        post.users += 1
        try:
            yield post.engine
        except Problem as problem:
            if problem.status in (502, 503):
                self._doubt.set()
            raise
        finally:
            post.users -= 1
            self._close_if_done(post)

    def _is_served(self, engine: Engine) -> bool:
        return self._post is not None and engine.version == self._post.engine.version

    def _close_if_done(self, post: Post) -> None:
        if post.is_retired and not post.users:
            self._begin(post.engine.close())

    def _begin(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _reload(self) -> None:
        try:
            if not await self.swap(self.target):
                log.warning("%s has nothing newer", self.target)
        except RlvrError as error:
            log.error("the policy stays as it was: %s", error)

    async def _ready(self, target: str | Engine) -> Engine:
        engine = self._make(target) if isinstance(target, str) else target
        try:
            await engine.load()
            await engine.answer(CANARY)
        except Problem as problem:
            await engine.close()
            raise RlvrError(f"{engine.root} makes no token: {problem}") from problem
        except RlvrError:
            await engine.close()
            raise
        return engine

    async def _trouble(self, engine: Engine) -> str:
        try:
            async with asyncio.timeout(self.canary_s):
                await engine.answer(CANARY)
        except Problem as problem:
            return f"a test generation failed: {problem}"
        except TimeoutError:
            if monotonic() - engine.last_progress() < self.canary_s:
                return ""  # busy: the test waits behind those that came before
            return f"no token was made for {self.canary_s:g} s"
        return ""
