"""The values that cross a plugin's border, and the shape of each kind of component.

Frozen dataclasses, not pydantic models: a sample and a verdict are made for every completion.
Everything in them is JSON, so they survive parquet, HTTP, Ray and a worker process.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeAlias, runtime_checkable

from rlvr_ops_core.quick_dataclass import quick

Json: TypeAlias = Any
"""A JSON value: None, bool, int, float, str, list or dict of them."""

Message: TypeAlias = Mapping[str, Json]
"""One chat message, as every chat template takes it: `{"role": "user", "content": "6 * 7?"}`."""

Status: TypeAlias = Literal["ok", "abstain", "error", "timeout"]

Severity: TypeAlias = Literal["info", "warning", "critical"]


@quick
@dataclass(frozen=True, slots=True)
class Task:
    """One thing to solve, and what a verifier may know about it.

    `prompt` is text that goes to the model as it is, or messages that go through its chat template.
    """

    id: str
    prompt: str | Sequence[Message]
    answer: Json = None
    data: Mapping[str, Json] = field(default_factory=dict)
    source: str = ""

    @property
    def messages(self) -> Sequence[Message]:
        """The prompt as messages; bare text becomes one user message."""
        if isinstance(self.prompt, str):
            return [{"role": "user", "content": self.prompt}]
        return self.prompt

    @property
    def prompt_text(self) -> str:
        """The prompt as one text, for people and for rewards that compare with it."""
        if isinstance(self.prompt, str):
            return self.prompt
        return "\n".join(message_text(message) for message in self.prompt)


@quick
@dataclass(frozen=True, slots=True)
class Sample:
    """One answer to judge: a task and what the model completed.

    `completion` is the text of the answer, or the messages of a whole turn (tool calls included).
    `group` is shared by all answers to one prompt of one step; `index` counts inside the group.
    """

    task: Task
    completion: str | Sequence[Message]
    group: str | None = None
    index: int = 0
    token_ids: Sequence[int] | None = None
    finish: str = "stop"
    """`stop`, `length` (cut off by the token limit) or what the engine said."""
    played: Played | None = None
    """How the conversation with the stage's environment went, if it has one. The completion is then
    the whole conversation after the prompt."""

    @property
    def messages(self) -> Sequence[Message]:
        """The completion as messages; bare text becomes one assistant message."""
        if isinstance(self.completion, str):
            return [{"role": "assistant", "content": self.completion}]
        return self.completion

    @property
    def text(self) -> str:
        """The text of the last assistant message; "" if there is none."""
        if isinstance(self.completion, str):
            return self.completion
        for message in reversed(self.completion):
            if message.get("role") == "assistant":
                return message_text(message)
        return ""

    @property
    def final(self) -> str:
        """The text after the reasoning block; "" while a block is still open.

        Only what follows the last `</think>` is an answer that the model committed to.
        """
        text = self.completion if isinstance(self.completion, str) else self.text
        if "<think>" not in text and "</think>" not in text:
            return text.strip()
        _, closed, tail = text.rpartition("</think>")
        return tail.strip() if closed and "<think>" not in tail else ""


def message_text(message: Message) -> str:
    """The text of one message; parts of other types (images, audio) are left out."""
    content = message.get("content")
    if isinstance(content, str):
        return content
    if not isinstance(content, Sequence):
        return ""
    parts = (part.get("text") for part in content if isinstance(part, Mapping))
    return "".join(part for part in parts if isinstance(part, str))


@quick
@dataclass(frozen=True, slots=True)
class Turn:
    """What an environment says to one answer of the model."""

    observation: str | Sequence[Message] = ""
    """What the model is told next: text, or messages where the prompt is messages."""
    reward: float = 0.0
    """For this answer; those of a conversation are summed."""
    done: bool = False
    """The conversation ends here: nothing more is asked of the model."""
    info: Mapping[str, Json] = field(default_factory=dict)
    """For people, as in a `Score`."""


@dataclass(frozen=True, slots=True)
class Played:
    """How a conversation with an environment stands after the answers given so far."""

    observation: str | Sequence[Message] = ""
    """What the model is told next; before the first answer, what follows the task's prompt."""
    reward: float = 0.0
    """The sum over all turns so far."""
    turns: int = 0
    """Answers that the environment took."""
    done: bool = False
    status: Status = "ok"
    """`error` or `timeout`: the environment broke, and this conversation gets no verdict."""
    info: Mapping[str, Json] = field(default_factory=dict)
    """What the last turn reported; of a broken one `error` and `traceback`."""
    ref: str = ""
    """Which environment it was: `plugin/name@version#options-hash`."""


@quick
@dataclass(frozen=True, slots=True)
class Score:
    """What a reward may return when a bare number says too little.

    `value` is in the reward's declared range, or None to abstain. `components` are named parts for
    the logs. `info` is what a person wants to see: `reason`, `extracted`, `gold`, stderr …
    """

    value: float | bool | None
    components: Mapping[str, float] = field(default_factory=dict)
    info: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Part:
    """One named part of a verdict: its raw value, its weight, and what it added to the total.

    A part that is only reported (a component of one reward) has weight 0 and share 0. The shares of
    a verdict's parts sum to its value.
    """

    value: float | None
    weight: float = 0.0
    share: float = 0.0


