"""Sixty-digit values of expressions with the imaginary unit, or with roots of negative numbers."""

from __future__ import annotations

from decimal import Decimal, DecimalException, localcontext
from typing import TypeAlias

from rlvr_rewards_math.evaluate import Evaluator
from rlvr_rewards_math.exact import Undefined, exact
from rlvr_rewards_math.expression import Node
from rlvr_rewards_math.functions import CONTEXT, decimal_of

Pair: TypeAlias = tuple[Decimal, Decimal]
_ZERO, _ONE = Decimal(0), Decimal(1)


def complex_value(node: Node) -> Pair:
    """Real and imaginary part of a tree without symbols.

    Raises:
        Undefined: it has a symbol, or an operation that is not known for complex numbers.
    """
    with localcontext(CONTEXT):
        try:
            return _value(node)
        except DecimalException as error:
            raise Undefined(str(error)) from error


def _value(node: Node) -> Pair:
    kind = node[0]
    if kind == "num":
        return decimal_of(node[1]), _ZERO
    if kind == "sym" and node[1] == "i":
        return _ZERO, _ONE
    if kind == "add":
        parts = [_value(part) for part in node[1:]]
        return sum((a for a, _ in parts), _ZERO), sum((b for _, b in parts), _ZERO)
    if kind == "neg":
        real, imaginary = _value(node[1])
        return -real, -imaginary
    if kind == "mul":
        return _times(_value(node[1]), _value(node[2]))
    if kind == "div":
        return _times(_value(node[1]), _inverse(_value(node[2])))
    if kind == "pow":
        return _power(node)
    if kind == "call" and node[1] == "sqrt" and len(node) == 3:
        return _sqrt(_value(node[2]))
    return _real(node), _ZERO


def _real(node: Node) -> Decimal:
    evaluator = Evaluator({})
    return evaluator.value(node)


def _times(a: Pair, b: Pair) -> Pair:
    return a[0] * b[0] - a[1] * b[1], a[0] * b[1] + a[1] * b[0]


def _inverse(a: Pair) -> Pair:
    size = a[0] * a[0] + a[1] * a[1]
    if not size:
        raise Undefined("division by zero")
    return a[0] / size, -a[1] / size


def _power(node: Node) -> Pair:
    if node[1] == ("sym", "e"):
        return _exponential(_value(node[2]))
    power = exact(node[2])
    base = _value(node[1])
    if power.denominator == 2:
        return _whole_power(_sqrt(base), power.numerator)
    if power.denominator != 1:
        if base[1]:
            raise Undefined("a root of a complex number")
        return _real(node), _ZERO
    return _whole_power(base, power.numerator)


def _whole_power(base: Pair, power: int) -> Pair:
    if abs(power) > 10_000:
        raise Undefined("too large a power of a complex number")
    result: Pair = (_ONE, _ZERO)
    square = base if power >= 0 else _inverse(base)
    left = abs(power)
    while left:
        if left & 1:
            result = _times(result, square)
        square = _times(square, square)
        left >>= 1
    return result


def _exponential(power: Pair) -> Pair:
    size = Evaluator({"t": power[0]}).value(("call", "exp", ("sym", "t")))
    turn = {"t": power[1]}
    cosine, sine = (Evaluator(turn).value(("call", name, ("sym", "t"))) for name in ("cos", "sin"))
    return size * cosine, size * sine


def _sqrt(value: Pair) -> Pair:
    real, imaginary = value
    if not imaginary:
        return (real.sqrt(), _ZERO) if real >= 0 else (_ZERO, (-real).sqrt())
    size = (real * real + imaginary * imaginary).sqrt()
    root = ((size + real) / 2).sqrt()
    other = ((size - real) / 2).sqrt()
    return root, other if imaginary > 0 else -other
