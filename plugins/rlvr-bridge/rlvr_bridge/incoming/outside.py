"""What all rewards from outside share: where they are, their range, and what they may return."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from numbers import Real
from typing import Any

from rlvr_bridge.incoming.loading import is_loading_in_worker, made
from rlvr_ops_core import OptionError, Score, reward

WIDEST = (-sys.float_info.max, sys.float_info.max)


@reward(range=WIDEST)
@dataclass(frozen=True, kw_only=True)
class Outside:
    """A function from outside. It is imported and called in the engine's killable workers only."""

    function: str
    """`module:name` or `path/to/file.py:name`."""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    """What a class or a factory of that name is called with to give the function."""
    low: float = 0.0
    """The least value it may give; less is an error."""
    high: float = 1.0
    """The greatest value it may give; more is an error."""

    def __post_init__(self) -> None:
        """Check the range; in a worker import the function, before any deadline begins.

        Raises:
            OptionError: the range is empty.
            PluginError: in a worker: there is no such function.
        """
        if not self.low < self.high:
            raise OptionError(f"low: must be less than high (got {self.low} and {self.high})")
        if is_loading_in_worker():
            self.prepare()

    def prepare(self) -> None:
        """Import what is needed; called in a worker before its first deadline."""
        _ = self.called

    @property
    def rlvr_range(self) -> tuple[float, float]:
        """What an adapter needs to know where no verdict becomes the least value."""
        return self.low, self.high

    @cached_property
    def called(self) -> Any:
        """The function itself."""
        return made(self.function, self.arguments)

    def score(self, value: Any, parts: Mapping[str, Any], info: Mapping[str, Any]) -> Score:
        """The value, its parts and what else was returned.

        Raises:
            TypeError: the value is no number.
            ValueError: the value is out of range.
        """
        numbers = {
            str(name): float(part)
            for name, part in parts.items()
            if isinstance(part, Real) and math.isfinite(part)
        }
        if value is None:
            return Score(None, numbers, info)
        if hasattr(value, "item") and not isinstance(value, Real):
            value = value.item()  # a tensor or an array of one number
        if not isinstance(value, Real):
            raise TypeError(f"{self.function} gave {type(value).__name__} {value!r:.80}, no number")
        number = float(value)
        if not self.low <= number <= self.high:
            raise ValueError(
                f"{self.function} gave {number!r}, outside [{self.low:g}, {self.high:g}]; "
                "set low and high to its range"
            )
        return Score(number, numbers, info)


def split(result: Any, key: str = "score") -> tuple[Any, dict[str, Any], dict[str, Any]]:
    """A returned number or dict as (value, numbers beside it, texts beside it)."""
    if not isinstance(result, Mapping):
        return result, {}, {}
    if key not in result:
        raise ValueError(f"the dict it gave has no {key!r}, only {', '.join(map(str, result))}")
    beside = {str(name): value for name, value in result.items() if name != key}
    texts = {name: str(value)[:500] for name, value in beside.items() if isinstance(value, str)}
    return result[key], {k: v for k, v in beside.items() if k not in texts}, texts
