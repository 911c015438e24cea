"""TRL's own options: their names without importing it, and what is said to a wrong one."""

import dataclasses
import subprocess
import sys

import pytest
from rlvr_trainer_grpo import grpo, sft
from rlvr_trainer_grpo.trl_options import config_fields, make_config, pass_through_names

from rlvr_ops_core import OptionError


@pytest.mark.parametrize("name", ["GRPOConfig", "SFTConfig"])
def test_names_read_from_the_source_are_the_fields_of_the_class(name):
    import trl

    fields = dataclasses.fields(getattr(trl, name))
    assert config_fields(name) == {field.name for field in fields if field.init}


def test_names_are_found_without_loading_anything_heavy():
    code = (
        "import sys, rlvr_trainer_grpo as r\n"
        "assert 'epsilon_high' in r.grpo.__rlvr_pass_through__()\n"
        "assert 'packing' in r.sft.__rlvr_pass_through__()\n"
        "heavy = {'torch', 'transformers', 'trl', 'datasets', 'peft', 'numpy', 'accelerate'}\n"
        "assert not heavy & sys.modules.keys(), heavy & sys.modules.keys()\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_what_the_plugin_sets_itself_is_not_handed_on():
    names = pass_through_names("GRPOConfig")
    assert not names & {"max_steps", "output_dir", "num_generations", "seed"}


def test_given_options_reach_trl(make_job):
    config = make_config(
        "GRPOConfig", make_job(), {"epsilon_high": 0.28, "weight_decay": 0.1}, bf16=False
    )
    assert (config.epsilon_high, config.weight_decay) == (0.28, 0.1)
    assert config.report_to in ([], ["none"])


@pytest.mark.parametrize("old_or_new", ["gradient_checkpointing", "activation_checkpointing"])
def test_activation_checkpointing_has_two_names(make_job, old_or_new):
    for given, expected in (({}, False), ({old_or_new: True}, True)):
        config = make_config("GRPOConfig", make_job(), given, bf16=False)
        assert config.gradient_checkpointing is expected


@pytest.mark.parametrize(
    ("trainer", "option", "hint"),
    [
        (grpo, "epsilon_hihg", 'did you mean "epsilon_high"'),
        (grpo, "max_steps", "write steps"),
        (grpo, "num_generations", "write group_size"),
        (grpo, "packing", "unknown option"),
        (sft, "pakcing", 'did you mean "packing"'),
    ],
)
def test_wrong_name_is_named_with_the_right_one(make_job, tiny, trainer, option, hint):
    with pytest.raises(OptionError, match=f"{option}: unknown option") as caught:
        trainer(make_job(model=tiny()), steps=1, **{option: 1})
    assert hint in str(caught.value)


def test_value_that_trl_refuses_is_an_option_error(make_job, tiny):
    with pytest.raises(OptionError, match="GRPOConfig refuses"):
        grpo(make_job(model=tiny()), steps=1, group_size=1)


def test_micro_batch_that_does_not_fill_a_step_is_refused(make_job, tiny):
    with pytest.raises(OptionError, match="3 does not divide the 8 rows"):
        grpo(make_job(model=tiny()), steps=1, prompts_per_step=2, group_size=4, micro_batch_size=3)
