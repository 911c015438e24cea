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
    """The groups of `first` answers each, those to go on with in front, and how many these are.

    A group with fewer than two verdicts has not shown anything yet: it is undecided.
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

    Both batches have their rewards under "reward". Advantages are made anew from them.
    """
    import torch

    late_count = group - first
    early_rows = len(early["advantages"])
    rows: list[int] = []
    blank: list[bool] = []
    for number in range(early_rows // first):
        own = list(range(number * first, (number + 1) * first))
        if number in asked:
            start = early_rows + asked.index(number) * late_count
            others = list(range(start, start + late_count))
        else:
            others = [own[0]] * late_count
        rows += own + others
        blank += [False] * first + [number not in asked] * late_count
    blank_B = torch.tensor(blank)
    whole = select(early if late is None else join(early, late), rows)
    is_blank = blank_B.to(whole["completion_mask"].device)
    whole["completion_mask"] = whole["completion_mask"].masked_fill(is_blank[:, None], 0)
    reward_B = whole["reward"].clone()
    reward_B[blank_B.to(reward_B.device)] = torch.nan
    advantage_GK = [
        advantages_within(values, scale=scale) for values in reward_B[:, 0].view(-1, group)
    ]
    whole |= {"reward": reward_B, "advantages": torch.cat(advantage_GK).to(early["advantages"])}
    return whole | {"num_items_in_batch": loss_mask(whole).sum()}
