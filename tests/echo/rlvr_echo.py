"""A fake plugin with every kind of component, for tests: fast, deterministic, no torch.

Use it as a file, `plugins: [tests/echo/rlvr_echo.py]` (then it is named `rlvr_echo`), or installed
(then it is named `echo`). Its model is a folder with `model.json`: `{"skill": p}`, the probability
of a right answer. In a pipeline `model: skill=0.2` starts from that skill, and "" from 0.1.
"""

from __future__ import annotations

import asyncio
import ctypes
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from random import Random
from typing import Any, Literal

from rlvr_ops_core import (
    Alarm,
    BoundEnvironment,
    DataError,
    Event,
    ModelError,
    RolloutRef,
    Sample,
    Score,
    StopRun,
    Task,
    TrainJob,
    Turn,
    hookimpl,
    reward,
    takes_environment,
)

FIRST_SKILL = 0.1


# Data


def sums(
    *, split: Literal["train", "test"] = "train", limit: int | None = 100, broken_row: int = -1
) -> Iterator[Task]:
    """Sums of two numbers; no question is in both splits. `broken_row` can't be read."""
    wanted = 0 if split == "train" else 1
    pairs = ((a, b) for a in range(10, 100) for b in range(10, 100) if (a + 2 * b) % 2 == wanted)
    for row, (a, b) in enumerate(pairs):
        if row == limit:
            return
        if row == broken_row:
            raise DataError(f"sums.jsonl:{row + 1}: no column 'prompt'", hint="it has: a, b")
        yield Task(f"{split}/{row}", f"{a} + {b} =", str(a + b), {"a": a, "b": b}, "echo/sums")


# Rewards


@reward(inline=True)
def exact(sample: Sample) -> bool:
    """The final text is the answer."""
    return sample.final == sample.task.answer


@reward(components=("right", "short"), inline=True)
def parts(sample: Sample, *, limit: int = 10) -> Score:
    """Half for a right answer, half for at most `limit` characters; says why."""
    right, short = exact(sample), len(sample.final) <= limit
    return Score(
        (right + short) / 2,
        components={"right": float(right), "short": float(short)},
        info={
            "reason": f"{'right' if right else 'wrong'}, {len(sample.final)} characters",
            "extracted": sample.final[:100],
            "gold": sample.task.answer,
        },
    )


@reward(range=(-1, 0), inline=True)
def brief(sample: Sample, *, limit: int = 10) -> float:
    """0 up to `limit` characters, falling to -1 at twice that."""
    return -min(1.0, max(0.0, len(sample.final) / limit - 1))


@reward(timeout_s=1.0)
def nasty(sample: Sample) -> Any:
    """Do what the completion says; anything that is no behaviour is judged like `exact`."""
    behaviour = BEHAVIOURS.get(sample.text)
    return behaviour() if behaviour else exact(sample)


@reward(timeout_s=1.0)
def batch(samples: Sequence[Sample]) -> list[Any]:
    """Judge a batch; a sample that says `short` or `long` spoils its length."""
    values = [nasty(sample) for sample in samples if sample.text != "short"]
    return values + [1.0 for sample in samples if sample.text == "long"]


@reward(timeout_s=1.0)
def group(group: Sequence[Sample]) -> list[Any]:
    """Right answers share one point, so the value depends on the whole group."""
    rights = sum(exact(sample) for sample in group)
    return [
        nasty(sample) if sample.text in BEHAVIOURS else exact(sample) / max(1, rights)
        for sample in group
    ]


@reward(timeout_s=1.0)
async def judge(sample: Sample, *, delay_s: float = 0.01) -> Any:
    """Judge as `nasty` does after a pause; a hang waits in the event loop."""
    await asyncio.sleep(3600 if sample.text == "hang" else delay_s)
    return nasty(sample)


def _raise() -> float:
    raise ValueError("as the completion asked")


def _interrupt() -> float:
    raise KeyboardInterrupt


def _exit() -> float:
    raise SystemExit(3)


def _hang() -> float:
    while True:
        time.sleep(60)


def _spin() -> float:
    while True:
        pass


def _slow() -> float:
    time.sleep(0.2)
    return 1.0


def _recurse() -> float:
    return _recurse() + 1


def _memory() -> float:
    return float(len(bytearray(1 << 42)) > 0)


def _noisy() -> float:
    print("this line must not reach the engine's protocol", flush=True)
    print("nor this one", file=sys.stderr, flush=True)
    return 1.0


