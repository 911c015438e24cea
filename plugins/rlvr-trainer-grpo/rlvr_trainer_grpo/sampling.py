"""`grpo/sample`: let a model answer tasks, for evaluation."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Any

from rlvr_ops_core import BoundEnvironment, OptionError, Sample, Task
from rlvr_trainer_grpo.conversations import converse
from rlvr_trainer_grpo.decoding import Sampling, decode
from rlvr_trainer_grpo.models import Dtype, load_model, load_tokenizer, weight_dtype
from rlvr_trainer_grpo.packing import can_pack
from rlvr_trainer_grpo.prompts import (
    cut_ids_at_stop,
    encode_prompt,
    end_ids,
    is_chat,
    stop_token_ids,
)
from rlvr_trainer_grpo.quiet import cpu_threads, quiet
from rlvr_trainer_grpo.rehearsal import rehearsed_lengths
from rlvr_trainer_grpo.turns import Wording

if TYPE_CHECKING:
    from transformers import GenerationConfig, PreTrainedModel


def sample(
    model: str,
    tasks: Iterable[Task],
    *,
    samples: int,
    seed: int,
    max_new_tokens: int = 256,
    temperature: float = 1.0,
    top_p: float = 1.0,
    top_k: int = 0,
    batch_size: int = 64,
    stop: Sequence[str] = (),
    chat_template_kwargs: Mapping[str, Any] | None = None,
    dtype: Dtype = "auto",
    threads: int | None = None,
    environment: BoundEnvironment | None = None,
) -> Iterator[list[Sample]]:
    """Yield `samples` answers a task, in the order of the tasks, as they come.

    The same arguments give the same answers on one machine; nothing of the model's own generation
    settings is used but its end-of-sequence tokens.

    Args:
        model: hub id, folder or GGUF file.
        tasks: read as they are needed.
        samples: answers a task.
        seed: of the sampling.
        max_new_tokens: an answer is cut off here; its `finish` is then `length`.
        temperature: 0 takes the likeliest token each time, and then `samples` must be 1.
        top_p: sample from the likeliest tokens that together have this probability.
        top_k: sample from this many likeliest tokens; 0 from all.
        batch_size: answers that are sampled side by side.
        stop: an answer ends before the first of these strings.
        chat_template_kwargs: values for the chat template.
        dtype: type of the weights; `auto` is bfloat16 on a GPU that knows it, else float32.
        threads: CPU threads; 1 is best for a small model beside other work.
        environment: what answers are given to; the samples are then whole conversations.

    Raises:
        OptionError: several greedy answers are asked for.
        ModelError: the model can't be loaded.
    """
    if temperature < 0 or samples < 1:
        raise OptionError(f"temperature {temperature} and samples {samples} make no answers")
    if temperature == 0 and samples != 1:
        raise OptionError(
            f"samples: {samples} greedy answers (temperature 0) would all be the same",
            hint="write samples: 1, or a temperature above 0",
        )
    import torch

    tokenizer = load_tokenizer(model)
    loaded = load_model(model, dtype=weight_dtype(dtype, training=False))
    loaded.to("cuda" if torch.cuda.is_available() else "cpu").eval()
    ends = end_ids(loaded, tokenizer)
    how = Sampling(
        max_new_tokens=max_new_tokens,
        ends=ends | set(stop_token_ids(tokenizer, stop)),
        temperature=temperature,
        top_k=top_k,
        top_p=top_p,
    )
    loaded.generation_config = _config(how, pad_token_id=tokenizer.pad_token_id)
    wording = Wording(
        tokenizer=tokenizer,
        ends=ends,
        stop=tuple(stop),
        template_options=chat_template_kwargs or {},
    )
    generator = _Generator(loaded, wording, how, environment)
    seeds = random.Random(seed)
    remaining = iter(tasks)
    while batch := list(islice(remaining, max(1, batch_size // samples))):
        with quiet(), cpu_threads(threads):
            answers = generator.answer(batch, samples, seed=seeds.getrandbits(63))
        yield from answers


def _config(how: Sampling, *, pad_token_id: int | None) -> GenerationConfig:
    """For models that our own decoding does not know."""
    from transformers import GenerationConfig

    chance: dict[str, Any] = {"do_sample": False}
    if how.temperature:
        chance = {"do_sample": True, "temperature": how.temperature}
        chance |= {"top_p": how.top_p, "top_k": how.top_k}
    return GenerationConfig(
        max_new_tokens=how.max_new_tokens,
        eos_token_id=sorted(how.ends),
        pad_token_id=pad_token_id,
        **chance,
    )


@dataclass(frozen=True)
class _Generator:
    """A loaded model with the settings of its answers."""

    model: PreTrainedModel
    wording: Wording
    how: Sampling
    environment: BoundEnvironment | None = None

    def answer(self, tasks: Sequence[Task], samples: int, *, seed: int) -> list[list[Sample]]:
        """The answers of one batch, a list for each task."""
        if self.environment is not None:
            return self._converse(tasks, samples, self.environment, seed=seed)
        wording = self.wording
        prompts = [encode_prompt(wording.tokenizer, t, wording.template_options) for t in tasks]
        with self._chances(seed):
            rows = iter(self._answer(prompts, samples))
        return [
            [self._sample(task, next(rows), index) for index in range(samples)] for task in tasks
        ]

    def _converse(
        self, tasks: Sequence[Task], samples: int, environment: BoundEnvironment, *, seed: int
    ) -> list[list[Sample]]:
        """Conversations with an environment, all of a batch side by side."""

        def generate(contexts: list[list[int]]) -> tuple[list[list[int]], None]:
            rows = self._answer(contexts, 1)
            stop = self.wording.stop
            return [cut_ids_at_stop(self.wording.tokenizer, ids, stop)[0] for ids in rows], None

        with self._chances(seed):
            talks = converse(
                [task for task in tasks for _ in range(samples)],
                environment.play,
                max_turns=environment.max_turns,
                wording=self.wording,
                generate=generate,
                context=getattr(self.model.config, "max_position_embeddings", None),
                max_new_tokens=self.how.max_new_tokens,
            )
        rows = iter(talks)
        return [
            [next(rows).sample(group=task.id, index=index) for index in range(samples)]
            for task in tasks
        ]

    def _answer(self, prompts: list[list[int]], samples: int) -> list[list[int]]:
        """Token ids of every answer, those of one prompt side by side."""
        decodes = can_pack(self.model)
        return self._decode(prompts, samples) if decodes else self._generate(prompts, samples)

    @contextmanager
    def _chances(self, seed: int) -> Iterator[None]:
        import torch

        with torch.random.fork_rng(), torch.inference_mode():
            torch.manual_seed(seed)
            yield

    def _decode(self, prompts: list[list[int]], samples: int) -> list[list[int]]:
        rows = [prompt for prompt in prompts for _ in range(samples)]
        how = replace(self.how, lengths=rehearsed_lengths(len(rows)))
        return decode(self.model, rows, how).ids

    def _generate(self, prompts: list[list[int]], samples: int) -> list[list[int]]:
        """The same by transformers, for models that our own decoding does not know."""
        # batch: (prompts, tokens); rows: (prompts * samples, tokens), each prompt's side by side
        batch = self.wording.tokenizer.pad(
            {"input_ids": prompts}, padding=True, padding_side="left", return_tensors="pt"
        ).to(self.model.device)
        rows = self.model.generate(**batch, num_return_sequences=samples)
        answers = rows[:, batch["input_ids"].shape[1] :]
        return [self._without_padding(row) for row in answers.tolist()]

    def _without_padding(self, row: list[int]) -> list[int]:
        place = next((place for place, token in enumerate(row) if token in self.wording.ends), None)
        return row if place is None else row[: place + 1]

    def _sample(self, task: Task, ids: list[int], index: int) -> Sample:
        wording = self.wording
        ids, _ = cut_ids_at_stop(wording.tokenizer, ids, wording.stop)
        text = wording.answer_text(ids)
        return Sample(
            task,
            [{"role": "assistant", "content": text}] if is_chat(task) else text,
            group=task.id,
            index=index,
            token_ids=tuple(ids),
            finish="stop" if wording.has_ended(ids) else "length",
        )
