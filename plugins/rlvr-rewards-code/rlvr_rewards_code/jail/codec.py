"""Plain data as JSON with tags, in and out of a program: only values, never objects.

What a program sends is decoded strictly: exact builtin types come out, whatever class went in. An
object of another kind becomes a reference, which the receiver wraps. Anything malformed is refused.
"""

from __future__ import annotations

import importlib
import json
import json.encoder
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

MAX_DEPTH = 200
_TO_JSON: Callable[[Any, int], Iterable[str]] = json.encoder.c_make_encoder(  # type: ignore[attr-defined]
    None, None, json.encoder.encode_basestring_ascii, None, ":", ",", False, False, True
)
"""What `JSONEncoder.encode` makes anew for each value: no default, no indent, nothing sorted."""
_SMALL = 2**63

Reference = Callable[[object], list[Any]]
Resolve = Callable[[list[Any]], Any]


class Malformed(ValueError):
    """What came is no value that a well-behaved program could have sent."""


def dumps(value: object, reference: Reference) -> bytes:
    """A value as bytes; `reference` names the objects that are no plain data.

    Raises:
        ValueError: nested deeper than 200 levels.
    """
    return as_bytes(encode(value, reference))


def encode(value: object, reference: Reference) -> Any:
    """A value as tagged JSON, not yet as bytes; raises what `dumps` raises."""
    return _encode(value, reference, MAX_DEPTH)


def as_bytes(plain: Any) -> bytes:
    """Tagged JSON as bytes: equal values give equal bytes."""
    return "".join(_TO_JSON(plain, 0)).encode()


def loads(payload: bytes, resolve: Resolve) -> Any:
    """The value in these bytes; `resolve` makes something of a reference.

    Raises:
        Malformed: the bytes are no encoded value.
    """
    try:
        return decode(_FROM_JSON(payload.decode("utf-8", "surrogatepass")), resolve)
    except Malformed:
        raise
    except (ValueError, TypeError, LookupError, ArithmeticError, RecursionError) as error:
        raise Malformed(f"{type(error).__name__}: {error}"[:200]) from None


def decode(plain: Any, resolve: Resolve) -> Any:
    """The value in tagged JSON.

    Raises:
        ValueError, TypeError, ArithmeticError: it is no encoded value.
    """
    return _decode(plain, resolve, MAX_DEPTH)


def _refuse(name: str) -> object:
    raise Malformed(f"the constant {name}")


_FROM_JSON = json.JSONDecoder(parse_constant=_refuse).decode
"""Made once: `json.loads` would make a decoder for each answer."""


def _encode(value: Any, reference: Reference, depth: int) -> Any:
    kind = type(value)
    if value is None or kind is bool or kind is str:
        return value
    if kind is int:
        return value if -_SMALL <= value < _SMALL else ["i", hex(value)]
    if kind is float:
        return value if value - value == 0 else ["f", repr(value)]  # 0: it is finite
    if depth == 0:
        raise ValueError(f"nested deeper than {MAX_DEPTH} levels")
    tag = _SEQUENCES.get(kind)
    if tag is not None:
        return [tag, *[_encode(one, reference, depth - 1) for one in value]]
    if kind is dict:
        return [
            "d",
            *[_encode(one, reference, depth - 1) for pair in value.items() for one in pair],
        ]
    if kind is type and value in _TYPE_NAMES:
        return ["T", _TYPE_NAMES[value]]
    special = _SPECIAL.get(kind)
    if special is not None:
        return special(value)
    for base, plain in _BASES:  # a subclass of a builtin is sent as what it is underneath
        if isinstance(value, base):
            return _encode(plain(value), reference, depth - 1)
    if hasattr(kind, "__array__") and hasattr(kind, "tolist"):  # numpy's arrays and numbers
        return _encode(value.tolist(), reference, depth - 1)
    imported = _IMPORTED.get(kind.__qualname__)
    if imported is not None and getattr(kind, "__module__", None) == imported[0]:
        return imported[1](value)
    return reference(value)


TYPES: dict[str, type] = {
    kind.__name__: kind
    for kind in (
        object, type, bool, int, float, complex, str, bytes, bytearray, list, tuple, dict, set,
        frozenset, range, type(None),
    )
}  # fmt: skip
"""Types that may be passed by name: `remove_datatype(numbers, int)`."""