BEHAVIOURS: Mapping[str, Callable[[], Any]] = {
    "raise": _raise,
    "nan": lambda: float("nan"),
    "inf": lambda: float("inf"),
    "none": lambda: None,
    "range": lambda: 2.0,
    "string": lambda: "high",
    "list": lambda: [1.0],
    "unpicklable": lambda: Score(1.0, info={"reason": "a function", "f": lambda: None}),
    "noisy": _noisy,
    "slow": _slow,
    "hang": _hang,
    "spin": _spin,
    "recurse": _recurse,
    "memory": _memory,
    "interrupt": _interrupt,
    "exit": _exit,
    "os_exit": lambda: os._exit(3),
    "segfault": lambda: ctypes.string_at(0),
}
"""What a completion can make `nasty` do."""


# The model


def read_skill(model: str | Path) -> float:
    """The skill of a model folder, of a text `skill=0.2`, or of no model at all."""
    text = str(model)
    if not text:
        return FIRST_SKILL
    if text.startswith("skill="):
        return float(text.removeprefix("skill="))
    file = Path(text) / "model.json"
    if not file.is_file():
        raise ModelError(f"no echo model in {text}", hint="give a folder with model.json")
    return float(json.loads(file.read_text())["skill"])


def _write_json(file: Path, value: Any) -> None:
    part = file.with_suffix(".part")
    part.write_text(json.dumps(value))
    part.replace(file)


def _answer(task: Task, *, skill: float, wrong: str, key: str) -> str:
    return str(task.answer) if Random(key).random() < skill else wrong


# Trainer


@takes_environment
@dataclass(frozen=True, kw_only=True)
class Learn:
    """Raise the skill by what the rewards give; goes on from its last checkpoint."""

    steps: int = 10
    prompts: int = 4
    """Prompts a step."""
    group_size: int = 4
    """Answers a prompt."""
    rate: float = 0.1
    """Added to the skill each step, times the mean reward (times 1 if the stage has no rewards)."""
    checkpoint_every: int = 1
    wrong: str = "wrong"
    """The text of a wrong answer; one of BEHAVIOURS makes `nasty` misbehave."""
    sleep_s: float = 0.0
    """Pause before each step, so that a test can kill the run in the middle."""
    fail_at: int | None = None
    """Raise RuntimeError before this step."""
    die_at: int | None = None
    """SIGKILL this process before this step, the first time it comes there."""

    def __call__(self, job: TrainJob) -> None:
        """Train for `steps` steps and write the model."""
        step, skill = self._resume(job)
        while step < self.steps:
            step += 1
            self._misbehave(job, step)
            mean = self._mean_reward(job, step, skill)
            skill = min(1.0, skill + self.rate * mean)
            job.log(step, skill=skill, reward=mean, loss=1.0 - skill)
            if step % self.checkpoint_every == 0:
                _write_json(job.checkpoints / "last.json", {"step": step, "skill": skill})
        _write_json(job.output / "model.json", {"skill": skill})

    def _resume(self, job: TrainJob) -> tuple[int, float]:
        last = job.checkpoints / "last.json"
        if not last.is_file():
            job.rewind(0)
            return 0, read_skill(job.model)
        state = json.loads(last.read_text())
        job.rewind(state["step"])
        return state["step"], state["skill"]

    def _misbehave(self, job: TrainJob, step: int) -> None:
        time.sleep(self.sleep_s)
        if step == self.fail_at:
            raise RuntimeError(f"failed at step {step}, as the option fail_at asked")
        died = job.checkpoints / "died"
        if step == self.die_at and not died.exists():
            died.touch()
            os.kill(os.getpid(), signal.SIGKILL)

    def _mean_reward(self, job: TrainJob, step: int, skill: float) -> float:
        if not job.rewards and job.environment is None:
            return 1.0
        values = [
            verdict.value for verdict in job.score(self._answers(job, step, skill), step=step)
        ]
        known = [value for value in values if value is not None]
        return sum(known) / len(known) if known else 0.0

    def _answers(self, job: TrainJob, step: int, skill: float) -> list[Sample]:
        """The task order depends on the seed and the step alone, so a resumed run repeats none."""
        samples = []
        for nth in range(self.prompts):
            task = job.tasks[((step - 1) * self.prompts + nth) % len(job.tasks)]
            for index in range(self.group_size):
                key = f"{job.seed}/{step}/{nth}/{index}"
                text = _answer(task, skill=skill, wrong=self.wrong, key=key)
                sample = Sample(task, text, group=f"{step}/{nth}", index=index)
                samples.append(_talk(job.environment, sample))
        return samples


# Sampler


def answer(
    model: str | Path,
    tasks: Sequence[Task],
    *,
    samples: int,
    seed: int,
    wrong: str = "wrong",
    sleep_s: float = 0.0,
    environment: BoundEnvironment | None = None,
) -> Iterator[list[Sample]]:
    """Answer right with the model's skill; the same seed, task and index give the same answer."""
    skill = read_skill(model)
    for task in tasks:
        time.sleep(sleep_s)
        yield [
            _talk(
                environment,
                Sample(
                    task,
                    _answer(task, skill=skill, wrong=wrong, key=f"{seed}/{task.id}/{index}"),
                    group=task.id,
                    index=index,
                ),
            )
            for index in range(samples)
        ]


