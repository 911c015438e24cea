"""Training in several processes: `launch:` of a pipeline.

    hub          here: starts the engine, answers the processes, ends when they do
      engines      torchrun, `accelerate launch` or Ray start the processes …
        worker       … each of which joins, and runs the trainer with a job that asks the hub

So tasks are loaded, answers judged, monitors told and the run folder written in one place, whatever
engine there is; the processes share out sampling and training alone.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from rlvr_ops_core import TrainJob, launches
from rlvr_trainer_grpo.launch.hub import train_in_processes

Train = TypeVar("Train", bound=Callable[..., None])


def launchable(train: Train) -> Train:
    """The trainer, which starts processes that run it where the job asks for some."""

    @wraps(train)
    def start(job: TrainJob, **options: Any) -> None:
        if job.launch is None:
            train(job, **options)
        else:
            train_in_processes(start, job, options, job.launch)

    return launches("torchrun", "ray")(start)  # type: ignore[return-value]  # wraps keeps the type
