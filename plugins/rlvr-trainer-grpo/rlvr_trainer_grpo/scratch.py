"""`grpo/scratch`: a randomly initialised causal LM, where a pipeline starts from nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from rlvr_ops_core import ModelError, OptionError, TrainJob
from rlvr_trainer_grpo.quiet import quiet

if TYPE_CHECKING:
    from transformers import PreTrainedConfig, PreTrainedTokenizerBase

Family = Literal["llama", "gpt2", "qwen2", "qwen3", "mistral", "gpt_neox"]

SPECIAL_WORDS = ("<pad>", "<bos>", "<eos>", "<unk>")
RANGE = re.compile(r"(-?\d+)\.\.(-?\d+)")


def scratch(
    job: TrainJob,
    *,
    family: Family = "llama",
    hidden_size: int = 128,
    layers: int = 2,
    heads: int = 4,
    feed_forward: int | None = None,
    context: int = 256,
    rope_theta: float = 10000.0,
    tie_embeddings: bool = True,
    vocabulary: Sequence[str | int] | None = None,
    tokenizer: str | None = None,
    architecture: Mapping[str, Any] | None = None,
) -> None:
    """Write a randomly initialised causal LM and its tokenizer to `job.output`; needs no tasks.

    Args:
        job: only its seed and output folder are used.
        family: the architecture, by transformers' model type.
        hidden_size: width of the residual stream.
        layers: number of blocks.
        heads: attention heads of a block; `hidden_size` is a multiple of it.
        feed_forward: width inside a block's MLP; None is 3 times `hidden_size`, 4 for GPT-2.
        context: the longest sequence, in tokens.
        rope_theta: base of the rotary positions; GPT-2 has none and ignores it.
        tie_embeddings: one matrix for reading and writing tokens.
        vocabulary: the words of a whitespace tokenizer; `0..99` stands for a range of numbers.
        tokenizer: a folder or hub id instead of `vocabulary`.
        architecture: further entries of the model's transformers config, by their names there.

    Raises:
        OptionError: the options make no model.
        ModelError: the tokenizer can't be loaded.
    """
    if (vocabulary is None) == (tokenizer is None):
        raise OptionError(
            "grpo/scratch takes either vocabulary or tokenizer",
            hint='vocabulary: ["=", "0..99"] makes words; tokenizer names a folder or hub id',
        )
    from transformers import AutoModelForCausalLM, set_seed

    with quiet():
        words = _own_tokenizer(expand(vocabulary), context) if vocabulary else _load(tokenizer)
        config = _config(
            family,
            words,
            hidden_size=hidden_size,
            num_hidden_layers=layers,
            num_attention_heads=heads,
            max_position_embeddings=context,
            tie_word_embeddings=tie_embeddings,
            **_inner_width(family, feed_forward, hidden_size),
            **({} if family == "gpt2" else {"rope_parameters": _rope(rope_theta)}),
            **(_heads(family, heads, hidden_size) | dict(architecture or {})),
        )
        set_seed(job.seed)
        try:
            model = AutoModelForCausalLM.from_config(config)
        except (ValueError, TypeError, RuntimeError) as error:
            raise OptionError(
                f"grpo/scratch: no {family} model with these options: {error}"
            ) from error
        model.generation_config.eos_token_id = words.eos_token_id
        model.generation_config.pad_token_id = words.pad_token_id
        model.save_pretrained(job.output)
        words.save_pretrained(job.output)


def expand(vocabulary: Sequence[str | int]) -> list[str]:
    """The words of a vocabulary, with `0..99` written out.

    Raises:
        OptionError: a word has whitespace in it, comes twice or is a special word.
    """
    words: list[str] = []
    for entry in vocabulary:
        span = RANGE.fullmatch(str(entry))
        words += map(str, range(int(span[1]), int(span[2]) + 1)) if span else [str(entry)]
    seen = set(SPECIAL_WORDS)
    for word in words:
        if word in seen or not word or word.split() != [word]:
            why = "comes twice" if word in seen else "is empty or has whitespace in it"
            raise OptionError(
                f"vocabulary: {word!r} {why}",
                hint=f"each word is one token; {', '.join(SPECIAL_WORDS)} are there already",
            )
        seen.add(word)
    return words


def _own_tokenizer(words: Sequence[str], context: int) -> PreTrainedTokenizerBase:
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import WhitespaceSplit
    from transformers import PreTrainedTokenizerFast

    ids = {word: place for place, word in enumerate([*SPECIAL_WORDS, *words])}
    inner = Tokenizer(WordLevel(ids, unk_token="<unk>"))
    inner.pre_tokenizer = WhitespaceSplit()
    return PreTrainedTokenizerFast(
        tokenizer_object=inner,
        pad_token="<pad>",
        bos_token="<bos>",
        eos_token="<eos>",
        unk_token="<unk>",
        padding_side="left",
        model_max_length=context,
        clean_up_tokenization_spaces=False,
        model_input_names=["input_ids", "attention_mask"],
    )


def _load(tokenizer: str | None) -> PreTrainedTokenizerBase:
    from rlvr_trainer_grpo.models import load_tokenizer

    if tokenizer and tokenizer.endswith(".gguf") and not Path(tokenizer).exists():
        raise ModelError(f"there is no file {tokenizer}")
    return load_tokenizer(tokenizer or "")


def _config(family: str, words: PreTrainedTokenizerBase, **settings: Any) -> PreTrainedConfig:
    from huggingface_hub.errors import StrictDataclassError
    from transformers import AutoConfig

    try:
        return AutoConfig.for_model(
            family,
            vocab_size=len(words),
            bos_token_id=words.bos_token_id,
            eos_token_id=words.eos_token_id,
            pad_token_id=words.pad_token_id,
            **settings,
        )
    except (ValueError, TypeError, StrictDataclassError) as error:
        raise OptionError(f"grpo/scratch: no {family} model with these options: {error}") from error


def _inner_width(family: str, feed_forward: int | None, hidden_size: int) -> dict[str, int | None]:
    if family == "gpt2":
        return {"n_inner": feed_forward}
    return {"intermediate_size": feed_forward or 3 * hidden_size}


def _heads(family: str, heads: int, hidden_size: int) -> dict[str, int]:
    """As many key heads as query heads: some families' defaults are those of one large model."""
    if family in ("gpt2", "gpt_neox"):
        return {}
    width = {"head_dim": hidden_size // heads} if family == "qwen3" else {}
    return {"num_key_value_heads": heads, **width}


def _rope(theta: float) -> dict[str, Any]:
    return {"rope_type": "default", "rope_theta": theta}