# Environment


class Ladder:
    """A step up for each answer, a quarter of a point each; the answer may ask for trouble."""

    def __init__(self, task: Task, *, steps: int = 2) -> None:
        self.task, self.steps, self.climbed = task, steps, 0

    def reset(self) -> str:
        return f"{self.steps} steps"

    def step(self, answer: str) -> Any:
        if answer in BEHAVIOURS:
            return BEHAVIOURS[answer]()
        self.climbed += 1
        return Turn(f"on {self.climbed}", 0.25, self.climbed == self.steps, {"said": answer})


def _talk(environment: BoundEnvironment | None, sample: Sample) -> Sample:
    """The same answer again and again, as long as the environment wants one."""
    if environment is None:
        return sample
    answers: list[str] = []
    messages: list[dict[str, str]] = []
    (played,) = environment.play([(sample.task, answers)])
    while played.status == "ok" and not played.done and len(answers) < environment.max_turns:
        messages.append({"role": "user", "content": str(played.observation)})
        messages.append({"role": "assistant", "content": sample.text})
        answers.append(sample.text)
        (played,) = environment.play([(sample.task, answers)])
    return replace(sample, completion=messages, played=played)


# Server


@contextmanager
def hello(target: str | Path, *, host: str = "127.0.0.1", port: int = 0) -> Iterator[str]:
    """Serve the model's JSON at every path; port 0 takes a free one."""
    body = json.dumps({"skill": read_skill(target)}).encode()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Stay quiet."""

    server = ThreadingHTTPServer((host, port), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://{host}:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


# Monitor


def tape(
    *, path: Path | None = None, stop_at: int | None = None, raise_at: int | None = None
) -> Callable[[Event], None]:
    """Append every event to a file; stop the run, or break, at a step."""

    def watch(event: Event) -> None:
        if path is not None:
            with path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(_plain(event)) + "\n")
        if event.kind == "metrics" and event.step == stop_at:
            raise StopRun(f"step {event.step} is where the tape ends")
        if event.kind == "metrics" and event.step == raise_at:
            raise ValueError(f"the tape broke at step {event.step}")

    return watch


def siren(
    *, at: int = 3, stop: bool = False, nonsense: bool = False, endless: bool = False
) -> Callable[[Event], Any]:
    """Raise an alarm about the first rollouts of a step; `endless` answers alarms with alarms."""
    rows: list[RolloutRef] = []

    def watch(event: Event) -> Any:
        if event.kind == "rollouts" and event.step == at:
            rows[:] = [
                RolloutRef(event.stage, event.step, sample.group, sample.index)
                for sample in event.data["samples"][:2]
            ]
        if event.kind == "alarm" and endless:
            return Alarm("echo", "an echo")
        if event.kind == "metrics" and event.step == at:
            if nonsense:
                return "fire"
            alarm = Alarm("siren", "it [bold]burns", "run [/] for \x1b[31mit", "critical", 2.0, 1.0)
            return replace(alarm, rows=rows, stop=stop)
        return None

    return watch


def _plain(event: Event) -> dict[str, Any]:
    data = {
        key: len(value) if key in ("samples", "verdicts") else value
        for key, value in event.data.items()
    }
    about = {"kind": event.kind, "run": event.run, "stage": event.stage, "step": event.step}
    return json.loads(json.dumps(about | {"time": event.time, "data": data}, default=str))


# Hooks


@hookimpl
def rlvr_rewards() -> dict[str, Any]:
    return {
        "exact": exact,
        "parts": parts,
        "brief": brief,
        "nasty": nasty,
        "batch": batch,
        "group": group,
        "judge": judge,
    }


@hookimpl
def rlvr_data_sources() -> dict[str, Any]:
    return {"sums": sums}


@hookimpl
def rlvr_trainers() -> dict[str, Any]:
    return {"learn": Learn}


@hookimpl
def rlvr_samplers() -> dict[str, Any]:
    return {"answer": answer}


@hookimpl
def rlvr_environments() -> dict[str, Any]:
    return {"ladder": Ladder}


@hookimpl
def rlvr_servers() -> dict[str, Any]:
    return {"hello": hello}


@hookimpl
def rlvr_monitors() -> dict[str, Any]:
    return {"siren": siren, "tape": tape}


@hookimpl
def rlvr_commands() -> dict[str, Any]:
    import click

    @click.command()
    @click.argument("words", nargs=-1)
    def echo(words: tuple[str, ...]) -> None:
        """Print the words again."""
        click.echo(" ".join(words))

    return {"echo": echo}
