"""A conversation with an environment, judged like a completion: play it, say how it stands.

A worker that judges is handed the task and all answers so far, so nothing is lost with it: another
makes the environment anew and plays the answers again. Where the environment of the last answer is
still there, only the new answer is played.
"""

from __future__ import annotations

import sys
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from numbers import Real
from typing import Any

from rlvr_ops_core.types import Episode, Json, Message, Sample, Score, Task, Turn, message_text

MOST_OPEN = 4096
"""Environments that are kept for the next answer."""

ANY_REWARD = (-sys.float_info.max, sys.float_info.max)

Answers = tuple[str, ...]


@dataclass
class Open:
    """A conversation that goes on."""

    task: Task
    episode: Episode
    played: int = 0
    reward: float = 0.0
    done: bool = False

    def step(self, answer: str) -> Turn:
        """Play one more answer.

        Raises:
            ValueError: the conversation is over.
            TypeError: the environment breaks its contract.
        """
        if self.done:
            raise ValueError(f"the environment was done after {self.played} answers")
        turn = checked_turn(self.episode.step(answer))
        self.played += 1
        self.reward += float(turn.reward)
        self.done = bool(turn.done)
        return turn


class Replay:
    """Judges conversations: the value is the sum of the rewards, `info` says how it stands."""

    def __init__(self, make: Callable[[Task], Episode]) -> None:
        self.make = make
        self._kept: OrderedDict[tuple[str, Answers], Open] = OrderedDict()

    def __call__(self, sample: Sample) -> Score:
        """The sum of the rewards so far; the completion holds the answers alone.

        Raises:
            TypeError: the environment breaks its contract. Whatever it raises comes out as well.
        """
        task, answers = sample.task, tuple(message_text(one) for one in sample.messages)
        if not answers:
            return self._opened(task)
        now = self._after(task, answers[:-1])
        turn = now.step(answers[-1])
        self._keep(now, answers)
        return standing(now, turn.observation, turn.info)

    def _opened(self, task: Task) -> Score:
        episode = self.make(task)
        now = Open(task, episode)
        told = checked_observation(episode.reset(), "reset()")
        self._keep(now, ())
        return standing(now, told, {})

    def _after(self, task: Task, answers: Answers) -> Open:
        """The conversation after these answers: one that was kept, or played again."""
        kept = self._kept.pop((task.id, answers), None)
        if kept is not None and kept.task == task:
            return kept
        episode = self.make(task)
        now = Open(task, episode)
        episode.reset()
        for answer in answers:
            now.step(answer)
        return now

    def _keep(self, now: Open, answers: Answers) -> None:
        if now.done:
            return
        self._kept[now.task.id, answers] = now
        if len(self._kept) > MOST_OPEN:
            self._kept.popitem(last=False)


def standing(now: Open, observation: Json, info: Mapping[str, Json]) -> Score:
    """How a conversation stands, in the form that comes back from a worker."""
    about = {"observation": observation, "turns": now.played, "done": now.done, "info": dict(info)}
    return Score(now.reward, info=about)


def checked_turn(turn: Any) -> Turn:
    """What `step` gave, if it is a sound turn.

    Raises:
        TypeError: it is none.
    """
    if not isinstance(turn, Turn):
        raise TypeError(f"step() must return a Turn, not {type(turn).__name__}")
    if not isinstance(turn.reward, Real) or not isfinite(turn.reward):
        raise TypeError(f"the reward of a turn must be a finite number, not {turn.reward!r}")
    if not isinstance(turn.info, Mapping):
        raise TypeError(f"the info of a turn must be a mapping, not {type(turn.info).__name__}")
    checked_observation(turn.observation, "an observation")
    return turn


def checked_observation(told: Any, what: str) -> str | Sequence[Message]:
    """Text or messages.

    Raises:
        TypeError: it is neither.
    """
    if isinstance(told, str):
        return told
    if isinstance(told, Sequence) and all(
        isinstance(one, Mapping) and isinstance(one.get("role"), str) for one in told
    ):
        return list(told)
    raise TypeError(f"{what} must be text or messages, not {type(told).__name__}")
