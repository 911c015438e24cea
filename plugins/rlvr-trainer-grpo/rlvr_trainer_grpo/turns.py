"""Tokens of a conversation: what the model is told between its answers, and in demonstrations.

Tokens are only ever appended: what the model wrote stays as it wrote it, and is never encoded anew.
Text goes to the model as it is, so an environment writes its own spaces and line ends; messages
go through the chat template.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from rlvr_ops_core import DataError, Message, Task
from rlvr_trainer_grpo.prompts import cut_at_stop, cut_ids_at_stop, encode_prompt, is_chat

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

Told = str | Sequence[Message]


@dataclass(frozen=True, kw_only=True)
class Wording:
    """How text and tokens belong together for one model."""

    tokenizer: PreTrainedTokenizerBase
    ends: Collection[int]
    """Tokens that end an answer."""
    stop: Sequence[str] = ()
    template_options: Mapping[str, Any] = field(default_factory=dict)

    def opening_ids(self, task: Task, told: Told) -> list[int]:
        """The prompt with what the environment adds to it, up to the first answer."""
        if not is_chat(task):
            return encode_prompt(self.tokenizer, task) + self._text_ids(told_text(task, told))
        messages = [*task.messages, *as_messages(told)]
        *earlier, last = [dict(message) for message in messages]
        before = earlier[-1] if earlier else {}
        if told and all(is_user_text(one) for one in (before, last)):
            # one message of the user: many templates want the roles to alternate
            joined = {"role": "user", "content": f"{before['content']}\n\n{last['content']}"}
            messages = [*earlier[:-1], joined]
        return encode_prompt(self.tokenizer, replace(task, prompt=messages), self.template_options)

    def reply_ids(self, task: Task, told: Told, *, after: Sequence[int]) -> list[int]:
        """What follows the answer with the tokens `after`, up to the next one."""
        if not is_chat(task):
            return self._text_ids(told_text(task, told))
        user, answer = {"role": "user", "content": "?"}, {"role": "assistant", "content": "!"}
        start = len(self._template([user], add_generation_prompt=True))
        before = self._template([user, answer], add_generation_prompt=False)
        whole = self._template([user, answer, *as_messages(told)], add_generation_prompt=True)
        closing = [place for place in range(start, len(before)) if before[place] in self.ends]
        cut = closing[-1] if closing else len(before)
        if closing and after and after[-1] in self.ends:
            cut += 1  # the model has closed its answer itself
        return whole[cut:]

    def answer_text(self, ids: Sequence[int]) -> str:
        """An answer as the environment and the rewards see it."""
        return cut_at_stop(self.tokenizer.decode(ids, skip_special_tokens=True), self.stop)

    def has_ended(self, ids: Sequence[int]) -> bool:
        """Whether an answer ends by itself, not at the token limit."""
        if not ids:
            return False
        return ids[-1] in self.ends or cut_ids_at_stop(self.tokenizer, list(ids), self.stop)[1]

    def demonstration_ids(self, task: Task, shown: Told) -> tuple[list[int], list[bool]]:
        """Tokens of prompt and demonstration, and which of them the model shall learn.

        Text is one answer. Messages are a conversation: the assistant's are learned. A message
        before the first of them is told with the prompt.

        Raises:
            DataError: the messages have none of the assistant.
        """
        answer: Message = {"role": "assistant", "content": shown}
        messages = [answer] if isinstance(shown, str) else list(shown)
        first = next((n for n, one in enumerate(messages) if one["role"] == "assistant"), None)
        if first is None:
            raise DataError(f"task {task.id}: the demonstration has no message of the assistant")
        opening = messages[:first] if is_chat(task) else "".join(texts(messages[:first]))
        ids = self.opening_ids(task, opening)
        learned = [False] * len(ids)
        told: list[Message] = []
        for place, message in enumerate(messages[first:]):
            if message["role"] != "assistant":
                told.append(message)
                continue
            if place:
                said = told if is_chat(task) else "".join(texts(told))
                reply = self.reply_ids(task, said, after=ids)
                ids, learned, told = ids + reply, learned + [False] * len(reply), []
            own = [*self._text_ids(str(message["content"])), self.tokenizer.eos_token_id]
            ids, learned = ids + own, learned + [True] * len(own)
        return ids, learned

    def _text_ids(self, text: str) -> list[int]:
        ids: list[int] = self.tokenizer(text, add_special_tokens=False)["input_ids"] if text else []
        return ids

    def _template(self, messages: Sequence[Message], **how: bool) -> list[int]:
        encoded = self.tokenizer.apply_chat_template(
            [dict(message) for message in messages],
            return_dict=True,
            **how,
            **self.template_options,
        )
        ids: list[int] = encoded["input_ids"]
        return ids


def as_messages(told: Told) -> list[Message]:
    """Messages as they are, text as one of the user; "" is none."""
    if isinstance(told, str):
        return [{"role": "user", "content": told}] if told else []
    return list(told)


def told_text(task: Task, told: Told) -> str:
    """What an environment says to a model whose prompt is text.

    Raises:
        DataError: it says messages.
    """
    if isinstance(told, str):
        return told
    raise DataError(
        f"the environment answers with messages, but the prompt of task {task.id} is text",
        hint="a data source whose prompts are messages, or an environment that says text",
    )


def texts(messages: Sequence[Message]) -> list[str]:
    """The contents of messages."""
    return [str(message["content"]) for message in messages]


def is_user_text(message: Message) -> bool:
    """Whether a message is plain text of the user."""
    return message.get("role") == "user" and isinstance(message.get("content"), str)
