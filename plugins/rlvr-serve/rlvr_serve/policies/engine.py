"""What an engine is: something that answers OpenAI requests with OpenAI objects."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any, Protocol

from rlvr_serve.policies.wire import Ask


class Engine(Protocol):
    """One version of a policy, ready to generate. Both engines return OpenAI's own objects.

    What goes wrong is a `Problem`: 400 for what the client can mend, 502 and 503 for what it can't.
    Cancelling an answer, or closing a stream, stops its generation.
    """

    name: str
    """The model's name to clients, unless the server was given another."""
    version: str
    """Changes when the weights do, as far as that can be told without reading them. An engine that
    runs elsewhere has one after `load`."""
    root: str
    """Where the weights are, or the URL of the engine."""

    async def load(self) -> None:
        """Get ready to answer.

        Raises:
            RlvrError: it can't be.
        """

    async def answer(self, ask: Ask) -> dict[str, Any]:
        """A whole answer, with its `usage`."""

    def stream(self, ask: Ask) -> AsyncGenerator[dict[str, Any], None]:
        """Its pieces as they come; the last has no choices and the `usage`."""

    def last_progress(self) -> float:
        """When it last made a token, in `time.monotonic()`."""

    def numbers(self) -> dict[str, float]:
        """For metrics, by name: what runs, what waits."""

    async def close(self) -> None:
        """Free what it holds; nothing is asked of it any more."""
