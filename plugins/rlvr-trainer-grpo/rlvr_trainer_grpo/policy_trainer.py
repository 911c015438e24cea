"""TRL's GRPOTrainer without the work that changes nothing.

TRL makes the batch, the advantages and the loss of some answers. Here is what lies between: how
answers are sampled, which of them are trained on, and in what pieces.

    training_step      one TRL batch; when memory runs out, again in smaller parts
      _prepare_inputs    TRL: sample, judge, advantages
        _generate_single_turn   our decoding, cut at stop strings
      compute_loss       the answers that teach, in parts: forward and backward of each
        _compute_loss      TRL: the loss of a part
          _get_per_token_logps_and_entropies   packed, without padding
"""

# ruff: noqa: N806  # tensors carry their axes
from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from statistics import fmean
from typing import TYPE_CHECKING, Any

from rlvr_trainer_grpo import world
from rlvr_trainer_grpo.accounts import Accounts
from rlvr_trainer_grpo.failures import is_out_of_memory, no_number
from rlvr_trainer_grpo.packing import can_pack, log_probs_and_entropy, pack, packed_attention
from rlvr_trainer_grpo.policy_sampling import FrugalSampling, evaluating
from rlvr_trainer_grpo.pruning import Pruning
from rlvr_trainer_grpo.savings import Savings
from rlvr_trainer_grpo.selection import Selection
from rlvr_trainer_grpo.teaching import Batch, Part, cut, loss_mask, silent_part, teaching_rows

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel

TEXT_SETTINGS = frozenset({"batch_size", "compute_entropy", "compute_aux_loss"})
"""What TRL asks a model for besides images."""


