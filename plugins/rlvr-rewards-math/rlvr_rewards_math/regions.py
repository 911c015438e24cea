"""Sets of real numbers as sorted stretches: unions, inequalities, intervals compare as sets."""

from __future__ import annotations

from decimal import Decimal
from typing import TypeAlias

from rlvr_rewards_math.evaluate import Evaluator
from rlvr_rewards_math.exact import Undefined
from rlvr_rewards_math.values import Combined, Group, Interval, Named, Quantity, Relation, Value

Edge: TypeAlias = tuple[Decimal, int]
"""A place between numbers: just before (-1) or just after (1) a number."""
Stretch: TypeAlias = tuple[Edge, Edge]

_INFINITY = Decimal("Infinity")
REALS: list[Stretch] = [((-_INFINITY, 1), (_INFINITY, -1))]


def region(value: Value) -> list[Stretch] | None:
    """The real numbers in a set, an interval, an inequality or a combination.

    None for anything else.
    """
    try:
        return _region(value)
    except Undefined:
        return None


def is_number_set(value: Value) -> bool:
    r"""The set of all real numbers by its name, `\mathbb{R}`."""
    return isinstance(value, Quantity) and value.node == ("sym", "mathbb(R)")


def same_region(ours: list[Stretch], theirs: list[Stretch]) -> bool:
    """The same stretches, ends equal to 30 digits."""
    if len(ours) != len(theirs):
        return False
    pairs = (
        (a, b)
        for left, right in zip(ours, theirs, strict=True)
        for a, b in zip(left, right, strict=True)
    )
    return all(a[1] == b[1] and _near(a[0], b[0]) for a, b in pairs)


def _near(a: Decimal, b: Decimal) -> bool:
    if a.is_infinite() or b.is_infinite():
        return a == b
    return abs(a - b) <= Decimal("1e-27") * max(abs(a), abs(b))


def _region(value: Value) -> list[Stretch]:
    if isinstance(value, Interval):
        return _stretch(value.low, value.high, value.closed_low, value.closed_high)
    if isinstance(value, Named):
        return _region(value.value)
    if isinstance(value, Combined):
        return _combined(value)
    if isinstance(value, Group):
        if value.kind == "row" and len(value.items) == 2:
            low, high = value.items
            return _stretch(low, high, value.opening == "[", value.closing == "]")
        if value.kind == "set":
            return _union([_point(item) for item in value.items])
    if isinstance(value, Relation) and value.relations == ("!=",):
        return _subtract(REALS, _point(value.sides[1]))
    if isinstance(value, Quantity):
        if is_number_set(value):
            return REALS
        if value.node == ("sym", "∅"):
            return []
    raise Undefined("no set of real numbers")


def _stretch(
    low: Value | None, high: Value | None, closed_low: bool, closed_high: bool
) -> list[Stretch]:
    start = _end(low, -_INFINITY)
    stop = _end(high, _INFINITY)
    if start > stop:
        raise Undefined("an interval that ends before it starts")
    first = (start, -1 if closed_low and not start.is_infinite() else 1)
    last = (stop, 1 if closed_high and not stop.is_infinite() else -1)
    return [(first, last)] if first < last else []


def _end(value: Value | None, infinite: Decimal) -> Decimal:
    if value is None:
        return infinite
    if not isinstance(value, Quantity):
        raise Undefined("an end that is no number")
    if value.node == ("sym", "∞") or value.node == ("neg", ("sym", "∞")):
        return -_INFINITY if value.node[0] == "neg" else _INFINITY
    return Evaluator({}).value(value.node)


def _point(value: Value) -> list[Stretch]:
    place = _end(value, _INFINITY)
    return [((place, -1), (place, 1))]


def _combined(value: Combined) -> list[Stretch]:
    parts = [_region(part) for part in value.parts]
    if value.operation == "union":
        return _union(parts)
    result = parts[0]
    for part in parts[1:]:
        other = part if value.operation == "difference" else _subtract(REALS, part)
        result = _subtract(result, other)
    return result


def _union(parts: list[list[Stretch]]) -> list[Stretch]:
    merged: list[Stretch] = []
    for start, stop in sorted(stretch for part in parts for stretch in part):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], stop))
        else:
            merged.append((start, stop))
    return merged


def _subtract(ours: list[Stretch], theirs: list[Stretch]) -> list[Stretch]:
    left = list(ours)
    for start, stop in theirs:
        kept: list[Stretch] = []
        for first, last in left:
            if stop <= first or last <= start:
                kept.append((first, last))
                continue
            if first < start:
                kept.append((first, start))
            if stop < last:
                kept.append((stop, last))
        left = kept
    return left
