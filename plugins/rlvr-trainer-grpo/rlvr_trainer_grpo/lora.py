"""LoRA: train a few small matrices beside the model's own, through peft."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
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

    def to_save(self, model: Any, weights: dict[str, Any] | None, folder: Path) -> Any:
        """What is saved of a model that was trained so.

        `weights` are all of them where each process holds a part; then merging needs the model as
        it was before, and `folder` for the adapter in between.
        """
        if self.save == "adapter":
            return model
        if weights is None:
            return model.merge_and_unload()
        from peft import AutoPeftModelForCausalLM

        model.save_pretrained(folder, state_dict=weights)
        merged = AutoPeftModelForCausalLM.from_pretrained(folder).merge_and_unload()
        for file in folder.glob("adapter_*"):
            file.unlink()
        return merged


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
