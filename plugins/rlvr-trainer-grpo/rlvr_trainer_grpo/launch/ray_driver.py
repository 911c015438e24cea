"""Ray Train as an engine: `python -m rlvr_trainer_grpo.launch.ray_driver SETTINGS`.

Ray's workers run `worker.work`, as torchrun's do. Without an address a cluster is started here,
with room for the workers whatever this machine has, and ends with this process.
"""

from __future__ import annotations

import json
import sys
import tempfile
from typing import Any

from rlvr_trainer_grpo.launch.protocol import from_environment


def main(settings: dict[str, Any]) -> None:
    """Train until all workers are done; one that dies is followed by new ones, as often as said."""
    import ray
    from ray.train import FailureConfig, RunConfig, ScalingConfig
    from ray.train.torch import TorchTrainer

    each = {"CPU": 1, **settings["resources"]}
    (host, port), key = from_environment()
    if settings["address"]:
        ray.init(settings["address"])
        host = ray.util.get_node_ip_address()  # the hub runs beside this driver
    else:
        room = {name: amount * settings["workers"] for name, amount in each.items()}
        ray.init(
            num_cpus=room.pop("CPU") + 1,
            num_gpus=room.pop("GPU", None),
            resources=room,
            include_dashboard=False,
        )
    with tempfile.TemporaryDirectory(prefix="rlvr-ray-") as storage:
        TorchTrainer(
            _work,
            train_loop_config={"address": (host, port), "key": key},
            scaling_config=ScalingConfig(
                num_workers=settings["workers"],
                use_gpu=bool(each.get("GPU")),
                resources_per_worker=each,
            ),
            run_config=RunConfig(
                name="rlvr",
                storage_path=storage,
                failure_config=FailureConfig(max_failures=settings["restarts"]),
            ),
        ).fit()
    ray.shutdown()


def _work(config: dict[str, Any]) -> None:
    from rlvr_trainer_grpo.launch.worker import work

    work(config["address"], config["key"])


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
