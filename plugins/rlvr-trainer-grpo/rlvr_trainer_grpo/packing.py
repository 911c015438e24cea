"""Many answers as one flat sequence: no padding is computed, and a prompt only once for its group.

Every layer but attention works token by token, so it sees the N real tokens in a row. Attention
lays them out as R rows of L tokens and takes the answers back; a causal mask is enough, because
padding stands on the right. The last token of a prompt belongs to each answer (it predicts the
answer's first token), the rest of the prompt to the group; the last token of an answer predicts
nothing and is left out.

Gradients flow back through the same places: the prompt's get the sum over its group.
Source of the idea: Prefix Grouper, arXiv:2506.05433.
"""

# ruff: noqa: N803, N806, N815  # tensors carry their axes
from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel

ATTENTION = "rlvr_packed"
"""Name of the attention in transformers' table of them."""

IGNORED = -100
"""The label of a token that predicts nothing which is asked for."""


@dataclass(frozen=True)
class Packed:
    """One flat sequence of N tokens, and where the tokens of R rows lie in it."""

    token_N: Tensor
    position_N: Tensor
    label_N: Tensor
    """The next token of the same answer, or `IGNORED`."""
    place_RL: Tensor
    """Where the tokens of a row lie in the flat sequence; 0 for padding."""
    slot_N: Tensor
    """Where the attention's result for a token lies among the R * L slots of the rows."""
    prefix_tokens: int
    """The first tokens of the flat sequence are the shared parts of the prompts."""


def pack(
    prompt_RP: Tensor,
    prompt_mask_RP: Tensor,
    answer_RT: Tensor,
    mask_RT: Tensor,
    *,
    share_prompts: bool = True,
) -> Packed:
    """Lay prompts (padded on the left) and answers (padded on the right) out as one sequence.

    Rows with the same prompt share it. A row whose mask is 0 throughout has no answer tokens.
    """
    import torch

    real_RT = mask_RT.bool()
    prompt_length_R = prompt_mask_RP.sum(1)
    both_RP = torch.where(prompt_mask_RP.bool(), prompt_RP, -1)
    if share_prompts:
        prompt_GP, group_R = torch.unique(both_RP, dim=0, return_inverse=True)
    else:
        prompt_GP, group_R = both_RP, torch.arange(len(both_RP), device=both_RP.device)
    shared_GP = prompt_GP >= 0
    position_GP = shared_GP.cumsum(1) - 1
    shared_GP[:, -1] = False  # the prompt's last token goes to each answer

    input_RT = torch.cat([prompt_RP[:, -1:], answer_RT[:, :-1]], dim=1)
    steps_T = torch.arange(answer_RT.shape[1], device=answer_RT.device)
    position_RT = (prompt_length_R - 1)[:, None] + steps_T
    prefixes = int(shared_GP.sum())
    answers = int(real_RT.sum())
    label_N = answer_RT.new_full((prefixes + answers,), IGNORED)
    label_N[prefixes:] = answer_RT[real_RT]

    # A token's column in its row is its position, so that padding ends up on the right.
    longest = int((prompt_length_R - 1 + real_RT.sum(1)).max())
    group_of_prefix, _ = shared_GP.nonzero(as_tuple=True)
    row_of_answer, _ = real_RT.nonzero(as_tuple=True)
    prefix_position, answer_position = position_GP[shared_GP], position_RT[real_RT]
    flat_N = torch.arange(prefixes + answers, device=answer_RT.device)
    place_GL = flat_N.new_zeros((len(prompt_GP), longest))
    place_GL[group_of_prefix, prefix_position] = flat_N[:prefixes]
    place_RL = place_GL[group_R]
    place_RL[row_of_answer, answer_position] = flat_N[prefixes:]

    any_row_G = flat_N.new_zeros(len(prompt_GP))
    any_row_G[group_R] = torch.arange(len(group_R), device=group_R.device)
    prefix_slot = any_row_G[group_of_prefix] * longest + prefix_position
    return Packed(
        token_N=torch.cat([prompt_GP[shared_GP], input_RT[real_RT]]),
        position_N=torch.cat([prefix_position, answer_position]),
        label_N=label_N,
        place_RL=place_RL,
        slot_N=torch.cat([prefix_slot, row_of_answer * longest + answer_position]),
        prefix_tokens=prefixes,
    )


