"""OpenAI's objects out of the pieces of answers: whole ones, and the chunks of a stream."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from rlvr_serve.policies.embedded.model import Policy
from rlvr_serve.policies.embedded.sampling import Choice
from rlvr_serve.policies.embedded.text import BROKEN
from rlvr_serve.policies.wire import Ask


@dataclass(frozen=True)
class Piece:
    """What is new of one answer of a request."""

    index: int
    text: str
    choices: Sequence[Choice]
    """The tokens that the text came from, if log-probabilities are wanted."""
    tokens: int
    """How many tokens it took, the end token included."""
    finish: str | None
    error: str = ""


@dataclass
class Objects:
    """Makes the objects of one request."""

    ask: Ask
    policy: Policy
    model: str
    version: str
    id: str
    prompt_tokens: int
    completion_tokens: int = 0
    created: int = field(default_factory=lambda: int(time.time()))
    offsets: dict[int, int] = field(default_factory=dict)
    """Characters told of each answer, for `text_offset`."""

    def whole(self, pieces: Sequence[Piece]) -> dict[str, Any]:
        """The answer, out of one piece an answer, in order."""
        choices = []
        for piece in pieces:
            self.completion_tokens += piece.tokens
            content: dict[str, Any] = (
                {"message": {"role": "assistant", "content": piece.text, "refusal": None}}
                if self.ask.kind == "chat"
                else {"text": piece.text}
            )
            choices.append(self._choice(piece, content))
        return self._object("") | {"choices": choices, "usage": self.usage()}

    def begin(self, index: int) -> dict[str, Any] | None:
        """The chunk that says whose turn it is; text completions have none."""
        if self.ask.kind == "text":
            return None
        delta = {"role": "assistant", "content": ""}
        choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": None}
        return self._object(".chunk") | {"choices": [choice]}

    def chunk(self, piece: Piece) -> dict[str, Any]:
        """What is new of one answer."""
        self.completion_tokens += piece.tokens
        content: dict[str, Any] = {"text": piece.text}
        if self.ask.kind == "chat":
            content = {"delta": {"content": piece.text} if piece.text else {}}
        return self._object(".chunk") | {"choices": [self._choice(piece, content)]}

    def end(self) -> dict[str, Any]:
        """The last chunk: no choices, and the counts."""
        return self._object(".chunk") | {"choices": [], "usage": self.usage()}

    def usage(self) -> dict[str, int]:
        """The counts of tokens."""
        return {
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "total_tokens": self.prompt_tokens + self.completion_tokens,
        }

    def _object(self, chunk: str) -> dict[str, Any]:
        kind = f"chat.completion{chunk}" if self.ask.kind == "chat" else "text_completion"
        return {
            "id": self.id,
            "object": kind,
            "created": self.created,
            "model": self.model,
            "system_fingerprint": self.version,
        }

    def _choice(self, piece: Piece, content: dict[str, Any]) -> dict[str, Any]:
        told = None
        if piece.choices:
            told = self._chat_logprobs(piece)
            if self.ask.kind == "text":
                told = self._text_logprobs(piece)
        self.offsets[piece.index] = self.offsets.get(piece.index, 0) + len(piece.text)
        head = {"index": piece.index, "finish_reason": piece.finish, "logprobs": told}
        return head | content

    def _chat_logprobs(self, piece: Piece) -> dict[str, Any]:
        def entry(token: int, logprob: float | None) -> dict[str, Any]:
            text = self._token_text(token)
            # a token may be a part of a character: its bytes are not those of what stands for it
            octets = None if BROKEN in text else list(text.encode("utf-8", "surrogatepass"))
            return {"token": text, "logprob": logprob, "bytes": octets}

        content = [
            entry(one.token, one.logprob) | {"top_logprobs": [entry(*pair) for pair in one.top]}
            for one in piece.choices
        ]
        return {"content": content, "refusal": None}

    def _text_logprobs(self, piece: Piece) -> dict[str, Any]:
        texts = [self._token_text(one.token) for one in piece.choices]
        offsets = [self.offsets.get(piece.index, 0)]
        for text in texts[:-1]:
            offsets.append(offsets[-1] + len(text))
        return {
            "tokens": texts,
            "token_logprobs": [one.logprob for one in piece.choices],
            "top_logprobs": [self._by_text(one.top) for one in piece.choices],
            "text_offset": offsets,
        }

    def _by_text(self, top: Sequence[tuple[int, float | None]]) -> dict[str, float | None]:
        """Log-probabilities by the token's text, the likeliest first.

        Several parts of characters read alike. The first keeps the text, the others are named as
        vLLM names tokens by number, so that none takes the place of a likelier one.
        """
        told: dict[str, float | None] = {}
        for token, logprob in top:
            text = self._token_text(token)
            told[f"token_id:{token}" if text in told else text] = logprob
        return told

    def _token_text(self, token: int) -> str:
        decoded = self.policy.decoder.decode([token], clean_up_tokenization_spaces=False)
        return str(decoded)
