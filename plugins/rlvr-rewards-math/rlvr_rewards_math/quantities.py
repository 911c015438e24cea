"""Are two quantities equal? Exactly if they are rational, to sixty digits if not.

At chosen points if they have symbols.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal, localcontext
from fractions import Fraction
from functools import lru_cache
from typing import Literal

from rlvr_rewards_math.evaluate import Evaluator
from rlvr_rewards_math.exact import DividesByZero, Undefined, exact
from rlvr_rewards_math.expression import Node
from rlvr_rewards_math.functions import CONTEXT
from rlvr_rewards_math.units import unit_of
from rlvr_rewards_math.values import Quantity

_AGREE = Decimal("1e-36")
_LEAST_AGREEING = 4
_LEAST_DECIMALS = 6


@dataclass(frozen=True, slots=True)
class Policy:
    """What counts as equal where people differ; see `math/equal` for each option."""

    tolerance: float = 0.0
    decimals: int = _LEAST_DECIMALS
    percent: bool = True
    units: Literal["optional", "required", "ignored"] = "optional"
    ordered: bool = False
    unevaluated: bool = False


def same_quantity(gold: Quantity, answer: Quantity, policy: Policy) -> bool | None:
    """Whether two quantities are equal; None if that can't be decided here."""
    scales = unit_scales(gold, answer, policy)
    if scales is None:
        return False
    verdicts = [
        same_node(gold.node, _scaled(answer.node, scale), policy, gold.decimals, answer.decimals)
        for scale in scales
    ]
    if True in verdicts:
        return True
    return None if None in verdicts else False


def unit_scales(gold: Quantity, answer: Quantity, policy: Policy) -> list[Node | None] | None:
    """What the answer may be multiplied by to be in the gold's unit.

    None if the units exclude each other.
    """
    one: Node | None = None
    if gold.percent != answer.percent:
        if not policy.percent:
            return [_number(Fraction(1, 100) if answer.percent else Fraction(100))]
        return [one, _number(Fraction(1, 100) if answer.percent else Fraction(100))]
    if policy.units == "ignored":
        return [one]
    ours, theirs = unit_of(gold.unit), unit_of(answer.unit)
    if policy.units == "required" and (ours is None) != (theirs is None):
        return None
    degrees = ("angle", Fraction(1))
    if degrees in (ours, theirs) and ours != theirs:
        if ours is not None and theirs is not None and ours[0] != theirs[0]:
            return None
        ratio: Node = ("div", ("num", Fraction(180)), ("sym", "π"))
        to_gold = ratio if ours == degrees else ("div", ("num", Fraction(1)), ratio)
        return [to_gold] if ours and theirs else [one, to_gold]
    if ours is None or theirs is None or ours == theirs:
        return [one]
    if ours[0] != theirs[0] or not ours[1] or not theirs[1]:
        return None
    return [_number(theirs[1] / ours[1])]


def _number(value: Fraction) -> Node:
    return ("num", value)


def _scaled(node: Node, scale: Node | None) -> Node:
    return node if scale is None else ("mul", node, scale)


def same_node(
    gold: Node,
    answer: Node,
    policy: Policy,
    gold_decimals: int | None = None,
    answer_decimals: int | None = None,
) -> bool | None:
    """Whether two trees have the same value, whatever their symbols stand for."""
    if gold == answer:
        return True
    ours, theirs = exact_or_none(gold), exact_or_none(answer)
    if ours is not None and theirs is not None:
        return ours == theirs or _close(ours, theirs, policy, gold_decimals, answer_decimals)
    if gold_decimals is not None or answer_decimals is not None:
        return _same_as_decimal(gold, answer, policy, gold_decimals, answer_decimals)
    if is_infinite(gold) or is_infinite(answer):
        return False
    names = _symbols(gold) | _symbols(answer)
    if not names:
        return _same_constant(gold, answer, policy)
    if (renamed := _same_period(gold, answer)) is not None:
        answer = renamed
        names = _symbols(gold)
    return _same_function(gold, answer, tuple(sorted(names)))


@lru_cache(maxsize=4096)
def exact_or_none(node: Node) -> Fraction | None:
    """The rational value of a tree; None if it has none, or one too long."""
    try:
        return exact(node)
    except Undefined:
        return None


def _is_short_decimal(value: Fraction) -> bool:
    """The value is written out in at most twelve decimals, so an answer near it is not it."""
    return 10**12 % value.denominator == 0


def _close(
    ours: Fraction,
    theirs: Fraction,
    policy: Policy,
    gold_decimals: int | None,
    answer_decimals: int | None,
) -> bool:
    difference = abs(ours - theirs)
    if policy.tolerance and difference <= Fraction(policy.tolerance) * max(abs(ours), abs(theirs)):
        return True
    if not ours or not theirs:
        return False
    if gold_decimals is not None and answer_decimals is not None:
        # one is the other, rounded: 3.141593 and 3.14159265
        shorter = min(gold_decimals, answer_decimals)
        rounded = gold_decimals != answer_decimals and shorter >= policy.decimals
        return rounded and difference < Fraction(1, 10**shorter)
    if gold_decimals is not None:
        decimals, other = gold_decimals, theirs
    elif answer_decimals is not None:
        decimals, other = answer_decimals, ours
    else:
        return False
    if decimals < policy.decimals or _is_short_decimal(other):
        return False
    limit = Fraction(1, 10**policy.decimals)
    return difference < limit and difference < 10 * limit * abs(other)


def _same_as_decimal(
    gold: Node, answer: Node, policy: Policy, gold_decimals: int | None, answer_decimals: int | None
) -> bool | None:
    """A written decimal against a value that is not rational."""
    if _symbols(gold) or _symbols(answer):
        return False if _symbols(gold) != _symbols(answer) else None
    try:
        ours, theirs = Evaluator({}).value(gold), Evaluator({}).value(answer)
    except Undefined:
        return None
    return _close(Fraction(ours), Fraction(theirs), policy, gold_decimals, answer_decimals)


