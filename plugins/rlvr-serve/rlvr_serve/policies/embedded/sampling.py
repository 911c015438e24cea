"""The next token of each row, each by its own settings and its own random numbers."""

# ruff: noqa: N803, N806  # tensors carry their axes
from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

GREEDY_BELOW = 1e-5
"""A lower temperature takes the likeliest token: dividing by it gains nothing but overflow."""
NUCLEUS = 1024
"""Tokens sorted for top-p; only where they don't suffice is the whole vocabulary sorted."""


@dataclass(kw_only=True)
class Settings:
    """How one answer's tokens are chosen. With one seed it is the same, whoever else is served."""

    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = 0
    """0 leaves all tokens in."""
    min_p: float = 0.0
    seed: int | str = 0
    logprobs: int | None = None
    """How many likeliest tokens to report beside the one taken; None reports nothing."""
    dice: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)

    @property
    def is_greedy(self) -> bool:
        """Whether the likeliest token is taken each time."""
        return self.temperature < GREEDY_BELOW or self.top_k == 1


@dataclass(frozen=True, slots=True)
class Choice:
    """A token that was taken, and what the model thought of it, before any setting."""

    token: int
    logprob: float | None = None
    top: tuple[tuple[int, float], ...] = ()


def choose(logits_BV: Tensor, settings: Sequence[Settings]) -> list[Choice | None]:
    """One choice a row; None where the model gave no finite numbers."""
    import torch

    logits_BV = logits_BV.float()
    top_B = logits_BV.amax(-1)  # NaN where any of the row is
    is_sound = torch.isfinite(top_B).tolist()
    tokens = logits_BV.argmax(-1).tolist()
    drawn = [n for n, one in enumerate(settings) if is_sound[n] and not one.is_greedy]
    if drawn:
        for row, token in zip(drawn, _draw(logits_BV, drawn, settings), strict=True):
            tokens[row] = token
    told = [n for n, one in enumerate(settings) if is_sound[n] and one.logprobs is not None]
    reports = dict(zip(told, _report(logits_BV, told, tokens, settings), strict=True))
    return [
        (reports.get(row) or Choice(tokens[row])) if is_sound[row] else None
        for row in range(len(settings))
    ]


def _draw(logits_BV: Tensor, rows: Sequence[int], settings: Sequence[Settings]) -> list[int]:
    """Draw by inverting the distribution function, one random number a row."""
    import torch

    chosen = [settings[row] for row in rows]
    temperature_B = logits_BV.new_tensor([one.temperature for one in chosen])
    noise_B = logits_BV.new_tensor([one.dice.random() for one in chosen])
    all_rows = len(rows) == len(logits_BV)
    picked_BV = logits_BV if all_rows else logits_BV[list(rows)]
    chance_BV = (picked_BV / temperature_B[:, None]).softmax(-1)
    for place, one in enumerate(chosen):
        if one.top_k > 0 or one.top_p < 1 or one.min_p > 0:
            chance_BV[place] = truncate(chance_BV[place], one)
    sum_BV = chance_BV.cumsum(-1)
    # Just under 1, so that rounding never points behind the last token that has a chance.
    goal_B = noise_B.clamp(max=1 - 2**-20) * sum_BV[:, -1]
    token_B = torch.searchsorted(sum_BV, goal_B[:, None], right=True).squeeze(1)
    drawn: list[int] = token_B.clamp(max=sum_BV.shape[1] - 1).tolist()
    return drawn


def truncate(chance_V: Tensor, how: Settings) -> Tensor:
    """The chances, 0 where top-k, top-p or min-p leaves a token out, in that order."""
    import torch

    size = chance_V.shape[0]
    if 0 < how.top_k < size:
        least = chance_V.topk(how.top_k).values[-1]
        chance_V = chance_V.where(chance_V >= least, 0.0)
    if how.top_p < 1:
        total = chance_V.sum()
        value_K, order_K = chance_V.topk(min(NUCLEUS, size))
        if value_K.sum() < how.top_p * total:
            value_K, order_K = chance_V.sort(descending=True)
        before_K = value_K.cumsum(-1) - value_K
        is_in_K = before_K < how.top_p * total
        is_in_K[0] = True  # the likeliest stays, even with top_p 0
        kept_V = torch.zeros_like(chance_V)
        kept_V[order_K[is_in_K]] = value_K[is_in_K]
        chance_V = kept_V
    if how.min_p > 0:
        chance_V = chance_V.where(chance_V >= how.min_p * chance_V.max(), 0.0)
    return chance_V


def _report(
    logits_BV: Tensor, rows: Sequence[int], tokens: Sequence[int], settings: Sequence[Settings]
) -> list[Choice]:
    if not rows:
        return []
    logp_BV = logits_BV[list(rows)].log_softmax(-1)
    reports = []
    for place, row in enumerate(rows):
        count = min(settings[row].logprobs or 0, logp_BV.shape[1])
        top: tuple[tuple[int, float], ...] = ()
        if count:
            value_K, token_K = logp_BV[place].topk(count)
            top = tuple(zip(token_K.tolist(), value_K.tolist(), strict=True))
        reports.append(Choice(tokens[row], float(logp_BV[place, tokens[row]]), top))
    return reports
