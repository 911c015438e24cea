"""One of the processes that train: `python -m rlvr_trainer_grpo.launch.worker`.

The engine that starts it sets RANK and WORLD_SIZE, as torchrun and Ray Train do. It joins the hub,
which compares the world with the one that was asked for before torch is even loaded. It ends at
once when the hub goes: nothing is left behind, whatever is killed.
"""

from __future__ import annotations

import os
import queue
import sys
import threading
from collections.abc import Sequence
from multiprocessing.connection import Client
from typing import Any

from rlvr_ops_core import Sample, Verdict
from rlvr_trainer_grpo.launch.protocol import LaunchedJob, Work, from_environment, portable


class Hub:
    """The hub, as a process sees it."""

    def __init__(self, address: tuple[str, int], key: bytes) -> None:
        self.connection = Client(address, authkey=key)
        self.replies: queue.SimpleQueue[tuple[bool, Any] | None] = queue.SimpleQueue()
        self.is_leaving = False
        threading.Thread(target=self._read, daemon=True).start()

    def ask(self, question: str, *arguments: Any) -> Any:
        """The hub's answer. What it raised is raised here; a process that is cut off ends here."""
        self.connection.send((question, *arguments))
        reply = self.replies.get()
        if reply is None:
            os._exit(1)
        is_answer, value = reply
        if not is_answer:
            raise value
        return value

    def score(self, samples: Sequence[Sample], step: int | None) -> list[Verdict]:
        """As `TrainJob.on_score`."""
        verdicts: list[Verdict] = self.ask("score", list(samples), step)
        return verdicts

    def _read(self) -> None:
        while True:
            try:
                self.replies.put(self.connection.recv())
            except (EOFError, OSError):
                if not self.is_leaving:
                    os._exit(1)
                self.replies.put(None)  # it may have been cut off before it was answered
                return


def work(address: tuple[str, int], key: bytes) -> None:
    """Join the hub, train, and say how it ended."""
    hub = Hub(address, key)
    rank, size = (int(os.environ.get(name, least)) for name, least in WORLD)
    given: Work = hub.ask("join", rank, size)
    job = LaunchedJob(
        tasks=given.tasks,
        output=given.output,
        checkpoints=given.checkpoints,
        model=given.model,
        seed=given.seed,
        stage=given.stage,
        rewards=given.rewards,
        on_score=hub.score,
        on_log=lambda step, metrics: hub.ask("log", step, metrics),
        on_rewind=lambda step: hub.ask("rewind", step),
        processes=size,
        asked_to_end=lambda: bool(hub.ask("asked_to_end")),
    )
    end = "done"
    try:
        given.train(job, **given.options)
    except SystemExit:
        end = "left"
    except BaseException as error:  # noqa: BLE001  # it is raised again where the run is
        hub.ask("failed", portable(error))
    hub.is_leaving = True
    hub.ask(end)
    _leave_group()


WORLD = (("RANK", 0), ("WORLD_SIZE", 1))


def _leave_group() -> None:
    distributed = sys.modules.get("torch.distributed")
    if distributed is not None and distributed.is_initialized():
        distributed.destroy_process_group()


if __name__ == "__main__":
    work(*from_environment())
