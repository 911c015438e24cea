"""What a reward declares about itself, and the decorator that declares it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal, TypeVar, get_args

from rlvr_ops_core.errors import PluginError

Judges = Literal["sample", "samples", "group"]
Need = Literal["messages", "token_ids"]
C = TypeVar("C", bound=Callable[..., Any])

SPEC_ATTRIBUTE = "__rlvr_reward__"


class Undecided:
    """The type of `UNDECIDED`."""

    def __repr__(self) -> str:
        return "UNDECIDED"


UNDECIDED = Undecided()
"""What a fast path returns when the full reward must decide."""


@dataclass(frozen=True, kw_only=True)
class RewardSpec:
    """How the engine must run a reward, and what it may return."""

    range: tuple[float, float] = (0.0, 1.0)
    """Least and greatest value; a value outside is an error, not a reward."""
    components: tuple[str, ...] = ()
    """Names of the parts that `Score.components` may hold; the logs always have all of them."""
    inline: bool = False
    """Call it in this process, without a deadline. Only for cheap rewards whose time is bounded
    whatever the model wrote; everything else runs in a worker process that can be killed."""
    timeout_s: float = 10.0
    """Deadline of one call, in seconds, from its start. A pipeline may set another."""
    memory_mb: int | None = None
    """Limit on the address space of a worker, in MiB; None sets no limit."""
    preload: tuple[str, ...] = ()
    """Modules that the workers import before the first deadline starts (sympy, …)."""
    needs: tuple[Need, ...] = ()
    """What a sample must bring beside its text: `messages` (the whole turn, with tool calls and
    their results) or `token_ids`. A trainer that does not hand it over refuses the reward."""
    fast: Callable[..., Any] | None = None
    """A cheap first try with the same parameters, called in this process without a deadline. What
    it leaves `UNDECIDED` goes to the reward itself. Its time must be bounded whatever the model
    wrote."""
    remember: bool = False
    """Judge equal answers to one task once. Only for a reward of single samples whose verdict
    depends on nothing but the task and the completion."""
    check_task: Callable[..., str] | None = None
    """`f(task, **options)` says what is wrong with a task's gold answer, "" if nothing is;
    `rlvr check --data` asks it."""
    details: Callable[[], Iterable[str]] | None = None
    """Lines for `rlvr plugins -v`: what it would use on this machine, and why. Quick."""


def reward(
    *,
    range: tuple[float, float] = (0.0, 1.0),
    components: tuple[str, ...] = (),
    inline: bool = False,
    timeout_s: float = 10.0,
    memory_mb: int | None = None,
    preload: tuple[str, ...] = (),
    needs: tuple[Need, ...] = (),
    fast: Callable[..., Any] | None = None,
    remember: bool = False,
    check_task: Callable[..., str] | None = None,
    details: Callable[[], Iterable[str]] | None = None,
) -> Callable[[C], C]:
    """Declare what a reward returns and how to run it; see `RewardSpec` for each field.

    A reward without the decorator has the defaults: [0, 1], a worker process, ten seconds.

    Example:
        >>> from rlvr_ops_core import Sample, reward
        >>> @reward(range=(-1, 0), inline=True)
        ... def too_long(sample: Sample, *, limit: int = 1000) -> float:
        ...     return -min(1.0, max(0, len(sample.text) - limit) / limit)
    """
    low, high = range
    if not low < high:
        raise ValueError(f"@reward(range={range!r}): the first number must be the smaller one")
    if not timeout_s > 0:
        raise ValueError(f"@reward(timeout_s={timeout_s!r}): must be more than 0 seconds")
    unknown = set(needs) - set(get_args(Need))
    if unknown:
        raise ValueError(f"@reward(needs={needs!r}): may hold {', '.join(get_args(Need))}")
    spec = RewardSpec(
        range=(float(low), float(high)),
        components=tuple(components),
        inline=inline,
        timeout_s=timeout_s,
        memory_mb=memory_mb,
        preload=tuple(preload),
        needs=tuple(needs),
        fast=fast,
        remember=remember,
        check_task=check_task,
        details=details,
    )

    def declare(function: C) -> C:
        setattr(function, SPEC_ATTRIBUTE, spec)
        return function

    return declare


def environment(
    *,
    inline: bool = False,
    timeout_s: float = 10.0,
    memory_mb: int | None = None,
    preload: tuple[str, ...] = (),
) -> Callable[[C], C]:
    """Declare how an environment must be run; see `RewardSpec` for each field.

    Without the decorator it runs in worker processes with ten seconds for each answer.

    Example:
        >>> from rlvr_ops_core import Turn, environment
        >>> @environment(inline=True)
        ... class Echo:
        ...     def __init__(self, task, *, times: int = 2):
        ...         self.left = times
        ...
        ...     def reset(self):
        ...         return ""
        ...
        ...     def step(self, answer):
        ...         self.left -= 1
        ...         return Turn(answer, done=self.left == 0)
    """
    return reward(inline=inline, timeout_s=timeout_s, memory_mb=memory_mb, preload=preload)


def spec_of(component: Callable[..., Any]) -> RewardSpec:
    """What a reward declares; the defaults if it declares nothing."""
    spec = getattr(component, SPEC_ATTRIBUTE, None)
    return spec if isinstance(spec, RewardSpec) else RewardSpec()


def judges(component: Callable[..., Any]) -> Judges:
    """What a reward judges, by the name of its first parameter.

    Raises:
        PluginError: the first parameter is none of `sample`, `samples`, `group`.
    """
    call = component.__call__ if isinstance(component, type) else component
    names = [name for name in inspect.signature(call).parameters if name != "self"]
    first = names[0] if names else "nothing"
    if first in ("sample", "samples", "group"):
        return first  # type: ignore[return-value]  # narrowed by the line above
    raise PluginError(
        f"reward {getattr(component, '__name__', component)!r} takes {first!r} first",
        hint="name the first parameter sample (one answer), samples (a batch) or group "
        "(all answers to one prompt)",
    )


def is_async(component: Callable[..., Any]) -> bool:
    """The reward is an `async def`, as a function or as a class whose `__call__` is one."""
    call = component.__call__ if isinstance(component, type) else component
    return inspect.iscoroutinefunction(call) or inspect.iscoroutinefunction(
        getattr(call, "__call__", None)  # noqa: B004  # an instance whose __call__ is async
    )
