"""Are two values equal? By kind.

Lists without order, tuples in order, sets, intervals, equations, matrices, words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from rlvr_rewards_math.equations import (
    as_inequality,
    as_relation,
    as_solved,
    one_sided,
    renamed,
    renaming,
    spread,
)
from rlvr_rewards_math.quantities import (
    Policy,
    exact_or_none,
    proportional,
    same_node,
    same_quantity,
)
from rlvr_rewards_math.regions import is_number_set, region, same_region
from rlvr_rewards_math.relations import is_number, symbols_of
from rlvr_rewards_math.values import (
    Combined,
    Group,
    Interval,
    Matrix,
    Named,
    Quantity,
    Ratio,
    Relation,
    Text,
    Value,
)
from rlvr_rewards_math.words import same_text


def same(gold: Value, answer: Value, policy: Policy) -> bool | None:
    """Whether two values are equal; None if exact rules can't decide."""
    if gold == answer:
        return not is_false_equation(answer)
    gold, answer = _settled(gold), _settled(answer)
    if isinstance(gold, Group) is not isinstance(answer, Group):
        gold, answer = _one_value(gold), _one_value(answer)
    if is_false_equation(answer) or is_false_equation(gold):
        return False
    if isinstance(gold, Named) or isinstance(answer, Named):
        return _same_named(gold, answer, policy)
    if isinstance(gold, Quantity) and isinstance(answer, Quantity):
        return same_quantity(gold, answer, policy)
    if is_number_set(gold) or is_number_set(answer):
        return _same_region(gold, answer, policy)
    if isinstance(gold, Text) or isinstance(answer, Text):
        return same_text(gold, answer)
    if isinstance(gold, Matrix) or isinstance(answer, Matrix):
        return _same_matrix(gold, answer, policy)
    if isinstance(gold, Ratio) or isinstance(answer, Ratio):
        return _same_ratio(gold, answer, policy)
    if isinstance(gold, Relation) and isinstance(answer, Relation) and "!=" not in gold.relations:
        return _same_relation(gold, answer)
    if isinstance(gold, Relation) and (other := as_inequality(answer)) is not None:
        return _same_relation(gold, other)
    if isinstance(answer, Relation) and (other := as_inequality(gold)) is not None:
        return _same_relation(other, answer)
    if (solved := as_solved(gold, answer)) is not None:
        return _same_relation(*solved)
    if _is_region(gold) or _is_region(answer):
        return _same_region(gold, answer, policy)
    return _same_group(gold, answer, policy)


def is_false_equation(value: Value) -> bool:
    """`41 = 42`: numbers that are said to be equal and are not."""
    if not isinstance(value, Relation) or set(value.relations) != {"="}:
        return False
    sides = [
        exact_or_none(side.node) if isinstance(side, Quantity) else None for side in value.sides
    ]
    numbers = [side for side in sides if side is not None]
    return len(set(numbers)) > 1


def _settled(value: Value) -> Value:
    """A true equation between numbers is its last side; a set of one value is that value."""
    if isinstance(value, Relation):
        is_equation = set(value.relations) == {"="} and all(map(is_number, value.sides))
        return value.sides[-1] if is_equation and not is_false_equation(value) else value
    if isinstance(value, Group) and value.kind in ("set", "list") and len(value.items) == 1:
        return value.items[0]
    return value


def _one_value(value: Value) -> Value:
    """A list that says the same thing several times says it once."""
    if isinstance(value, Group) and value.kind == "list" and len(set(value.items)) == 1:
        return value.items[0]
    return value


def _same_named(gold: Value, answer: Value, policy: Policy) -> bool | None:
    if isinstance(gold, Named) and isinstance(answer, Named):
        letters = renaming(gold.name, answer.name)
        if letters is not None:
            return same(gold.value, renamed(answer.value, letters), policy)
        if _is_set(gold.value) and _is_set(answer.value):
            return same(gold.value, answer.value, policy)
        if (parts := _componentwise(gold, answer)) is not None:
            return _same_group(*parts, policy)
        return _same_relation(as_relation(gold), as_relation(answer))
    if isinstance(answer, Named):
        return _same_one_named(answer, gold, policy)
    assert isinstance(gold, Named)
    return _same_one_named(gold, answer, policy)


