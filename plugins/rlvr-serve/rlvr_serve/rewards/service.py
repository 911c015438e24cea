"""Judge a batch for whoever asks, in whatever format: the one way from a request to verdicts."""

from __future__ import annotations

from collections.abc import Sequence

from rlvr_ops_core import RewardLoadError, Sample, Verdict
from rlvr_ops_core.errors import did_you_mean
from rlvr_serve.rewards.counts import VerdictCounts
from rlvr_serve.rewards.items import Item, Result, result_of, sample_of
from rlvr_serve.rewards.judges import Judges, is_quick
from rlvr_serve.rewards.quick import judge_quickly
from rlvr_serve.web.problems import Problem


class RewardService:
    """The rewards of one server, and what is counted about them."""

    def __init__(self, judges: Judges) -> None:
        self.judges = judges
        self.names = tuple(judges.engines)
        self.bound = judges.bound
        self.counts = VerdictCounts(judges.bound)

    def choose(self, name: str | None) -> str:
        """The reward that a request asks for.

        Raises:
            Problem: 404 there is no such reward, 422 the request must name one of several.
        """
        if name is None:
            if len(self.names) == 1:
                return self.names[0]
            what = f"name the reward: {', '.join(self.names)}"
            raise Problem(422, "reward_missing", what, param="reward")
        if name not in self.judges.engines:
            hint = did_you_mean(name, self.names) or f"served are {', '.join(self.names)}"
            raise Problem(404, "unknown_reward", f"no such reward here; {hint}", param="reward")
        return name

    async def results(self, name: str, items: Sequence[Item]) -> list[Result]:
        """One result an item, in order, counted.

        Raises:
            Problem: as `judge`.
        """
        bound = self.bound[name]
        if not is_quick(bound):
            verdicts = await self.judge(name, [sample_of(item) for item in items])
            return [result_of(item, one) for item, one in zip(items, verdicts, strict=True)]
        counts = self.counts.rewards[name]
        counts.inflight += len(items)
        try:
            results = await judge_quickly(bound, items)
        finally:
            counts.inflight -= len(items)
        counts.record(results)
        return results

    async def judge(self, name: str, samples: Sequence[Sample]) -> list[Verdict]:
        """One verdict a sample, in order, counted.

        Raises:
            Problem: 422 a reward of groups needs `group`, 503 the reward does not load any more.
        """
        counts = self.counts.rewards[name]
        counts.inflight += len(samples)
        try:
            verdicts = await self.judges.judge(name, samples)
        except RewardLoadError as error:
            raise Problem(503, "reward_does_not_load", error.what, 5.0) from error
        except ValueError as error:
            raise Problem(422, "invalid_request", str(error), param="items") from error
        finally:
            counts.inflight -= len(samples)
        counts.record(verdicts)
        return verdicts
