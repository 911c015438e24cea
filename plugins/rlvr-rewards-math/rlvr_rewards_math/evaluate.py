"""Values of expressions: exact rationals where that is cheap, else 60 digits at chosen points.

No floats, no clocks: the same tree gives the same value everywhere, and budgets in bits and digits bound the work.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from decimal import Context, Decimal, DecimalException, Overflow, localcontext
from fractions import Fraction

from rlvr_rewards_math.expression import Node

MAX_BITS = 16_000
MAX_FACTORIAL = 3_000
CONTEXT = Context(prec=60, Emax=10**7, Emin=-(10**7))
PI = Decimal("3.14159265358979323846264338327950288419716939937510582097494459230781640628620899")
E = Decimal("2.71828182845904523536028747135266249775724709369995957496696762772407663035354759")
_ZERO, _ONE = Decimal(0), Decimal(1)
_ROUNDING = Decimal("1e-50")
_LARGEST_ANGLE = Decimal(10) ** 12


class Undefined(Exception):
    """The expression has no real value here, or none within the budgets."""


class DividesByZero(Undefined):
    """The expression has no value anywhere."""


class TooLarge(Undefined):
    """The value, or one on the way to it, is over the budgets."""


# --- exact ---------------------------------------------------------------------------------------


def exact(node: Node) -> Fraction:
    """The rational value of a tree of numbers.

    Raises:
        Undefined: it has a symbol or an irrational part, divides by zero, or is longer than 16,000 bits.
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
        return _bounded(Fraction(math.factorial(_count(exact(node[1])))))
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


def _count(value: Fraction) -> int:
    if value.denominator != 1 or not 0 <= value <= MAX_FACTORIAL:
        raise (TooLarge if value > MAX_FACTORIAL else Undefined)("no whole number from 0 to 3000")
    return value.numerator


def _whole(value: Fraction) -> int:
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
    "binom": lambda top, bottom: Fraction(math.comb(_count(top), _count(bottom))),
    "gcd": lambda *values: Fraction(math.gcd(*[_whole(value) for value in values])),
    "lcm": lambda *values: Fraction(math.lcm(*[_whole(value) for value in values])),
    "max": max,
    "min": min,
}


def outgrows(node: Node) -> bool:
    """The value of a tree of numbers is over the budgets, exactly and to sixty digits."""
    try:
        exact(node)
        return False
    except TooLarge:
        pass
    except Undefined:
        return False
    try:
        Evaluator({}).value(node)
    except TooLarge:
        return True
    except Undefined:
        return False
    return False


# --- sixty digits --------------------------------------------------------------------------------


class Evaluator:
    """Real values of trees, with values for their symbols.

    A sum whose parts cancel to fifty digits is zero: what is left is rounding.
    """

    def __init__(self, point: Mapping[str, Decimal]) -> None:
        self.point = point

    def value(self, node: Node) -> Decimal:
        """The value of a tree.

        Raises:
            Undefined: there is no real value at this point, or none within the budgets.
        """
        with localcontext(CONTEXT):
            try:
                return self._value(node)
            except Overflow as error:
                raise TooLarge("too many digits") from error
            except DecimalException as error:
                raise Undefined(str(error)) from error

    def _value(self, node: Node) -> Decimal:
        kind = node[0]
        if kind == "num":
            return decimal_of(node[1])
        if kind == "sym":
            return self._symbol(node[1])
        if kind == "add":
            return self._sum(node)
        if kind == "mul":
            return self._value(node[1]) * self._value(node[2])
        if kind == "neg":
            return -self._value(node[1])
        if kind == "div":
            return self._value(node[1]) / _not_zero(self._value(node[2]))
        if kind == "pow":
            return self._power(node)
        if kind == "fact":
            return Decimal(math.factorial(_count(_near_whole(self._value(node[1])))))
        call = _CALLS.get(node[1])
        if call is None:
            return self._unknown_function(node)
        return call(*[self._value(part) for part in node[2:]])

    def _symbol(self, name: str) -> Decimal:
        if name == "π":
            return PI
        if name == "e":
            return E
        value = self.point.get(name)
        if value is None:
            raise Undefined(f"{name} has no value")
        return value

    def _sum(self, node: Node) -> Decimal:
        total, largest = _ZERO, _ZERO
        for part in node[1:]:
            value = self._value(part)
            largest = max(largest, abs(value))
            total += value
        return _ZERO if abs(total) < largest * _ROUNDING else total

    def _power(self, node: Node) -> Decimal:
        base, power = self._value(node[1]), self._value(node[2])
        if base < 0 and node[2][0] == "div":
            try:
                return _odd_root(base, exact(node[2]))
            except Undefined:
                pass
        return _power(base, power)

    def _unknown_function(self, node: Node) -> Decimal:
        """A function without a definition, `f(x)`: a fixed smooth one, so that equal arguments give equal values."""
        seed = Decimal(sum((index + 2) * ord(letter) for index, letter in enumerate(node[1])))
        total = seed / 7
        for index, part in enumerate(node[2:]):
            value = self._value(part)
            total += (value * value + seed) / (value * value + index + 3) + value / 3
        return total


