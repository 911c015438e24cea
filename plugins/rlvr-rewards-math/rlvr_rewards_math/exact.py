"""Exact rational values of expressions, within a budget of bits."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

from rlvr_rewards_math.expression import Node

MAX_BITS = 16_000
MAX_FACTORIAL = 3_000


class Undefined(Exception):
    """The expression has no real value here, or none within the budgets."""


class DividesByZero(Undefined):
    """The expression has no value anywhere."""


class TooLarge(Undefined):
    """The value, or one on the way to it, is over the budgets."""


def exact(node: Node) -> Fraction:
    """The rational value of a tree of numbers.

    Raises:
        Undefined: it has a symbol or an irrational part, divides by zero, or is longer than
            16,000 bits.
    """
    kind = node[0]
    if kind == "num":
        value: Fraction = node[1]
        return value
    if kind == "add":
        return _bounded(sum((exact(part) for part in node[1:]), Fraction(0)))
    if kind == "mul":
        return _bounded(exact(node[1]) * exact(node[2]))
    if kind == "neg":
        return -exact(node[1])
    if kind == "div":
        bottom = exact(node[2])
        if not bottom:
            raise DividesByZero("division by zero")
        return _bounded(exact(node[1]) / bottom)
    if kind == "pow":
        return _exact_power(exact(node[1]), exact(node[2]))
    if kind == "fact":
        return _bounded(Fraction(math.factorial(count(exact(node[1])))))
    if kind == "call" and node[1] in _EXACT_CALLS:
        return _bounded(_EXACT_CALLS[node[1]](*[exact(part) for part in node[2:]]))
    raise Undefined(f"{kind} has no exact value")


def _bounded(value: Fraction) -> Fraction:
    if value.numerator.bit_length() + value.denominator.bit_length() > MAX_BITS:
        raise TooLarge("too many digits")
    return value


def _exact_power(base: Fraction, power: Fraction) -> Fraction:
    if power.denominator != 1:
        return _exact_root(base, power)
    exponent = power.numerator
    bits = base.numerator.bit_length() + base.denominator.bit_length()
    if bits * abs(exponent) > MAX_BITS and base not in (0, 1, -1):
        raise TooLarge("too many digits")
    if base == 0 and exponent <= 0:
        raise Undefined("zero to a power that is not positive")
    return (
        Fraction(base**exponent)
        if base not in (1, -1)
        else Fraction(1 if base == 1 or exponent % 2 == 0 else -1)
    )


def _exact_root(base: Fraction, power: Fraction) -> Fraction:
    index = power.denominator
    if base <= 0 or index > 64:
        raise Undefined("a root with no exact value")
    top, bottom = _integer_root(base.numerator, index), _integer_root(base.denominator, index)
    return _exact_power(Fraction(top, bottom), Fraction(power.numerator))


def _integer_root(number: int, index: int) -> int:
    if index == 2:
        root = math.isqrt(number)
    else:
        low, high = 0, 1 << (number.bit_length() // index + 1)
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if middle**index <= number else (low, middle - 1)
        root = low
    if root**index != number:
        raise Undefined("a root that is no rational number")
    return root


def count(value: Fraction) -> int:
    """A whole number from 0 to 3,000, as factorials and binomials take it."""
    if value.denominator != 1 or not 0 <= value <= MAX_FACTORIAL:
        raise (TooLarge if value > MAX_FACTORIAL else Undefined)("no whole number from 0 to 3000")
    return value.numerator


def whole_number(value: Fraction) -> int:
    """A whole number of at most 4,096 bits."""
    if value.denominator != 1 or value.numerator.bit_length() > 4096:
        raise Undefined("no whole number")
    return value.numerator


def _exact_sqrt(base: Fraction, index: Fraction = Fraction(2)) -> Fraction:
    if index.denominator != 1 or not 2 <= index <= 64:
        raise Undefined("a root of this index")
    if base < 0 and index % 2:
        return -_exact_root(-base, 1 / index)
    return Fraction(0) if base == 0 else _exact_root(base, 1 / index)


_EXACT_CALLS: dict[str, Callable[..., Fraction]] = {
    "sqrt": _exact_sqrt,
    "cbrt": lambda base: _exact_sqrt(base, Fraction(3)),
    "abs": abs,
    "floor": lambda value: Fraction(math.floor(value)),
    "ceil": lambda value: Fraction(math.ceil(value)),
    "ceiling": lambda value: Fraction(math.ceil(value)),
    "binom": lambda top, bottom: Fraction(math.comb(count(top), count(bottom))),
    "gcd": lambda *values: Fraction(math.gcd(*[whole_number(value) for value in values])),
    "lcm": lambda *values: Fraction(math.lcm(*[whole_number(value) for value in values])),
    "max": max,
    "min": min,
}
