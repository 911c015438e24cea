"""TRL's `rollout_func` for a job with an environment: conversations instead of answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from rlvr_ops_core import Played, TrainJob
from rlvr_trainer_grpo.conversations import converse
from rlvr_trainer_grpo.turns import Wording

Rollout = Callable[[list[Any], Any], dict[str, Any]]


def rollouts(job: TrainJob, wording: Wording) -> Rollout | None:
    """What TRL calls for a batch of prompts; None where the job has no environment.

    Tokens that the model was told have 0 in `env_mask`: TRL leaves them out of its loss. The
    conversations go to the reward function under their name.
    """
    environment = job.environment
    if environment is None:
        return None

    def roll(_prompts: list[Any], trainer: Any) -> dict[str, Any]:
        def play(talks: Sequence[Any]) -> list[Played]:
            with trainer.accounts.phase("score"):
                return environment.play(talks)

        def generate(contexts: list[list[int]]) -> tuple[list[list[int]], list[list[float]] | None]:
            found: tuple[list[list[int]], list[list[float]] | None]
            found = trainer._generate_single_turn(contexts, None, {}, 1)  # 1: no groups in these
            return found

        talks = converse(
            [job.tasks[row["task_index"]] for row in trainer.rows],
            play,
            max_turns=environment.max_turns,
            wording=wording,
            generate=generate,
            context=getattr(trainer.model.config, "max_position_embeddings", None),
            max_new_tokens=trainer.args.max_completion_length,
        )
        return {
            "prompt_ids": [talk.prompt_ids for talk in talks],
            "completion_ids": [talk.ids for talk in talks],
            "logprobs": [talk.logprobs for talk in talks] if trainer.args.use_vllm else None,
            "env_mask": [talk.is_own for talk in talks],
            "conversation": talks,
        }

    return roll
