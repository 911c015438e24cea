"""The model's answer in the text that a trainer hands over with its prompt and special tokens."""

from __future__ import annotations

import re

END_TOKENS = re.compile(
    r"(?:\s*(?:<\|(?:im_end|endoftext|eot_id|end_of_text|end|eom_id|return|end_of_turn)\|>"
    r"|</s>|<eos>|<pad>|<end_of_turn>|<｜end▁of▁sentence｜>|\[PAD\]))+\s*\Z"
)
"""What ends an answer or fills it up, in the families of models in use."""
START_TOKENS = ("<s>", "<bos>", "<|begin_of_text|>", "<|startoftext|>", "<｜begin▁of▁sentence｜>")
PROBE = 32
"""Characters by which the place of a cut prompt is looked for."""


def without_end_tokens(text: str) -> str:
    """The text up to the special tokens at its end."""
    found = END_TOKENS.search(text, max(0, len(text) - 2000))
    return text[: found.start()] if found else text


def after_prompt(query: str, prompt: str) -> str | None:
    """What follows the prompt in `query`; None if the prompt can't be found.

    A tokenizer may have put a start token before it, and a trainer may have cut its beginning off.
    """
    for start in ("", *START_TOKENS):
        for gap in ("", " "):
            if query.startswith(start + gap + prompt):
                return query[len(start + gap + prompt) :]
            if not prompt.startswith(start) or not start:
                continue
            bare = prompt.removeprefix(start).lstrip(" ")
            if query.startswith(bare):
                return query[len(bare) :]
    place = prompt.find(query[:PROBE]) if len(query) >= PROBE else -1
    while place >= 0:
        if query.startswith(prompt[place:]):
            return query[len(prompt) - place :]
        place = prompt.find(query[:PROBE], place + 1)
    return None