def _same_constant(gold: Node, answer: Node, policy: Policy) -> bool | None:
    evaluator = Evaluator({})
    try:
        ours, theirs = evaluator.value(gold), evaluator.value(answer)
    except DividesByZero:
        return False
    except Undefined:
        return _same_complex(gold, answer)
    if agree(ours, theirs):
        return None if evaluator.lost else True
    if policy.tolerance:
        return _close(Fraction(ours), Fraction(theirs), policy, None, None)
    return False


def agree(ours: Decimal, theirs: Decimal) -> bool:
    """Two values are the same to 36 digits, which rounding leaves."""
    with localcontext(CONTEXT):
        return abs(ours - theirs) <= _AGREE * max(abs(ours), abs(theirs))


def _same_complex(gold: Node, answer: Node) -> bool | None:
    from rlvr_rewards_math.complex_values import complex_value

    try:
        ours, theirs = complex_value(gold), complex_value(answer)
    except Undefined:
        return None
    size = max(abs(part) for part in (*ours, *theirs))
    return all(abs(a - b) <= _AGREE * size for a, b in zip(ours, theirs, strict=True))


def _same_function(gold: Node, answer: Node, names: tuple[str, ...]) -> bool | None:
    """Equal at every point tried, at four or more; different at points of two regions.

    Else undecided.
    """
    if "i" in (_all_symbols(gold) | _all_symbols(answer)):
        return None
    agreed, differing = 0, set()
    for region, point in points(names):
        pair = _pair_at(gold, answer, point)
        if pair is None:
            continue
        if pair:
            agreed += 1
        else:
            differing.add(region)
        if len(differing) > 1 and not agreed:
            return False
        if agreed >= 6:
            break
    if differing:
        return False if not agreed and "whole" in differing else None
    return True if agreed >= _LEAST_AGREEING else None


def is_infinite(node: Node) -> bool:
    """Plus or minus infinity."""
    return node == ("sym", "∞") or node == ("neg", ("sym", "∞"))


def _same_period(gold: Node, answer: Node) -> Node | None:
    r"""The answer with the gold's letter, where both have one letter for any whole number.

    `k\pi` and `n\pi`.
    """
    ours, theirs = _symbols(gold), _symbols(answer)
    if len(ours) != 1 or len(theirs) != 1 or not ours | theirs <= {"k", "n", "m"}:
        return None
    if "π" not in _all_symbols(gold) & _all_symbols(answer):
        return None
    return rename(answer, {next(iter(theirs)): next(iter(ours))})


def rename(node: Node, names: dict[str, str]) -> Node:
    """The tree with other names for some of its symbols."""
    if node[0] == "sym":
        return ("sym", names.get(node[1], node[1]))
    return tuple(rename(part, names) if isinstance(part, tuple) else part for part in node)


def _pair_at(gold: Node, answer: Node, point: dict[str, Decimal]) -> bool | None:
    evaluator = Evaluator(point)
    try:
        same = agree(evaluator.value(gold), evaluator.value(answer))
    except Undefined:
        return None
    return None if same and evaluator.lost else same


def proportional(gold: Node, answer: Node, *, positive: bool = False) -> bool | None:
    """One tree is a constant times the other, as the sides of two equations may be."""
    names = tuple(sorted(_symbols(gold) | _symbols(answer)))
    ratio, agreed, differing = None, 0, 0
    for _, point in points(names):
        evaluator = Evaluator(point)
        try:
            ours, theirs = evaluator.value(gold), evaluator.value(answer)
        except Undefined:
            continue
        if abs(ours) < _AGREE or abs(theirs) < _AGREE:
            continue
        with localcontext(CONTEXT):
            here = ours / theirs
        if ratio is None:
            ratio = here
        elif agree(ratio, here):
            agreed += 1
        else:
            differing += 1
        if differing > 1:
            return False
        if agreed >= _LEAST_AGREEING:
            return not positive or ratio > 0
    return None


Region = Literal["middle", "small", "whole", "negative"]


def points(names: tuple[str, ...]) -> Iterator[tuple[Region, dict[str, Decimal]]]:
    """Points to try: in (1, 3), in (0, 1), whole numbers, in (-3, 0), and round again.

    The same on every machine.
    """
    shapes: tuple[tuple[Region, Callable[[int], Decimal]], ...] = (
        ("middle", lambda seed: 1 + Decimal(seed % 10**12) / 10**12 * 2),
        ("small", lambda seed: Decimal(seed % 10**12 + 1) / 10**12),
        ("whole", lambda seed: Decimal(seed % 7 + 1)),
        ("negative", lambda seed: -3 * Decimal(seed % 10**12 + 1) / 10**12),
        ("whole", lambda seed: Decimal(seed % 11 + 1)),
    )
    for turn in range(6):
        for shape, (region, place) in enumerate(shapes):
            yield region, {name: place(_seed(name, turn * len(shapes) + shape)) for name in names}


@lru_cache(maxsize=4096)
def _seed(name: str, turn: int) -> int:
    return int.from_bytes(hashlib.sha256(f"{name}/{turn}".encode()).digest()[:8], "big")


def _symbols(node: Node) -> frozenset[str]:
    return _all_symbols(node) - {"π", "e", "i", "∞"}


@lru_cache(maxsize=4096)
def _all_symbols(node: Node) -> frozenset[str]:
    if node[0] == "sym":
        return frozenset({node[1]})
    found: frozenset[str] = frozenset()
    for part in node[1:]:
        if isinstance(part, tuple):
            found |= _all_symbols(part)
    return found
