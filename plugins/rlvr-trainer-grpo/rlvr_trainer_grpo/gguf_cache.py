"""GGUF files, converted once to safetensors and kept in a cache folder by their hash.

transformers can read a GGUF file but not save what it read, and reading takes minutes: converting
once turns 139 s into 5 s for SmolLM2-135M.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from contextlib import redirect_stderr
from importlib.util import find_spec
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

from rlvr_ops_core import ModelError
from rlvr_trainer_grpo.quiet import quiet

if TYPE_CHECKING:
    from transformers import PreTrainedModel

CONVERSION = "1"
"""Part of the cache's key: a change in what `_convert` writes takes another number."""


def cache_folder() -> Path:
    """Where converted models are kept: $RLVR_CACHE, or ~/.cache/rlvr-ops."""
    return Path(os.environ.get("RLVR_CACHE") or Path.home() / ".cache" / "rlvr-ops").expanduser()


def in_package(reference: str) -> Path:
    """The file that `package:NAME/FILE` names, found without importing the package.

    Raises:
        ModelError: no such package is installed, or it has no such file.
    """
    name, _, file = reference.removeprefix("package:").partition("/")
    try:
        spec = find_spec(name) if name.isidentifier() else None
    except ValueError:
        spec = None
    places = list(spec.submodule_search_locations or []) if spec else []
    if not places:
        raise ModelError(
            f'no Python package "{name}" is installed, so there is no {reference}',
            hint="install the package that holds the file, or name a .gguf file or a folder",
        )
    for place in places:
        if (Path(place) / file).is_file():
            return Path(place) / file
    found = sorted(path.name for place in places for path in Path(place).glob("*.gguf"))
    raise ModelError(
        f'the package "{name}" has no file "{file}"',
        hint=f"GGUF files in it: {', '.join(found) or 'none'}",
    )


def converted(file: Path, *, expected_sha256: str = "") -> Path:
    """The folder with the model of a GGUF file as safetensors; converts on the first call.

    Raises:
        ModelError: there is no such file, its hash is another, or transformers can't read it.
    """
    if not file.is_file():
        raise ModelError(
            f"there is no file {file}", hint="a path ending in .gguf names a local file"
        )
    sha256 = file_sha256(file)
    if expected_sha256 and sha256 != expected_sha256:
        raise ModelError(
            f"{file} is not the file that was asked for: its sha256 is {sha256}",
            hint=f"expected {expected_sha256}; get that file, or name this hash after #sha256=",
        )
    folder = cache_folder() / "gguf" / f"{sha256[:16]}-{CONVERSION}"
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=".converting-", dir=folder.parent))
    try:
        _convert(file, draft)
        _publish(draft, folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return folder


def file_sha256(file: Path) -> str:
    """The hash of a file as hex digits."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _publish(draft: Path, folder: Path) -> None:
    try:
        draft.rename(folder)
    except OSError:
        if not folder.is_dir():  # else another process converted the same file meanwhile
            raise


def _convert(file: Path, target: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    # transformers shows its progress here whatever it is told
    with quiet(), redirect_stderr(StringIO()):
        try:
            model = AutoModelForCausalLM.from_pretrained(
                str(file.parent), gguf_file=file.name, dtype=torch.float32
            )
            tokenizer = AutoTokenizer.from_pretrained(str(file.parent), gguf_file=file.name)
        except (OSError, ValueError, KeyError, RuntimeError, NotImplementedError) as error:
            raise ModelError(
                f"{file} can't be read as a GGUF model: {error}",
                hint="transformers reads GGUF files of Llama, Qwen, Gemma, Phi, GPT-2 and others",
            ) from error
        # As it comes from GGUF, save_pretrained refuses the model: it is taken for a quantized one.
        model.hf_quantizer = None
        model.is_quantized = False
        if hasattr(model.config, "quantization_config"):
            del model.config.quantization_config
        _tie_again(model)
        model.to(torch.bfloat16).save_pretrained(target)
        tokenizer.save_pretrained(target)


def _tie_again(model: PreTrainedModel) -> None:
    """Make one matrix of two that were one before quantization (Qwen2.5's GGUF stores both)."""
    import torch

    reading, writing = model.get_input_embeddings().weight, model.get_output_embeddings().weight
    if model.config.tie_word_embeddings or reading.shape != writing.shape:
        return
    likeness = torch.nn.functional.cosine_similarity(reading.flatten(), writing.flatten(), dim=0)
    if likeness > 0.99:
        model.config.tie_word_embeddings = True
        model.tie_weights()
