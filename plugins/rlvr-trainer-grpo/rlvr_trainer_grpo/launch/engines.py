"""The command that starts the processes: torchrun, `accelerate launch`, or Ray Train."""

from __future__ import annotations

import json
import sys
from importlib.util import find_spec

from rlvr_ops_core import Launch, PluginError

WORKER = "rlvr_trainer_grpo.launch.worker"
RAY_DRIVER = "rlvr_trainer_grpo.launch.ray_driver"


SETTINGS = {"TORCH_DISABLE_SHARE_RDZV_TCP_STORE": "1", "PYTHONUNBUFFERED": "1"}
"""For the environment of the processes. Torchrun's store outlives a restart (torch 2.13), and
processes that start anew would look for the addresses of those before them. And what a process
prints is in the log before it dies."""


def command(launch: Launch) -> list[str]:
    """The engine's command line.

    Raises:
        PluginError: Ray is not installed.
    """
    if launch.engine == "ray":
        return _ray(launch)
    if launch.accelerate_config:
        return _accelerate(launch)
    return _torchrun(launch)


def _torchrun(launch: Launch) -> list[str]:
    world = [f"--nproc-per-node={launch.processes}", f"--max-restarts={launch.restarts}"]
    return [sys.executable, "-m", "torch.distributed.run", "--standalone", *world, "-m", WORKER]


def _accelerate(launch: Launch) -> list[str]:
    """What the file says of devices, FSDP and DeepSpeed holds; how many processes we say."""
    world = [f"--num_processes={launch.processes}", f"--max_restarts={launch.restarts}"]
    config = [f"--config_file={launch.accelerate_config}"]
    return [sys.executable, "-m", "accelerate.commands.launch", *config, *world, "-m", WORKER]


def _ray(launch: Launch) -> list[str]:
    if find_spec("ray") is None:
        raise PluginError(
            "launch: {engine: ray}: Ray is not installed",
            hint="pip install 'rlvr-trainer-grpo[ray]', or take engine: torchrun",
        )
    settings = {
        "workers": launch.processes,
        "restarts": launch.restarts,
        "address": launch.address,
        "resources": dict(launch.resources),
    }
    return [sys.executable, "-m", RAY_DRIVER, json.dumps(settings)]
