"""Which answers have a gradient, and how their loss is cut into parts without changing the sum.

TRL's loss of a batch is a sum over the tokens of its answers, divided by a number that is the same
for all of them. So the loss of some answers, as TRL gives it for them alone, times their share of
that number is exactly what they add to the loss of the whole batch.
"""

# ruff: noqa: N803, N806  # tensors carry their axes
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from torch import Tensor

Batch = dict[str, Any]
"""What TRL prepares for a loss: tensors of one row an answer, lists, and numbers of the batch."""

DIVISOR: Mapping[str, Literal["rows", "tokens", "whole batch"]] = {
    "grpo": "rows",
    "dr_grpo": "rows",
    "luspo": "rows",
    "sapo": "rows",
    "bnpo": "tokens",
    "dapo": "whole batch",
    "cispo": "whole batch",
    "vespo": "whole batch",
}
"""What TRL divides a loss by: the rows or tokens it is given, or a number that it is told."""

WHOLE_BATCH_OPTIONS = frozenset({"top_entropy_quantile", "entropy_coef", "use_adaptive_entropy"})
"""Options of TRL whose part of the loss depends on which answers are in a batch together."""


@dataclass(frozen=True)
class Part:
    """Some answers of a batch for one forward and backward pass."""

    batch: Batch
    share: float
    """TRL's loss of these answers times this is what they add to the loss of the whole batch."""
    tokens: int
    """Answer tokens that count in the loss."""


def loss_adds_up(model: Any, trl_options: Mapping[str, Any]) -> bool:
    """Whether the loss is a sum over answers: quantiles, entropy and routing of a batch are not."""
    mixes_experts = hasattr(model.config.get_text_config(), "output_router_logits")
    return not mixes_experts and not trl_options.keys() & WHOLE_BATCH_OPTIONS


def teaching_rows(batch: Batch, *, beta: float) -> Tensor:
    """(B,) True where an answer has a gradient: an advantage or a KL term, and a token in the loss.

    With `beta` above 0 an answer of advantage 0 is still drawn to the reference model.
    """
    advantage = batch["advantages"].reshape(len(batch["advantages"]), -1)
    counts_B = loss_mask(batch).any(1)
    return counts_B if beta else counts_B & (advantage != 0).any(1)


def loss_mask(batch: Batch) -> Tensor:
    """(B, T) 1 where a token counts in the loss."""
    mask_BT: Tensor = batch["completion_mask"]
    return mask_BT * batch["tool_mask"] if "tool_mask" in batch else mask_BT


def cut(
    batch: Batch,
    keep_B: Tensor,
    *,
    loss_type: str,
    most_rows: int,
    most_tokens: int | None = None,
    mean_tokens: float | None = None,
) -> list[Part]:
    """The rows to keep in parts of at most so many rows and tokens, like lengths side by side.

    Rows of one prompt stay together, so that they can share it; a row that is longer than
    `most_tokens` is a part of its own. Tokens are a part's rows times its longest row, prompt and
    answer, which bounds the memory with and without packing. `mean_tokens` are those of the loss in
    the batch of one process, the mean over all: the gradient is a mean over processes, and a loss
    that is divided by tokens must be divided by the same number in each of them.
    """
    mask_BT = loss_mask(batch)
    length_B = (batch["prompt_mask"].sum(1) + batch["completion_mask"].sum(1)).tolist()
    rows = keep_B.nonzero().squeeze(1).tolist()
    prompt_of = {row: tuple(batch["prompt_ids"][row].tolist()) for row in rows}
    longest: dict[tuple[int, ...], int] = {}
    for row in rows:
        longest[prompt_of[row]] = max(longest.get(prompt_of[row], 0), length_B[row])
    rows.sort(key=lambda row: (longest[prompt_of[row]], prompt_of[row], length_B[row]))
    whole_rows, whole_tokens = len(keep_B), int(mask_BT.sum())
    parts = []
    for some in _bundles(rows, length_B, most_rows=most_rows, most_tokens=most_tokens):
        tokens = int(mask_BT[some].sum())
        divisor = DIVISOR[loss_type]
        share = {
            "rows": len(some) / whole_rows,
            "tokens": tokens / max(1, mean_tokens or whole_tokens),
            "whole batch": 1.0,
        }[divisor]
        parts.append(Part(select(batch, some), share, tokens))
    return parts


def silent_part(batch: Batch) -> Part:
    """One token of the batch that adds nothing: for a process that must not stay away."""
    import torch

    mask_BT = torch.zeros_like(batch["completion_mask"])
    mask_BT[0, 0] = 1
    return Part(select(batch | {"completion_mask": mask_BT}, [0]), share=0.0, tokens=0)


def _bundles(
    rows: list[int], length_B: list[int], *, most_rows: int, most_tokens: int | None
) -> list[list[int]]:
    bundles: list[list[int]] = []
    longest = 0
    for row in rows:
        longest = max(longest, length_B[row])
        is_full = not bundles or len(bundles[-1]) == most_rows
        if is_full or (most_tokens and longest * (len(bundles[-1]) + 1) > most_tokens):
            bundles.append([])
            longest = length_B[row]
        bundles[-1].append(row)
    return bundles


def select(batch: Batch, rows: list[int]) -> Batch:
    """The batch with these rows alone, without the columns that are padding for all of them."""
    import torch

    size = len(batch["advantages"])

    def chosen(value: Any) -> Any:
        if isinstance(value, torch.Tensor):
            return value[rows] if value.ndim and len(value) == size else value
        return [value[row] for row in rows] if isinstance(value, list) else value

    some = {name: chosen(value) for name, value in batch.items()}
    answer_width = batch["completion_ids"].shape[1]
    longest = max(1, int(some["completion_mask"].sum(1).max()))
    padding = int((some["prompt_mask"].sum(0) == 0).sum())
    for name, value in some.items():
        if name in ("prompt_ids", "prompt_mask"):
            some[name] = value[:, padding:]
        elif isinstance(value, torch.Tensor) and value.ndim == 2 and value.shape[1] == answer_width:
            some[name] = value[:, :longest]
    return some