class FrugalTraining(FrugalSampling):
    """What GRPOTrainer does, with `savings`; see the top of this file."""

    rows_at_once: int
    tokens_at_once: int | None
    loss_adds_up: bool
    is_packed: bool | None = None
    """Whether answers are packed; None until the first batch has shown that it changes nothing."""
    prepared: Batch | None = None
    """The batch of the step that is running."""
    before_shuffling: Tensor | None = None
    """Where torch's generator stood after new answers were sampled."""

    def training_step(self, model: Any, inputs: Any, num_items_in_batch: Any = None) -> Any:
        """One batch of TRL; if memory runs out, again with half as many answers at once.

        Raises:
            RunError: the loss is not a number.
        """
        with self.accounts.phase("train"):
            while True:
                try:
                    loss = super().training_step(model, inputs, num_items_in_batch)
                except (RuntimeError, MemoryError) as error:
                    if not (is_out_of_memory(error) and self._halve_parts(model)):
                        raise
                else:
                    self.prepared = None
                    return loss

    def _halve_parts(self, model: Any) -> bool:
        """Train on half as many answers at once from now on; False if that can't help."""
        if self.prepared is None or not self.loss_adds_up or self.rows_at_once == 1:
            return False
        if world.is_shared():  # the others can't be called back to the start of the step
            return False
        rows = min(self.rows_at_once, len(self.prepared["advantages"]))
        self.rows_at_once = math.ceil(rows / 2)
        model.zero_grad()  # what the parts before had left; accumulation is ours, so it is all
        self._metrics["train"]["rows_at_once"] = [float(self.rows_at_once)]
        return True

    def _prepare_inputs(self, generation_batch: Any) -> Batch:
        """TRL's batch; a step that is tried again keeps its answers and their verdicts."""
        if self.prepared is None:
            self.before_shuffling = None
            self.prepared = super()._prepare_inputs(generation_batch)
            if self.before_shuffling is not None and world.is_shared():
                _shuffled(self.before_shuffling, len(generation_batch) * world.size())
        return self.prepared

    def _generate_and_score_completions(self, inputs: list[dict[str, Any]]) -> Batch:
        import torch

        batch = super()._generate_and_score_completions(inputs)
        self.before_shuffling = torch.get_rng_state()
        return batch

    def compute_loss(
        self,
        model: Any,
        inputs: Batch,
        return_outputs: bool = False,  # noqa: ARG002  # the name is transformers'
        num_items_in_batch: Any = None,  # noqa: ARG002  # and this one; TRL reads neither
    ) -> Any:
        """The loss of the batch. All parts but the last have had their backward pass already."""
        parts = self._parts(inputs)
        if world.is_shared():
            parts += [silent_part(inputs)] * self._missing_parts(parts)
        if not parts:
            return self._nothing_to_learn(model)
        *earlier, last = parts
        done: Any = 0.0
        with self._means_over_parts(parts), self._by_itself():
            for part in earlier:
                with self.accelerator.no_sync(model):
                    loss = self._loss(model, part)
                    self.accelerator.backward(loss)
                done += loss.detach()
            loss = self._loss(model, last)
        self._keep_sampled_entropy()
        return loss + done  # what was done has no gradient left: it counts in the log alone

    def _loss(self, model: Any, part: Part) -> Tensor:
        """TRL's loss of a part, as much of it as the part has in the whole batch."""
        loss: Tensor = self._compute_loss(model, part.batch) * part.share
        if not math.isfinite(float(loss.detach())):
            raise no_number(self, model, part.batch)
        self.accounts.count(trained=part.tokens)
        return loss

    def _parts(self, batch: Batch) -> list[Part]:
        """What is trained on, in pieces; an empty list if no answer teaches anything."""
        import torch

        if not self.loss_adds_up:
            return [Part(batch, 1.0, int(loss_mask(batch).sum()))]
        teaches_B = torch.ones(len(batch["advantages"]), dtype=torch.bool)
        if self.savings.idle_rows:
            teaches_B = teaching_rows(batch, beta=self.beta).cpu()
        parts = cut(
            batch,
            teaches_B,
            loss_type=self.loss_type,
            most_rows=self.rows_at_once,
            most_tokens=self.tokens_at_once,
            mean_tokens=fmean(world.gather(int(loss_mask(batch).sum()))),
        )

        def slots(some: Batch) -> int:
            return int(some["prompt_ids"].numel() + some["completion_ids"].numel())

        width = slots(batch) // len(teaches_B)
        kept, idle = int(teaches_B.sum()), int((~teaches_B).sum())
        trimmed = width * kept - sum(slots(part.batch) for part in parts)
        self.accounts.count(saved__idle_rows=width * idle, saved__padding=trimmed)
        return parts

    def _nothing_to_learn(self, model: Any) -> Any:
        """A loss of 0 whose gradient is 0, not missing: the optimizer's momentum goes on."""
        self._keep_sampled_entropy()
        self._metrics["train"]["clip_ratio/region_mean"].append(0.0)
        return sum((p * 0).sum() for p in model.parameters() if p.requires_grad)

    def _missing_parts(self, parts: Sequence[Part]) -> int:
        """Silent parts that this process needs: at least one part is where gradients are summed.

        Where the model is sharded, each process takes part in each forward pass of the others.
        """
        fewest = max(world.gather(len(parts))) if world.is_sharded(self.accelerator) else 0
        return max(1, fewest) - len(parts)

    @contextmanager
    def _by_itself(self) -> Iterator[None]:
        """TRL gathers its numbers within a loss, which would make all processes wait at each part.

        Within the `with` it hears of this process alone; `_means_over_parts` puts them together.
        """
        accelerator = self.accelerator
        if not world.is_shared() or not self.loss_adds_up:
            yield
            return
        accelerator.gather = lambda value: value
        accelerator.reduce = lambda value, **_: value
        try:
            yield
        finally:
            del accelerator.gather, accelerator.reduce

    @contextmanager
    def _means_over_parts(self, parts: Sequence[Part]) -> Iterator[None]:
        """TRL notes its numbers for every part: make that one number, the mean over the tokens."""
        noted: defaultdict[str, list[float]] = self._metrics["train"]
        before = {name: len(values) for name, values in noted.items()}
        yield
        weights = [part.tokens for part in parts]
        own = {
            name: [(v, w) for v, w in zip(new, weights, strict=True) if not math.isnan(v)]
            for name, values in noted.items()
            if len(new := values[before.get(name, 0) :]) == len(parts)
        }
        of_all = world.gather((own, sum(weights)))
        nothing = 0.0 if not any(tokens for _, tokens in of_all) else math.nan
        for name in own:
            pairs = [pair for one, _ in of_all for pair in one.get(name, ())]
            total = sum(weight for _, weight in pairs)
            mean = sum(value * weight for value, weight in pairs) / total if total else nothing
            noted[name][before.get(name, 0) :] = [mean]

    def _keep_sampled_entropy(self) -> None:
        """The entropy over all answers, as sampled: TRL's is over those that were trained on."""
        if self.sampled_entropy is not None:
            self._metrics["train"]["entropy"] = [self.sampled_entropy]

    def _get_per_token_logps_and_entropies(
        self,
        model: Any,
        input_ids: Tensor,
        attention_mask: Tensor,
        logits_to_keep: int,
        *args: Any,
        **settings: Any,
    ) -> Any:
        """(B, T) log-probabilities and entropies of the answers, and no routing loss."""
        import torch

        rows = (input_ids, attention_mask, logits_to_keep)
        plain = super()._get_per_token_logps_and_entropies
        is_text = not settings.get("compute_aux_loss") and all(
            value is None for name, value in settings.items() if name not in TEXT_SETTINGS
        )
        if is_text and self.is_packed is None:
            self.is_packed = self._agrees_when_packed(model, plain, *rows)
        if not (is_text and self.is_packed):
            if torch.is_grad_enabled():
                self.accounts.count(computed__train=input_ids.numel())
            return plain(model, *rows, *args, **settings)
        # One pass with gradients: `cut` has made it small enough. Without them, part by part.
        at_once = len(input_ids) if torch.is_grad_enabled() else self.rows_at_once
        parts = [
            self._packed(
                model, input_ids[start:][:at_once], attention_mask[start:][:at_once], logits_to_keep
            )
            for start in range(0, len(input_ids), at_once)
        ]
        entropies = [entropy for _, entropy in parts if entropy is not None]
        return (
            torch.cat([logp for logp, _ in parts]),
            torch.cat(entropies) if settings.get("compute_entropy") else None,
            None,
        )

    def _packed(
        self, model: Any, input_ids: Tensor, attention_mask: Tensor, logits_to_keep: int
    ) -> tuple[Tensor, Tensor | None]:
        answer_mask = attention_mask[:, -logits_to_keep:]
        packed = pack(
            input_ids[:, :-logits_to_keep],
            attention_mask[:, :-logits_to_keep],
            input_ids[:, -logits_to_keep:],
            answer_mask,
            share_prompts=self.savings.shared_prompts,
        )
        import torch

        if torch.is_grad_enabled():
            computed, real = len(packed.token_N), int(attention_mask.sum())
            self.accounts.count(
                computed__train=computed,
                saved__shared_prompts=real - computed,
                saved__padding=input_ids.numel() - real,
            )
        with self.accelerator.autocast():
            return log_probs_and_entropy(model, packed, answer_mask)

    def _agrees_when_packed(
        self,
        model: Any,
        plain: Callable[..., Any],
        input_ids: Tensor,
        attention_mask: Tensor,
        logits_to_keep: int,
    ) -> bool:
        """Whether an answer has the same log-probabilities packed, beside itself, as alone.

        Asked once, so that a model whose layers look at their neighbours trains as before.
        """
        import torch

        if not (self.savings.packing and self.model_can_pack):
            return False
        padding = int((attention_mask[0, :-logits_to_keep] == 0).sum())
        ids, mask = input_ids[:1, padding:], attention_mask[:1, padding:]
        with torch.no_grad(), evaluating(model):
            expected, _, _ = plain(model, ids, mask, logits_to_keep)
            twice, _ = self._packed(model, ids.repeat(2, 1), mask.repeat(2, 1), logits_to_keep)
        lowest = torch.bfloat16 if self.args.bf16 else self._bare_model().dtype
        difference = (twice - expected).abs() * mask[:, -logits_to_keep:]
        return bool(difference.max() < math.sqrt(torch.finfo(lowest).eps))


