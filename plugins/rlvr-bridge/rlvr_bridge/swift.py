"""Our rewards in ms-swift: a class for its table `orms`.

ms-swift 4.6.0, `swift/rl_core/grpo_algorithm.py:65`: completions first and by position, always as
text, one list a dataset column by keyword, a list of floats or None back. The class is made with
the trainer's arguments (`swift/rlhf_trainers/utils.py:2292`). Where all functions give None for an
answer ms-swift warns and goes on with 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rlvr_bridge.reference import Reference, Rewards, refer
from rlvr_bridge.trl import TrlReward


class SwiftReward(TrlReward):
    """A reward function as ms-swift calls it."""

    def __call__(self, completions: Sequence[str], **columns: Any) -> list[float | None]:
        """The value of each completion, in order; None where there is no verdict."""
        prompts = columns.pop("messages", None)
        prompts = [list(messages)[:-1] for messages in prompts] if prompts else None
        return super().__call__(completions=completions, prompts=prompts, **columns)


def reward_class(
    rewards: Rewards | Reference,
    *,
    options: Mapping[str, Any] | None = None,
    plugins: Sequence[str | Path] = (),
    error_budget: float = 0.02,
    **settings: Any,
) -> type[SwiftReward]:
    """A class for `orms["NAME"]`, in the file that `--external_plugins` names.

    The settings are those of `rlvr_bridge.trl.reward`; `no_verdict` is `lowest`, and may be `none`
    or `raise`; `part` gives the values of one part, for a second entry with weight 0.

    Raises:
        PluginError: a reward is not there, or ms-swift can't carry it.
        OptionError: an option is wrong.
    """
    reference = refer(rewards, options=options, plugins=plugins, error_budget=error_budget)
    made = SwiftReward(reference, trainer="swift", **settings)  # all mistakes now, not in the run

    class Reward(SwiftReward):
        def __init__(self, args: Any = None, **_: Any) -> None:  # noqa: ARG002  # ms-swift's way
            self.__dict__.update(vars(made))

    Reward.__name__ = Reward.__qualname__ = made.__name__
    return Reward
