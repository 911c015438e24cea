"""Environments beside the rewards: played by the same engine, in the same killable workers."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from rlvr_ops_core.scoring.bound import BoundReward
from rlvr_ops_core.scoring.engine import Engine
from rlvr_ops_core.scoring.replay import checked_observation
from rlvr_ops_core.types import Played, Sample, Task, Verdict

ENVIRONMENT = "environment"
"""The name of its reward among the others of a stage."""

Talk = tuple[Task, Sequence[str]]
"""A task, and the answers that the model has given in the conversation about it."""


class EnvironmentEngine:
    """One environment with its options: says how conversations stand.

    It keeps nothing that counts: whoever asks hands over all answers so far.
    """

    def __init__(
        self, bound: BoundReward, *, max_turns: int = 8, workers: int | None = None
    ) -> None:
        self.bound = bound
        self.max_turns = max_turns
        """A conversation has at most so many answers."""
        self._engine = Engine(bound, workers=workers)

    def play(self, talks: Sequence[Talk]) -> list[Played]:
        """How each conversation stands after its last answer; without answers, how it begins.

        An environment that raises, hangs or breaks its contract spoils its own conversation alone.
        """
        samples = [
            Sample(task, [{"role": "assistant", "content": answer} for answer in answers])
            for task, answers in talks
        ]
        verdicts = self._engine.score(samples)
        return [
            _played(verdict, len(answers))
            for verdict, (_, answers) in zip(verdicts, talks, strict=True)
        ]

    def start(self) -> None:
        """Load the environment in its worker now.

        Raises:
            RewardLoadError: it does not load.
        """
        self._engine.start()

    def close(self) -> None:
        """End the workers."""
        self._engine.close()


def _played(verdict: Verdict, answers: int) -> Played:
    if verdict.value is None:
        return Played(
            turns=answers, done=True, status=verdict.status, info=verdict.info, ref=verdict.ref
        )
    about = verdict.info
    try:
        return Played(
            observation=checked_observation(about["observation"], "an observation"),
            reward=verdict.value,
            turns=int(about["turns"]),
            done=bool(about["done"]),
            info=dict(about["info"]),
            ref=verdict.ref,
        )
    except (KeyError, TypeError, ValueError) as error:  # a worker ran code that is not ours
        info = {"error": f"what the environment's worker said can't be read: {error!r}"}
        return Played(turns=answers, done=True, status="error", info=info, ref=verdict.ref)


class PlayedReward:
    """The reward of an environment beside the others: what it paid in the conversation."""

    judges_whole_calls = False

    def score(
        self,
        samples: Sequence[Sample],
        *,
        stop: threading.Event | None = None,  # noqa: ARG002  # nothing here takes time
    ) -> list[Verdict]:
        """The sums of the rewards; no verdict where the environment broke or was never asked."""
        return [_verdict(sample.played) for sample in samples]

    def start(self) -> None:
        """Nothing is to be loaded."""

    def close(self) -> None:
        """Nothing is to be ended."""


def _verdict(played: Played | None) -> Verdict:
    if played is None:
        what = "the trainer or sampler did not play the environment: Sample.played is None"
        return Verdict(None, "error", info={"error": what})
    if played.status != "ok":
        return Verdict(None, played.status, info=played.info, ref=played.ref)
    about = {"turns": played.turns, "done": played.done, **played.info}
    return Verdict(played.reward, info=about, ref=played.ref)
