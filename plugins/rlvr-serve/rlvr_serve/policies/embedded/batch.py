"""Continuous batching: at each turn sequences join, prompts are read on, every row gets a token.

A turn is one forward over pieces of prompts, `prefill_tokens` in all, so that a long prompt holds
nobody up for long, and one forward over all rows that write. Those lie in the first rows of the
cache, and behind them those whose prompt is still being read.
"""

# ruff: noqa: N803, N806  # tensors carry their axes
from __future__ import annotations

import inspect
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from rlvr_serve.policies.embedded.sampling import Choice, Settings, choose
from rlvr_serve.policies.embedded.slots import Slots
from rlvr_serve.policies.embedded.text import TextSoFar

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel

Finish = Literal["stop", "length", "broken"]


@dataclass(eq=False, kw_only=True)
class Row:
    """One answer in work."""

    prompt: Sequence[int]
    limit: int
    """The most tokens it may have."""
    ends: frozenset[int]
    settings: Settings
    text: TextSoFar
    tell: Callable[[Row, Choice | None], None]
    """Called for each token: with the choice if it is part of the answer's text, and at the end."""
    twin: object = None
    """Rows with the same prompt have the same twin: it is read once, and copied."""
    ids: list[int] = field(default_factory=list)
    finish: Finish | None = None
    read: int = 0
    """Tokens of the prompt in the cache."""
    first_logits: Tensor | None = None
    """(V,) for its first token, once its prompt is read."""
    is_unwanted: bool = False
    """Nobody waits for it any more; it leaves at the next turn."""
    error: str = ""
    """What broke, if it is broken."""

    @property
    def reserve(self) -> int:
        """Columns that it may come to need."""
        return len(self.prompt) + self.limit

    @property
    def used(self) -> int:
        """Columns that it has filled."""
        return self.read + max(0, len(self.ids) - 1)

    def fail(self, error: str) -> None:
        """End it without an answer."""
        self.finish, self.error = "broken", error
        self.tell(self, None)


