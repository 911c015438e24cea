"""Let a model talk with an environment: all conversations at once, a turn at a time.

Each turn is one batch of answers. What the model is told in between is part of the completion but
not the model's own, and is masked in the loss.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any

from rlvr_ops_core import Message, Played, Sample, Task
from rlvr_trainer_grpo.turns import Wording, as_messages

Generate = Callable[[list[list[int]]], tuple[list[list[int]], list[list[float]] | None]]
"""One answer to each context: token ids cut at stop strings, and log-probabilities if known."""


Play = Callable[[Sequence[tuple[Task, Sequence[str]]]], list[Played]]
"""How conversations stand after these answers: `BoundEnvironment.play`."""


@dataclass
class Conversation:
    """What was said about one task so far."""

    task: Task
    played: Played
    prompt_ids: list[int] = field(default_factory=list)
    ids: list[int] = field(default_factory=list)
    """All tokens after the prompt."""
    is_own: list[int] = field(default_factory=list)
    """1 where the model wrote the token, 0 where it was told."""
    logprobs: list[float] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    finish: str = ""
    """Why it ended; "" while it goes on: `stop`, `length` (an answer was cut off, or the model's
    context is full), `max_turns`, `error` or `timeout` (the environment broke)."""

    def say(self, ids: Sequence[int], logprobs: Sequence[float] | None, text: str) -> None:
        """The model answers."""
        self.ids += ids
        self.is_own += [1] * len(ids)
        self.logprobs += logprobs or [0.0] * len(ids)
        self.messages.append({"role": "assistant", "content": text})

    def hear(self, ids: Sequence[int]) -> None:
        """The model is told something."""
        self.ids += ids
        self.is_own += [0] * len(ids)
        self.logprobs += [0.0] * len(ids)

    def sample(self, **about: Any) -> Sample:
        """The conversation for the rewards."""
        return Sample(
            self.task,
            tuple(self.messages),
            token_ids=tuple(self.ids),
            finish=self.finish,
            played=self.played,
            **about,
        )


def converse(
    tasks: Sequence[Task],
    play: Play,
    *,
    max_turns: int,
    wording: Wording,
    generate: Generate,
    context: int | None = None,
    max_new_tokens: int = 0,
) -> list[Conversation]:
    """A conversation about each task, to its end.

    A conversation ends with `length` where `context` tokens leave no room for an answer of
    `max_new_tokens`.

    Raises:
        DataError: the environment says messages where prompts are text.
    """
    opened = play([(task, ()) for task in tasks])
    talks = [Conversation(task, played) for task, played in zip(tasks, opened, strict=True)]
    for talk in talks:
        _open(talk, wording)
    for turn in range(1, max_turns + 1):
        for talk in talks:
            used = len(talk.prompt_ids) + len(talk.ids)
            if not talk.finish and context is not None and used + max_new_tokens > context:
                talk.finish = "length"
        live = [talk for talk in talks if not talk.finish]
        if not live:
            break
        answers, logprobs = generate([talk.prompt_ids + talk.ids for talk in live])
        for place, (talk, ids) in enumerate(zip(live, answers, strict=True)):
            talk.say(ids, logprobs[place] if logprobs else None, wording.answer_text(ids))
            if wording.has_ended(ids):
                talk.answers.append(str(talk.messages[-1]["content"]))
            else:
                talk.finish = "length"  # an answer that was cut off is given to nobody
        _reply([talk for talk in live if not talk.finish], play, wording)
        if turn == max_turns:
            for talk in talks:
                talk.finish = talk.finish or "max_turns"
    for talk in talks:
        _leave_no_reply_at_the_end(talk, wording)
    return talks


def _open(talk: Conversation, wording: Wording) -> None:
    if talk.played.status != "ok":
        talk.prompt_ids, talk.finish = wording.opening_ids(talk.task, ""), talk.played.status
        return
    told = talk.played.observation
    talk.prompt_ids = wording.opening_ids(talk.task, told)
    talk.messages += as_messages(told)
    if talk.played.done:
        talk.finish = "stop"


def _reply(live: Sequence[Conversation], play: Play, wording: Wording) -> None:
    """The environment takes the last answer of each conversation."""
    replies = play([(talk.task, talk.answers) for talk in live])
    for talk, played in zip(live, replies, strict=True):
        talk.played = played
        if played.status != "ok":
            talk.finish = played.status
            continue
        talk.messages += as_messages(played.observation)
        if played.done:
            talk.finish = "stop"
        else:
            talk.hear(wording.reply_ids(talk.task, played.observation, after=talk.ids))


def _leave_no_reply_at_the_end(talk: Conversation, wording: Wording) -> None:
    """The tokens end with an answer: what is told last is learned from by nobody.

    One without any answer (its environment never began) gets an end token that is not its own.
    """
    while talk.ids and not talk.is_own[-1]:
        for tokens in (talk.ids, talk.is_own, talk.logprobs):
            tokens.pop()
    if not talk.ids:
        talk.hear([min(wording.ends)])


def conversation_metrics(samples: Sequence[Sample]) -> dict[str, float]:
    """Numbers of the conversations of a step; empty where there was no environment."""
    played = [sample.played for sample in samples if sample.played is not None]
    if not played:
        return {}
    return {
        "turns": fmean(one.turns for one in played),
        "unfinished": fmean(not one.done for one in played),
        "environment_failed": fmean(one.status != "ok" for one in played),
    }
