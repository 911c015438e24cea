"""Text out of tokens as they come: whole characters only, and nothing after a stop string."""

from __future__ import annotations

from collections.abc import Callable, Sequence

BROKEN = "\ufffd"
"""What a decoder writes for bytes that make no character yet."""
PATIENCE = 16
"""Tokens after which broken bytes are taken for what they are: no character needs so many."""


class TextSoFar:
    """The text of one answer. Tokens that end an answer are not given to it.

    Args:
        decode: tokens to text; a token's text may depend on those before it.
        stops: strings that end the text; they are no part of it.
    """

    def __init__(self, decode: Callable[[Sequence[int]], str], stops: Sequence[str] = ()) -> None:
        self.decode = decode
        self.stops = stops
        self.text = ""
        self.is_stopped = False
        self._ids: list[int] = []
        self._begin = 0
        """From here on tokens are decoded again, so that the next one sees its neighbours."""
        self._read = 0
        """Up to here their text is in `text`."""
        self._told = 0

    def add(self, token: int) -> None:
        """One more token."""
        self._ids.append(token)
        self._decode(is_last=len(self._ids) - self._read > PATIENCE)

    def finish(self) -> None:
        """There are no more tokens: what was held back is text, whole or not."""
        if not self.is_stopped:
            self._decode(is_last=True)

    def news(self, *, is_last: bool) -> str:
        """What may be told since the last call: not what could become a stop string."""
        upto = len(self.text) if is_last or self.is_stopped else len(self.text) - self._suspect()
        told, self._told = self._told, max(upto, self._told)
        return self.text[told : self._told]

    def _decode(self, *, is_last: bool) -> None:
        before = self.decode(self._ids[self._begin : self._read])
        whole = self.decode(self._ids[self._begin :])
        if (whole.endswith(BROKEN) and not is_last) or len(whole) <= len(before):
            return
        searched = max(0, len(self.text) - max(map(len, self.stops), default=0))
        self.text += whole[len(before) :]
        self._begin, self._read = self._read, len(self._ids)
        found = [place for stop in self.stops if (place := self.text.find(stop, searched)) >= 0]
        if found:
            self.text = self.text[: min(found)]
            self.is_stopped = True

    def _suspect(self) -> int:
        """Characters at the end that may be the beginning of a stop string."""
        for length in range(min(len(self.text), max(map(len, self.stops), default=1) - 1), 0, -1):
            end = self.text[-length:]
            if any(stop.startswith(end) for stop in self.stops):
                return length
        return 0