def log_probs_and_entropy(
    model: Any,
    packed: Packed,
    mask_RT: Tensor,
) -> tuple[Tensor, Tensor | None]:
    """Log-probability of each answer token and entropy before it, (R, T) each; 0 in the padding.

    `model` has TRL's fused head and runs inside `packed_attention`.
    """
    one_4d = packed.place_RL.new_zeros((1, 1, 1, 1))  # a 4D mask is passed on as it is, unread
    outputs = model(
        input_ids=packed.token_N[None],
        position_ids=packed.position_N[None],
        attention_mask=one_4d,
        shift_labels=packed.label_N[None],
        fused_lm_head=True,
        packed_rows=packed,
    )
    real_RT = mask_RT.bool()

    def rows(flat_1N: Tensor) -> Tensor:
        answers = flat_1N[0, packed.prefix_tokens :]
        return answers.new_zeros(real_RT.shape).masked_scatter(real_RT, answers)

    entropy = outputs.entropy  # TRL gives a reference model's head none
    return rows(outputs.log_probs), None if entropy is None else rows(entropy)


@contextmanager
def packed_attention(model: PreTrainedModel) -> Iterator[None]:
    """The model's attention understands packed rows while the `with` lasts.

    It stays so between forward and backward: activation checkpointing runs the forward again.
    """
    from transformers import AttentionInterface
    from transformers.masking_utils import AttentionMaskInterface, sdpa_mask

    AttentionInterface.register(ATTENTION, _attend)
    AttentionMaskInterface.register(ATTENTION, sdpa_mask)
    before = model.config._attn_implementation
    model.config._attn_implementation = ATTENTION
    try:
        yield
    finally:
        model.config._attn_implementation = before


def can_pack(model: PreTrainedModel) -> bool:
    """Whether the model's attention may be replaced: it is torch's, and sees the whole sequence."""
    config = model.config.get_text_config()
    layer_types = set(getattr(config, "layer_types", None) or ["full_attention"])
    return (
        model.config._attn_implementation == "sdpa"
        and bool(getattr(model, "_supports_attention_backend", False))
        and layer_types == {"full_attention"}
        and not _slides(config)
    )


def _slides(config: Any) -> bool:
    """Whether a token may be out of sight for a later one of the longest sequence."""
    window = getattr(config, "sliding_window", None)
    return bool(
        window
        and getattr(config, "use_sliding_window", True)
        and window < getattr(config, "max_position_embeddings", math.inf)
    )


def _attend(
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    packed_rows: Packed | None = None,
    scaling: float | None = None,
    dropout: float = 0.0,
    **settings: Any,
) -> tuple[Tensor, None]:
    """Attention over packed rows; without them, transformers' own on torch's kernels.

    query is (1, heads, N, width), key and value as well but for fewer heads; gives
    (1, N, heads, width).
    """
    from torch.nn.functional import scaled_dot_product_attention as attention
    from transformers.integrations.sdpa_attention import sdpa_attention_forward

    if packed_rows is None:
        return sdpa_attention_forward(  # type: ignore[no-any-return]  # transformers has no types
            module, query, key, value, attention_mask, dropout=dropout, scaling=scaling, **settings
        )
    rows, longest = packed_rows.place_RL.shape
    place = packed_rows.place_RL.reshape(-1)

    def in_rows(flat_1HND: Tensor) -> Tensor:
        _, heads, tokens, width = flat_1HND.shape
        by_token = flat_1HND[0].transpose(0, 1).reshape(tokens, heads * width)
        # index_select, not [...]: its backward adds whole rows, far quicker on a CPU
        return by_token.index_select(0, place).view(rows, longest, heads, width).transpose(1, 2)

    result_RHLD = attention(
        in_rows(query),
        in_rows(key),
        in_rows(value),
        dropout_p=dropout,
        is_causal=True,
        scale=scaling,
        enable_gqa=query.shape[1] != key.shape[1],
    )
    by_slot = result_RHLD.transpose(1, 2).reshape(rows * longest, -1)
    heads, width = query.shape[1], value.shape[-1]
    return by_slot.index_select(0, packed_rows.slot_N).view(1, -1, heads, width), None
