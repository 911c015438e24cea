"""Which groups and answers a step is spent on. This changes the estimator, so it is off by default.

`resample_rounds`  dynamic sampling: groups whose rewards are all alike are replaced by groups of
                   other tasks, in at most so many rounds. DAPO, arXiv:2503.14476, section 3.2;
                   there until the batch is full. Tasks are drawn anew from all of them, so that a
                   step needs nothing but its number, and a killed run resumes as it was.
`first_answers`    a group whose first answers are all worth the same gets no more of them: see
                   `settled`.
`select_by`        tasks whose outcome is uncertain are answered oftener: see `selection`.
`keep_answers`     down-sampling: of each group those answers are trained on whose rewards vary
                   most. PODS, arXiv:2504.13818, section 3.2; advantages are those in the kept set.
"""
# ruff: noqa: N803, N806  # tensors carry their axes

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import pvariance
from typing import TYPE_CHECKING, Any, ClassVar

from rlvr_trainer_grpo.teaching import Batch, loss_mask, select

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Pruning:
    """What is left out although it would change the result."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}  # `rlvr check` finds misspelt ones

    resample_rounds: int = 0
    """Rounds of further groups in place of those that teach nothing; 0 keeps what came."""
    keep_answers: int | None = None
    """Answers of a group that are trained on; None keeps all."""
    first_answers: int | None = None
    """Answers of a group that show whether the others are worth asking for; None asks for all."""
    select_by: str | None = None
    """Answer tasks of uncertain outcome, by this entry of their data, or `id`; None takes turns."""
    candidates: int = 4
    """Tasks that are drawn for each one that `select_by` chooses."""

    def changes_batches(self) -> bool:
        """Whether other answers are trained on than those that TRL was given."""
        return bool(self.resample_rounds or self.keep_answers or self.first_answers)


def most_varied(values: Sequence[float], keep: int) -> list[int]:
    """Places of the `keep` values with the greatest variance, in order.

    They are some of the lowest and some of the highest (PODS, lemma 3.1): each split is tried.
    """
    order = sorted(range(len(values)), key=lambda place: values[place])

    def choice(high: int) -> list[int]:
        return order[: keep - high] + order[len(order) - high :]

    best = max(range(keep + 1), key=lambda high: pvariance([values[p] for p in choice(high)]))
    return sorted(choice(best))


def downsample(batch: Batch, reward_B: Tensor, *, group: int, keep: int, scale: bool) -> Batch:
    """The batch with `keep` answers a group; advantages are made anew from their rewards.

    An answer without a verdict (NaN) is kept only where there are not enough others, and then has
    advantage 0.
    """
    import torch

    rows: list[int] = []
    advantages: list[Tensor] = []
    for first in range(0, len(reward_B), group):
        values = reward_B[first : first + group].tolist()
        known = [place for place, value in enumerate(values) if not math.isnan(value)]
        unknown = [place for place in range(group) if place not in known]
        if len(known) > keep:
            chosen = [known[place] for place in most_varied([values[p] for p in known], keep)]
        else:
            chosen = sorted(known + unknown[: keep - len(known)])
        reward_K = reward_B[[first + place for place in chosen]]
        rows += [first + place for place in chosen]
        advantages.append(advantages_within(reward_K, scale=scale))
    kept = select(batch, rows) | {"advantages": torch.cat(advantages).to(batch["advantages"])}
    return kept | {"num_items_in_batch": loss_mask(kept).sum()}


def advantages_within(reward_K: Tensor, *, scale: bool) -> Tensor:
    """(K,) advantages of answers among themselves, as in TRL; 0 where there is no verdict (NaN)."""
    import torch

    seen_K = reward_K[~reward_K.isnan()]
    advantage_K = reward_K - (seen_K.mean() if len(seen_K) else 0.0)
    if scale:
        spread = seen_K.std() if len(seen_K) > 1 else torch.zeros(())
        advantage_K = advantage_K / (spread + 1e-4)
    return advantage_K.nan_to_num(0.0)


def groups_alike(batch: Batch, group: int) -> list[int]:
    """The groups whose answers all have advantage 0."""
    idle_G = (batch["advantages"].view(-1, group) == 0).all(1)
    return idle_G.nonzero().squeeze(1).tolist()  # type: ignore[no-any-return]  # a list of ints


def replace_groups(batch: Batch, more: Batch, dead: Sequence[int], group: int) -> Batch:
    """The batch with its dead groups replaced, as far as `more` has groups that are not dead."""
    whole = join(batch, more)
    alive_more = sorted(
        set(range(len(more["advantages"]) // group)) - set(groups_alike(more, group))
    )
    of_group = dict(enumerate(range(len(batch["advantages"]) // group)))
    for place, new in zip(dead, alive_more, strict=False):
        of_group[place] = len(of_group) + new
    rows = [first * group + row for first in of_group.values() for row in range(group)]
    chosen = select(whole, rows)
    return chosen | {"num_items_in_batch": loss_mask(chosen).sum()}


def join(first: Batch, second: Batch) -> Batch:
    """Two batches as one: prompts get padding on the left, everything else on the right."""
    import torch
    from torch.nn.functional import pad

    joined = {}
    for name, one in first.items():
        other = second[name]
        if not isinstance(one, torch.Tensor) or one.ndim == 0:
            joined[name] = one
            continue
        if one.ndim == 2:
            width = max(one.shape[1], other.shape[1])
            on_left = name.startswith("prompt")
            one, other = (
                pad(x, (width - x.shape[1], 0) if on_left else (0, width - x.shape[1]))
                for x in (one, other)
            )
        joined[name] = torch.cat([one, other])
    return joined
