"""Our rewards in SkyRL: a text environment of one turn.

SkyRL-gym 0.4.0, `skyrl_gym/envs/base_text_env.py:17-100`: `init(prompt)`, `step(action)` with the
answer as text, a float back, `get_metrics()` averaged over the episodes. Register it where your
generator runs:

    skyrl_gym.register(id="math", entry_point="rlvr_bridge.skyrl:RewardEnv",
                       kwargs={"reference": "math/equal"})
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from skyrl_gym.envs.base_text_env import (
    BaseTextEnv,
    BaseTextEnvStepOutput,
)

from rlvr_bridge.policy import TRAINERS, NoVerdict
from rlvr_bridge.reference import parse
from rlvr_bridge.scorer import policy_for, scorer_of, summary
from rlvr_bridge.tasks import TASK_COLUMN, message_list, task_of
from rlvr_ops_core import Message, Sample


class RewardEnv(BaseTextEnv):  # type: ignore[misc]  # a class of a package without types
    """One prompt, one answer, one value.

    The task is the column `rlvr_task`, or `reward_spec.ground_truth` and the other columns.
    """

    def __init__(
        self,
        env_config: Any = None,  # noqa: ARG002  # SkyRL's signature
        extras: Mapping[str, Any] | None = None,
        *,
        reference: str,
        no_verdict: NoVerdict | None = None,
    ) -> None:
        """Made anew for every episode; the rewards behind it are shared.

        Raises:
            PluginError: a reward is not there, or SkyRL can't carry it.
            OptionError: an option is wrong.
        """
        super().__init__()
        self.scorer = scorer_of(parse(reference))
        self.scorer.asked.refuse_unless(TRAINERS["skyrl"])
        self.policy = policy_for("skyrl", no_verdict)
        self.extras = dict(extras or {})
        self.prompt: list[Message] = []
        self.metrics: dict[str, float] = {}

    def init(self, prompt: list[Message]) -> tuple[list[Message], dict[str, Any]]:
        """The prompt as it is."""
        self.prompt = message_list(prompt) or []
        return prompt, {}

    def step(self, action: str) -> BaseTextEnvStepOutput:
        """Judge the answer; the episode is over.

        Raises:
            NoVerdictError: there is no verdict and `no_verdict` is `raise`.
        """
        self.turns += 1
        (verdict,) = self.scorer.score([Sample(self._task(), action)])
        self.metrics = self.scorer.numbers(verdict)
        return BaseTextEnvStepOutput(
            observations=[],
            reward=self.scorer.number(verdict, self.policy),
            done=True,
            metadata={"rlvr": summary(verdict)},
        )

    def get_metrics(self) -> dict[str, float]:
        """`reward/NAME` of every part, and `rlvr_ok`."""
        return self.metrics

    def _task(self) -> Any:
        spec = self.extras.get("reward_spec") or {}
        row = {"answer": spec.get("ground_truth"), **self.extras, **dict(spec)}
        row.pop("reward_spec", None)
        row.pop("ground_truth", None)
        if TASK_COLUMN in row and not row[TASK_COLUMN]:
            row.pop(TASK_COLUMN)
        return task_of(row, prompt=self.prompt)