def _same_one_named(named: Named, other: Value, policy: Policy) -> bool | None:
    """`x = 5` is 5; an equation is compared as an equation.

    `(x, y) = (1, 2)` with `x = 1, y = 2`.
    """
    if isinstance(other, Relation):
        return _same_relation(as_relation(named), other)
    if isinstance(other, Group) and any(isinstance(item, Named) for item in other.items):
        return _same_group(spread(named), other, policy)
    return same(other, named.value, policy)


def _componentwise(gold: Named, answer: Named) -> tuple[Group, Group] | None:
    if isinstance(gold.name, Group) and isinstance(answer.name, Group):
        return spread(gold), spread(answer)
    return None


def _is_set(value: Value) -> bool:
    return isinstance(value, Interval | Combined) or (
        isinstance(value, Group) and value.kind == "set"
    )


def _same_relation(gold: Value, answer: Value) -> bool | None:
    """Equations are the same up to a constant factor; inequalities up to a positive one."""
    if (
        isinstance(gold, Relation)
        and isinstance(answer, Relation)
        and gold.relations == answer.relations
    ):
        pairs = zip(gold.sides, answer.sides, strict=True)
        if len(gold.sides) > 2 or not all(
            isinstance(side, Quantity) for side in (*gold.sides, *answer.sides)
        ):
            return all_of(same(a, b, Policy()) for a, b in pairs)
    ours, theirs = one_sided(gold), one_sided(answer)
    if ours is None or theirs is None:
        return None
    if ours[1] != theirs[1]:
        return False
    if symbols_of(ours[0]) != symbols_of(theirs[0]):
        return False
    return proportional(ours[0], theirs[0], positive=ours[1] in ("<", "<="))


def _same_matrix(gold: Value, answer: Value, policy: Policy) -> bool | None:
    ours, theirs = _rows(gold), _rows(answer)
    if ours is None or theirs is None:
        return False
    if not (isinstance(gold, Matrix) and isinstance(answer, Matrix)):
        # a column or a row is the vector of its entries
        if (len(ours) != 1 and len(ours[0]) != 1) or (len(theirs) != 1 and len(theirs[0]) != 1):
            return False
        ours, theirs = _as_one_row(ours), _as_one_row(theirs)
    if [len(row) for row in ours] != [len(row) for row in theirs]:
        return False
    cells = (
        (a, b)
        for left, right in zip(ours, theirs, strict=True)
        for a, b in zip(left, right, strict=True)
    )
    return all_of(same(a, b, policy) for a, b in cells)


def _rows(value: Value) -> Sequence[Sequence[Value]] | None:
    if isinstance(value, Matrix):
        return value.rows
    return [value.items] if isinstance(value, Group) and value.kind == "row" else None


def _as_one_row(rows: Sequence[Sequence[Value]]) -> Sequence[Sequence[Value]]:
    return [[cell for row in rows for cell in row]]


def _same_ratio(gold: Value, answer: Value, policy: Policy) -> bool | None:
    if isinstance(gold, Ratio) and isinstance(answer, Ratio):
        return _same_proportion(gold, answer, policy)
    ratio, other = (gold, answer) if isinstance(gold, Ratio) else (answer, gold)
    assert isinstance(ratio, Ratio)
    first, last = ratio.parts[0], ratio.parts[-1]
    if len(ratio.parts) != 2 or not isinstance(other, Quantity):
        return False
    if not (isinstance(first, Quantity) and isinstance(last, Quantity)):
        return False
    return same_quantity(Quantity(("div", first.node, last.node)), other, policy)


def _same_proportion(gold: Ratio, answer: Ratio, policy: Policy) -> bool | None:
    if len(gold.parts) != len(answer.parts):
        return False
    ours = [part.node for part in gold.parts if isinstance(part, Quantity)]
    theirs = [part.node for part in answer.parts if isinstance(part, Quantity)]
    if len(ours) != len(gold.parts) or len(theirs) != len(ours):
        return None
    if (
        gold.clock
        or answer.clock
        or any(isinstance(p, Quantity) and p.unit for p in (*gold.parts, *answer.parts))
    ):
        return all_of(same(a, b, policy) for a, b in zip(gold.parts, answer.parts, strict=True))
    crosses = zip(ours[1:], theirs[1:], strict=True)
    return all_of(same_node(("mul", ours[0], b), ("mul", theirs[0], a), policy) for a, b in crosses)


