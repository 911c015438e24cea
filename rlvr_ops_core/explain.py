"""Pydantic's errors in the words of somebody who writes YAML: where, what, what to do."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rlvr_ops_core.errors import Place, cut, did_you_mean, printable

if TYPE_CHECKING:
    from pydantic import ValidationError
    from pydantic_core import ErrorDetails


def explain(
    error: ValidationError, known: list[str], value: object, *, word: str = "option"
) -> list[tuple[Place, str]]:
    """Each mistake in a pydantic ValidationError as (place, what is wrong and what to do).

    `known` are the names that may be given; `value` is what was checked.
    """
    mistakes: dict[Place, str] = {}
    for item in error.errors(include_url=False):
        is_name = item["loc"][-1:] == ("[key]",)
        place = _place_in(value, item["loc"], may_lack=item["type"] == "missing")
        if item["type"] == "extra_forbidden":
            what = unknown_option(str(place[-1]), known, word=word)
        elif item["type"] == "missing":
            what = f"is required; add {place[-1]}: …" if place else "is required"
        else:
            got = "" if is_name else f" (got {shorten(item['input'])})"
            what = f"{_requirement(item)}{got}"
        if place in mistakes:  # the branches of a union fail one by one
            what = f"{mistakes[place].rpartition(' (got ')[0]}, or {what.removeprefix('must be ')}"
        mistakes[place] = what
    # A mistake inside a value and one of the whole value: two branches; the inner one says more.
    outer = {place[:size] for place in mistakes for size in range(len(place))}
    return [(place, what) for place, what in mistakes.items() if place not in outer]


REQUIREMENTS: Mapping[str, str] = {
    "string_type": "must be text",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a number, not infinity or nan",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "dict_type": "must be a mapping of names to values",
    "mapping_type": "must be a mapping of names to values",
    "model_type": "must be a mapping of names to values",
    "dataclass_type": "must be a mapping of names to values",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "set_type": "must be a list",
    "none_required": "must be nothing",
    "path_type": "must be text",
}
"""What pydantic asks for, by the type of its error, in the words of who writes YAML."""


LIMITS: Mapping[str, str] = {
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "literal_error": "must be {expected}",
}


def _requirement(item: ErrorDetails) -> str:
    given = item["input"]
    if item["type"] in LIMITS:
        what = LIMITS[item["type"]].format_map(item["ctx"])
    elif item["type"] == "too_short" and item["ctx"]["min_length"] == 1:
        what = "must not be empty"
    else:
        message = item["msg"].removeprefix("Value error, ").replace("Input should", "must", 1)
        what = REQUIREMENTS.get(item["type"], f"{message[:1].lower()}{message[1:]}")
    wants_text = item["type"] in ("string_type", "literal_error", "path_type")
    if wants_text and isinstance(given, bool):
        return f"{what}; YAML reads yes, no, on and off as true and false: put it in quotes"
    if item["type"] == "string_type" and isinstance(given, int | float):
        return f"{what}: put it in quotes"
    return what


def _place_in(value: object, loc: tuple[int | str, ...], *, may_lack: bool) -> Place:
    """The part of a pydantic location that is in the user's file: union branches are not."""
    place: list[int | str] = []
    for number, part in enumerate(loc, start=1):
        is_key = isinstance(value, Mapping) and part in value
        is_index = isinstance(value, list | tuple) and isinstance(part, int) and part < len(value)
        if is_key or is_index:
            place.append(part)
            value = value[part]  # type: ignore[index]  # one of the two lines above
        elif may_lack and number == len(loc):
            place.append(part)
    return tuple(place)


def unknown_option(name: str, known: list[str], *, word: str = "option") -> str:
    """What to say of a name that is not among the known ones."""
    hint = did_you_mean(name, known) or f"it takes: {', '.join(known[:20]) or 'no options'}"
    return f"unknown {word}; {hint}"


def shorten(value: Any, *, limit: int = 60) -> str:
    """A value as YAML would write it on one line, cut to `limit` characters."""
    if value is None:
        return "nothing"
    if isinstance(value, str):
        value = value[: limit + 1]
    try:
        text = json.dumps(value, ensure_ascii=False, default=repr)
    except (TypeError, ValueError, RecursionError):  # keys that are no text, a list in itself
        text = repr(value)
    return cut(printable(text), limit=limit)
