"""Our rewards in OpenEnv: a rubric for an environment server.

OpenEnv 0.10.0, `openenv/core/env_server/interfaces.py:344-367` and `core/rubrics/base.py`: called
with the action and the observation, a number or None back; `named_rubrics()` and `last_score` are
where training code looks for the parts, so each part is a child rubric.

    class Solve(Environment):
        def __init__(self):
            super().__init__(rubric=RewardRubric("math/equal"))
        def reset(self, **_):
            self.rubric.set_task(task)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from openenv.core.rubrics.base import Rubric

from rlvr_bridge.policy import TRAINERS, NoVerdict
from rlvr_bridge.reference import Reference, Rewards, refer
from rlvr_bridge.scorer import ask, policy_for, scorer_of, summary
from rlvr_bridge.tasks import TASK_COLUMN, decode_task
from rlvr_ops_core import DataError, Sample, Task

TEXT_FIELDS = ("message", "text", "content", "response", "completion", "answer")


class PartRubric(Rubric):  # type: ignore[misc]  # a class of a package without types
    """The value of one part, as it was when the whole was last judged."""

    def forward(self, action: Any, observation: Any) -> float | None:  # noqa: ARG002  # theirs
        """What the part was given last; None if it was not judged."""
        return self.last_score  # type: ignore[no-any-return]  # as above


class RewardRubric(Rubric):  # type: ignore[misc]  # a class of a package without types
    """Judges the text of an action against the task of the episode."""

    def __init__(
        self,
        rewards: Rewards | Reference,
        *,
        options: Mapping[str, Any] | None = None,
        plugins: Sequence[str | Path] = (),
        error_budget: float = 0.02,
        text_field: str | None = None,
        no_verdict: NoVerdict | None = None,
    ) -> None:
        """Set it up; `text_field` names the action's field that holds the answer.

        Raises:
            PluginError: a reward is not there, or OpenEnv can't carry it.
            OptionError: an option is wrong.
        """
        super().__init__()
        self.reference = refer(rewards, options=options, plugins=plugins, error_budget=error_budget)
        asked = ask(self.reference)
        asked.refuse_unless(TRAINERS["openenv"])
        self.policy = policy_for("openenv", no_verdict)
        self.text_field = text_field
        self.task: Task | None = None
        self.parts = {name: PartRubric() for name in asked.columns}
        for name, part in self.parts.items():
            setattr(self, name.replace("/", "_"), part)  # so that named_rubrics() finds it

    def set_task(self, task: Task) -> None:
        """The task of the episode that begins. It stays on the server, with its gold answer."""
        self.task = task

    def forward(self, action: Any, observation: Any) -> float | None:
        """The value of the action's text; None where there is no verdict.

        Raises:
            DataError: there is no task, or the action has no text.
            NoVerdictError: there is no verdict and `no_verdict` is `raise`.
        """
        scorer = scorer_of(self.reference)
        (verdict,) = scorer.score([Sample(self._task(observation), self._text(action))])
        for name, value in scorer.parts(verdict).items():
            self.parts[name].last_score = value
        metadata = getattr(observation, "metadata", None)
        if isinstance(metadata, dict):
            metadata["rlvr"] = summary(verdict)
        return scorer.value(verdict, self.policy)

    def _task(self, observation: Any) -> Task:
        given = (getattr(observation, "metadata", None) or {}).get(TASK_COLUMN)
        if given is not None:
            return decode_task(given)
        if self.task is None:
            raise DataError("the rubric knows no task", hint="call rubric.set_task in reset()")
        return self.task

    def _text(self, action: Any) -> str:
        names = (self.text_field,) if self.text_field else TEXT_FIELDS
        for name in names:
            value = getattr(action, name, None)
            if isinstance(value, str):
                return value
        raise DataError(
            f"the action {type(action).__name__} has no text in {', '.join(names)}",
            hint="RewardRubric(…, text_field=NAME) says where the answer is",
        )
