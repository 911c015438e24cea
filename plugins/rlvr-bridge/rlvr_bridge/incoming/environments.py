"""Rewards of verifiers' tasks and OpenEnv's rubrics as rewards here."""

from __future__ import annotations

import asyncio
import inspect
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import SimpleNamespace
from typing import Any

from rlvr_bridge.incoming.loading import finished, load
from rlvr_bridge.incoming.outside import WIDEST, Outside
from rlvr_bridge.tasks import as_json
from rlvr_ops_core import DataError, Message, Sample, Score, Task, reward


@reward(range=WIDEST, preload=("verifiers.v1",))
@dataclass(frozen=True, kw_only=True)
class Verifiers(Outside):
    """A verifiers environment's own rewards, or one function `(task, trace)`, on a finished answer.

    `function` is a taskset's id, or `module:name` of a function to plug in. Nothing runs in a
    sandbox here: rewards that need a runtime are left out, as in `vf-replay`.
    """

    config: Mapping[str, Any] = field(default_factory=dict)
    """The taskset's configuration."""

    @cached_property
    def called(self) -> Any:
        """The taskset's `Task` class, or the function."""
        if ":" in self.function:
            return load(self.function)
        return _taskset(self.function, self.config).task_type()

    @cached_property
    def _task_config(self) -> Any:
        return _taskset(self.function, self.config).config.task

    def __call__(self, sample: Sample) -> Score:
        """Judge one answer."""
        vf, called = load("verifiers:v1"), self.called
        if isinstance(called, type):
            kind: Any = called
            task = kind(_row(kind.data_type(), sample), self._task_config)
        else:
            task = vf.Task(_row(vf.WireTaskData, sample))
        trace = _trace(vf, task, sample)
        if not isinstance(called, type):
            result = finished(_named(called, task.data, trace))
            total = sum(result.values()) if isinstance(result, Mapping) else result
            return self.score(total, result if isinstance(result, Mapping) else {}, {})
        asyncio.run(task.score(trace))
        parts = {name: one.score for name, one in trace.rewards.items() if one is not None}
        missing = [name for name, one in trace.rewards.items() if one is None]
        if missing or not trace.rewards:
            what = f"not scored without a runtime: {', '.join(missing) or 'no reward at all'}"
            return Score(None, parts, {"reason": what})
        return self.score(trace.reward, {**trace.metrics, **parts}, {})


def _named(function: Any, row: Any, trace: Any) -> Any:
    known = {"task": row, "trace": trace}
    names = inspect.signature(function).parameters
    return function(**{name: value for name, value in known.items() if name in names})


def _taskset(name: str, config: Mapping[str, Any]) -> Any:
    loaders = load("verifiers.v1.utils:loaders")
    kind = loaders.taskset_config_type(name)
    return loaders.load_taskset(kind.model_validate({**config, "id": name}))


def _row(kind: Any, sample: Sample) -> Any:
    """The task's data as the taskset's own type; fields that it does not have are left out."""
    task = sample.task
    prompt = task.prompt if isinstance(task.prompt, str) else [dict(one) for one in task.prompt]
    row = {"id": task.id, "prompt": prompt, "answer": task.answer, **task.data}
    if kind.model_config.get("extra") != "allow":
        row = {name: value for name, value in row.items() if name in kind.model_fields}
    return kind.model_validate(row)


def _trace(vf: Any, task: Any, sample: Sample) -> Any:
    trace = vf.Trace(
        task=vf.TraceTask(type=type(task).__name__, data=task.data, key=task.key, hash=task.hash),
        agent=vf.AgentInfo(config=vf.AgentConfig()),
        is_completed=True,
        ok=True,
    )
    for sampled, messages in ((False, sample.task.messages), (True, sample.messages)):
        for message in messages:
            parent = len(trace.nodes) - 1 if trace.nodes else None
            ours = sampled and message.get("role") == "assistant"
            theirs = _message(message)
            trace.nodes.append(vf.MessageNode(parent=parent, message=theirs, sampled=ours))
    return trace


