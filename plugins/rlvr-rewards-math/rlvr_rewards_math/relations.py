"""Equations and inequalities: what they say about which name, and what counts as a name."""

from __future__ import annotations

from rlvr_rewards_math.expression import Node
from rlvr_rewards_math.quantities import is_infinite
from rlvr_rewards_math.values import Group, Interval, Named, Quantity, Ratio, Relation, Text, Value

RELATIONS = {
    "=": "=",
    "<": "<",
    ">": ">",
    "\\leq": "<=",
    "\\geq": ">=",
    "\\neq": "!=",
    "\\equiv": "=",
    "\\sim": "~",
}


def relation_to_nothing(relation: str, value: Value) -> Value:
    """`> 3` says what a value is greater than, `= 3` just what it is."""
    if relation == "=":
        return value
    if relation in ("<", "<="):
        return Interval(None, value, False, relation == "<=")
    if relation in (">", ">="):
        return Interval(value, None, relation == ">=", False)
    return Relation((Text(""), value), (relation,))


def relation(sides: list[Value], relations: list[str]) -> Value:
    """The value of a chain of sides.

    A named value, an interval, or a relation between expressions.
    """
    kinds = set(relations)
    if kinds == {"="}:
        return _equation(sides)
    if kinds <= {"<", "<="} or kinds <= {">", ">="}:
        interval = _interval(sides, relations)
        if interval is not None:
            return interval
    return Relation(tuple(sides), tuple(relations))


def _equation(sides: list[Value]) -> Value:
    if is_name(sides[0]):
        return Named(sides[0], sides[-1])
    if len(sides) == 2 and is_name(sides[1]) and is_number(sides[0]):
        return Named(sides[1], sides[0])
    return Relation(tuple(sides), ("=",) * (len(sides) - 1))


def solutions(values: tuple[Value, ...]) -> tuple[Value, ...] | None:
    """Inequalities, maybe with single solutions among them, as sets: `x < 1 or x = 3`."""
    variables = {value.variable for value in values if isinstance(value, Interval)}
    if len(variables) != 1 or variables == {""}:
        return None
    sets: list[Value] = []
    for value in values:
        if isinstance(value, Named) and name_of(value.name) in variables and is_number(value.value):
            sets.append(Group("set", (value.value,)))
        elif isinstance(value, Interval):
            sets.append(value)
        else:
            return None
    return tuple(sets)


def is_name(value: Value) -> bool:
    """A symbol, a function of symbols, or a tuple of them: what an equation can give a value to."""
    if isinstance(value, Group):
        return value.kind == "row" and all(is_name(item) for item in value.items)
    if isinstance(value, Text):
        return True
    if isinstance(value, Ratio):
        return all(is_name(part) for part in value.parts)
    if not isinstance(value, Quantity):
        return False
    kind = value.node[0]
    if kind == "sym":
        return value.node[1] not in ("π", "e", "i", "∞")
    if kind == "call":
        return value.node[1] in "fghFGP"
    if kind == "mul" and value.node[1][:2] == ("pow", ("sym", "f")):
        return bool(value.node[2][0] == "sym")  # f^{-1}(x)
    if kind == "mul":  # p(x), AB, T(10): a letter beside a bracket reads as a product
        return (
            value.node[1][0] == "sym"
            and len(value.node) == 3
            and value.node[2][0] in ("sym", "num")
        )
    if kind == "div":  # \frac{NO}{BO}
        return all(is_name(Quantity(part)) for part in value.node[1:])
    return False


def is_number(value: Value) -> bool:
    """An expression without symbols."""
    return isinstance(value, Quantity) and not symbols_of(value.node)


def symbols_of(node: Node) -> frozenset[str]:
    """The symbols of a tree, constants left out."""
    if node[0] == "sym":
        return frozenset() if node[1] in ("π", "e", "i", "∞") else frozenset({node[1]})
    found: frozenset[str] = frozenset()
    for part in node[1:]:
        if isinstance(part, tuple):
            found |= symbols_of(part)
    return found


def _interval(sides: list[Value], relations: list[str]) -> Interval | None:
    """The interval that `a < x <= b`, `x > a` or `a > x` stands for.

    An interval if one side is a name and the others are numbers.
    """
    if relations[0] in (">", ">="):
        sides, relations = sides[::-1], [{">": "<", ">=": "<="}[one] for one in relations[::-1]]
    ends = [_bound(side) for side in sides]
    if len(sides) == 3 and is_name(sides[1]) and ends[0] is not False and ends[2] is not False:
        low, high = (
            None if end is True else side
            for end, side in ((ends[0], sides[0]), (ends[2], sides[2]))
        )
        return Interval(low, high, relations[0] == "<=", relations[1] == "<=", name_of(sides[1]))
    if len(sides) == 2 and is_name(sides[0]) and ends[1] is not False:
        return Interval(
            None,
            None if ends[1] is True else sides[1],
            False,
            relations[0] == "<=",
            name_of(sides[0]),
        )
    if len(sides) == 2 and is_name(sides[1]) and ends[0] is not False:
        return Interval(
            None if ends[0] is True else sides[0],
            None,
            relations[0] == "<=",
            False,
            name_of(sides[1]),
        )
    return None


def _bound(side: Value) -> bool | None:
    """None for a number, True for infinity, False for what bounds nothing."""
    if not is_number(side):
        return False
    node = side.node if isinstance(side, Quantity) else ()
    return True if is_infinite(node) else None


def name_of(value: Value) -> str:
    """A name as text, to compare with another."""
    if isinstance(value, Quantity):
        return repr(value.node) if value.node[0] != "sym" else str(value.node[1])
    return repr(value)
