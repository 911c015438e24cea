"""The answer and the task in the texts that trainers send."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from rlvr_ops_core import Message, Task

END = re.compile(
    r"(?:\s*(?:<\|(?:im_end|endoftext|eot_id|end_of_text|end|eom_id|return|end_of_turn)\|>"
    r"|</s>|<eos>|<pad>|<end_of_turn>|<｜end▁of▁sentence｜>|\[PAD\]))+\s*\Z"
)
"""What ends an answer or fills it up, in the families of models in use."""
STARTS = ("<s>", "<bos>", "<|begin_of_text|>", "<|startoftext|>", "<｜begin▁of▁sentence｜>")
LONGEST_END = 2000


def without_end_tokens(text: str) -> str:
    """The text up to the special tokens at its end."""
    found = END.search(text, max(0, len(text) - LONGEST_END))
    return text[: found.start()] if found else text


def after_prompt(query: str, prompt: str) -> str | None:
    """What follows the prompt in a decoded text; None if it does not begin with the prompt.

    A tokenizer may have put a start token before it, or kept the prompt's own from being doubled.
    """
    bare = prompt
    for start in STARTS:
        bare = bare.removeprefix(start)
    for form in dict.fromkeys((prompt, bare.lstrip(" "))):
        for start in ("", *STARTS):
            for gap in ("", " "):
                head = start + gap + form
                if query.startswith(head):
                    return query[len(head) :]
    return None


def as_task(given: Any) -> Task | None:
    """A whole task, as JSON text or an object; None if it is something else."""
    try:
        content = msgspec.json.decode(given) if isinstance(given, str) else given
        if not isinstance(content, Mapping) or not {"id", "prompt"} <= set(content):
            return None
        fields = ("id", "prompt", "answer", "data", "source")
        return msgspec.convert({name: content[name] for name in fields if name in content}, Task)
    except (msgspec.MsgspecError, RecursionError):
        return None


def message_list(value: Any) -> list[Message] | None:
    """Chat messages; None if the value is something else."""
    is_list = isinstance(value, list) and bool(value)
    if is_list and all(isinstance(one, Mapping) and "role" in one for one in value):
        return list(value)
    return None


def prompt_id(prompt: str | Sequence[Message]) -> str:
    """Sixteen hex digits that belong to a prompt."""
    text = prompt.encode() if isinstance(prompt, str) else msgspec.json.encode(prompt)
    return hashlib.sha256(text).hexdigest()[:16]
