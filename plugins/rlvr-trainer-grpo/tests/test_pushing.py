"""A trained model reaches a hub, weights by LFS; what keeps it from there is known beforehand."""

import pytest
import torch
from fake_hub import TOKEN, fake_hub
from huggingface_hub import constants
from rlvr_trainer_grpo import grpo, sft
from rlvr_trainer_grpo.lora import Lora
from rlvr_trainer_grpo.models import load_model, load_tokenizer

from rlvr_ops_core import ModelError

STEP = {"prompts_per_step": 2, "group_size": 4, "max_new_tokens": 3, "threads": 1}

# huggingface_hub 2.4 uploads by httpx's old name for it
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")


@pytest.fixture
def hub(monkeypatch):
    with fake_hub() as running:
        monkeypatch.setattr(constants, "ENDPOINT", running.url)
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        yield running


@pytest.mark.parametrize("lora", [None, Lora(r=2)])
def test_trained_policy_arrives_whole_with_lora_merged(make_job, tiny, hub, tmp_path, lora):
    job = make_job(model=tiny())
    grpo(job, steps=2, learning_rate=1e-2, push_to_hub="somebody/model", lora=lora, **STEP)
    assert hub.created == [{"name": "model", "organization": "somebody"}]
    hub.write(tmp_path / "pulled")
    saved = {file.name: file.read_bytes() for file in job.output.iterdir()}
    assert hub.files == saved
    assert "adapter_config.json" not in saved
    assert hub.calls.count("upload") == 1
    pulled = load_model(str(tmp_path / "pulled"), dtype=torch.float32).state_dict()
    first = load_model(tiny(), dtype=torch.float32).state_dict()
    assert pulled.keys() == first.keys()
    assert any(not torch.equal(pulled[name], first[name]) for name in first)
    words = [load_tokenizer(place).get_vocab() for place in (tiny(), str(tmp_path / "pulled"))]
    assert words[0] == words[1]


def test_adapter_alone_can_be_pushed(make_job, tiny, hub):
    lora = Lora(r=2, save="adapter")
    job = make_job(model=tiny())
    sft(job, steps=1, batch_size=2, save_steps=0, push_to_hub="somebody/model", lora=lora)
    assert {"adapter_config.json", "adapter_model.safetensors"} <= hub.files.keys()


@pytest.mark.parametrize("train", [grpo, sft])
def test_missing_token_is_an_error_before_the_training(make_job, tiny, hub, monkeypatch, train):
    monkeypatch.setattr("huggingface_hub.get_token", lambda: None)
    job = make_job(model=tiny(), on_log=lambda *_: pytest.fail("it trains"))
    with pytest.raises(ModelError, match="there is no token") as caught:
        train(job, steps=1, push_to_hub="somebody/model")
    assert "HF_TOKEN" in caught.value.hint
    assert hub.calls == []


@pytest.mark.parametrize("wrong", ["token", "rights", "name"])
def test_hub_that_refuses_is_an_error_before_the_training(make_job, tiny, hub, monkeypatch, wrong):
    if wrong == "token":
        monkeypatch.setenv("HF_TOKEN", "hf_old")
    hub.refuses = wrong == "rights"
    job = make_job(model=tiny(), on_log=lambda *_: pytest.fail("it trains"))
    name = "no name/at/all" if wrong == "name" else "somebody/model"
    with pytest.raises(ModelError, match="can't be pushed"):
        sft(job, steps=1, push_to_hub=name)
    assert hub.files == {}
