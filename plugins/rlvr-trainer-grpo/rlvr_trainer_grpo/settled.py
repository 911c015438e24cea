"""Groups whose first answers are all worth the same are settled: no more answers are asked for.

The rest of the batch is as long as ever: in place of an answer that nobody gave stands a row
without tokens, without a reward and with advantage 0, which costs nothing and teaches nothing.
"""
# ruff: noqa: N803, N806  # tensors carry their axes

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rlvr_trainer_grpo.pruning import advantages_within, join
from rlvr_trainer_grpo.teaching import Batch, loss_mask, select

if TYPE_CHECKING:
    from torch import Tensor


def undecided_first(reward_B: Tensor, first: int) -> tuple[list[int], int]:
    """The groups, those to go on with in front, and how many these are.

    `reward_B` has the rewards of `first` answers of each group, NaN without a verdict. A group with
    fewer than two verdicts has not shown anything yet: it is undecided.
    """
    undecided: list[int] = []
    settled: list[int] = []
    for number, values in enumerate(reward_B.view(-1, first).unbind()):
        known = values[~values.isnan()]
        alike = len(known) > 1 and bool((known == known[0]).all())
        (settled if alike else undecided).append(number)
    return [*undecided, *settled], len(undecided)


def completed(
    early: Batch, late: Batch | None, asked: Sequence[int], *, group: int, first: int, scale: bool
) -> Batch:
    """Whole groups out of the first answers of all and the late ones of the groups in `asked`.

    Both batches have (B, 1) rewards under "reward". `late` has the groups of `asked` in ascending
    order. Advantages are made anew, divided by a group's deviation if `scale`.
    """
    import torch

    late_count = group - first
    early_rows = len(early["advantages"])
    late_start = {
        number: early_rows + place * late_count for place, number in enumerate(sorted(asked))
    }
    rows: list[int] = []
    blank: list[int] = []
    for number in range(early_rows // first):
        rows += range(number * first, (number + 1) * first)
        start = late_start.get(number)
        if start is None:
            blank += range(len(rows), len(rows) + late_count)
            rows += [number * first] * late_count
        else:
            rows += range(start, start + late_count)
    whole = select(early if late is None else join(early, late), rows)
    mask_BT, reward_B1 = whole["completion_mask"].clone(), whole["reward"].clone()
    mask_BT[blank] = 0
    reward_B1[blank] = torch.nan
    advantages = [
        advantages_within(reward_K, scale=scale) for reward_K in reward_B1[:, 0].view(-1, group)
    ]
    whole |= {
        "completion_mask": mask_BT,
        "reward": reward_B1,
        "advantages": torch.cat(advantages).to(early["advantages"]),
    }
    return whole | {"num_items_in_batch": loss_mask(whole).sum()}
