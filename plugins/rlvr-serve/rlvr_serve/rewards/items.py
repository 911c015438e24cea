"""The request and the answer of `/v1/score`, and the way between them and samples and verdicts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from rlvr_ops_core import Sample, Task, Verdict
from rlvr_serve.web.problems import Problem

LARGEST_BATCH = 1024


class Item(msgspec.Struct, forbid_unknown_fields=True):
    """One answer to judge. `id` comes back with its verdict."""

    completion: str | list[dict[str, Any]]
    id: str | int | None = None
    answer: Any = None
    prompt: str | list[dict[str, Any]] = ""
    data: dict[str, Any] = {}
    group: str | int | None = None
    index: int = 0
    token_ids: list[int] | None = None
    finish: str = "stop"
    source: str = ""


class ScoreRequest(msgspec.Struct, forbid_unknown_fields=True):
    """A batch of answers to judge with one reward; `reward` may be left out if only one is served.

    `items` are 1 to 1,024 objects, read one by one if one of them is no `Item`.
    """

    items: list[Item]
    reward: str | None = None


class Envelope(msgspec.Struct, forbid_unknown_fields=True):
    """A request of which some items may be none."""

    items: list[msgspec.Raw]
    reward: str | None = None


class Result(msgspec.Struct):
    """The verdict on one item. `value` is a number exactly if `status` is `ok`.

    `status`: `ok`; `abstain`, the reward can't judge this; `error`, it broke; `timeout`, it was too
    slow; `invalid`, the item could not be read.
    """

    id: str | int | None
    value: float | None
    status: str
    components: Any
    info: Any
    seconds: float
    ref: str


class Invalid(msgspec.Struct):
    """An item that can't be read, and why."""

    id: str | int | None
    why: str


batch_decoder = msgspec.json.Decoder(ScoreRequest)
envelope_decoder = msgspec.json.Decoder(Envelope)
item_decoder = msgspec.json.Decoder(Item)


def read_batch(body: bytes) -> tuple[str | None, list[Item | Invalid]]:
    """The reward's name and the items of a request.

    Raises:
        Problem: 400 no JSON, 422 not of this shape.
    """
    try:
        request: ScoreRequest | None = batch_decoder.decode(body)
    except msgspec.ValidationError:
        request = None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Problem(400, "bad_json", f"the body is no JSON: {error}") from None
    if request is not None:
        return request.reward, check_count(request.items)
    try:
        envelope = envelope_decoder.decode(body)
    except (msgspec.ValidationError, RecursionError) as error:
        raise Problem(422, "invalid_request", str(error)) from None
    return envelope.reward, check_count([read_item(raw) for raw in envelope.items])


def read_item(raw: bytes | msgspec.Raw) -> Item | Invalid:
    """One item, or what is wrong with it."""
    try:
        return item_decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return Invalid(_id_of(raw), str(error))


def _id_of(raw: bytes | msgspec.Raw) -> str | int | None:
    try:
        found = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    name = found.get("id") if isinstance(found, dict) else None
    return name if isinstance(name, str | int) else None


def check_count(items: list[Any]) -> list[Any]:
    """The items, if a batch may have that many.

    Raises:
        Problem: 422, none or too many.
    """
    if not 1 <= len(items) <= LARGEST_BATCH:
        what = f"a batch has 1 to {LARGEST_BATCH} items, this one {len(items)}"
        hint = "; stream JSON lines for more" if items else ""
        raise Problem(422, "batch_size", what + hint, param="items")
    return items


def sample_of(item: Item) -> Sample:
    """The sample that a reward judges; positional, because this is the hot path."""
    name, group = item.id, item.group
    task = Task("" if name is None else str(name), item.prompt, item.answer, item.data, item.source)
    return Sample(
        task,
        item.completion,
        None if group is None else str(group),
        item.index,
        item.token_ids,
        item.finish,
    )


def result_of(item: Item, verdict: Verdict) -> Result:
    """The verdict as it goes out."""
    return Result(
        item.id,
        verdict.value,
        verdict.status,
        verdict.components,
        verdict.info,
        verdict.seconds,
        verdict.ref,
    )


def result_of_invalid(item: Invalid, ref: str) -> Result:
    """What an unreadable item gets: no value, and the reason."""
    return Result(item.id, None, "invalid", {}, {"error": item.why}, 0.0, ref)


def encode_results(reward: str, results: Sequence[Result]) -> bytes:
    """The body of an answer. What a reward put into `info` that is no JSON goes as its repr."""
    return encoder.encode({"reward": reward, "results": results})


def encode_line(result: Result) -> bytes:
    """One line of a streamed answer."""
    return encoder.encode(result) + b"\n"


def _as_text(value: object) -> str:
    return repr(value)[:1000]


encoder = msgspec.json.Encoder(enc_hook=_as_text)
