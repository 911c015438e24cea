"""The rewards that a server judges with: found, loaded, called off the event loop, stopped."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from rlvr_ops_core import OptionError, PluginError, Sample, Verdict
from rlvr_ops_core.plugins import Plugins
from rlvr_ops_core.scoring import BoundReward, Engine, bind_component

SLICE = 64
"""Answers judged in this process before the event loop gets a turn."""
THREADS = 128
"""Requests that may wait for workers at once; admission keeps them far below that."""


class Judges:
    """Rewards by name, each with an engine of its own.

    Args:
        rewards: `plugin/name`, or `plugin/name` with options: `math/equal?strict=true`.
        plugins: plugin files to load as well.
        timeout_s: deadline of one judgement; None leaves each reward its own.
        workers: worker processes a reward; None takes one a core.

    Raises:
        PluginError: there is no such reward.
        OptionError: an option is wrong, or a reward is named twice.
    """

    def __init__(
        self,
        rewards: Sequence[str],
        *,
        plugins: Sequence[Path] = (),
        timeout_s: float | None = None,
        workers: int | None = None,
    ) -> None:
        parsed = [parse_reward(text) for text in rewards]
        only = {name.partition("/")[0] for name, _ in parsed}
        found = Plugins.discover(files=plugins, only=only)
        self.engines: dict[str, Engine] = {}
        for name, options in parsed:
            if name in self.engines:
                raise OptionError(f"the reward {name} is named twice")
            component = found.find("reward", name)
            try:
                bound = bind_component(component, options, timeout_s=timeout_s)
            except OptionError as error:
                raise OptionError(f"{name}: {error.what}", hint=error.hint) from error
            self.engines[name] = Engine(bound, workers=workers)
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="rlvr-judge")

    @property
    def bound(self) -> dict[str, BoundReward]:
        """What is known of each reward: its range, its components, its reference."""
        return {name: engine.bound for name, engine in self.engines.items()}

    def start(self) -> None:
        """Load every reward in its workers now; blocks.

        Raises:
            RewardLoadError: one does not load.
        """
        for engine in self.engines.values():
            engine.start()

    def close(self) -> None:
        """End all workers; blocks."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        for engine in self.engines.values():
            engine.close()

    async def judge(self, name: str, samples: Sequence[Sample]) -> list[Verdict]:
        """One verdict a sample, in order; cancelling it stops the workers at what they judge.

        Raises:
            RewardLoadError: the reward does not load in a worker.
            ValueError: a reward of groups was given samples without `group`.
        """
        engine = self.engines[name]
        if is_quick(engine.bound):
            return await judge_in_slices(engine, samples)
        stop = threading.Event()
        loop = asyncio.get_running_loop()
        work = loop.run_in_executor(self._threads, lambda: engine.score(samples, stop=stop))
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            stop.set()
            raise


def is_quick(bound: BoundReward) -> bool:
    """Declared cheap and bounded, whatever the model wrote: called here, without a thread."""
    return bound.spec.inline and bound.judges == "sample" and not bound.is_async


async def judge_in_slices(engine: Engine, samples: Sequence[Sample]) -> list[Verdict]:
    """Judge here, and let the event loop turn between slices."""
    if len(samples) <= SLICE:
        return engine.score(samples)
    verdicts: list[Verdict] = []
    for first in range(0, len(samples), SLICE):
        verdicts += engine.score(samples[first : first + SLICE])
        await asyncio.sleep(0)
    return verdicts


def parse_reward(text: str) -> tuple[str, dict[str, object]]:
    """`math/equal?strict=true&limit=5` as a name and options; values are read as YAML.

    Raises:
        OptionError: an option is not of the form NAME=VALUE.
    """
    from rlvr_ops_core.score_file import parse_options

    name, _, options = text.partition("?")
    if not name:
        raise PluginError("a reward needs a name, such as math/equal")
    return name, parse_options(options.split("&") if options else [])
