"""Load a policy for generation: its weights, its tokenizer, and what bounds it."""

from __future__ import annotations

import copy
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from rlvr_ops_core import ModelError

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

Dtype = Literal["auto", "float32", "bfloat16", "float16"]

log = logging.getLogger("rlvr.serve")


@dataclass(frozen=True)
class Policy:
    """A loaded model. Its tokenizer is there twice, because one is not for two threads."""

    model: PreTrainedModel
    encoder: PreTrainedTokenizerBase
    """For prompts; used by one thread at a time."""
    decoder: PreTrainedTokenizerBase
    """For answers; used by the thread that generates."""
    ends: frozenset[int]
    """The tokens that end an answer."""
    context: int
    """The most tokens of a prompt and its answer together."""
    vocabulary: int
    """Token ids are below this."""

    def text_of(self, ids: Sequence[int]) -> str:
        """What these tokens say, without special tokens: as trainers decode an answer."""
        return str(
            self.decoder.decode(
                list(ids), skip_special_tokens=True, clean_up_tokenization_spaces=False
            )
        )


def load_policy(place: str, *, dtype: Dtype, device: str) -> Policy:
    """Load a model folder or a hub id.

    Raises:
        ModelError: it can't be loaded, or its kind can't be batched here.
    """
    try:
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer
    except ImportError as error:
        raise ModelError(
            f"the embedded engine needs a library that is not there: {error.name}",
            hint='pip install "rlvr-serve[policies]", or name an engine that runs: --engine URL',
        ) from error
    where = device if device != "auto" else ("cuda" if torch.cuda.is_available() else "cpu")
    kind = dtype
    if dtype == "auto":
        kind = "bfloat16" if where != "cpu" and torch.cuda.is_bf16_supported() else "float32"
    tokenizer = _from_pretrained(AutoTokenizer, place)
    model = _from_pretrained(AutoModelForCausalLM, place, dtype=getattr(torch, kind))
    try:
        model = (model.merge_and_unload() if hasattr(model, "merge_and_unload") else model).to(
            where
        )
    except RuntimeError as error:  # no such device, or no room on it
        raise ModelError(f"the model {place} does not go to {where}: {error}") from error
    model.eval()
    ends = end_tokens(model, tokenizer)
    if not ends:
        log.warning("%s names no token that ends an answer: answers end at their limit", place)
    return Policy(
        model=model,
        encoder=tokenizer,
        decoder=copy.deepcopy(tokenizer),
        ends=ends,
        context=context_of(model, place),
        vocabulary=int(model.get_input_embeddings().weight.shape[0]),
    )


def end_tokens(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> frozenset[int]:
    """Those of the generation config, as `generate` takes them, and the tokenizer's own."""
    found: set[int] = set()
    for given in (model.generation_config.eos_token_id, tokenizer.eos_token_id):
        found |= set(given) if isinstance(given, list) else {given}
    return frozenset(one for one in found if one is not None)


def context_of(model: PreTrainedModel, place: str) -> int:
    """The longest sequence that every layer sees whole.

    Raises:
        ModelError: a layer keeps something else than keys and values.
    """
    from transformers import DynamicCache
    from transformers.cache_utils import DynamicLayer, DynamicSlidingWindowLayer

    config = model.config.get_text_config()
    layers = DynamicCache(config=config).layers
    foreign = {type(one).__name__ for one in layers} - {
        one.__name__ for one in (DynamicLayer, DynamicSlidingWindowLayer)
    }
    if foreign:
        raise ModelError(
            f"{place}: the embedded engine knows attention only, not {', '.join(sorted(foreign))}",
            hint="serve it with an engine that does, and name that: --engine URL",
        )
    windows = [one.sliding_window for one in layers if hasattr(one, "sliding_window")]
    known = getattr(config, "max_position_embeddings", None) or getattr(config, "n_positions", None)
    return int(min([known or 4096, *windows]))


def _from_pretrained(loader: Any, place: str, **settings: Any) -> Any:
    """Whatever keeps a model from loading, as one error that says what to do."""
    from safetensors import SafetensorError
    from transformers.utils import logging as transformers_logging

    transformers_logging.disable_progress_bar()
    try:
        return loader.from_pretrained(place, **settings)
    except (OSError, ValueError, KeyError, RuntimeError, ImportError, SafetensorError) as error:
        first = next((line for line in str(error).splitlines() if line.strip()), repr(error))
        if Path(place).is_dir():
            hint = "the folder must hold what save_pretrained writes, weights and tokenizer"
        else:
            hint = f'there is no folder "{place}"; without a network only the hub\'s cache is there'
        raise ModelError(f"the model {place} can't be loaded: {first}", hint=hint) from error
