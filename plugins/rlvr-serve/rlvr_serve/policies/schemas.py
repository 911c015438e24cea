"""What the OpenAPI document says of OpenAI's objects: enough for a client, and for a fuzzer."""

from __future__ import annotations

from typing import Any

JSON = "application/json"

USAGE: dict[str, Any] = {
    "type": "object",
    "required": ["prompt_tokens", "completion_tokens", "total_tokens"],
}
ANSWER: dict[str, Any] = {
    "description": "OpenAI's object; with stream, server-sent events that end with [DONE]",
    "content": {
        JSON: {
            "schema": {
                "type": "object",
                "required": ["id", "object", "created", "model", "choices", "usage"],
                "properties": {
                    "choices": {
                        "type": "array",
                        "minItems": 1,
                        "items": {"type": "object", "required": ["index", "finish_reason"]},
                    },
                    "usage": USAGE,
                },
            }
        },
        "text/event-stream": {},
    },
}
MODEL_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["id", "object", "created", "owned_by", "version", "root"],
}
MODEL: dict[str, Any] = {"description": "The policy", "content": {JSON: {"schema": MODEL_SCHEMA}}}
MODELS: dict[str, Any] = {
    "description": "A list of one",
    "content": {
        JSON: {
            "schema": {
                "type": "object",
                "required": ["object", "data"],
                "properties": {"data": {"type": "array", "items": MODEL_SCHEMA}},
            }
        }
    },
}


def body_of(name: str) -> dict[str, Any]:
    """For FastAPI's `openapi_extra=`: the body that a route reads itself."""
    schema = {"$ref": f"#/components/schemas/{name}"}
    return {"requestBody": {"required": True, "content": {JSON: {"schema": schema}}}}
