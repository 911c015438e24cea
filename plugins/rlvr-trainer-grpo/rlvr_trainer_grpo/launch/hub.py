"""The parent of several training processes: it starts their engine and does what a run does once.

Processes ask, one question at a time each, and all questions are answered by this one thread: to
judge answers, to log, to take back, whether to end. What ends the training:

    every process says that it is done         the model is there
    SIGTERM or Ctrl-C                          the running step is saved, then as for one process
    a process fails                            its error is raised here
    a process dies                             all others end, and the engine starts them anew
    the engine ends before they are done       an error with the end of its log
"""

from __future__ import annotations

import logging
import os
import queue
import secrets
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from multiprocessing import AuthenticationError
from multiprocessing.connection import Connection, Listener
from pathlib import Path
from typing import Any

from rlvr_ops_core import ErrorBudgetExceeded, Launch, OptionError, RlvrError, RunError, TrainJob
from rlvr_trainer_grpo.checkpoints import newest_whole
from rlvr_trainer_grpo.interruption import Asked, end_noticed
from rlvr_trainer_grpo.launch.engines import SETTINGS, command
from rlvr_trainer_grpo.launch.protocol import Work, environment
from rlvr_trainer_grpo.models import locate

logger = logging.getLogger(__name__)

LOG = "processes.log"
"""Beside the checkpoints: what the engine and the processes write."""

LOG_LINES = 12
JOIN_S = 300.0
"""So long all processes have to join, from the start or from a restart on."""

ECHO_S = 3.0
"""A bug that is followed by the death of another process within this time is taken for its echo."""

PATIENCE_S = 20.0
"""So long an engine has to end by itself before it is killed."""


def train_in_processes(
    train: Callable[..., None], job: TrainJob, options: Mapping[str, Any], launch: Launch
) -> None:
    """Run a trainer in the processes of a launch.

    Raises:
        OptionError: the stage has an environment.
        ModelError: there is no model to start from.
        PluginError: the engine is not installed.
        RunError: the world has another size, or the processes died too often.
        SystemExit, KeyboardInterrupt: SIGTERM or Ctrl-C came; the last step is saved.
        Exception: what the job or a process raised.
    """
    if job.environment is not None:
        raise OptionError(f"{job.stage}: an environment is played in one process, without launch:")
    locate(job.model)  # a model that is not there is found, and a GGUF file converted, only once
    work = Work(
        train=train,
        options=options,
        tasks=tuple(job.tasks),
        output=job.output,
        checkpoints=job.checkpoints,
        model=job.model,
        seed=job.seed,
        stage=job.stage,
        rewards=job.rewards,
    )
    key = secrets.token_bytes(32)
    everywhere = "0.0.0.0" if launch.address else "127.0.0.1"  # others need the key
    listener = Listener((everywhere, 0), backlog=launch.processes, authkey=key)
    log = job.checkpoints / LOG
    hub = Hub(listener, job, work, launch)
    with log.open("ab") as output:
        engine = subprocess.Popen(
            command(launch),
            env=os.environ | SETTINGS | environment(("127.0.0.1", listener.address[1]), key),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is for this process, which ends the others in order
        )
    try:
        with end_noticed(signal.SIGTERM, signal.SIGINT) as asked:
            hub.serve(engine, asked)
        with suppress(subprocess.TimeoutExpired):
            engine.wait(PATIENCE_S)
    finally:
        hub.close(engine)
    if hub.is_left or asked.by == signal.SIGINT:
        asked.leave()