def _is_region(value: Value) -> bool:
    return isinstance(value, Interval | Combined) or (
        isinstance(value, Relation) and value.relations == ("!=",)
    )


def _same_region(gold: Value, answer: Value, policy: Policy) -> bool | None:
    ours, theirs = region(gold), region(answer)
    if ours is not None and theirs is not None:
        names = {v.variable for v in (gold, answer) if isinstance(v, Interval) and v.variable}
        return len(names) < 2 and same_region(ours, theirs)
    if isinstance(gold, Quantity | Ratio) or isinstance(answer, Quantity | Ratio):
        return False
    if isinstance(gold, Interval) and isinstance(answer, Interval):
        return _same_ends(gold, answer, policy)
    if (
        isinstance(gold, Combined)
        and isinstance(answer, Combined)
        and gold.operation == answer.operation
    ):
        return (
            True if unordered(gold.parts, answer.parts, lambda a, b: same(a, b, policy)) else None
        )
    return None


def _same_ends(gold: Interval, answer: Interval, policy: Policy) -> bool | None:
    if (gold.closed_low, gold.closed_high) != (answer.closed_low, answer.closed_high):
        return False
    pairs = ((gold.low, answer.low), (gold.high, answer.high))
    if any((a is None) != (b is None) for a, b in pairs):
        return False
    return all_of(same(a, b, policy) for a, b in pairs if a is not None and b is not None)


def _same_group(gold: Value, answer: Value, policy: Policy) -> bool | None:
    if not (isinstance(gold, Group) and isinstance(answer, Group)):
        if isinstance(gold, Relation) or isinstance(answer, Relation):
            return None if isinstance(gold, Relation) and isinstance(answer, Relation) else False
        return False
    kinds = {gold.kind, answer.kind}
    if kinds == {"row"}:
        if len(gold.items) == 2 and (gold.opening, gold.closing) != (
            answer.opening,
            answer.closing,
        ):
            return False
        return _in_order(gold.items, answer.items, policy)
    if "row" in kinds:
        return False if "set" in kinds else _in_order(gold.items, answer.items, policy)
    if policy.ordered and "set" not in kinds:
        return _in_order(gold.items, answer.items, policy)

    def equal(a: Value, b: Value) -> bool | None:
        return same(a, b, policy)

    if kinds == {"set"} or len(gold.items) != len(answer.items):
        ours, theirs = _distinct(gold.items, equal), _distinct(answer.items, equal)
        return unordered(ours, theirs, equal)
    return unordered(gold.items, answer.items, equal)


def _distinct(items: Sequence[Value], equal: Callable[[Value, Value], bool | None]) -> list[Value]:
    kept: list[Value] = []
    for item in items:
        if not any(equal(other, item) for other in kept):
            kept.append(item)
    return kept


def _in_order(gold: Sequence[Value], answer: Sequence[Value], policy: Policy) -> bool | None:
    if len(gold) != len(answer):
        return False
    return all_of(same(a, b, policy) for a, b in zip(gold, answer, strict=True))


def unordered(
    gold: Sequence[Value], answer: Sequence[Value], equal: Callable[[Value, Value], bool | None]
) -> bool | None:
    """Whether the values can be paired off; None if that depends on a pair that is undecided."""
    if len(gold) != len(answer):
        return False
    left = list(answer)
    doubtful = False
    for ours in gold:
        verdicts = [equal(ours, theirs) for theirs in left]
        if True in verdicts:
            left.pop(verdicts.index(True))
        elif None in verdicts:
            doubtful = True
        else:
            return False
    return None if doubtful else True


def all_of(verdicts: Iterable[bool | None]) -> bool | None:
    """True if all are, False if one is, else None."""
    doubtful = False
    for verdict in verdicts:
        if verdict is False:
            return False
        doubtful = doubtful or verdict is None
    return None if doubtful else True
