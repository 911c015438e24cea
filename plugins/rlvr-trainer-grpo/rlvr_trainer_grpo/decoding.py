"""Let a model answer: each prompt computed once, and finished answers leave the batch.

The random numbers are drawn beforehand, one for each answer and token. So an answer does not depend
on which others are still being written, and leaving rows out changes none of them.
"""

# ruff: noqa: N803, N806  # tensors carry their axes
from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rlvr_trainer_grpo import world
from rlvr_trainer_grpo.decoding_step import Step, cache_name

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel

LIVE_SHARE = 0.9
"""Finished rows leave once less than this share of the batch is live: leaving copies the cache."""


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """How the next token is chosen."""

    max_new_tokens: int
    ends: Collection[int]
    """The tokens that end an answer."""
    temperature: float = 1.0
    """0 takes the likeliest token each time."""
    top_k: int = 0
    top_p: float = 1.0
    min_p: float | None = None
    lengths: Sequence[int] | None = None
    """For a rehearsal: the tokens of each answer, whatever the model would say."""


@dataclass(frozen=True, kw_only=True)
class Answers:
    """What was decoded, and what it took."""

    ids: list[list[int]]
    """The tokens of each answer, the end token included."""
    entropy: float
    """Mean over the answers' tokens, at the temperature of the sampling, in nats."""
    decoded_slots: int
    """Rows times steps that were computed; `plain_slots` is what they would be without leaving."""
    plain_slots: int
    prompt_tokens: int
    """Tokens of the prompts that were computed; `plain_prompt_tokens` with one prompt an answer."""
    plain_prompt_tokens: int


def decode(
    model: PreTrainedModel,
    prompts: Sequence[Sequence[int]],
    how: Sampling,
    *,
    share_prompts: bool = True,
    drop_finished: bool = True,
    on_finished: Callable[[Mapping[int, list[int]]], None] | None = None,
) -> Answers:
    """One answer to each prompt; equal prompts are computed once.

    `on_finished` is told the tokens of answers that have ended, by their places, while others are
    still being written.

    Random numbers come from torch's generator of the CPU, as many whatever is left out. Processes
    whose generators stand at the same place each take their own part of the numbers of all.
    """
    import torch

    rows = len(prompts)
    noise_BT = torch.rand(rows * world.size(), how.max_new_tokens)
    noise_BT = noise_BT[world.rank() * rows :][:rows].to(model.device)
    ends = torch.tensor(sorted(how.ends), device=model.device)
    token_BT = torch.full((rows, how.max_new_tokens), -1, device=model.device)
    entropy_BT = torch.zeros(token_BT.shape, device=model.device)
    unique = list(dict.fromkeys(map(tuple, prompts))) if share_prompts else prompts
    logits_BV, cache, mask_BL, position_B = _prefill(model, unique)
    number = {tuple(prompt): place for place, prompt in enumerate(unique)}
    of_row = [number[tuple(prompt)] if share_prompts else row for row, prompt in enumerate(prompts)]
    live = torch.tensor(of_row, device=model.device)  # first: which prompt a row starts from
    step = Step(model, cache, live, how.max_new_tokens)
    logits_BV, position_B = logits_BV[live], position_B[live]
    mask_BL = None if mask_BL is None else mask_BL[live]
    live = torch.arange(rows, device=model.device)  # then: which answer a row of the batch writes
    is_open = torch.ones_like(live, dtype=torch.bool)
    length_B = None if how.lengths is None else torch.tensor(how.lengths, device=model.device)
    slots = steps = 0
    while True:
        if length_B is not None:
            logits_BV = _held_to(logits_BV, length_B[live] == steps + 1, ends)
        token_B, step_entropy_B = _choose(logits_BV, noise_BT[live, steps], how)
        token_BT[live, steps] = token_B.where(is_open, -1)
        entropy_BT[live, steps] = step_entropy_B * is_open
        was_open, is_open = is_open, is_open & ~torch.isin(token_B, ends)
        slots, steps = slots + len(live), steps + 1
        count = int(is_open.sum())
        if count == 0 or steps == how.max_new_tokens:
            break
        if on_finished is not None and len(ended := live[was_open & ~is_open]):
            written = token_BT[ended, :steps].tolist()
            on_finished(dict(zip(ended.tolist(), written, strict=True)))
        if drop_finished and count < LIVE_SHARE * len(live):
            keep = is_open.nonzero().squeeze(1)
            step.keep(keep)
            live, token_B, position_B = live[keep], token_B[keep], position_B[keep]
            mask_BL = None if mask_BL is None else mask_BL[keep]
            is_open = is_open[keep]
        if mask_BL is not None:
            mask_BL = torch.cat([mask_BL, mask_BL.new_ones(len(live), 1)], dim=1)
        logits_BV = step(token_B, mask_BL, position_B)
        position_B = position_B + 1
    written_B = (token_BT >= 0).sum(1).tolist()
    return Answers(
        ids=[row[:length] for row, length in zip(token_BT.tolist(), written_B, strict=True)],
        entropy=float(entropy_BT.sum()) / sum(written_B),
        decoded_slots=slots,
        plain_slots=rows * steps,
        prompt_tokens=sum(map(len, unique)),
        plain_prompt_tokens=sum(map(len, prompts)),
    )