@quick
@dataclass(frozen=True, slots=True)
class Verdict:
    """What the engine made of one sample. A failure is never a zero: then `value` is None.

    `status`: `ok`, `abstain` (the reward can't judge this), `error` (it broke) or `timeout`.
    `ref` says which reward judged: `plugin/name@version#options-hash`.
    `seconds` is the time of this sample's judgement; of a batch or group, its even share.
    """

    value: float | None
    status: Status = "ok"
    components: Mapping[str, Part] = field(default_factory=dict)
    info: Mapping[str, Json] = field(default_factory=dict)
    seconds: float = 0.0
    ref: str = ""

    @property
    def reason(self) -> str:
        """Why, in one line for a person; "" if the reward did not say."""
        return str(self.info.get("reason") or self.info.get("error") or "")

    @property
    def failed(self) -> bool:
        """The reward broke or was too slow: counted against the error budget."""
        return self.status in ("error", "timeout")


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened in a run, as monitors see it.

    `kind` is one of `run_started`, `stage_started`, `metrics`, `rollouts`, `evaluated`, `alarm`,
    `stage_finished`, `stage_failed`, `run_finished`.
    """

    kind: str
    run: str
    stage: str = ""
    step: int | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    """`metrics`: name to number. `rollouts`: `{"samples": [...], "verdicts": [...]}`. `alarm`: the
    fields of an `Alarm`, and `monitor`: who raised it."""
    time: float = 0.0
    """Seconds since the epoch."""


@dataclass(frozen=True, slots=True)
class RolloutRef:
    """Which judged sample is meant: these four find its row in the stage's `rollouts.jsonl`."""

    stage: str
    step: int | None
    group: str | None
    index: int


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something is wrong with a run. A monitor returns it; it becomes an event of kind `alarm`.

    Stage and step are those of the event at which the monitor returned it.
    """

    detector: str
    """What found it: a name that stays the same over runs, such as `reward_collapse`."""
    message: str
    """What is wrong, in one line."""
    hint: str = ""
    """What to do about it."""
    severity: Severity = "warning"
    value: float | None = None
    """What was measured, and the `threshold` that it passed."""
    threshold: float | None = None
    p_value: float | None = None
    """How likely so much evidence is where nothing is wrong, if the detector knows."""
    rows: Sequence[RolloutRef] = ()
    """The rollouts to look at."""
    stop: bool = False
    """End the run once everybody has been told."""


# A component is a callable whose options are its keyword-only parameters: a function, or a class
# (a frozen dataclass with kw_only=True) whose instances are called. Nothing to inherit from.

Reward: TypeAlias = Callable[..., Any]
"""`f(sample | samples | group, *, …) -> float | bool | None | Score`, or a list of these for the
latter two. `async def` works as well."""

DataSource: TypeAlias = Callable[..., Any]
"""`f(*, split="train", limit=None, …) -> Iterable[Task]`: same options, same tasks, same order."""

Trainer: TypeAlias = Callable[..., Any]
"""`f(job, *, …) -> None`: trains `job.model` and writes the result to `job.output`."""

Sampler: TypeAlias = Callable[..., Any]
"""`f(model, tasks, *, samples, seed, …) -> Iterator[list[Sample]]`: `samples` answers a task, in
the order of the tasks."""


class Episode(Protocol):
    """One conversation with an environment, as the environment's author writes it."""

    def reset(self) -> str | Sequence[Message]:
        """What the model is told after the task's prompt; "" for nothing more."""

    def step(self, answer: str) -> Turn:
        """What becomes of an answer; the same answers must lead to the same turns again."""


Environment: TypeAlias = Callable[..., Episode]
"""`f(task, *, …) -> Episode`: a conversation about a task; a class with `reset` and `step` will do.
Every random choice comes from the task, so that the same answers lead to the same turns."""


@runtime_checkable  # a sampler's parameter of this type is read by pydantic
class BoundEnvironment(Protocol):
    """An environment with its options set, as trainers and samplers are given it."""

    max_turns: int
    """A conversation has at most so many answers."""

    def play(self, talks: Sequence[tuple[Task, Sequence[str]]]) -> list[Played]:
        """How conversations stand: each is a task and all answers so far, none at its beginning.

        An environment that raises, hangs or breaks its contract spoils its own conversation alone.
        """


Server: TypeAlias = Callable[..., AbstractContextManager[str]]
"""`f(target, *, host, port, …)`: serves while the `with` lasts, and gives its URL."""

Monitor: TypeAlias = Callable[..., Callable[[Event], Alarm | Iterable[Alarm] | None]]
"""`f(*, …)` gives a function that sees every event of a run, may return alarms, and may raise
`StopRun(reason)`."""

Answers: TypeAlias = Iterator[list[Sample]]
"""What a sampler gives: for each task in order, all answers to it."""