class Hub:
    """Answers the processes of one training."""

    def __init__(self, listener: Listener, job: TrainJob, work: Work, launch: Launch) -> None:
        self.listener = listener
        self.job, self.work, self.launch = job, work, launch
        self.inbox: queue.SimpleQueue[tuple[Connection | None, tuple[Any, ...]]] = (
            queue.SimpleQueue()
        )
        self.joined: dict[Connection, int] = {}
        """The processes there are, with their ranks."""
        self.connections: set[Connection] = set()
        self.goodbyes: set[int] = set()
        """Ranks that have come to their end."""
        self.is_left = False
        """Whether the processes ended early, as they were asked to."""
        self.deaths = 0
        self.failure: BaseException | None = None
        self.refusal: ErrorBudgetExceeded | None = None
        self.deadline: float | None = None
        self.is_closed = False
        threading.Thread(target=self._accept, daemon=True).start()

    def serve(self, engine: subprocess.Popen[bytes], asked: Asked) -> None:
        """Answer until all processes have ended well."""
        threading.Thread(target=self._wait_for, args=(engine,), daemon=True).start()
        self.deadline = time.monotonic() + JOIN_S
        while len(self.goodbyes) < self.launch.processes:
            try:
                sender, message = self.inbox.get(timeout=self._patience())
            except queue.Empty:
                raise self.failure or self._too_few() from None
            if sender is None:
                raise self._engine_ended(*message)
            if message[0] == "gone":
                self._start_over(sender)
            else:
                self._answer(sender, *message, asked=asked)

    def _answer(self, sender: Connection, question: str, *arguments: Any, asked: Asked) -> None:
        answer: Any = None
        match question:
            case "join":
                self._join(sender, *arguments)
                answer = self.work
            case "score":
                try:
                    answer = self.job.score(arguments[0], step=arguments[1])
                except ErrorBudgetExceeded as error:  # the trainer may wait and ask again
                    self.refusal = error
                    return self._send(sender, False, error)
            case "log":
                step, metrics = arguments
                restarts = {"restarts": float(self.deaths)} if self.deaths else {}
                self.job.log(step, **metrics, **restarts)
            case "rewind":
                self.job.rewind(*arguments)
            case "asked_to_end":
                answer = asked.is_set()
            case "failed":
                return self._fail(*arguments)
            case "done" | "left":
                self.is_left = self.is_left or question == "left"
                self.goodbyes.add(self.joined[sender])
        return self._send(sender, True, answer)

    def _join(self, sender: Connection, rank: int, size: int) -> None:
        wanted = self.launch.processes
        if size != wanted:
            raise RunError(
                f"{self.launch.engine} started a world of {size}, not of {wanted}",
                hint="`accelerate launch` runs one process, whatever it is told, where its config "
                "file has use_cpu or distributed_type NO: leave accelerate_config out on a CPU"
                if self.launch.accelerate_config
                else "WORLD_SIZE of the processes must be the number that launch: asks for",
            )
        self.joined[sender] = rank
        if len(self.joined) == wanted:
            self.deadline = None
        if rank == 0 and self.deaths and newest_whole(self.work.checkpoints) is None:
            self.job.rewind(0)

    def _fail(self, error: BaseException) -> None:
        """A process fails: at once if that is its own mistake, else if no other has died."""
        if isinstance(self.refusal, type(error)):
            raise self.refusal
        if isinstance(error, RlvrError):
            raise error
        self.failure = self.failure or error

    def _start_over(self, gone: Connection) -> None:
        """A process died: end the others, which may wait for it, so that the engine sees it."""
        if gone not in self.joined or self.joined[gone] in self.goodbyes:
            return
        self.deaths += 1
        logger.warning("%s: process %d died", self.work.stage, self.joined[gone])
        self.failure = None
        self.goodbyes.clear()
        self._cut_all()
        self.deadline = time.monotonic() + JOIN_S

    def _patience(self) -> float | None:
        if self.failure is not None:
            return ECHO_S
        return None if self.deadline is None else max(0.0, self.deadline - time.monotonic())

    def _too_few(self) -> RunError:
        return RunError(
            f"{len(self.joined)} of {self.launch.processes} processes have joined "
            f"after {JOIN_S:.0f} s",
            hint=self._log_end(),
        )

    def _engine_ended(self, code: int) -> RunError:
        died = f" after {self.deaths} deaths of a process" if self.deaths else ""
        what = f"{self.work.stage}: {self.launch.engine} ended with status {code}{died}"
        return RunError(what, hint=self._log_end())

    def _log_end(self) -> str:
        file: Path = self.work.checkpoints / LOG
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join([f"the end of {file}:", *lines[-LOG_LINES:]])

    def _send(self, to: Connection, is_answer: bool, value: Any) -> None:
        with suppress(OSError):  # it has died meanwhile: its reader says so
            to.send((is_answer, value))

    def _accept(self) -> None:
        while not self.is_closed:
            try:
                connection = self.listener.accept()
            except (AuthenticationError, EOFError, OSError):
                continue
            self.connections.add(connection)
            threading.Thread(target=self._read, args=(connection,), daemon=True).start()

    def _read(self, connection: Connection) -> None:
        try:
            while True:
                self.inbox.put((connection, connection.recv()))
        except (EOFError, OSError):
            self.inbox.put((connection, ("gone",)))

    def _wait_for(self, engine: subprocess.Popen[bytes]) -> None:
        self.inbox.put((None, (engine.wait(),)))

    def close(self, engine: subprocess.Popen[bytes]) -> None:
        """End the engine and every process."""
        if engine.poll() is None:
            engine.terminate()  # first, so that it starts no process anew
        self._cut_all()
        try:
            engine.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            os.killpg(engine.pid, signal.SIGKILL)
            engine.wait()
        self.is_closed = True
        with suppress(OSError):  # wakes the thread that waits for the next one to join
            socket.create_connection(self.listener.address).close()
        self.listener.close()

    def _cut_all(self) -> None:
        """End every process: each ends itself when its connection does."""
        self.joined.clear()
        for connection in self.connections:
            with suppress(OSError), socket.socket(fileno=os.dup(connection.fileno())) as line:
                line.shutdown(socket.SHUT_RDWR)  # close() would wait for the reading thread
        self.connections.clear()
