"""Our rewards in NeMo-RL: an environment for its registry.

NeMo-RL 7ea279a, `nemo_rl/environments/interfaces.py:26-90`: `step(message_log_batch, metadata)`,
a tensor of rewards back or, for several, a dict of tensors that NeMo-RL adds up. So where several
rewards count, each tensor holds what its reward added to the value, after gates and weights.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rlvr_bridge.policy import TRAINERS, NoVerdict
from rlvr_bridge.reference import Reference, Rewards, refer
from rlvr_bridge.scorer import Scorer, ask, policy_for, scorer_of
from rlvr_bridge.tasks import TASK_COLUMN, task_of
from rlvr_ops_core import Message, Sample, Verdict

TEXTS = ("role", "content", "tool_calls", "tool_call_id", "name")


class RewardEnvironment:
    """Judges a batch of finished answers; every episode has one turn."""

    def __init__(self, reference: Reference, *, no_verdict: NoVerdict | None = None) -> None:
        """`environment` makes it as NeMo-RL wants it.

        Raises:
            PluginError: a reward is not there, or NeMo-RL can't carry it.
            OptionError: an option is wrong.
        """
        ask(reference).refuse_unless(TRAINERS["nemo-rl"])
        self.reference = reference
        self.policy = policy_for("nemo-rl", no_verdict)
        self._seen: defaultdict[str, list[float]] = defaultdict(list)
        self._lock = threading.Lock()

    def step(
        self,
        message_log_batch: Sequence[Sequence[Mapping[str, Any]]],
        metadata: Sequence[Mapping[str, Any] | None],
        *_: Any,
        **__: Any,
    ) -> Any:
        """An `EnvironmentReturn` for the batch.

        Raises:
            NoVerdictError: there is no verdict and `no_verdict` is `raise`.
        """
        import torch
        from nemo_rl.environments.interfaces import EnvironmentReturn  # type: ignore[import-not-found]  # theirs

        scorer = scorer_of(self.reference)
        samples = [
            _sample(log, about or {})
            for log, about in zip(message_log_batch, metadata, strict=True)
        ]
        verdicts = scorer.score(samples)
        self._note(scorer, verdicts)
        return EnvironmentReturn(
            observations=[_observation(verdict) for verdict in verdicts],
            metadata=list(metadata),
            next_stop_strings=[None] * len(verdicts),
            rewards=self._rewards(scorer, verdicts),
            terminateds=torch.ones(len(verdicts)),
            answers=[_extracted(verdict) for verdict in verdicts],
        )

    def _rewards(self, scorer: Scorer, verdicts: Sequence[Verdict]) -> Any:
        import torch

        values = [scorer.number(verdict, self.policy) for verdict in verdicts]
        names = self.reference.counted
        if len(names) == 1:
            return torch.tensor(values)
        rows = [
            # no verdict: the least value, on the first reward, so that the sum is still the value
            scorer.shares(verdict) or {names[0]: value}
            for verdict, value in zip(verdicts, values, strict=True)
        ]
        return {
            f"reward/{name}": torch.tensor([row.get(name, 0.0) for row in rows]) for name in names
        }

    def _note(self, scorer: Scorer, verdicts: Sequence[Verdict]) -> None:
        with self._lock:
            for verdict in verdicts:
                self._seen["rlvr_ok"].append(float(verdict.status == "ok"))
                for name, value in scorer.parts(verdict).items():
                    if value is not None:
                        self._seen[f"reward/{name}"].append(value)

    def global_post_process_and_metrics(self, batch: Any) -> tuple[Any, dict[str, float]]:
        """The batch as it is; means of the parts, and `rlvr_ok`, since they were last asked for."""
        with self._lock:
            seen, self._seen = self._seen, defaultdict(list)
        return batch, {name: sum(values) / len(values) for name, values in seen.items()}

    def shutdown(self) -> None:
        """End the workers of the rewards."""
        scorer_of(self.reference).close()


def environment(
    rewards: Rewards | Reference,
    *,
    options: Mapping[str, Any] | None = None,
    plugins: Sequence[str | Path] = (),
    error_budget: float = 0.02,
    no_verdict: NoVerdict | None = None,
) -> type[RewardEnvironment]:
    """A class that NeMo-RL makes with its `cfg`; put `ray.remote` around it and register it.

    Raises:
        PluginError: a reward is not there, or NeMo-RL can't carry it.
        OptionError: an option is wrong.
    """
    reference = refer(rewards, options=options, plugins=plugins, error_budget=error_budget)
    RewardEnvironment(reference, no_verdict=no_verdict)  # all mistakes now, not in an actor

    class Environment(RewardEnvironment):
        def __init__(self, cfg: Any = None) -> None:  # noqa: ARG002  # NeMo-RL's signature
            super().__init__(reference, no_verdict=no_verdict)

    return Environment


def _sample(log: Sequence[Mapping[str, Any]], about: Mapping[str, Any]) -> Sample:
    """The turns up to the first answer are the prompt, the rest is the completion."""
    messages = [{key: turn[key] for key in TEXTS if key in turn} for turn in log]
    first = next(
        (at for at, message in enumerate(messages) if message.get("role") == "assistant"),
        len(messages),
    )
    prompt: list[Message] = list(messages[:first])
    row = dict(about)
    if TASK_COLUMN not in row and "ground_truth" in row:
        row["answer"] = row.pop("ground_truth")
    return Sample(task_of(row, prompt=prompt), messages[first:])


def _observation(verdict: Verdict) -> dict[str, str]:
    return {"role": "environment", "content": f"Environment: {verdict.status}"}


def _extracted(verdict: Verdict) -> str | None:
    found = verdict.info.get("extracted")
    return None if found is None else str(found)
