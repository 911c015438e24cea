"""Functions of real numbers to sixty digits: roots, logarithms, angles, whole-number functions."""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Context, Decimal
from fractions import Fraction

from rlvr_rewards_math.exact import DividesByZero, Undefined, count, whole_number

CONTEXT = Context(prec=60, Emax=10**7, Emin=-(10**7))
PI = Decimal("3.14159265358979323846264338327950288419716939937510582097494459230781640628620899")
E = Decimal("2.71828182845904523536028747135266249775724709369995957496696762772407663035354759")
_ZERO, _ONE = Decimal(0), Decimal(1)
_LARGEST_ANGLE = Decimal(10) ** 12


def decimal_of(value: Fraction) -> Decimal:
    """A rational to sixty digits."""
    return (
        Decimal(value.numerator) / Decimal(value.denominator)
        if value.denominator != 1
        else +Decimal(value.numerator)
    )


def near_whole(value: Decimal) -> Fraction:
    """The whole number that a value is, but for rounding."""
    whole = value.to_integral_value()
    if abs(whole) > 10**9 or abs(value - whole) > Decimal("1e-30"):
        raise Undefined("no whole number")
    return Fraction(int(whole))


def not_zero(value: Decimal) -> Decimal:
    """A value to divide by."""
    if not value:
        raise DividesByZero("division by zero")
    return value


def power(base: Decimal, power: Decimal) -> Decimal:
    """A real power; a negative base takes whole powers only."""
    if power == power.to_integral_value() and abs(power) < 10**9:
        if base == 0 and power <= 0:
            raise Undefined("zero to a power that is not positive")
        return base ** int(power)
    if base < 0 or (base == 0 and power <= 0):
        raise Undefined("a power of a negative number")
    return base**power if base else _ZERO


def odd_root(base: Decimal, power: Fraction) -> Decimal:
    """The real value of a negative base to a power with an odd denominator."""
    if power.denominator % 2 == 0:
        raise Undefined("an even root of a negative number")
    root: Decimal = (-base) ** decimal_of(power)
    return -root if power.numerator % 2 else root


def _root(base: Decimal, index: Decimal = Decimal(2)) -> Decimal:
    if index == 2:
        if base < 0:
            raise Undefined("the square root of a negative number")
        return base.sqrt()
    whole = int(near_whole(index))
    if not 1 <= abs(whole) <= 1000:
        raise Undefined("a root of this index")
    if base < 0:
        return odd_root(base, Fraction(1, whole))
    return power(base, _ONE / whole)


def _log(value: Decimal, base: Decimal | None = None) -> Decimal:
    if value <= 0 or (base is not None and (base <= 0 or base == 1)):
        raise Undefined("the logarithm of what is not positive")
    # school books write log for base 10, others for base e: both sides are read alike
    return value.ln() / base.ln() if base is not None else value.log10()


def _exp(value: Decimal) -> Decimal:
    if abs(value) > 10**6:
        raise Undefined("too large")
    return value.exp()


def _ln(value: Decimal) -> Decimal:
    return _log(value, E)


def _sin(angle: Decimal) -> Decimal:
    if abs(angle) > _LARGEST_ANGLE:
        raise Undefined("an angle too large")
    angle = angle.remainder_near(2 * PI)
    term, total, index = angle, angle, 1
    square = angle * angle
    while abs(term) > Decimal("1e-63") and index < 200:
        term = -term * square / ((index + 1) * (index + 2))
        total += term
        index += 2
    return total


def _cos(angle: Decimal) -> Decimal:
    return _sin(angle + PI / 2)


def _ratio(
    top: Callable[[Decimal], Decimal], bottom: Callable[[Decimal], Decimal]
) -> Callable[[Decimal], Decimal]:
    def quotient(angle: Decimal) -> Decimal:
        below = bottom(angle)
        if abs(below) < Decimal("1e-40"):
            raise Undefined("a pole")
        return top(angle) / below

    return quotient


def _arctan(value: Decimal) -> Decimal:
    doublings = 0
    while abs(value) > Decimal("0.2") and doublings < 12:
        value = value / (1 + (1 + value * value).sqrt())
        doublings += 1
    term, total, index = value, value, 1
    while abs(term) > Decimal("1e-63") and index < 200:
        term = -term * value * value
        index += 2
        total += term / index
    return total * Decimal(2) ** doublings


def _arcsin(value: Decimal) -> Decimal:
    if abs(value) > 1:
        raise Undefined("the arc sine of more than 1")
    rest = 1 - value * value
    return PI / 2 * (1 if value > 0 else -1) if not rest else _arctan(value / rest.sqrt())


def _one(_: Decimal) -> Decimal:
    return _ONE


def _factor_of(values: tuple[Decimal, ...], fold: Callable[..., int]) -> Decimal:
    return Decimal(fold(*[whole_number(near_whole(value)) for value in values]))


def _binomial(top: Decimal, bottom: Decimal) -> Decimal:
    return Decimal(math.comb(count(near_whole(top)), count(near_whole(bottom))))


def _floor(value: Decimal) -> Decimal:
    return Decimal(math.floor(value)) if abs(value) < 10**30 else value


CALLS: dict[str, Callable[..., Decimal]] = {
    "sqrt": _root,
    "cbrt": lambda value: _root(value, Decimal(3)),
    "ln": _ln,
    "log": _log,
    "exp": _exp,
    "abs": abs,
    "floor": _floor,
    "ceil": lambda value: -_floor(-value),
    "ceiling": lambda value: -_floor(-value),
    "sin": _sin,
    "cos": _cos,
    "tan": _ratio(_sin, _cos),
    "cot": _ratio(_cos, _sin),
    "sec": _ratio(_one, _cos),
    "csc": _ratio(_one, _sin),
    "arcsin": _arcsin,
    "asin": _arcsin,
    "arccos": lambda value: PI / 2 - _arcsin(value),
    "acos": lambda value: PI / 2 - _arcsin(value),
    "arctan": _arctan,
    "atan": _arctan,
    "sinh": lambda value: (_exp(value) - _exp(-value)) / 2,
    "cosh": lambda value: (_exp(value) + _exp(-value)) / 2,
    "tanh": lambda value: (_exp(value) - _exp(-value)) / (_exp(value) + _exp(-value)),
    "binom": _binomial,
    "gcd": lambda *values: _factor_of(values, math.gcd),
    "lcm": lambda *values: _factor_of(values, math.lcm),
    "max": max,
    "min": min,
}
