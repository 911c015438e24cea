"""What goes wrong in a step: memory that runs out, and a loss that is not a number."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from rlvr_ops_core import RunError
from rlvr_trainer_grpo.teaching import Batch, select

ROWS_SHOWN = 3


def is_out_of_memory(error: BaseException) -> bool:
    """Whether a GPU or the machine has no memory left."""
    import torch

    cpu_says = "can't allocate memory"
    return isinstance(error, (torch.OutOfMemoryError, MemoryError)) or cpu_says in str(error)


def no_number(trainer: Any, model: Any, batch: Batch) -> RunError:
    """The error for a loss that is NaN or infinite, with the answers that made it.

    All of them are written to a file beside the checkpoints.
    """
    import torch

    rows = range(len(batch["advantages"]))
    with torch.no_grad():
        alone = {row: trainer._compute_loss(model, select(batch, [row])) for row in rows}
    guilty = [row for row, loss in alone.items() if not math.isfinite(float(loss))] or list(rows)
    told = [_row(trainer, batch, row) for row in guilty]
    step = trainer.state.global_step + 1
    file = Path(trainer.args.output_dir) / f"not_a_number-step_{step}.jsonl"
    file.parent.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps(one, ensure_ascii=False) for one in told]
    file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return RunError(
        f"step {step}: the loss is not a number, because of {len(told)} answers; "
        f"they are in {file}",
        hint="\n".join([*lines[:ROWS_SHOWN], "take a lower learning_rate or max_grad_norm"]),
    )


def _row(trainer: Any, batch: Batch, row: int) -> dict[str, Any]:
    def text(name: str) -> str:
        ids = batch[f"{name}_ids"][row][batch[f"{name}_mask"][row].bool()]
        return str(trainer.processing_class.decode(ids))

    return {
        "prompt": text("prompt"),
        "completion": text("completion"),
        "advantage": repr(batch["advantages"][row].tolist()),
    }
