"""What an answer can be, once it is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from rlvr_rewards_math.expression import Node


@dataclass(frozen=True, slots=True)
class Quantity:
    """An expression, maybe with a unit or in percent.

    `decimals` counts the digits of a written decimal.
    """

    node: Node
    unit: str = ""
    percent: bool = False
    decimals: int | None = None


@dataclass(frozen=True, slots=True)
class Text:
    """Words, in normal form."""

    words: str


@dataclass(frozen=True, slots=True)
class Group:
    """Several values: `list` (bare commas, no order), `set`, or `row` (in brackets, ordered).

    `opening` and `closing` are the brackets of a row, which may be an interval.
    """

    kind: str
    items: tuple[Value, ...]
    opening: str = ""
    closing: str = ""


@dataclass(frozen=True, slots=True)
class Interval:
    """From `low` to `high`; None stands for infinity.

    `variable` if it was written as an inequality.
    """

    low: Value | None
    high: Value | None
    closed_low: bool
    closed_high: bool
    variable: str = ""


@dataclass(frozen=True, slots=True)
class Combined:
    """Sets joined by an operation: union, intersection or difference."""

    operation: str
    parts: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Matrix:
    """Rows of values."""

    rows: tuple[tuple[Value, ...], ...]


@dataclass(frozen=True, slots=True)
class Relation:
    """Sides with relations between them: `=`, `<`, `leq`, `neq` …; no plain assignment."""

    sides: tuple[Value, ...]
    relations: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Named:
    """A value with a name: `x = 5`, `f(x) = 2x`, `(p, q) = (3, 2)`."""

    name: Value
    value: Value


@dataclass(frozen=True, slots=True)
class Ratio:
    """`2:3`; `clock` if it is written as a time of day, `2:05`."""

    parts: tuple[Value, ...]
    clock: bool = False


Value: TypeAlias = Quantity | Text | Group | Interval | Combined | Matrix | Relation | Named | Ratio
