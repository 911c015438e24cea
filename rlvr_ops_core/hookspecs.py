"""The hooks: what a plugin can offer. One shape: no arguments, a mapping of name to component.

In a pipeline a component is always `plugin/name`, where `plugin` is the name of the entry point.
A plugin is a module; each hook is a function in it marked with `@hookimpl`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pluggy

from rlvr_ops_core.types import (
    DataSource,
    Environment,
    Monitor,
    Reward,
    Sampler,
    Server,
    Trainer,
)

if TYPE_CHECKING:
    import click

hookspec = pluggy.HookspecMarker("rlvr")
hookimpl = pluggy.HookimplMarker("rlvr")


@hookspec
def rlvr_rewards() -> Mapping[str, Reward]:
    """Return this plugin's rewards, by name.

    A reward judges answers: `f(sample, *, …) -> float | bool | None | Score`. The first parameter's
    name says what it judges: `sample` one answer, `samples` a batch, `group` all answers to one
    prompt. The value lies in the declared range, [0, 1] unless `@reward(range=…)` says otherwise;
    None abstains.

    Example:
        >>> from rlvr_ops_core import hookimpl
        >>> @hookimpl
        ... def rlvr_rewards():
        ...     return {"exact": lambda sample: sample.final == sample.task.answer}
    """


@hookspec
def rlvr_data_sources() -> Mapping[str, DataSource]:
    """Return this plugin's data sources, by name.

    A data source gives tasks: `f(*, split="train", limit=None, …) -> Iterable[Task]`. The same
    options give the same tasks in the same order.

    Example:
        >>> from rlvr_ops_core import Task, hookimpl
        >>> def squares(*, split="train", limit=None):
        ...     for n in range(limit or 100):
        ...         yield Task(id=f"squares/{n}", prompt=f"{n} squared?", answer=str(n * n))
        >>> @hookimpl
        ... def rlvr_data_sources():
        ...     return {"squares": squares}
    """


@hookspec
def rlvr_trainers() -> Mapping[str, Trainer]:
    """Return this plugin's trainers, by name.

    A trainer makes a model: `f(job, *, …) -> None`. It reads `job.model`, `job.tasks`, `job.seed`,
    asks `job.score(samples, step=…)`, reports through `job.log(step, …)` and writes the model to
    the folder `job.output`. Killed and started again it goes on from `job.checkpoints`. With
    `job.begin_scoring` it may have groups judged while others are still being written.

    Example:
        >>> from rlvr_ops_core import hookimpl
        >>> def nothing(job):
        ...     (job.output / "model.txt").write_text("learnt nothing")
        >>> @hookimpl
        ... def rlvr_trainers():
        ...     return {"nothing": nothing}
    """


@hookspec
def rlvr_samplers() -> Mapping[str, Sampler]:
    """Return this plugin's samplers, by name.

    A sampler lets a model answer: `f(model, tasks, *, samples, seed, …)` yields, for each task in
    order, a list of `samples` answers. Evaluation stages use it.

    Example:
        >>> from rlvr_ops_core import Sample, hookimpl
        >>> def parrot(model, tasks, *, samples, seed):
        ...     for task in tasks:
        ...         yield [Sample(task, task.prompt_text, index=i) for i in range(samples)]
        >>> @hookimpl
        ... def rlvr_samplers():
        ...     return {"parrot": parrot}
    """


@hookspec
def rlvr_environments() -> Mapping[str, Environment]:
    """Return this plugin's environments, by name.

    An environment talks with the model about a task over several turns: `f(task, *, …)` gives an
    object with `reset() -> str | messages`, what the model is told after the task's prompt, and
    `step(answer) -> Turn`. The same task and answers give the same turns.

    Example:
        >>> from rlvr_ops_core import Turn, hookimpl
        >>> class Guess:
        ...     def __init__(self, task, *, least=0):
        ...         self.secret = max(least, int(task.answer))
        ...
        ...     def reset(self):
        ...         return "Guess my number."
        ...
        ...     def step(self, answer):
        ...         if answer == str(self.secret):
        ...             return Turn(reward=1.0, done=True)
        ...         return Turn("Wrong. Again?")
        >>> @hookimpl
        ... def rlvr_environments():
        ...     return {"guess": Guess}
    """


@hookspec
def rlvr_servers() -> Mapping[str, Server]:
    """Return this plugin's servers, by name.

    A server is a context manager: `f(target, *, host, port, …)` serves a model folder while the
    `with` lasts and gives its base URL once it answers.

    Example:
        >>> from contextlib import contextmanager
        >>> from rlvr_ops_core import hookimpl
        >>> @contextmanager
        ... def pretend(target, *, host="127.0.0.1", port=8000):
        ...     yield f"http://{host}:{port}"
        >>> @hookimpl
        ... def rlvr_servers():
        ...     return {"pretend": pretend}
    """


@hookspec
def rlvr_monitors() -> Mapping[str, Monitor]:
    """Return this plugin's monitors, by name.

    A monitor is made once a run, `f(*, …)`, and gives a function that sees every `Event`. It may
    return an `Alarm`, or several, which reach the event log, the terminal and the other monitors;
    it may raise `StopRun(reason)` to end the run.

    Example:
        >>> from rlvr_ops_core import StopRun, hookimpl
        >>> def step_limit(*, steps=1000):
        ...     def watch(event):
        ...         if event.kind == "metrics" and event.step > steps:
        ...             raise StopRun(f"step {event.step} is over the limit of {steps}")
        ...
        ...     return watch
        >>> @hookimpl
        ... def rlvr_monitors():
        ...     return {"step_limit": step_limit}
    """


@hookspec
def rlvr_commands() -> Mapping[str, click.Command]:
    """Return this plugin's commands for the command line, by name: `rlvr NAME`.

    Example:
        >>> import click
        >>> from rlvr_ops_core import hookimpl
        >>> @click.command()
        ... def hello():
        ...     click.echo("hello")
        >>> @hookimpl
        ... def rlvr_commands():
        ...     return {"hello": hello}
    """