def _message(message: Message) -> dict[str, Any]:
    calls = [
        {
            "id": str(call.get("id") or ""),
            "name": call.get("function", call).get("name"),
            "arguments": _text(call.get("function", call).get("arguments")),
        }
        for call in message.get("tool_calls") or []
    ]
    known = ("role", "content", "tool_call_id", "name", "reasoning_content")
    plain = {key: message[key] for key in known if message.get(key) is not None}
    if plain.get("role") != "tool":
        plain.pop("name", None)
    return plain | ({"tool_calls": calls} if calls else {})


def _text(arguments: Any) -> str:
    return arguments if isinstance(arguments, str) else json.dumps(arguments or {})


def verifiers_tasks(
    *,
    taskset: str,
    split: str = "train",
    limit: int | None = None,
    config: Mapping[str, Any] | None = None,
    answer: str = "answer",
) -> Iterator[Task]:
    """The tasks of a verifiers taskset, for `bridge/verifiers` or rewards of ours.

    Args:
        taskset: its id: an installed module that exports a `Taskset`.
        split: passed on to a taskset whose configuration has a `split`; others have none.
        limit: how many tasks.
        config: the taskset's configuration.
        answer: the field of the gold answer.

    Raises:
        DataError: verifiers or the taskset is not there, or a task has no prompt.
    """
    try:
        fields = load("verifiers.v1.utils:loaders").taskset_config_type(taskset).model_fields
        own = {"split": split} if "split" in fields else {}
        found = _taskset(taskset, {**own, **(config or {})})
    except Exception as error:
        what = f'the verifiers taskset "{taskset}" can\'t be loaded: {error}'
        raise DataError(
            what, hint="pip install verifiers, and the environment's package"
        ) from error
    for number, theirs in enumerate(found):
        if number == limit:
            return
        row = theirs.data.model_dump(mode="json", exclude_none=True, exclude_defaults=True)
        prompt = as_json(row.pop("prompt", None)) or ""
        system = row.pop("system_prompt", None)
        if system:
            turns = [{"role": "user", "content": prompt}] if isinstance(prompt, str) else prompt
            prompt = [{"role": "system", "content": system}, *turns]
        gold = row.pop(answer, None)
        name = str(row.pop("id", None) or f"{taskset}/{number}")
        yield Task(name, prompt, gold, row, f"bridge/verifiers:{taskset}")


@dataclass(frozen=True, kw_only=True)
class OpenEnv(Outside):
    """A rubric of OpenEnv, asked about one action and one observation.

    `function` names a `Rubric` class (made with `arguments`) or a rubric. The action holds the
    answer's text in the fields `message`, `text` and `content`; the observation is done, and its
    metadata are the task's data with `prompt` and `answer`.
    """

    action: str | None = None
    """`module:name` of the environment's own action class."""
    text_field: str = "message"
    """The field of that class for the answer's text."""

    def __call__(self, sample: Sample) -> Score:
        """Judge one answer."""
        rubric, text = self.called, sample.text
        if self.action is None:
            action: Any = SimpleNamespace(message=text, text=text, content=text, metadata={})
        else:
            action = load(self.action)(**{self.text_field: text})
        about = {**sample.task.data, "prompt": sample.task.prompt_text}
        about["answer"] = sample.task.answer
        observation = SimpleNamespace(done=True, reward=None, metadata=about, **_free(about))
        value = finished(rubric(action, observation))
        named = getattr(rubric, "named_rubrics", None)
        parts = {name: one.last_score for name, one in named() if name} if named else {}
        return self.score(value, parts, {})


def _free(about: Mapping[str, Any]) -> dict[str, Any]:
    """The task's data as fields of the observation too, where names allow."""
    taken = ("done", "reward", "metadata")
    return {name: one for name, one in about.items() if name.isidentifier() and name not in taken}
