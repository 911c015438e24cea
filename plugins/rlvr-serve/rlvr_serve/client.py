"""A client for reward servers: a reward function for TRL, and a plain way to score from Python.

It does the client's half: waits as long as the server asks, a little differently from all others;
tries again only what may work the next time; keeps one deadline for all tries; and sends one
Idempotency-Key with all tries of a batch, so that none is judged twice.
"""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from rlvr_ops_core import RlvrError

if TYPE_CHECKING:
    import httpx2

RETRIED = frozenset({429, 502, 503, 504})
THE_TRAINERS_OWN = frozenset(
    {"completion_ids", "environments", "log_extra", "log_metric", "trainer_state"}
)
"""What TRL hands to a reward function beside the columns of the data set."""


class RemoteRewardError(RlvrError):
    """The server did not answer within the deadline, or refused the request for good."""


class RemoteReward:
    """A reward that is judged elsewhere; give it to TRL as one of `reward_funcs`.

    An answer without a verdict is None, which TRL leaves out of the sum.

    Args:
        url: of a reward server: `http://127.0.0.1:8000`.
        reward: which of its rewards; may be left out if it serves one.
        token: sent as a bearer token.
        answer: the data set's column with the gold answer.
        deadline_s: for one batch with all its tries.
        batch: items in one request, at most 1,024.
        verify: as for httpx2: False, or a file of certificates, for a server with TLS of its own.
    """

    def __init__(
        self,
        url: str,
        reward: str | None = None,
        *,
        token: str = "",
        answer: str = "answer",
        deadline_s: float = 60.0,
        batch: int = 256,
        verify: bool | str = True,
    ) -> None:
        self.url = url.rstrip("/")
        self.reward = reward
        self.token = token
        self.answer = answer
        self.deadline_s = deadline_s
        self.batch = batch
        self.verify = verify
        self.tries = 0
        """Requests sent so far, tries included."""
        self.__name__ = (reward or "remote_reward").replace("/", "_")
        self._client: httpx2.Client | None = None

    def __call__(
        self, prompts: Sequence[Any], completions: Sequence[Any], **columns: Any
    ) -> list[float | None]:
        """One number an answer, or None: TRL's reward function.

        Raises:
            RemoteRewardError: the server did not answer within the deadline, or refused.
        """
        data = {
            name: column
            for name, column in columns.items()
            if name not in THE_TRAINERS_OWN and name != self.answer and is_column(column)
        }
        answers = columns.get(self.answer) or [None] * len(completions)
        items = [
            {
                "id": row,
                "prompt": prompts[row],
                "completion": completions[row],
                "answer": answers[row],
                "data": {name: column[row] for name, column in data.items()},
            }
            for row in range(len(completions))
        ]
        return [result["value"] for result in self.score(items)]

    def score(self, items: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """The results of `/v1/score`, one an item, in order.

        Raises:
            RemoteRewardError: the server did not answer within the deadline, or refused.
        """
        results: list[dict[str, Any]] = []
        for first in range(0, len(items), self.batch):
            part = items[first : first + self.batch]
            request = {"items": part} | ({"reward": self.reward} if self.reward else {})
            found = self._post(msgspec.json.encode(request, enc_hook=as_json))["results"]
            if len(found) != len(part):
                raise RemoteRewardError(f"{self.url}: {len(found)} results for {len(part)} items")
            results += found
        return results

    def close(self) -> None:
        """Close the connections; they open again when needed."""
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def _post(self, body: bytes) -> dict[str, Any]:
        import httpx2

        until = time.monotonic() + self.deadline_s
        headers = {"content-type": "application/json", "idempotency-key": uuid.uuid4().hex}
        if self.token:
            headers["authorization"] = f"Bearer {self.token}"
        if self._client is None:
            self._client = httpx2.Client(verify=self.verify)
        trouble = ""
        for pause_s in pauses():
            left_s = until - time.monotonic()
            if left_s <= 0:
                break
            headers["x-request-deadline-ms"] = str(max(1, int(left_s * 1000)))
            self.tries += 1
            try:
                answer = self._client.post(
                    f"{self.url}/v1/score", content=body, headers=headers, timeout=left_s
                )
            except httpx2.TransportError as error:
                trouble = f"{type(error).__name__}: {error}"
                asked_s = 0.0
            else:
                if answer.status_code == 200:
                    found: dict[str, Any] = msgspec.json.decode(answer.content)
                    return found
                trouble = f"{answer.status_code} {answer.text[:300]}"
                if answer.status_code not in RETRIED:
                    raise RemoteRewardError(f"{self.url} refused: {trouble}")
                asked_s = seconds_asked(answer.headers)
            wait_s = max(asked_s, pause_s) * random.uniform(1, 1.5)  # jitter
            time.sleep(max(0.0, min(wait_s, until - time.monotonic())))
        raise RemoteRewardError(
            f"{self.url} did not answer within {self.deadline_s:g} s: {trouble}",
            hint="is the server up? see its /readyz, or raise deadline_s",
        )

    def __getstate__(self) -> dict[str, Any]:
        """Without the connections, for worker processes."""
        return self.__dict__ | {"_client": None}


def pauses() -> Iterator[float]:
    """Seconds between tries: 0.1, 0.2, 0.4 … 10."""
    pause_s = 0.1
    while True:
        yield pause_s
        pause_s = min(10.0, pause_s * 2)


def seconds_asked(headers: Mapping[str, str]) -> float:
    """What the server asks us to wait: `Retry-After-Ms`, or `Retry-After` in seconds."""
    for name, unit_s in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            return max(0.0, float(headers[name]) * unit_s)
        except (KeyError, ValueError):
            continue
    return 0.0


def is_column(value: Any) -> bool:
    """A column of the batch, not one of the trainer's objects."""
    return isinstance(value, list | tuple)


def as_json(value: Any) -> Any:
    """Numpy's numbers and arrays as Python's; what is no JSON as its text."""
    return value.tolist() if hasattr(value, "tolist") else str(value)
