"""Check an environment: sound turns, the same ones again, whatever the model says."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from rlvr_ops_core.scoring.replay import Replay
from rlvr_ops_core.testing.calls import TASKS, bound, expect
from rlvr_ops_core.testing.rewards import HOSTILE_COMPLETIONS
from rlvr_ops_core.types import Played, Sample, Task


def check_environment(
    component: Callable[..., Any],
    answers: Sequence[str] = ("4",),
    *,
    tasks: Sequence[Task] = TASKS,
    **options: Any,
) -> list[list[Played]]:
    """Play these answers about each task, and hostile ones; give how it stood after each answer.

    An environment passes if it takes the answers in turn until it is done, says text or messages
    that are JSON, gives the same turns when it is played again from the beginning (as happens when
    its worker was ended), and raises at no hostile answer.
    """
    environment, again = (Replay(bound(component, options)) for _ in range(2))
    played = [_conversation(environment, task, answers) for task in tasks]
    for task, turns in zip(tasks, played, strict=True):
        taken = answers[: turns[-1].turns]
        assert _play(again, task, taken, f"task {task.id!r}: played again") == turns[-1], (
            f"task {task.id!r}: the same answers lead elsewhere when they are played again; "
            "make every random choice with a generator of its own, made from the task"
        )
    for hostile in HOSTILE_COMPLETIONS:
        _play(environment, tasks[0], [hostile], f"at the answer {hostile[:40]!r}")
    return played


def _conversation(environment: Replay, task: Task, answers: Sequence[str]) -> list[Played]:
    turns = [_play(environment, task, [], f"task {task.id!r}: at the beginning")]
    for count in range(1, len(answers) + 1):
        if turns[-1].done:
            break
        place = f"task {task.id!r}: at answer {count}"
        turns.append(_play(environment, task, answers[:count], place))
    return turns


def _play(environment: Replay, task: Task, answers: Sequence[str], place: str) -> Played:
    messages = [{"role": "assistant", "content": answer} for answer in answers]
    score = expect(lambda: environment(Sample(task, messages)), f"{place}: it breaks")
    played = Played(reward=float(score.value or 0.0), **score.info)
    said = [played.observation, dict(played.info)]
    try:
        same = json.loads(json.dumps(said, allow_nan=False)) == said
    except (TypeError, ValueError) as error:
        raise AssertionError(f"{place}: what it says is not JSON: {error}") from error
    assert same, f"{place}: what it says does not survive JSON; use lists, not tuples"
    return played
