"""Make instances of frozen, slotted dataclasses quickly.

A frozen dataclass sets each field through `object.__setattr__`, which costs more than all else that
happens to an answer: a task, a sample, a score and a verdict are made for every completion. msgspec
has classes whose instances are made in C, in a fifth of the time. `quick` makes one of those out of
a dataclass: the same fields, methods and signature, frozen, and a dataclass still to whoever asks
(`dataclasses.replace`, `fields`, `asdict`, pydantic).
"""

from __future__ import annotations

from dataclasses import MISSING, Field, FrozenInstanceError, asdict, fields
from functools import partial
from typing import Any, NoReturn, TypeVar

import msgspec

T = TypeVar("T")

MADE_ANEW = frozenset(
    f"__{name}__"
    for name in (
        *("annotations", "dict", "match_args", "slots", "weakref"),
        *("init", "repr", "eq", "hash", "setattr", "delattr", "getstate", "setstate", "replace"),
    )
)
"""What a dataclass's class body holds only because it is a dataclass."""


def quick(frozen: type[T]) -> type[T]:
    """The class of a `@dataclass(frozen=True, slots=True)`, whose instances are made in C.

    Raises:
        TypeError: the class does more than a plain dataclass, which this would lose.
    """
    found = fields(frozen)  # type: ignore[arg-type]  # T is a dataclass
    is_plain = frozen.__bases__ == (object,) and not hasattr(frozen, "__post_init__")
    if not is_plain or any(not one.init or one.kw_only for one in found):
        what = "a base, a __post_init__, or fields that are not positional"
        raise TypeError(f"{frozen.__name__} has {what}")
    left_out = MADE_ANEW | {one.name for one in found}
    body = {name: value for name, value in vars(frozen).items() if name not in left_out}
    made: Any = msgspec.defstruct(
        frozen.__name__,
        [_described(one) for one in found],
        namespace=body,
        module=frozen.__module__,
        frozen=True,
    )
    made.__setattr__ = _refuse  # msgspec's own error is no FrozenInstanceError
    made.__delattr__ = _refuse
    made.__get_pydantic_core_schema__ = classmethod(partial(_pydantic_schema, frozen))
    return made  # type: ignore[no-any-return]


def _described(one: Field[Any]) -> tuple[str, Any] | tuple[str, Any, Any]:
    if one.default_factory is not MISSING:
        return one.name, one.type, msgspec.field(default_factory=one.default_factory)
    if one.default is not MISSING:
        return one.name, one.type, one.default
    return one.name, one.type


def _pydantic_schema(frozen: type, made: type, _source: object, handler: Any) -> Any:
    """What pydantic reads: it fills a dataclass without calling it, which is not allowed here."""
    from pydantic_core import core_schema

    def convert(value: Any) -> Any:
        return made(*(getattr(value, one.name) for one in fields(frozen)))

    return core_schema.union_schema(
        [
            core_schema.is_instance_schema(made),
            core_schema.no_info_after_validator_function(convert, handler.generate_schema(frozen)),
        ],
        serialization=core_schema.plain_serializer_function_ser_schema(asdict),
    )


def _refuse(_self: object, name: str, _value: object = None) -> NoReturn:
    raise FrozenInstanceError(f"cannot change field {name!r}; dataclasses.replace makes another")