class Batch:
    """The sequences in work on one model, and those that wait. For one thread.

    Args:
        model: in evaluation mode.
        rows: the most sequences at once.
        cache_tokens: rows times the columns of the longest: what the cache may come to hold.
        prefill_tokens: of prompts, read in one turn.
    """

    def __init__(
        self, model: PreTrainedModel, *, rows: int, cache_tokens: int, prefill_tokens: int
    ) -> None:
        self.model = model
        self.most_rows = rows
        self.cache_tokens = cache_tokens
        self.prefill_tokens = prefill_tokens
        self.waiting: deque[tuple[Row, ...]] = deque()
        self.rows: list[Row] = []
        """In the order of the cache's rows."""
        self.writing = 0
        """So many of them, the first, have their prompts read."""
        self.slots = Slots()
        self._cache_name = cache_name(model)
        # transformers' own attention adds the mask to the scores; torch's takes a claim as well
        self._takes_bool_mask = model.config._attn_implementation == "sdpa"

    def add(self, rows: Sequence[Row]) -> None:
        """Let these wait; they join together, after those that came before."""
        self.waiting.append(tuple(rows))

    def turn(self) -> bool:
        """One turn. False if there was nothing to do."""
        import torch

        with torch.inference_mode():
            self._drop_unwanted()
            self._admit()
            if not self.rows:
                self.slots.release()
                return False
            if self.writing < len(self.rows):
                self._read_prompts()
                self._begin_to_write()
            if self.writing:
                self._write_tokens()
        return True

    def clear(self) -> list[Row]:
        """Forget what is in work, after a failure, and give it. What waits goes on waiting."""
        rows, self.rows, self.writing = self.rows, [], 0
        self.slots = Slots()
        return rows

    def _drop_unwanted(self) -> None:
        for place in range(len(self.rows) - 1, -1, -1):
            if self.rows[place].is_unwanted:
                self._remove(place)
        if any(row.is_unwanted for group in self.waiting for row in group):
            left = (tuple(r for r in group if not r.is_unwanted) for group in self.waiting)
            self.waiting = deque(group for group in left if group)

    def _admit(self) -> None:
        while self.waiting:
            count = len(self.rows) + len(self.waiting[0])
            longest = max(row.reserve for row in (*self.rows, *self.waiting[0]))
            if self.rows and (count > self.most_rows or count * longest > self.cache_tokens):
                return
            self.rows += self.waiting.popleft()

    def _read_prompts(self) -> None:
        """Read on in the prompts, in the order of their rows, as far as the budget goes."""
        pieces: list[tuple[int, Row, int]] = []
        twins: set[object] = set()
        longest = 0
        for place in range(self.writing, len(self.rows)):
            row = self.rows[place]
            if row.first_logits is not None or (row.twin is not None and row.twin in twins):
                continue  # read, or being read in another row
            size = min(len(row.prompt) - row.read, self.prefill_tokens)
            if pieces and max(longest, size) * (len(pieces) + 1) > self.prefill_tokens:
                break
            longest = max(longest, size)
            twins.add(row.twin)
            pieces.append((place, row, size))
        if not pieces:
            return
        logits_BV = self._read(pieces, longest)
        for number, (place, row, size) in enumerate(pieces):
            row.read += size
            if row.read == len(row.prompt):
                row.first_logits = logits_BV[number]
                self._copy_to_twins(place)

    def _read(self, pieces: Sequence[tuple[int, Row, int]], longest: int) -> Tensor:
        """(pieces, V) logits after each piece.

        Shorter pieces are padded in front, so that the last logits are those that count; what the
        padding leaves in the cache lies behind the piece, and is overwritten before it is seen.
        """
        import torch

        device = self.model.device
        upto = max(row.read for _, row, _ in pieces) + longest
        self.slots.reserve(len(self.rows), upto)
        tokens = [
            [*[0] * (longest - size), *row.prompt[row.read : row.read + size]]
            for _, row, size in pieces
        ]
        numbers = [(place, row.read, row.read + size) for place, row, size in pieces]
        row_B, start_B, end_B = torch.tensor(numbers, device=device).T
        offset_BT = torch.arange(longest, device=device) - (longest - (end_B - start_B)[:, None])
        column_BT = torch.where(
            offset_BT >= 0, start_B[:, None] + offset_BT, end_B[:, None] - 1 - offset_BT
        )
        position_BT = column_BT.minimum(end_B[:, None] - 1)  # within what the model has learnt
        mask_BTL = torch.arange(upto, device=device) <= position_BT[:, :, None]
        self.slots.write_to(row_B, column_BT, upto=upto, is_prefix=False)
        return self._forward(torch.tensor(tokens, device=device), position_BT, mask_BTL)

    def _copy_to_twins(self, source: int) -> None:
        first = self.rows[source]
        for place in range(self.writing, len(self.rows)):
            row = self.rows[place]
            if row is not first and row.twin is not None and row.twin is first.twin:
                self.slots.copy(source, place, first.read)
                row.read, row.first_logits = first.read, first.first_logits

    def _begin_to_write(self) -> None:
        """The first token of each row whose prompt is read."""
        import torch

        begin = self.writing
        while self.writing < len(self.rows) and self.rows[self.writing].first_logits is not None:
            self.writing += 1
        started = self.rows[begin : self.writing]
        if started:
            logits_BV = torch.stack(
                [row.first_logits for row in started if row.first_logits is not None]
            )
            for row in started:
                row.first_logits = None
            self._accept(logits_BV, begin)

    def _write_tokens(self) -> None:
        """One more token for every row that writes."""
        import torch

        device = self.model.device
        rows = self.rows[: self.writing]
        positions = [row.used for row in rows]
        upto = max(positions) + 1
        self.slots.reserve(len(self.rows), upto)
        position_B1 = torch.tensor(positions, device=device)[:, None]
        mask_B1L = torch.arange(upto, device=device) <= position_B1[:, :, None]
        row_B = torch.arange(len(rows), device=device)
        self.slots.write_to(row_B, position_B1, upto=upto, is_prefix=True)
        token_B1 = torch.tensor([[row.ids[-1]] for row in rows], device=device)
        self._accept(self._forward(token_B1, position_B1, mask_B1L), 0)

    def _forward(self, token_BT: Tensor, position_BT: Tensor, mask_BTL: Tensor) -> Tensor:
        """(B, V) logits after the last token of each row."""
        import torch

        mask_B1TL = mask_BTL[:, None]
        if not self._takes_bool_mask:
            lowest = torch.finfo(self.model.dtype).min
            mask_B1TL = (~mask_B1TL).to(self.model.dtype) * lowest
        logits_B1V: Tensor = self.model(
            input_ids=token_BT,
            position_ids=position_BT,
            attention_mask=mask_B1TL,
            **{self._cache_name: self.slots},
            use_cache=True,
            logits_to_keep=1,
        ).logits
        return logits_B1V[:, -1]

    def _accept(self, logits_BV: Tensor, begin: int) -> None:
        """Choose a token for the rows from `begin` on, and let go of those that end with it."""
        rows = self.rows[begin : begin + len(logits_BV)]
        choices = choose(logits_BV, [row.settings for row in rows])
        ended = []
        for place, (row, choice) in enumerate(zip(rows, choices, strict=True), start=begin):
            accept(row, choice)
            if row.finish is not None:
                ended.append(place)
        for place in reversed(ended):
            self._remove(place)

    def _remove(self, place: int) -> None:
        """Take a row out; the last that writes fills its place, and the last of all that one's."""
        if place < self.writing:
            self.writing -= 1
            self._move(self.writing, place)
            place = self.writing
        self._move(len(self.rows) - 1, place)
        self.rows.pop()

    def _move(self, source: int, target: int) -> None:
        if source != target:
            self.rows[target] = self.rows[source]
            self.slots.copy(source, target, self.rows[target].used)


def accept(row: Row, choice: Choice | None) -> None:
    """Add a token to an answer; see whether that ends it; tell."""
    if choice is None:
        row.fail("the model's numbers are not finite: its weights may be broken")
        return
    row.ids.append(choice.token)
    if choice.token in row.ends:
        row.text.finish()
        row.finish = "stop"
        row.tell(row, None)
        return
    row.text.add(choice.token)
    if row.text.is_stopped:
        row.finish = "stop"
    elif len(row.ids) >= row.limit:
        row.text.finish()
        row.finish = "stop" if row.text.is_stopped else "length"
    row.tell(row, choice)


def cache_name(model: Any) -> str:
    """What the model's `forward` calls its cache: transformers renamed it in 5.24."""
    names = inspect.signature(type(model).forward).parameters
    return "cache" if "cache" in names else "past_key_values"
