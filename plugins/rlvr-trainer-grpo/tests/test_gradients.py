"""Leaving out what teaches nothing, packing, sharing prompts: each gradient stays as in TRL."""

from pathlib import Path

import pytest
import torch
from rlvr_trainer_grpo import world
from rlvr_trainer_grpo.accounts import Accounts
from rlvr_trainer_grpo.launch.hub import train_in_processes
from rlvr_trainer_grpo.models import load_model, load_tokenizer
from rlvr_trainer_grpo.packing import packed_attention
from rlvr_trainer_grpo.policy_trainer import policy_trainer
from rlvr_trainer_grpo.quiet import quiet
from rlvr_trainer_grpo.savings import OFF, Savings

from rlvr_ops_core import Launch

ROWS, PROMPT, ANSWER, GROUP = 12, 4, 6, 3


def make_batch(*, prompt_lengths=(4, 2, 3, 4), seed=0, idle=(0, 1, 2, 7, 9), tool_mask=False):
    """Four groups of three answers; some rows have advantage 0, one is masked throughout."""
    generator = torch.Generator().manual_seed(seed)
    prompts = torch.randint(4, 12, (len(prompt_lengths), PROMPT), generator=generator)
    columns = torch.arange(PROMPT)
    prompt_mask = torch.stack([(columns >= PROMPT - n).long() for n in prompt_lengths])
    lengths = torch.randint(1, ANSWER + 1, (ROWS,), generator=generator)
    lengths[4] = ANSWER
    mask = (torch.arange(ANSWER) < lengths[:, None]).long()
    mask[5] = 0
    answers = torch.randint(4, 12, (ROWS, ANSWER), generator=generator) * mask
    advantages = torch.randn(ROWS, generator=generator)
    advantages[list(idle)] = 0
    batch = {
        "prompt_ids": (prompts * prompt_mask).repeat_interleave(GROUP, 0),
        "prompt_mask": prompt_mask.repeat_interleave(GROUP, 0),
        "completion_ids": answers,
        "completion_mask": mask,
        "advantages": advantages,
        "old_per_token_logps": -2.5 + 0.3 * torch.randn(ROWS, ANSWER, generator=generator),
        "ref_per_token_logps": -2.5 + 0.3 * torch.randn(ROWS, ANSWER, generator=generator),
    }
    if tool_mask:
        batch["tool_mask"] = torch.randint(0, 2, (ROWS, ANSWER), generator=generator)
    counted = mask * batch.get("tool_mask", 1)
    return batch | {"num_items_in_batch": counted.sum()}


def shuffled(batch, seed=1):
    order = torch.randperm(ROWS, generator=torch.Generator().manual_seed(seed))
    return {name: value[order] if value.ndim else value for name, value in batch.items()}


def split(batch, parts):
    size = len(batch["advantages"]) // parts
    return [
        {n: v[i * size :][:size] if v.ndim else v for n, v in batch.items()} for i in range(parts)
    ]


def gradients(folder, output, batch, savings, *, accumulation=1, rows_at_once=ROWS, **options):
    """The gradients of a batch, and the trainer that made them."""
    from datasets import Dataset
    from trl import GRPOConfig

    model = load_model(folder, dtype=torch.float32)
    with quiet():
        config = GRPOConfig(
            output_dir=str(output),
            report_to="none",
            per_device_train_batch_size=len(batch["advantages"]) // accumulation,
            gradient_accumulation_steps=accumulation,
            num_generations=GROUP,
            max_completion_length=ANSWER,
            activation_checkpointing=options.pop("activation_checkpointing", False),
            use_cpu=True,
            bf16=False,
            disable_dropout=True,
            ddp_find_unused_parameters=False,
            **options,
        )
        trainer = policy_trainer(
            model,
            savings,
            rows_at_once=rows_at_once,
            tokens_at_once=None,
            loss_adds_up=True,
            cut_at_stop=lambda ids: ids,
            accounts=Accounts(),
            processing_class=load_tokenizer(folder),
            reward_funcs=lambda **_: None,
            args=config,
            train_dataset=Dataset.from_dict({"prompt": ["1 ="]}),
        )
        trainer.current_gradient_accumulation_steps = accumulation
        trainer.model.train()
        model = trainer.accelerator.prepare(trainer.model) if world.is_shared() else trainer.model
        with packed_attention(trainer.model):
            for micro in split(batch, accumulation):
                loss = trainer.compute_loss(model, micro)
                trainer.accelerator.backward(loss)
    found = {name: p.grad for name, p in trainer.model.named_parameters()}
    return found, trainer


def assert_same(ours, theirs):
    """The greatest difference is under 1e-5 of the greatest gradient."""
    assert ours.keys() == theirs.keys()
    greatest = max(gradient.abs().max() for gradient in theirs.values())
    assert greatest > 1e-4
    for name, expected in theirs.items():
        assert (ours[name] - expected).abs().max() < 1e-5 * greatest, name


LOSSES = ["grpo", "bnpo", "dr_grpo", "dapo"]


@pytest.mark.parametrize("loss_type", LOSSES)
@pytest.mark.parametrize("beta", [0.0, 0.2])
@pytest.mark.parametrize("accumulation", [1, 3])
def test_gradients_are_those_of_plain_trl(tiny, tmp_path, loss_type, beta, accumulation):
    batch = shuffled(make_batch())
    options = {"loss_type": loss_type, "beta": beta, "accumulation": accumulation}
    theirs, plain = gradients(tiny(), tmp_path, batch, OFF, **options)
    ours, trainer = gradients(tiny(), tmp_path, batch, Savings(), **options)
    assert_same(ours, theirs)
    assert (plain.is_packed, trainer.is_packed) == (False, True)


