"""TRL's own options: which names there are, and a trainer's configuration made from them.

The names are read from the source files of trl and transformers, without importing either, so
that `rlvr check` finds a misspelt one and never loads torch.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, TypeVar

from rlvr_ops_core import OptionError, PluginError, RunError, TrainJob
from rlvr_trainer_grpo import world
from rlvr_trainer_grpo.launch.protocol import LaunchedJob

ConfigName = Literal["GRPOConfig", "SFTConfig"]
C = TypeVar("C", bound=Callable[..., Any])

PASS_THROUGH_ATTRIBUTE = "__rlvr_pass_through__"

CONFIG_FILES: Mapping[ConfigName, str] = {
    "GRPOConfig": "trainer/grpo_config.py",
    "SFTConfig": "trainer/sft_config.py",
}

OURS: Mapping[str, str] = {
    "max_steps": "write steps",
    "num_train_epochs": "write steps",
    "per_device_train_batch_size": "write batch_size, or prompts_per_step and group_size",
    "gradient_accumulation_steps": "write micro_batch_size",
    "num_generations": "write group_size",
    "max_completion_length": "write max_new_tokens",
    "shuffle_dataset": "write shuffle",
    "train_sampling_strategy": "write shuffle",
    "bf16": "write dtype",
    "fp16": "write dtype",
    "seed": "the pipeline's seed counts",
    "data_seed": "the pipeline's seed counts",
    "output_dir": "checkpoints lie in the run folder",
    "resume_from_checkpoint": "a killed stage goes on by itself when the run is started again",
    "overwrite_output_dir": "checkpoints lie in the run folder",
    "logging_steps": "every step is logged",
    "logging_strategy": "every step is logged",
    "disable_tqdm": "the run shows its own progress",
    "save_strategy": "write save_steps; 0 saves no checkpoints",
    "ignore_data_skip": "a resumed stage always keeps the order of the tasks",
    "remove_unused_columns": "the columns are ours",
    "completion_only_loss": "the loss is always on the answer only",
    "hub_model_id": "write push_to_hub: OWNER/NAME",
}
"""Options of TRL that this plugin sets itself, and what to write instead."""


def passes_on_to(config: ConfigName) -> Callable[[C], C]:
    """Declare that a component hands further options on to one of TRL's configurations."""

    def declare(component: C) -> C:
        setattr(component, PASS_THROUGH_ATTRIBUTE, lambda: pass_through_names(config))
        return component

    return declare


def pass_through_names(config: ConfigName) -> frozenset[str]:
    """The options that are handed on to a configuration of TRL by name; loads no torch.

    Raises:
        PluginError: the installed trl or transformers is laid out differently.
    """
    return config_fields(config) - OURS.keys()


@cache
def config_fields(config: ConfigName) -> frozenset[str]:
    """Every field of a configuration class of TRL, read from the installed source files."""
    return (
        _fields("trl", CONFIG_FILES[config], config)
        | _fields("trl", "trainer/base_config.py", "_BaseConfig")
        | _fields("transformers", "training_args.py", "TrainingArguments")
    )


def _fields(package: str, file: str, class_name: str) -> frozenset[str]:
    spec = find_spec(package)  # a top-level package is found without being imported
    if spec is None or spec.origin is None:
        raise PluginError(f"{package} is not installed", hint="reinstall rlvr-trainer-grpo")
    path = Path(spec.origin).parent / file
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise PluginError(
            f"the installed {package} has no {file}",
            hint=f"rlvr-trainer-grpo does not know this version of {package}",
        ) from error
    classes = [n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == class_name]
    return frozenset(
        statement.target.id
        for found in classes
        for statement in found.body
        if isinstance(statement, ast.AnnAssign)
        and isinstance(statement.target, ast.Name)
        and not statement.target.id.startswith("_")
    )


def make_config(name: ConfigName, job: TrainJob, given: Mapping[str, Any], **ours: Any) -> Any:
    """A configuration of TRL: `ours`, and what the pipeline gave by TRL's own names.

    Raises:
        OptionError: a name is unknown or set by this plugin, or TRL refuses a value.
    """
    import torch
    import trl

    refuse_unknown(name, given)
    defaults = {
        "report_to": "none",
        "save_total_limit": 2,
        _checkpointing_name(name): False,
        "dataloader_pin_memory": torch.cuda.is_available(),
    }
    if isinstance(job, LaunchedJob):
        # language models have no running means to share, and use all their weights
        defaults |= {"ddp_broadcast_buffers": False, "ddp_find_unused_parameters": False}
        if not torch.accelerator.is_available():
            # or else accelerate leaves each process to itself, and says nothing
            defaults |= {"use_cpu": True, "ddp_backend": "gloo"}
    settings = {
        "output_dir": str(job.checkpoints),
        "seed": job.seed,
        "logging_strategy": "steps",
        "logging_steps": 1,
        "disable_tqdm": True,
    }
    try:
        config = getattr(trl, name)(**(defaults | ours | _renamed(name, given) | settings))
    except (ValueError, TypeError) as error:
        raise OptionError(f"{job.stage}: {name} refuses these options: {error}") from error
    known = config.world_size
    if isinstance(job, LaunchedJob) and not known == world.size() == job.processes:
        raise RunError(
            f"TRL sees {known} processes and torch {world.size()}, not {job.processes}",
            hint="accelerate_config must not name a device or a distributed_type of its own",
        )
    return config


def _renamed(config: ConfigName, given: Mapping[str, Any]) -> dict[str, Any]:
    renamed = {"gradient_checkpointing": _checkpointing_name(config)}
    return {renamed.get(option, option): value for option, value in given.items()}


def _checkpointing_name(config: ConfigName) -> str:
    """Transformers renamed it in 5.2x and warns at the old name; TRL's default is True."""
    new, old = "activation_checkpointing", "gradient_checkpointing"
    return new if new in config_fields(config) else old


def refuse_unknown(config: ConfigName, given: Mapping[str, Any]) -> None:
    """Raise OptionError for names that TRL has not, or that this plugin sets itself."""
    from difflib import get_close_matches

    allowed = pass_through_names(config)
    lines = []
    for option in sorted(given.keys() - allowed):
        near = get_close_matches(option, allowed, n=1)
        hint = OURS.get(option) or (f'did you mean "{near[0]}"?' if near else f"no {config} has it")
        lines.append(f"{option}: unknown option; {hint}")
    if lines:
        raise OptionError("\n".join(lines))