def _shuffled(before: Tensor, rows: int) -> None:
    """Leave torch's generator where shuffling the rows of all processes at once would.

    TRL shuffles those of each process; their generators would no longer be one process's.
    """
    import torch

    torch.set_rng_state(before)
    torch.randperm(rows)


def policy_trainer(
    model: PreTrainedModel,
    savings: Savings,
    *,
    rows_at_once: int,
    tokens_at_once: int | None,
    loss_adds_up: bool,
    cut_at_stop: Callable[[list[int]], list[int]],
    accounts: Accounts,
    pruning: Pruning | None = None,
    watch: Callable[[int, Sequence[dict[str, Any]]], Callable[..., None] | None] | None = None,
    other_tasks: Callable[[int, int, int], list[dict[str, Any]]] | None = None,
    selection: Selection | None = None,
    task_rows: Sequence[dict[str, Any]] = (),
    leaves_one_out: bool = False,
    **settings: Any,
) -> Any:
    """A GRPOTrainer with these savings; `settings` are TRL's."""
    from trl import GRPOTrainer

    class PolicyTrainer(FrugalTraining, GRPOTrainer):  # type: ignore[misc]  # no types
        """The mixture: what is frugal comes first."""

        _name = "GRPO"

        def train(self, *args: Any, **kwargs: Any) -> Any:
            """Train with an attention that understands packed rows.

            TRL gave each process random numbers of its own. Where `decode` takes its part of those
            of all, they start from the same place, so that answers are those of one process.
            """
            import torch

            if world.is_shared() and self._decodes_itself(None, None):
                torch.set_rng_state(world.share(torch.get_rng_state()))
            references = [] if self.ref_model is None else [self.ref_model]
            with ExitStack() as stack:
                for one in [self._bare_model(), *references] if self.model_can_pack else []:
                    stack.enter_context(packed_attention(one))
                return super().train(*args, **kwargs)

    trainer = PolicyTrainer(model=model, **settings)
    trainer.savings = savings
    trainer.rows_at_once = rows_at_once
    trainer.tokens_at_once = tokens_at_once
    trainer.loss_adds_up = loss_adds_up
    trainer.accounts = accounts
    trainer.pruning = pruning or Pruning()
    trainer.watch = watch
    trainer.other_tasks = other_tasks
    trainer.selection, trainer.task_rows = selection, task_rows
    trainer.leaves_one_out = leaves_one_out
    trainer.cut_at_stop = cut_at_stop
    trainer.model_can_pack = can_pack(model)
    return trainer
