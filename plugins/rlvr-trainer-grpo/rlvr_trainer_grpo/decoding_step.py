"""One decoding step, lean: for the Llama family without transformers' wrappers around each layer.

A step of a small model is mostly Python: masks that are all true, outputs as objects, a cache that
is copied to grow by one token. `Step` writes keys and values in place into room made beforehand,
and calls the model's own layers (so LoRA and quantized ones too) directly.
"""

# ruff: noqa: N803, N806  # tensors carry their axes
from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel

LEAN_FAMILIES = frozenset({"llama", "mistral", "qwen2", "qwen3"})
"""Model types with the blocks that `_layer` writes out."""

STATIC_ROPE = frozenset({"default", "linear", "llama3"})
"""Rotary positions that do not depend on the length of the sequence."""


def bare(model: PreTrainedModel) -> Any:
    """The transformers model inside peft's."""
    return model.get_base_model() if hasattr(model, "get_base_model") else model


def is_lean(model: PreTrainedModel) -> bool:
    """Whether the model's layers may be called one by one."""
    config = model.config
    rope = getattr(config, "rope_parameters", None) or {}
    return (
        config.model_type in LEAN_FAMILIES
        and rope.get("rope_type", "default") in STATIC_ROPE
        and not getattr(bare(model), "hf_device_map", None)
    )


def cache_name(model: PreTrainedModel) -> str:
    """What the model's `forward` calls its cache: transformers renamed it in 5.24."""
    new = "cache"
    names = inspect.signature(type(bare(model)).forward).parameters
    return new if new in names else "past_key_values"


class Step:
    """Computes the logits of one more token a row, on the cache of a prefill."""

    def __init__(self, model: PreTrainedModel, cache: Any, rows_B: Tensor, room: int) -> None:
        """`rows_B` says which row of the prefill each row goes on from, for `room` tokens more."""
        self.model = model
        self.is_lean = is_lean(model)
        self.cache_name = cache_name(model)
        self.cache = cache
        if not self.is_lean:
            cache.batch_select_indices(rows_B)
            return
        self.inner = bare(model)
        self.used = cache.layers[0].keys.shape[-2]
        self.keys = [_roomy(layer.keys, rows_B, room) for layer in cache.layers]
        self.values = [_roomy(layer.values, rows_B, room) for layer in cache.layers]
        positions = self.keys[0].new_zeros(1), rows_B.new_ones(1, self.used + room).cumsum(1) - 1
        cos_1LD, sin_1LD = self.inner.model.rotary_emb(*positions)
        half = sin_1LD.shape[-1] // 2
        sin_1LD = sin_1LD.clone()
        sin_1LD[..., :half] *= -1  # rotating by half a head's width then needs no negation
        self.cos_LD, self.sin_LD = cos_1LD[0], sin_1LD[0]

    def keep(self, rows: Tensor) -> None:
        """Go on with these rows alone."""
        if not self.is_lean:
            self.cache.batch_select_indices(rows)
            return
        for kept in (self.keys, self.values):
            for place, tensor in enumerate(kept):
                smaller = tensor.new_empty((len(rows), *tensor.shape[1:]))
                smaller[:, :, : self.used] = tensor[:, :, : self.used].index_select(0, rows)
                kept[place] = smaller

    def __call__(self, token_B: Tensor, mask_BL: Tensor | None, position_B: Tensor) -> Tensor:
        """(B, V) logits of the token after this one; `mask_BL` None if no row has padding."""
        if not self.is_lean:
            outputs = self.model(
                input_ids=token_B[:, None],
                attention_mask=mask_BL,
                position_ids=position_B[:, None],
                **{self.cache_name: self.cache},
                use_cache=True,
                logits_to_keep=1,
            )
            plain_BV: Tensor = outputs.logits[:, -1]
            return plain_BV
        model = self.inner.model
        hidden_BE = model.embed_tokens(token_B)
        cos_B1D = self.cos_LD[position_B][:, None].to(hidden_BE.dtype)
        sin_B1D = self.sin_LD[position_B][:, None].to(hidden_BE.dtype)
        mask_B11L = None if mask_BL is None else mask_BL.bool()[:, None, None]
        for place, layer in enumerate(model.layers):
            hidden_BE = self._layer(layer, place, hidden_BE, cos_B1D, sin_B1D, mask_B11L)
        self.used += 1
        logits_BV: Tensor = self.inner.lm_head(_normed(model.norm, hidden_BE))
        return logits_BV

    def _layer(
        self,
        layer: Any,
        place: int,
        hidden_BE: Tensor,
        cos_B1D: Tensor,
        sin_B1D: Tensor,
        mask_B11L: Tensor | None,
    ) -> Tensor:
        from torch.nn.functional import scaled_dot_product_attention as attend

        attention = layer.self_attn
        normed_BE = _normed(layer.input_layernorm, hidden_BE)
        shape = (len(hidden_BE), -1, attention.head_dim)
        query_BHD = attention.q_proj(normed_BE).view(shape)
        key_BHD = attention.k_proj(normed_BE).view(shape)
        if hasattr(attention, "q_norm"):  # Qwen3
            query_BHD, key_BHD = attention.q_norm(query_BHD), attention.k_norm(key_BHD)
        half = attention.head_dim // 2
        query_BHD = query_BHD * cos_B1D + query_BHD.roll(half, -1) * sin_B1D
        key_BHD = key_BHD * cos_B1D + key_BHD.roll(half, -1) * sin_B1D
        keys, values = self.keys[place], self.values[place]
        keys[:, :, self.used] = key_BHD
        values[:, :, self.used] = attention.v_proj(normed_BE).view(shape)
        upto = self.used + 1
        mixed_BH1D = attend(
            query_BHD[:, :, None],
            keys[:, :, :upto],
            values[:, :, :upto],
            attn_mask=mask_B11L,
            scale=attention.scaling,
            enable_gqa=query_BHD.shape[1] != keys.shape[1],
        )
        hidden_BE = hidden_BE + attention.o_proj(mixed_BH1D.reshape(len(hidden_BE), -1))
        normed_BE = _normed(layer.post_attention_layernorm, hidden_BE)
        out_BE: Tensor = hidden_BE + layer.mlp(normed_BE)
        return out_BE


def _normed(norm: Any, hidden_BE: Tensor) -> Tensor:
    """The RMS norm as one operation; in lower precision the model's own, which rounds otherwise."""
    import torch

    if hidden_BE.dtype != torch.float32 or norm.weight.dtype != torch.float32:
        own_BE: Tensor = norm(hidden_BE)
        return own_BE
    shape = norm.weight.shape
    return torch.nn.functional.rms_norm(hidden_BE, shape, norm.weight, norm.variance_epsilon)


def _roomy(tensor_PHLD: Tensor, rows_B: Tensor, room: int) -> Tensor:
    """The chosen rows with room for more tokens behind."""
    _, heads, used, width = tensor_PHLD.shape
    roomy = tensor_PHLD.new_empty((len(rows_B), heads, used + room, width))
    roomy[:, :, :used] = tensor_PHLD.index_select(0, rows_B)
    return roomy
