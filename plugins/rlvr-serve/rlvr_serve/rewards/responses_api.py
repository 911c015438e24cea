"""The items of an OpenAI Responses object as chat messages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rlvr_ops_core import Message


def response_messages(output: Any) -> list[Message]:
    """Assistant messages, tool calls and tool results in order; reasoning items are left out."""
    messages: list[Message] = []
    for item in output if isinstance(output, list) else []:
        if not isinstance(item, Mapping):
            continue
        kind = item.get("type", "message")
        if kind == "message" and item.get("role", "assistant") == "assistant":
            messages.append({"role": "assistant", "content": text_of(item.get("content"))})
        elif kind == "function_call":
            function = {"name": item.get("name"), "arguments": item.get("arguments")}
            call = {"id": item.get("call_id"), "type": "function", "function": function}
            messages.append({"role": "assistant", "content": "", "tool_calls": [call]})
        elif kind == "function_call_output":
            content = text_of(item.get("output"))
            about = {"role": "tool", "tool_call_id": item.get("call_id")}
            messages.append({**about, "content": content})
    return messages


def text_of(content: Any) -> str:
    """The text of a content: itself, or that of its parts."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    texts = [part.get("text") for part in parts if isinstance(part, Mapping)]
    return "".join(text for text in texts if isinstance(text, str))