def decimal_of(value: Fraction) -> Decimal:
    """A rational to sixty digits."""
    return (
        Decimal(value.numerator) / Decimal(value.denominator)
        if value.denominator != 1
        else +Decimal(value.numerator)
    )


def _not_zero(value: Decimal) -> Decimal:
    if abs(value) < Decimal("1e-40"):
        if not value:
            raise DividesByZero("division by zero")
    return value


def _near_whole(value: Decimal) -> Fraction:
    whole = value.to_integral_value()
    if abs(whole) > 10**9 or abs(value - whole) > Decimal("1e-30"):
        raise Undefined("no whole number")
    return Fraction(int(whole))


def _power(base: Decimal, power: Decimal) -> Decimal:
    if power == power.to_integral_value() and abs(power) < 10**9:
        if base == 0 and power <= 0:
            raise Undefined("zero to a power that is not positive")
        return base ** int(power)
    if base < 0 or (base == 0 and power <= 0):
        raise Undefined("a power of a negative number")
    return base**power if base else _ZERO


def _odd_root(base: Decimal, power: Fraction) -> Decimal:
    if power.denominator % 2 == 0:
        raise Undefined("an even root of a negative number")
    root: Decimal = (-base) ** decimal_of(power)
    return -root if power.numerator % 2 else root


def _root(base: Decimal, index: Decimal = Decimal(2)) -> Decimal:
    if index == 2:
        if base < 0:
            raise Undefined("the square root of a negative number")
        return base.sqrt()
    whole = int(_near_whole(index))
    if not 1 <= abs(whole) <= 1000:
        raise Undefined("a root of this index")
    if base < 0:
        return _odd_root(base, Fraction(1, whole))
    return _power(base, _ONE / whole)


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
    return total * 2**doublings


def _arcsin(value: Decimal) -> Decimal:
    if abs(value) > 1:
        raise Undefined("the arc sine of more than 1")
    rest = 1 - value * value
    return PI / 2 * (1 if value > 0 else -1) if not rest else _arctan(value / rest.sqrt())


def _one(_: Decimal) -> Decimal:
    return _ONE


def _factor_of(values: tuple[Decimal, ...], fold: Callable[..., int]) -> Decimal:
    return Decimal(fold(*[_whole(_near_whole(value)) for value in values]))


def _binomial(top: Decimal, bottom: Decimal) -> Decimal:
    return Decimal(math.comb(_count(_near_whole(top)), _count(_near_whole(bottom))))


def _floor(value: Decimal) -> Decimal:
    return Decimal(math.floor(value)) if abs(value) < 10**30 else value


_CALLS: dict[str, Callable[..., Decimal]] = {
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
