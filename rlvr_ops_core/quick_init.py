"""Make instances of frozen, slotted dataclasses quickly.

A frozen dataclass sets each field through `object.__setattr__`, which costs more than all else that
happens to an answer: a task, a sample, a score and a verdict are made for every completion. Here
`__init__` lets the new object be of a twin class with the same slots and no guard, fills it, and
gives it its own class back: a third of the time, and frozen from then on all the same.
"""

from __future__ import annotations

from dataclasses import MISSING, Field, fields
from typing import Any, TypeVar

T = TypeVar("T")


def quick_init(frozen: type[T]) -> type[T]:
    """Give a `@dataclass(frozen=True, slots=True)` an `__init__` of the same signature.

    Raises:
        TypeError: the class has fields or methods that only the usual `__init__` knows about.
    """
    found = fields(frozen)  # type: ignore[arg-type]  # T is a dataclass
    if hasattr(frozen, "__post_init__") or any(not one.init or one.kw_only for one in found):
        raise TypeError(f"{frozen.__name__} has a __post_init__, or fields that are not positional")
    twin = type(f"{frozen.__name__}BeingMade", (), {"__slots__": frozen.__slots__})  # type: ignore[attr-defined]
    names: dict[str, Any] = {"_set": object.__setattr__, "_twin": twin, "_frozen": frozen}
    parameters = []
    lines = ["    _set(self, '__class__', _twin)"]
    for one in found:
        parameters.append(one.name + _default(one, names))
        value = one.name
        if one.default_factory is not MISSING:
            value = f"_{one.name}_factory() if {one.name} is _absent else {one.name}"
        lines.append(f"    self.{one.name} = {value}")
    lines.append("    self.__class__ = _frozen")
    head = f"def __init__(self, {', '.join(parameters)}):"
    exec("\n".join([head, *lines]), names)  # noqa: S102  # the text is made of field names alone
    init = names["__init__"]
    init.__annotations__ = frozen.__init__.__annotations__
    init.__qualname__ = frozen.__init__.__qualname__
    init.__module__ = frozen.__module__
    frozen.__init__ = init  # type: ignore[method-assign]
    return frozen


class _Absent:
    def __repr__(self) -> str:
        return "<factory>"


def _default(one: Field[Any], names: dict[str, Any]) -> str:
    if one.default_factory is not MISSING:
        names["_absent"] = _ABSENT
        names[f"_{one.name}_factory"] = one.default_factory
        return "=_absent"
    if one.default is not MISSING:
        names[f"_{one.name}_default"] = one.default
        return f"=_{one.name}_default"
    return ""


_ABSENT = _Absent()
