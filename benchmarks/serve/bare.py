"""What a reward server is measured against: a bare FastAPI echo, FastAPI as usual, raw ASGI.

Run as `python bare.py NAME PORT`; every one of them answers POST /.
"""

from __future__ import annotations

import sys
from typing import Any

import msgspec
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel

from rlvr_ops_core import Sample, Task


def judge(completion: str, answer: str) -> float:
    """What text/exact does, in one line."""
    return float(completion.strip() == answer)


def echo() -> Any:
    """FastAPI, JSON in, the same JSON out."""
    app = FastAPI()

    @app.post("/")
    async def same(body: dict[str, Any]) -> dict[str, Any]:
        return body

    return app


class Item(BaseModel):
    """One answer."""

    id: int
    completion: str
    answer: str
    prompt: str = ""


class Batch(BaseModel):
    """Answers."""

    reward: str
    items: list[Item]


class Result(BaseModel):
    """A verdict."""

    id: int
    value: float | None
    status: str


class Results(BaseModel):
    """Verdicts."""

    results: list[Result]


def usual() -> Any:
    """FastAPI as its documentation teaches it."""
    app = FastAPI()

    @app.post("/")
    async def score(batch: Batch) -> Results:
        return Results(
            results=[
                Result(id=item.id, value=judge(item.completion, item.answer), status="ok")
                for item in batch.items
            ]
        )

    return app


def raw() -> Any:
    """No framework, no checks, no engine: msgspec and one comparison."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        body = b""
        while True:
            message = await receive()
            body += message["body"]
            if not message["more_body"]:
                break
        results = []
        for item in msgspec.json.decode(body)["items"]:
            task = Task(str(item["id"]), item["prompt"], item["answer"])
            sample = Sample(task, item["completion"])
            value = judge(sample.text, sample.task.answer)
            results.append({"id": item["id"], "value": value, "status": "ok"})
        out = msgspec.json.encode({"results": results})
        headers = [(b"content-length", str(len(out)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": out})

    return app


def lit() -> None:
    """LitServe, batching itself off: the client sends batches."""
    import litserve

    class Judge(litserve.LitAPI):
        def setup(self, device: Any) -> None:
            pass

        def decode_request(self, request: Any) -> Any:
            return request["items"]

        def predict(self, items: Any) -> Any:
            return [judge(item["completion"], item["answer"]) for item in items]

        def encode_response(self, values: Any) -> Any:
            return {"results": [{"value": value, "status": "ok"} for value in values]}

    server = litserve.LitServer(Judge(api_path="/"), accelerator="cpu")
    server.run(
        host="127.0.0.1", port=int(sys.argv[2]), num_api_servers=1, generate_client_file=False
    )


if __name__ == "__main__":
    if sys.argv[1] == "lit":
        lit()
    else:
        app = {"echo": echo, "usual": usual, "raw": raw}[sys.argv[1]]()
        uvicorn.run(
            app,
            port=int(sys.argv[2]),
            log_level="warning",
            access_log=False,
            lifespan="off" if sys.argv[1] == "raw" else "auto",
        )
