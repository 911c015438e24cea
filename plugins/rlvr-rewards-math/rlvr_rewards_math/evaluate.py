"""Real values of expressions to sixty digits, at chosen points.

No floats, no clocks: the same tree gives the same value everywhere, and budgets of digits bound
the work.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal, DecimalException, Overflow, localcontext

from rlvr_rewards_math.exact import TooLarge, Undefined, count, exact
from rlvr_rewards_math.expression import Node
from rlvr_rewards_math.functions import (
    CALLS,
    CONTEXT,
    PI,
    E,
    decimal_of,
    near_whole,
    not_zero,
    odd_root,
)
from rlvr_rewards_math.functions import power as power_of

_ZERO = Decimal(0)
_ROUNDING = Decimal("1e-50")
_UNSEEN = Decimal("1e-30")


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


class Evaluator:
    """Real values of trees, with values for their symbols.

    A sum whose parts cancel to fifty digits is zero: what is left is rounding. `lost` says that a
    part was so small beside another that agreement proves nothing about it.
    """

    def __init__(self, point: Mapping[str, Decimal]) -> None:
        self.point = point
        self.lost = False

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
            return self._value(node[1]) / not_zero(self._value(node[2]))
        if kind == "pow":
            return self._power(node)
        if kind == "fact":
            return Decimal(math.factorial(count(near_whole(self._value(node[1])))))
        call = CALLS.get(node[1])
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
            size = abs(value)
            self.lost = self.lost or 0 < size < largest * _UNSEEN or 0 < largest < size * _UNSEEN
            largest = max(largest, size)
            total += value
        return _ZERO if abs(total) < largest * _ROUNDING else total

    def _power(self, node: Node) -> Decimal:
        base, power = self._value(node[1]), self._value(node[2])
        if base < 0 and node[2][0] == "div":
            try:
                return odd_root(base, exact(node[2]))
            except Undefined:
                pass
        return power_of(base, power)

    def _unknown_function(self, node: Node) -> Decimal:
        """A function without a definition, `f(x)`.

        A fixed smooth one, so that equal arguments give equal values.
        """
        seed = Decimal(sum((index + 2) * ord(letter) for index, letter in enumerate(node[1])))
        total = seed / 7
        for index, part in enumerate(node[2:]):
            value = self._value(part)
            total += (value * value + seed) / (value * value + index + 3) + value / 3
        return total
