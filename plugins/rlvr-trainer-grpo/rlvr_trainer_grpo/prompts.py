"""From task to tokens and back: one way for warm start, GRPO and sampling, so that they agree."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rlvr_ops_core import DataError, ModelError, Task

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


def is_chat(task: Task) -> bool:
    """Whether the prompt is messages, which go through the chat template."""
    return not isinstance(task.prompt, str)


def check_tasks(tasks: Sequence[Task], tokenizer: PreTrainedTokenizerBase) -> None:
    """Raise DataError or ModelError where a trainer can't use these tasks with this model."""
    if not tasks:
        raise DataError("there are no tasks to train on", hint="give the stage data: NAME")
    kinds = {is_chat(task) for task in tasks}
    if len(kinds) > 1:
        raise DataError(
            "some prompts are text and some are messages",
            hint="use one kind in a stage: text goes as it is, messages through the chat template",
        )
    if kinds == {True} and not tokenizer.chat_template:
        raise ModelError(
            f"the prompts are messages (task {tasks[0].id}), but this model has no chat template",
            hint="use an instruct model, or a data source whose prompts are plain text",
        )


def encode_prompt(
    tokenizer: PreTrainedTokenizerBase,
    task: Task,
    template_options: Mapping[str, Any] | None = None,
) -> list[int]:
    """The prompt's tokens: text as it is, messages through the chat template up to the answer."""
    if isinstance(task.prompt, str):
        ids: list[int] = tokenizer(task.prompt)["input_ids"]
        return ids
    if not tokenizer.chat_template:
        check_tasks([task], tokenizer)
    messages = [dict(message) for message in task.prompt]
    encoded = tokenizer.apply_chat_template(
        messages, add_generation_prompt=True, return_dict=True, **(template_options or {})
    )
    chat_ids: list[int] = encoded["input_ids"]
    return chat_ids


def task_order(tasks: int, needed: int, *, seed: int, shuffle: bool) -> list[int]:
    """Which task comes when, for a whole training: epochs one after the other, cut at `needed`.

    It depends on the arguments alone, so a training that was killed goes on with the same tasks.
    """
    generator = random.Random(seed)
    order: list[int] = []
    while len(order) < needed:
        epoch = list(range(tasks))
        if shuffle:
            generator.shuffle(epoch)
        order += epoch
    return order[:needed]


def end_ids(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> set[int]:
    """The tokens that end an answer: the tokenizer's, and those the model declares."""
    declared = model.generation_config.eos_token_id
    ids = [] if declared is None else [declared] if isinstance(declared, int) else declared
    return {tokenizer.eos_token_id, *ids}


def stop_token_ids(tokenizer: PreTrainedTokenizerBase, stop: Sequence[str]) -> list[int]:
    """Every token whose text contains a stop string: after it nothing more need be sampled."""
    if not stop:
        return []
    texts = tokenizer.batch_decode([[token] for token in range(len(tokenizer))])
    return [token for token, text in enumerate(texts) if any(string in text for string in stop)]


def cut_at_stop(text: str, stop: Sequence[str]) -> str:
    """The text before the first stop string."""
    places = [place for string in stop if (place := text.find(string)) >= 0]
    return text[: min(places)] if places else text


def cut_ids_at_stop(
    tokenizer: PreTrainedTokenizerBase, ids: list[int], stop: Sequence[str]
) -> tuple[list[int], bool]:
    """The shortest beginning of `ids` whose text holds a stop string, and whether one was found."""
    if not stop or not _holds(tokenizer, ids, stop):
        return ids, False
    low, high = 1, len(ids)  # a longer beginning keeps what a shorter one holds
    while low < high:
        middle = (low + high) // 2
        if _holds(tokenizer, ids[:middle], stop):
            high = middle
        else:
            low = middle + 1
    return ids[:low], True


@contextmanager
def quick_batch_decode(tokenizer: Any) -> Iterator[None]:
    """The tokenizer's `batch_decode` is the library's own while the `with` lasts.

    transformers walks through the tokens of every answer in Python first, which for a small model
    takes a tenth of a training step.
    """
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None or getattr(tokenizer, "clean_up_tokenization_spaces", False):
        yield
        return

    def batch_decode(
        rows: Sequence[Sequence[int]], skip_special_tokens: bool = False, **_: Any
    ) -> list[str]:
        texts: list[str] = backend.decode_batch(
            [list(row) for row in rows], skip_special_tokens=skip_special_tokens
        )
        return texts

    tokenizer.batch_decode = batch_decode
    try:
        yield
    finally:
        del tokenizer.batch_decode


def _holds(tokenizer: PreTrainedTokenizerBase, ids: list[int], stop: Sequence[str]) -> bool:
    text = tokenizer.decode(ids, skip_special_tokens=True)
    return any(string in text for string in stop)
