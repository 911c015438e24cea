"""How a step gets its answers: our decoding in place of `generate`, and pruning of what came.

Mixed into TRL's GRPOTrainer by `policy_trainer`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rlvr_trainer_grpo import world
from rlvr_trainer_grpo.accounts import Accounts
from rlvr_trainer_grpo.decoding import Sampling, decode
from rlvr_trainer_grpo.prompts import quick_batch_decode
from rlvr_trainer_grpo.pruning import Pruning, downsample, groups_alike, replace_groups
from rlvr_trainer_grpo.rehearsal import rehearsed_lengths
from rlvr_trainer_grpo.savings import Savings
from rlvr_trainer_grpo.selection import Selection
from rlvr_trainer_grpo.settled import completed, undecided_first
from rlvr_trainer_grpo.teaching import Batch, loss_mask

if TYPE_CHECKING:
    from torch import Tensor
    from trl import GRPOTrainer
else:
    GRPOTrainer = object  # `policy_trainer` mixes the real one in: trl loads when it is needed


class FrugalSampling(GRPOTrainer):  # type: ignore[misc]  # trl has no types
    """Samples with `savings`, and prunes as far as `pruning` says."""

    savings: Savings
    pruning: Pruning
    accounts: Accounts
    cut_at_stop: Callable[[list[int]], list[int]]
    watch: Callable[[int, Sequence[dict[str, Any]]], Callable[..., None] | None] | None
    """Whom to tell of answers that have ended while others are being written; see `Judge.watch`."""
    other_tasks: Callable[[int, int, int], list[dict[str, Any]]] | None
    """Rows of so many tasks for a step and a round of it."""
    selection: Selection | None
    task_rows: Sequence[dict[str, Any]]
    """A row for each task of the job, in order."""
    leaves_one_out: bool
    model_can_pack: bool
    """Whether the model's attention and cache are of the plain kind."""
    sampled_entropy: float | None = None
    """Mean over all answers of the step, in nats."""
    entropies: list[tuple[float, int]]
    """Of each batch that was decoded for the step: the mean, and over how many tokens."""
    rewards: Tensor
    num_generations: int
    rows: list[dict[str, Any]]
    """The rows of the dataset that are being answered."""
    groups_begun: tuple[int, int] = (-1, 0)
    """The step, and its groups, of all processes, that have been asked for."""

    def _generate_single_turn(
        self, prompt_ids: Sequence[Sequence[int]], *multimodal: Any, **settings: Any
    ) -> tuple[list[list[int]], list[list[float]] | None]:
        """Token ids of one answer a prompt; what comes after a stop string is cut off."""
        with self.accounts.phase("generate"):
            if self._decodes_itself(*multimodal):
                answers, logprobs = self._decode(prompt_ids), None
            else:
                plain = super()._generate_single_turn
                answers, logprobs = plain(prompt_ids, *multimodal, **settings)
        self.accounts.count(generated=sum(map(len, answers)))
        cut_ids = [self.cut_at_stop(ids) for ids in answers]
        if logprobs is not None:
            logprobs = [row[: len(ids)] for row, ids in zip(logprobs, cut_ids, strict=True)]
        return cut_ids, logprobs

    def _tokenize_prompts(self, prompts: list[Any]) -> Any:
        """TRL's, for each text once: a group shares its prompt."""
        unique = list(dict.fromkeys(prompts)) if isinstance(prompts[0], str) else prompts
        if not self.savings.shared_prompts or len(unique) == len(prompts):
            return super()._tokenize_prompts(prompts)
        ids, *others = super()._tokenize_prompts(unique)
        of_text = dict(zip(unique, ids, strict=True))
        return [list(of_text[prompt]) for prompt in prompts], *others

    def _generate(self, prompts: list[Any]) -> Any:
        """TRL's, whose texts come straight from the tokenizer's library."""
        with quick_batch_decode(self.processing_class):
            return super()._generate(prompts)

    def _decodes_itself(self, images: Any, multimodal_fields: Any, *_: Any) -> bool:
        args = self.args
        return (
            (self.savings.shared_prompts or self.savings.finished_rows)
            and images is None
            and not multimodal_fields
            and not (args.use_vllm or args.use_transformers_continuous_batching)
            and args.repetition_penalty == 1.0
            and not args.generation_kwargs
            and args.cache_implementation is None
            and self.model_can_pack
            and not world.is_sharded(self.accelerator)
        )

    def _decode(self, prompt_ids: Sequence[Sequence[int]]) -> list[list[int]]:
        import torch

        how = Sampling(
            max_new_tokens=self.args.max_completion_length,
            ends=self.eos_token_ids,
            temperature=self.args.temperature,
            top_k=self.args.top_k or 0,
            top_p=self.args.top_p,
            min_p=self.args.min_p,
            lengths=rehearsed_lengths(len(prompt_ids)),
        )
        computes = torch.inference_mode(), self.accelerator.autocast()
        model = self._bare_model()
        with evaluating(model), computes[0], computes[1]:
            answers = decode(
                model,
                prompt_ids,
                how,
                share_prompts=self.savings.shared_prompts,
                drop_finished=self.savings.finished_rows,
                on_finished=self._watcher(len(prompt_ids)),
            )
        self.entropies.append((answers.entropy, sum(map(len, answers.ids))))
        self.accounts.count(
            computed__generate=answers.decoded_slots + answers.prompt_tokens,
            saved__finished_rows=answers.plain_slots - answers.decoded_slots,
            saved__sampled_prompts=answers.plain_prompt_tokens - answers.prompt_tokens,
        )
        return answers.ids

    def _watcher(self, answers: int) -> Callable[[Mapping[int, list[int]]], None] | None:
        """Whom to tell of finished answers, one to each of `rows`; None if nobody listens.

        Among several processes nobody does: the one that judges has not the others' answers yet.
        """
        if self.watch is None or answers != len(self.rows) or world.is_shared():
            return None
        tell = self.watch(self.state.global_step + 1, self.rows)
        if tell is None:
            return None
        return lambda ended: tell({row: self.cut_at_stop(ids) for row, ids in ended.items()})

    def _calculate_rewards(self, *args: Any, **settings: Any) -> Tensor:
        self.rewards = super()._calculate_rewards(*args, **settings)
        return self.rewards

    def _answered(self, rows: Sequence[dict[str, Any]]) -> Batch:
        """TRL's batch of these rows answered and judged, with all rewards as "reward"."""
        group, first = self.num_generations, self.pruning.first_answers
        count = len(rows) // group
        step, begun = self.groups_begun
        begun = begun if step == self.state.global_step else 0
        self.groups_begun = (self.state.global_step, begun + count * world.size())
        begun += world.rank() * count
        places = [(begun + row // group, row % group) for row in range(len(rows))]
        if not first:
            return self._answered_once(rows, places)
        batch = self._some_answers(rows, places, range(first))
        order, undecided = undecided_first(batch["reward"][:, 0], first)
        most = max(world.gather(undecided))  # each process asks for as many: TRL wants it so
        asked = sorted(order[:most])
        kept = [number * group + row for number in asked for row in range(group)]
        some_rows, some_places = [rows[row] for row in kept], [places[row] for row in kept]
        late = self._some_answers(some_rows, some_places, range(first, group)) if kept else None
        mean_tokens = int(loss_mask(batch).sum()) / (count * first)
        self.accounts.count(settled=round(mean_tokens * (count - len(asked)) * (group - first)))
        scale = self.scale_rewards == "group"
        return completed(batch, late, asked, group=group, first=first, scale=scale)

    def _some_answers(
        self, rows: Sequence[dict[str, Any]], places: Sequence[tuple[int, int]], numbers: range
    ) -> Batch:
        """The answers of each group that have these numbers."""
        group = self.num_generations
        chosen = [row for row in range(len(rows)) if row % group in numbers]
        self.num_generations = len(numbers)
        try:
            return self._answered_once([rows[n] for n in chosen], [places[n] for n in chosen])
        finally:
            self.num_generations = group

    def _answered_once(
        self, rows: Sequence[dict[str, Any]], places: Sequence[tuple[int, int]]
    ) -> Batch:
        self.rows = [{**row, "place": place} for row, place in zip(rows, places, strict=True)]
        batch: Batch = super()._generate_and_score_completions(self.rows)
        return {"reward": world.own(self.rewards), **batch}

    def _generate_and_score_completions(self, inputs: list[dict[str, Any]]) -> Batch:
        """TRL's batch, pruned as far as that was asked for."""
        self.entropies = []
        batch = self._pruned(inputs)
        means = [pair for some in world.gather(self.entropies) for pair in some]
        tokens = sum(count for _, count in means)
        total = sum(entropy * count for entropy, count in means)
        self.sampled_entropy = total / tokens if tokens else None
        return batch

    def _pruned(self, inputs: list[dict[str, Any]]) -> Batch:
        if self.selection is not None:
            inputs = self._selected(len(inputs))
        batch, group = self._answered(inputs), self.num_generations
        if self.selection is not None:
            values = batch["reward"][:, 0].tolist()
            outcomes = [(row["task_index"], v) for row, v in zip(inputs, values, strict=True)]
            of_all = [outcome for some in world.gather(outcomes) for outcome in some]
            self.selection.learn(*zip(*of_all, strict=True))
        for number in range(self.pruning.resample_rounds):
            dead = groups_alike(batch, group)
            most = max(world.gather(len(dead)))  # each process draws as many: TRL wants it so
            if not most or self.other_tasks is None:
                break
            others = self.other_tasks(self.state.global_step, number, most * world.size())
            rows = [task for task in world.own(others) for _ in range(group)]
            more = self._answered(rows)
            batch = replace_groups(batch, more, dead, group)
            self.accounts.count(resampled=int(loss_mask(more).sum()))
        rewards = batch.pop("reward")
        if self.pruning.keep_answers:
            before = int(loss_mask(batch).sum())
            batch = downsample(
                batch,
                rewards[:, 0],
                group=group,
                keep=self.pruning.keep_answers,
                scale=self.scale_rewards == "group",
            )
            self.accounts.count(pruned=before - int(loss_mask(batch).sum()))
        if self.pruning.changes_batches():
            batch["num_items_in_batch"] = self.accelerator.gather(loss_mask(batch).sum()).sum()
        if self.leaves_one_out:
            # r - mean of the others = (r - mean of all) * G / (G - 1)
            size = self.pruning.keep_answers or group
            batch["advantages"] = batch["advantages"] * (size / (size - 1))
        return batch

    def _selected(self, rows: int) -> list[dict[str, Any]]:
        """As many rows of chosen tasks in place of those whose turn it was."""
        assert self.selection is not None  # for the type checker
        count = rows // self.num_generations * world.size()
        places = world.own(self.selection.choose(self.state.global_step, count))
        chosen = [self.task_rows[place] for place in places]
        return [task for task in chosen for _ in range(self.num_generations)]

    def _bare_model(self) -> Any:
        return self.accelerator.unwrap_model(self.model)

    def get_train_dataloader(self) -> Any:
        """TRL's, which need not look for tensors to move: its rows are texts and numbers."""
        loader = super().get_train_dataloader()
        loader.device = None
        return loader


@contextmanager
def evaluating(model: Any) -> Iterator[None]:
    """Without dropout while the `with` lasts: answers come from the policy itself."""
    before = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(before)
