"""Equations and inequalities in other forms.

On one side, solved for a letter, with other letters, as named values.
"""

from __future__ import annotations

from dataclasses import replace

from rlvr_rewards_math.expression import Node
from rlvr_rewards_math.quantities import rename
from rlvr_rewards_math.relations import symbols_of
from rlvr_rewards_math.values import Group, Interval, Named, Quantity, Relation, Value


def spread(named: Named) -> Group:
    """`(x, y) = (1, 2)` as `x = 1, y = 2`."""
    names, values = named.name, named.value
    if (
        isinstance(names, Group)
        and isinstance(values, Group)
        and len(names.items) == len(values.items)
    ):
        pairs = zip(names.items, values.items, strict=True)
        return Group("list", tuple(Named(name, value) for name, value in pairs))
    return Group("list", (named,))


def as_relation(named: Named) -> Value:
    """A named value as the equation that it was written as."""
    return Relation((named.name, named.value), ("=",))


def renaming(gold: Value, answer: Value) -> dict[str, str] | None:
    """How the answer's name becomes the gold's: `f(m)` is `f(n)` with another letter.

    None if it doesn't.
    """
    if gold == answer:
        return {}
    if not (isinstance(gold, Quantity) and isinstance(answer, Quantity)):
        return None
    ours, theirs = gold.node, answer.node
    if ours[0] == theirs[0] == "mul" and len(ours) == len(theirs) and ours[1] == theirs[1]:
        ours, theirs = ours[1:], theirs[1:]
    if ours[0] != theirs[0] or len(ours) != len(theirs) or ours[0] in ("sym", "num", "div"):
        return None
    renamed = {}
    for left, right in zip(ours[1:], theirs[1:], strict=True):
        if left == right:
            continue
        if not (isinstance(left, tuple) and left[0] == right[0] == "sym"):
            return None
        renamed[right[1]] = left[1]
    return renamed


def renamed(value: Value, names: dict[str, str]) -> Value:
    """A quantity with other letters; anything else stays as it is."""
    if not names or not isinstance(value, Quantity):
        return value
    return replace(value, node=rename(value.node, names))


def as_inequality(value: Value) -> Relation | None:
    """`x > 3` as a relation again, to compare with one that is not solved for its variable."""
    if not isinstance(value, Interval) or not value.variable.isidentifier():
        return None
    name = Quantity(("sym", value.variable))
    if value.low is None and value.high is not None:
        return Relation((name, value.high), ("<=" if value.closed_high else "<",))
    if value.high is None and value.low is not None:
        return Relation((value.low, name), ("<=" if value.closed_low else "<",))
    return None


def as_solved(gold: Value, answer: Value) -> tuple[Value, Value] | None:
    """An equation and an expression.

    The expression may be what one symbol of the equation is equal to.
    """
    relation, other = (gold, answer) if isinstance(gold, Relation) else (answer, gold)
    if (
        not isinstance(relation, Relation)
        or relation.relations != ("=",)
        or not isinstance(other, Quantity)
    ):
        return None
    names: set[str] = set()
    for side in relation.sides:
        names |= symbols_of(side.node) if isinstance(side, Quantity) else set()
    known = symbols_of(other.node)
    missing = names - known
    if not known or len(missing) != 1 or not known <= names:
        return None
    return relation, Relation((Quantity(("sym", missing.pop())), other), ("=",))


def one_sided(relation: Value) -> tuple[Node, str] | None:
    """`a > b` as the tree `b - a` and `<`."""
    if not isinstance(relation, Relation) or len(relation.sides) != 2:
        return None
    left, right = relation.sides
    if not (isinstance(left, Quantity) and isinstance(right, Quantity)):
        return None
    kind = relation.relations[0]
    if kind in (">", ">="):
        left, right, kind = right, left, {">": "<", ">=": "<="}[kind]
    return ("add", left.node, ("neg", right.node)), kind
