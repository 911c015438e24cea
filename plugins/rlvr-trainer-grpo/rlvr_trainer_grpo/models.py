"""Find and load a model: hub id, folder, GGUF file, or a GGUF file inside an installed package."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from rlvr_ops_core import ModelError
from rlvr_trainer_grpo.gguf_cache import converted, in_package
from rlvr_trainer_grpo.quiet import quiet

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

Dtype = Literal["auto", "float32", "bfloat16", "float16"]

HUB_ID = re.compile(r"[\w.-]+(/[\w.-]+)?")
HASH = "#sha256="


def locate(model: str) -> str:
    """What `from_pretrained` can read: a folder with safetensors, or a hub id.

    A GGUF file is converted once. `…gguf#sha256=HASH` refuses a file with another hash.

    Raises:
        ModelError: nothing is there.
    """
    if not model:
        raise ModelError(
            "this stage has no model to start from",
            hint="write model: at the top of the pipeline, or start: STAGE in the stage",
        )
    reference, _, sha256 = model.partition(HASH)
    if reference.endswith(".gguf"):
        inside = reference.startswith("package:")
        file = in_package(reference) if inside else Path(reference).expanduser()
        return str(converted(file, expected_sha256=sha256.lower()))
    folder = Path(reference).expanduser()
    if folder.is_dir():
        if not any((folder / name).is_file() for name in ("config.json", "adapter_config.json")):
            raise ModelError(
                f"the folder {folder} holds no model", hint="a model folder has a config.json in it"
            )
        return str(folder)
    if not HUB_ID.fullmatch(reference) or reference.startswith("."):
        raise ModelError(
            f'there is no model "{reference}": no such folder, and it is no hub id',
            hint="a hub id is NAME or OWNER/NAME; GGUF files end in .gguf",
        )
    return reference


def load_tokenizer(model: str) -> PreTrainedTokenizerBase:
    """The tokenizer of a model, padding on the left, with a pad token.

    Raises:
        ModelError: it can't be loaded or has no end-of-sequence token.
    """
    from transformers import AutoTokenizer

    place = locate(model)
    with quiet():
        tokenizer = _from_pretrained(AutoTokenizer, place, "tokenizer", padding_side="left")
    if tokenizer.eos_token_id is None:
        raise ModelError(
            f"the tokenizer of {place} has no end-of-sequence token", hint="set its eos_token"
        )
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token  # padding is masked everywhere, so any token does
    return tokenizer


def load_model(model: str, *, dtype: torch.dtype) -> PreTrainedModel:
    """The model with its weights, on the CPU, with a pad token in its configuration.

    Raises:
        ModelError: it can't be loaded.
    """
    from transformers import AutoModelForCausalLM

    place = locate(model)
    with quiet():
        loaded = _from_pretrained(AutoModelForCausalLM, place, "model", dtype=dtype)
    return loaded


def weight_dtype(dtype: Dtype, *, training: bool) -> torch.dtype:
    """The type of the weights; `auto` is float32 but for sampling on a GPU that knows bfloat16.

    In training, bfloat16 weights lose updates smaller than 1/256 of a weight: there `auto` keeps
    float32 weights, and computes in bfloat16 where the GPU can (see `computes_in_bfloat16`).
    """
    import torch

    if dtype != "auto":
        named: torch.dtype = getattr(torch, dtype)
        return named
    return torch.bfloat16 if not training and _gpu_knows_bfloat16() else torch.float32


def computes_in_bfloat16(dtype: Dtype) -> bool:
    """Whether training computes in bfloat16 whatever the weights are: on a GPU that knows it."""
    return dtype in ("auto", "bfloat16") and _gpu_knows_bfloat16()


def _gpu_knows_bfloat16() -> bool:
    import torch

    return torch.cuda.is_available() and torch.cuda.is_bf16_supported()


def _from_pretrained(loader: Any, place: str, what: str, **settings: Any) -> Any:
    """Whatever keeps a model from loading, as one error that says what to do."""
    from safetensors import SafetensorError

    try:
        return loader.from_pretrained(place, **settings)
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        first_line = next((line for line in str(error).splitlines() if line.strip()), repr(error))
        if Path(place).is_dir():
            hint = "the folder must hold what save_pretrained writes, weights and tokenizer"
        else:
            hint = f'there is no folder "{place}"; without a network only the hub\'s cache is there'
        raise ModelError(
            f"the {what} of {place} can't be loaded: {first_line}", hint=hint
        ) from error