@pytest.mark.parametrize("loss_type", [*LOSSES, "cispo", "sapo", "vespo", "luspo"])
@pytest.mark.parametrize("rows_at_once", [1, 5])
def test_parts_of_a_step_add_up_to_the_whole(tiny, tmp_path, loss_type, rows_at_once):
    batch = shuffled(make_batch())
    theirs, _ = gradients(tiny(), tmp_path, batch, OFF, loss_type=loss_type)
    ours, _ = gradients(
        tiny(), tmp_path, batch, Savings(), loss_type=loss_type, rows_at_once=rows_at_once
    )
    assert_same(ours, theirs)


CASES = [
    {"loss_type": loss_type, "idle": idle, "beta": beta}
    for loss_type in LOSSES
    for idle, beta in [((0, 1, 2, 3, 4, 5, 7), 0.0), ((0, 1, 2, 7, 9), 0.0), ((0, 7), 0.2)]
]
"""Rows of advantage 0: all of process 0; some of either; some, that are drawn to a reference."""


def gradients_of_a_process(job, *, folder):
    """A trainer: of each case, the gradients of this process's half of the rows."""
    found = []
    for case in CASES:
        idle, options = case["idle"], {n: v for n, v in case.items() if n != "idle"}
        whole = make_batch(idle=idle)
        batch = {n: world.own(v) if v.ndim else v for n, v in whole.items()}
        found.append(gradients(folder, job.output, batch, Savings(), rows_at_once=2, **options)[0])
    torch.save(found, job.output / f"gradients-{world.rank()}.pt")


@pytest.mark.slow
def test_gradients_of_two_processes_are_those_of_plain_trl_in_one(
    make_job, tiny, tmp_path, monkeypatch
):
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    job = make_job(model=tiny())
    from test_gradients import gradients_of_a_process as in_each  # as the processes import it

    train_in_processes(in_each, job, {"folder": tiny()}, Launch(engine="torchrun", processes=2))
    of_each = [torch.load(job.output / f"gradients-{rank}.pt") for rank in (0, 1)]
    for number, case in enumerate(CASES):
        idle, options = case["idle"], {n: v for n, v in case.items() if n != "idle"}
        theirs, _ = gradients(tiny(), tmp_path, make_batch(idle=idle), OFF, **options)
        for ours in of_each:
            found = {name.removeprefix("module."): value for name, value in ours[number].items()}
            assert_same(found, theirs)


@pytest.mark.parametrize("alone", ["idle_rows", "packing"])
def test_each_saving_is_exact_alone(tiny, tmp_path, alone):
    batch = shuffled(make_batch(tool_mask=True))
    theirs, _ = gradients(tiny(), tmp_path, batch, OFF)
    only = Savings(**{name: name == alone for name in vars(OFF)})
    ours, _ = gradients(tiny(), tmp_path, batch, only)
    assert_same(ours, theirs)


@pytest.mark.parametrize("family", ["gpt2", "qwen2", "qwen3", "mistral", "gpt_neox"])
def test_other_families_are_packed_as_well(tiny, tmp_path, family):
    # TRL places left-padded prompts at other positions than sampling does; GPT-2 sees that.
    batch = shuffled(make_batch(prompt_lengths=(PROMPT,) * 4))
    theirs, _ = gradients(tiny(family), tmp_path, batch, OFF)
    ours, trainer = gradients(tiny(family), tmp_path, batch, Savings())
    assert trainer.is_packed
    assert_same(ours, theirs)


def test_activation_checkpointing_changes_no_gradient(tiny, tmp_path):
    batch = shuffled(make_batch())
    theirs, _ = gradients(tiny(), tmp_path, batch, OFF)
    ours, trainer = gradients(tiny(), tmp_path, batch, Savings(), activation_checkpointing=True)
    assert trainer.is_packed
    assert_same(ours, theirs)


def test_sequence_level_ratios_stay_the_same(tiny, tmp_path):
    batch = shuffled(make_batch())
    options = {"loss_type": "grpo", "importance_sampling_level": "sequence"}
    theirs, _ = gradients(tiny(), tmp_path, batch, OFF, **options)
    ours, _ = gradients(tiny(), tmp_path, batch, Savings(), rows_at_once=4, **options)
    assert_same(ours, theirs)


def test_batch_that_teaches_nothing_has_zero_gradients_not_missing_ones(tiny, tmp_path):
    batch = make_batch(idle=range(ROWS))
    ours, _ = gradients(tiny(), tmp_path, batch, Savings())
    assert all((gradient == 0).all() for gradient in ours.values())


def test_numbers_in_the_log_are_means_over_the_tokens_of_all_parts(tiny, tmp_path):
    batch = shuffled(make_batch(idle=()))
    _, plain = gradients(tiny(), tmp_path, batch, OFF, beta=0.2)
    _, cut = gradients(tiny(), tmp_path, batch, Savings(), beta=0.2, rows_at_once=3)
    for name in ("kl", "entropy", "clip_ratio/region_mean"):
        (expected,), (found,) = plain._metrics["train"][name], cut._metrics["train"][name]
        assert found == pytest.approx(expected, rel=1e-4), name
