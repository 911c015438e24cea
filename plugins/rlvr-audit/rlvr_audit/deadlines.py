"""Deadlines that a reward sets itself, all missed at once: futures, coroutines, pools, alarms."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from rlvr_audit.called import Called, replaced


@contextmanager
def deadlines(how: str, called: Called) -> Iterator[None]:
    """While the `with` lasts whatever is waited for with a deadline is late.

    `how` is `watch` to count only. Modules that the reward has not loaded are left alone.
    """

    def late(original: Callable[..., Any], error: Callable[[], BaseException]) -> Any:
        def waits(*arguments: Any, **keywords: Any) -> Any:
            limit = keywords.get("timeout", arguments[1] if len(arguments) > 1 else None)
            called.count += limit is not None
            if limit is None or how == "watch":
                return original(*arguments, **keywords)
            if arguments and hasattr(arguments[0], "close"):
                arguments[0].close()  # a coroutine that nobody will wait for
            raise error()

        return waits

    def ringing(original: Callable[..., Any], place: int) -> Any:
        def sets(*arguments: Any) -> Any:
            result = original(*arguments)
            if len(arguments) > place and arguments[place] > 0:
                called.count += 1
                if how != "watch" and callable(signal.getsignal(signal.SIGALRM)):
                    signal.raise_signal(signal.SIGALRM)
            return result

        return sets

    futures, loops, pools = (
        sys.modules.get(name)
        for name in ("concurrent.futures._base", "asyncio", "multiprocessing.pool")
    )
    places: list[tuple[Any, str, Any]] = [
        (signal, "alarm", ringing(signal.alarm, 0)),
        (signal, "setitimer", ringing(signal.setitimer, 1)),
    ]
    if futures is not None:
        places.append((futures.Future, "result", late(futures.Future.result, TimeoutError)))
    if loops is not None:
        places.append((loops, "wait_for", late(loops.wait_for, TimeoutError)))
    if pools is not None:
        error = sys.modules["multiprocessing"].TimeoutError
        places.append((pools.ApplyResult, "get", late(pools.ApplyResult.get, error)))
    with ExitStack() as stack:
        for holder, name, value in places:
            stack.enter_context(replaced(holder, name, value))
        yield