_TYPE_NAMES = {kind: name for name, kind in TYPES.items()}

_SEQUENCES: dict[type, str] = {
    list: "l",
    tuple: "t",
    set: "s",
    frozenset: "z",
    deque: "q",
    type({}.keys()): "k",
}
_SPECIAL: dict[type, Callable[[Any], list[Any]]] = {
    bytes: lambda value: ["b", value.hex()],
    bytearray: lambda value: ["B", value.hex()],
    complex: lambda value: ["c", repr(value.real), repr(value.imag)],
    range: lambda value: ["r", hex(value.start), hex(value.stop), hex(value.step)],
    type(...): lambda _: ["e"],
}
_IMPORTED: dict[str, tuple[str, Callable[[Any], list[Any]]]] = {
    "Decimal": ("decimal", lambda value: ["D", str(value)]),
    "Fraction": ("fractions", lambda value: ["F", hex(value.numerator), hex(value.denominator)]),
    "date": ("datetime", lambda value: ["y", value.isoformat()]),
    "datetime": ("datetime", lambda value: ["Y", value.isoformat()]),
    "time": ("datetime", lambda value: ["m", value.isoformat()]),
    "timedelta": ("datetime", lambda value: ["M", value.days, value.seconds, value.microseconds]),
}
"""By name and module, so that only programs that use these modules have them in memory."""
_BASES: tuple[tuple[type, Callable[[Any], Any]], ...] = (
    (int, lambda value: int.__add__(value, 0)),
    (float, lambda value: float.__add__(value, 0.0) if value else float.__abs__(value)),
    (str, lambda value: str.__str__(value)),
    (list, lambda value: list(list.__iter__(value))),
    (tuple, lambda value: tuple(tuple.__iter__(value))),
    (dict, lambda value: dict(dict.items(value))),
    (set, lambda value: set(set.__iter__(value))),
    (frozenset, lambda value: frozenset(frozenset.__iter__(value))),
    (bytes, lambda value: bytes(bytes.__iter__(value))),
)


def _decode(plain: Any, resolve: Resolve, depth: int) -> Any:
    if plain is None or type(plain) in (bool, int, float, str):
        return plain
    if type(plain) is not list or not plain or type(plain[0]) is not str:
        raise Malformed("not a tagged value")
    if depth == 0:
        raise Malformed(f"nested deeper than {MAX_DEPTH} levels")
    tag = plain[0]
    build = _CONTAINERS.get(tag)
    if build is not None:
        return build([_decode(one, resolve, depth - 1) for one in plain[1:]])
    scalar = _SCALARS.get(tag)
    if scalar is not None:
        return scalar(*plain[1:])
    return resolve(plain)


def _pairs(flat: list[Any]) -> dict[Any, Any]:
    return dict(zip(flat[::2], flat[1::2], strict=True))


_CONTAINERS: dict[str, Callable[[list[Any]], Any]] = {
    "l": list,
    "t": tuple,
    "s": set,
    "z": frozenset,
    "q": deque,
    "k": lambda flat: dict.fromkeys(flat).keys(),
    "d": _pairs,
}


_of = importlib.import_module


def _hex(text: str) -> int:
    return int(text, 16)


_SCALARS: dict[str, Callable[..., Any]] = {
    "i": _hex,
    "f": float,
    "b": bytes.fromhex,
    "B": bytearray.fromhex,
    "c": lambda real, imaginary: complex(float(real), float(imaginary)),
    "r": lambda *parts: range(*map(_hex, parts)),
    "D": lambda text: _of("decimal").Decimal(_text(text)),
    "F": lambda top, bottom: _of("fractions").Fraction(_hex(top), _hex(bottom)),
    "y": lambda text: _of("datetime").date.fromisoformat(text),
    "Y": lambda text: _of("datetime").datetime.fromisoformat(text),
    "m": lambda text: _of("datetime").time.fromisoformat(text),
    "M": lambda days, seconds, micros: _of("datetime").timedelta(days, seconds, micros),
    "e": lambda: ...,
    "T": lambda name: TYPES[name],
}


def _text(value: object) -> str:
    if type(value) is not str:
        raise Malformed("a text was expected")
    return value
