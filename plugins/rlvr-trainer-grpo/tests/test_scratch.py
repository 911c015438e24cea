"""A model from nothing: its family, its tokenizer, and options that make no model."""

import pytest
import torch
from rlvr_trainer_grpo import scratch
from rlvr_trainer_grpo.models import load_model, load_tokenizer
from rlvr_trainer_grpo.scratch import expand

from rlvr_ops_core import OptionError


@pytest.mark.parametrize("family", ["llama", "gpt2", "qwen2", "gpt_neox"])
def test_family_is_what_was_asked_for(tiny, family):
    model = load_model(tiny(family), dtype=torch.float32)
    assert model.config.model_type == family
    assert model.config.hidden_size == 32
    assert model.config.eos_token_id == load_tokenizer(tiny(family)).eos_token_id


def test_each_word_is_one_token_and_comes_back(tiny):
    tokenizer = load_tokenizer(tiny())
    ids = tokenizer("3 0 =")["input_ids"]
    assert len(ids) == 3
    assert tokenizer.decode(ids) == "3 0 ="
    assert tokenizer("unheard of")["input_ids"] == [tokenizer.unk_token_id] * 2


def test_same_seed_gives_same_weights_and_another_seed_others(make_job):
    weights = {}
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        job = make_job(name, seed=seed)
        scratch(job, hidden_size=16, layers=1, heads=2, vocabulary=["0..3"])
        weights[name] = load_model(str(job.output), dtype=torch.float32).get_input_embeddings()
    assert torch.equal(weights["a"].weight, weights["b"].weight)
    assert not torch.equal(weights["a"].weight, weights["c"].weight)


def test_rope_theta_and_further_entries_reach_the_configuration(make_job):
    job = make_job()
    scratch(
        job,
        hidden_size=16,
        layers=1,
        heads=2,
        rope_theta=1000,
        vocabulary=["0..3"],
        architecture={"rms_norm_eps": 1e-4},
    )
    config = load_model(str(job.output), dtype=torch.float32).config
    assert config.rope_parameters["rope_theta"] == 1000
    assert config.rms_norm_eps == 1e-4


def test_tokenizer_of_another_model_can_be_used(make_job, tiny):
    job = make_job()
    scratch(job, family="gpt2", hidden_size=16, layers=1, heads=2, tokenizer=tiny())
    assert load_tokenizer(str(job.output)).get_vocab() == load_tokenizer(tiny()).get_vocab()


def test_ranges_are_written_out():
    assert expand(["=", "8..11", 7]) == ["=", "8", "9", "10", "11", "7"]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({}, "either vocabulary or tokenizer"),
        ({"vocabulary": ["a", "a"]}, "'a' comes twice"),
        ({"vocabulary": ["<eos>"]}, "'<eos>' comes twice"),
        ({"vocabulary": ["a b"]}, "has whitespace in it"),
        ({"vocabulary": ["a"], "hidden_size": 10, "heads": 3}, "no llama model"),
        ({"vocabulary": ["a"], "family": "gpt2", "hidden_size": 10, "heads": 3}, "no gpt2 model"),
    ],
)
def test_options_that_make_no_model_are_refused(make_job, options, says):
    with pytest.raises(OptionError, match=says):
        scratch(make_job(), **options)
