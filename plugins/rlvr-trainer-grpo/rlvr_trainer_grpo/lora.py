"""LoRA: train a few small matrices beside the model's own, through peft."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

if TYPE_CHECKING:
    from peft import LoraConfig


@dataclass(frozen=True, kw_only=True)
class Lora:
    """The LoRA options of a trainer."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}  # `rlvr check` finds misspelt ones

    r: int = 16
    """Rank of the added matrices."""
    alpha: float = 32
    """The added part is scaled by `alpha / r`."""
    dropout: float = 0.0
    target_modules: str | Sequence[str] = "all-linear"
    """Names of the layers that get one; `all-linear` is every linear layer but the output."""
    save: Literal["merged", "adapter"] = "merged"
    """`merged` adds them to the model and saves a plain model; `adapter` saves them alone."""


def peft_config(lora: Lora | None) -> LoraConfig | None:
    """The options as peft's configuration; None stays None."""
    if lora is None:
        return None
    from peft import LoraConfig

    named = isinstance(lora.target_modules, str)
    return LoraConfig(
        r=lora.r,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules=lora.target_modules if named else list(lora.target_modules),
        task_type="CAUSAL_LM",
    )