def _prefill(
    model: PreTrainedModel, prompts: Sequence[Sequence[int]]
) -> tuple[Tensor, Any, Tensor | None, Tensor]:
    """Logits of the next token, the cache, the mask (None without padding), the next position."""
    import torch
    from transformers import DynamicCache

    longest = max(map(len, prompts))
    padded = [[0] * (longest - len(prompt)) + list(prompt) for prompt in prompts]
    length_P = torch.tensor([len(prompt) for prompt in prompts], device=model.device)
    column_L = torch.arange(longest, device=model.device)
    mask_PL = (column_L >= longest - length_P[:, None]).long()
    is_padded = bool((length_P < longest).any())
    cache = DynamicCache(config=model.config)
    logits_P1V = model(
        input_ids=torch.tensor(padded, device=model.device),
        attention_mask=mask_PL if is_padded else None,
        position_ids=(mask_PL.cumsum(1) - 1).clamp(min=0),
        **{cache_name(model): cache},
        use_cache=True,
        logits_to_keep=1,
    ).logits
    return logits_P1V[:, -1], cache, mask_PL if is_padded else None, length_P


def _held_to(logits_BV: Tensor, is_last_B: Tensor, ends: Tensor) -> Tensor:
    """Logits by which an answer ends exactly where it shall."""
    import torch

    is_end_V = torch.zeros(logits_BV.shape[1], dtype=torch.bool, device=logits_BV.device)
    is_end_V[ends] = True
    return logits_BV.masked_fill(is_end_V != is_last_B[:, None], -1e4)


def _choose(logits_BV: Tensor, noise_B: Tensor, how: Sampling) -> tuple[Tensor, Tensor]:
    """The next token of each row by inverting the distribution function, and the entropy."""
    import torch

    if how.temperature == 0:
        return logits_BV.argmax(-1), torch.zeros_like(noise_B)
    scaled_BV = logits_BV.float() / how.temperature
    chance_BV = scaled_BV.softmax(-1)
    entropy_B = torch.special.entr(chance_BV).sum(-1)
    kept_BV = _truncate(chance_BV, how)
    sum_BV = kept_BV.cumsum(-1)
    # Just under 1, so that rounding never points behind the last token that has a chance.
    goal_B = noise_B.clamp(max=1 - 2**-20) * sum_BV[:, -1]
    token_B = torch.searchsorted(sum_BV, goal_B[:, None], right=True).squeeze(1)
    return token_B.clamp(max=logits_BV.shape[1] - 1), entropy_B


def _truncate(chance_BV: Tensor, how: Sampling) -> Tensor:
    """The chances with those set to 0 that top-k, top-p or min-p leave out, in that order."""
    if 0 < how.top_k < chance_BV.shape[1]:
        least_B1 = chance_BV.topk(how.top_k).values[:, -1:]
        chance_BV = chance_BV.where(chance_BV >= least_B1, 0.0)
    if how.top_p < 1:
        chance_BV = chance_BV / chance_BV.sum(-1, keepdim=True)
        sorted_BV, order_BV = chance_BV.sort(descending=True)
        before_BV = sorted_BV.cumsum(-1) - sorted_BV
        out_BV = (before_BV >= how.top_p).scatter(1, order_BV, before_BV >= how.top_p)
        chance_BV = chance_BV.masked_fill(out_BV, 0.0)
    if how.min_p:
        least_B1 = how.min_p * chance_BV.max(-1, keepdim=True).values
        chance_BV = chance_BV.where(chance_BV >= least_B1, 0.0)
    return chance_BV
