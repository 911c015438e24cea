"""Call a reward raw, in this process, and say what came back: the child's side of every trial."""

from __future__ import annotations

import inspect
import json
import math
from collections.abc import Callable, Coroutine, Mapping, Sequence
from functools import partial
from numbers import Real
from time import perf_counter
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from rlvr_audit.shapes import BATCHED, OUR_SHAPES, Foreign, Row, shape_of
from rlvr_audit.target import Target, load_component, load_function
from rlvr_ops_core import UNDECIDED, Sample, Task, Verdict

if TYPE_CHECKING:
    from rlvr_ops_core.scoring import BoundReward

Result: TypeAlias = dict[str, Any]
"""value, status, reason, type, components: JSON."""

T = TypeVar("T")
MAX_REASON = 400


class Judge:
    """A loaded reward, called as its trainer would call it."""

    def __init__(self, target: Target, *, form: str = "text") -> None:
        self.target = target
        self.bound: BoundReward | None = None
        self.function: Callable[..., Any]
        if target.is_component:
            self.bound = load_component(target)
            self.function = self.bound.call
            self.shape: str = self.bound.judges
            return
        function = load_function(target)
        self.shape = target.shape or shape_of(function)
        if self.shape in OUR_SHAPES:
            from rlvr_ops_core.scoring import bind_function  # a third of a host's start

            self.bound = bind_function(function, target.options)
            self.function = self.bound.call
            return
        if isinstance(function, type):
            function = function(**target.options)
        elif target.options:
            function = partial(function, **target.options)
        self.function = function
        self.foreign = Foreign(function, self.shape, form)

    @property
    def changed(self) -> bool:
        """The last call changed what it was given, as far as the rows don't show it."""
        return self.bound is None and self.foreign.changed

    @property
    def is_batched(self) -> bool:
        """One call judges several rows."""
        return self.shape in BATCHED

    def judge(self, rows: Sequence[Row]) -> list[Result]:
        """Judge rows in one call, or one call each if the reward judges one at a time."""
        if not self.is_batched:
            return [self._judge_one(row) for row in rows]
        if self.bound is not None:
            return self._ours(rows)
        return self._foreign(rows)

    def _judge_one(self, row: Row) -> Result:
        return (self._ours([row]) if self.bound is not None else self._foreign([row]))[0]

    def _ours(self, rows: Sequence[Row]) -> list[Result]:
        bound = self.bound
        assert bound is not None
        samples = [sample_of(row) for row in rows]
        if bound.fast is not None and len(samples) == 1:
            started = perf_counter()
            try:
                raw = bound.fast(samples[0])
            except Exception as error:  # noqa: BLE001  # one reward call: recorded as its verdict
                return [_raised(error)]
            if raw is not UNDECIDED:
                seconds = perf_counter() - started
                return [_of_verdict(one) for one in bound.settle(raw, 1, seconds)]
        judged = run(_verdicts(bound, rows)) if bound.is_async else bound.judge(samples)
        return [_of_verdict(one) for one in judged[: len(rows)]]

    def _foreign(self, rows: Sequence[Row]) -> list[Result]:
        try:
            raw = self.foreign(rows)
            if inspect.isawaitable(raw):
                raw = run(_awaited(raw))
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001  # one reward call: recorded as its verdict
            return [_raised(error)] * len(rows)
        return self._results(raw, len(rows))

    def _results(self, raw: Any, count: int) -> list[Result]:
        if not self.is_batched:
            return [result_of(raw)]
        tolist = getattr(raw, "tolist", None)
        values = tolist() if callable(tolist) else raw
        if not isinstance(values, Sequence) or isinstance(values, str | bytes):
            reason = f"a list was expected, not {type(raw).__name__}"
            return [_failure(reason, "length")] * count
        if len(values) != count:
            reason = f"{len(values)} results for {count} answers"
            return [_failure(reason, "length")] * count
        return [result_of(value) for value in values]

    def judge_fast(self, rows: Sequence[Row]) -> list[Result]:
        """What the fast path says; UNDECIDED is no verdict."""
        bound = self.bound
        assert bound is not None
        assert bound.fast is not None
        results = []
        for row in rows:
            try:
                raw = bound.fast(sample_of(row))
            except Exception as error:  # noqa: BLE001  # one reward call: recorded
                results.append(_raised(error))
                continue
            raw = None if raw is UNDECIDED else raw
            results += [_of_verdict(one) for one in bound.settle(raw, 1, 0.0)]
        return results

    async def judge_async(self, rows: Sequence[Row]) -> list[Result]:
        """The same inside a running event loop."""
        if self.bound is not None and self.bound.is_async:
            return [_of_verdict(one) for one in await _verdicts(self.bound, rows)]
        if self.bound is None:
            try:
                raw = self.foreign(rows)
                raw = await raw if inspect.isawaitable(raw) else raw
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # noqa: BLE001  # one reward call: recorded
                return [_raised(error)] * len(rows)
            return self._results(raw, len(rows))
        return self.judge(rows)


def sample_of(row: Row) -> Sample:
    """The core's sample for a row."""
    task = Task(
        id=str(row["id"]),
        prompt=row["prompt"],
        answer=row["gold"],
        data=row["data"],
        source="audit",
    )
    return Sample(task, row["completion"], group=row.get("group"), index=int(row.get("index") or 0))


def result_of(raw: Any) -> Result:
    """What a foreign reward's return value says."""
    if isinstance(raw, tuple) and raw and isinstance(raw[0], Real):
        raw = raw[0]  # (score, info): a common habit of verl's functions
    if isinstance(raw, Mapping):
        keys = [key for key in ("score", "reward", "value") if key in raw]
        if not keys:
            return _failure(f"a dict without score: {sorted(map(str, raw))[:5]}", "type")
        raw = raw[keys[0]]
    elif not isinstance(raw, Real) and (held := _held_by(raw)) is not None:
        raw = held
    if raw is None:
        return {"value": None, "status": "abstain", "reason": "", "type": "NoneType"}
    item = getattr(raw, "item", None)
    if callable(item) and not isinstance(raw, Real):
        try:
            raw = item()
        except (TypeError, ValueError, RuntimeError) as error:
            return _failure(f"{type(raw).__name__}: {error}", "type")
    if not isinstance(raw, Real):
        return _failure(f"a number was expected, not {type(raw).__name__} {repr(raw)[:60]}", "type")
    value = float(raw)
    if not math.isfinite(value):
        return _failure(f"the value is {value}", "nan")
    return {"value": value, "status": "ok", "reason": "", "type": type(raw).__name__}


def _held_by(raw: Any) -> Any:
    """The number in an object such as a named result; None if it holds none."""
    found = (getattr(raw, name, None) for name in ("score", "reward", "value"))
    return next((one for one in found if isinstance(one, Real)), None)


def _of_verdict(verdict: Verdict) -> Result:
    reason = verdict.reason[:MAX_REASON]
    parts = {name: part.value for name, part in verdict.components.items()}
    kind = ""
    if verdict.status == "error":
        kind = _kind_of_error(reason, "traceback" in verdict.info)
    return {
        "value": verdict.value,
        "status": verdict.status,
        "reason": reason,
        "kind": kind,
        "components": parts,
    }


def _kind_of_error(reason: str, was_raised: bool) -> str:
    if was_raised:
        return "raised"
    if "results for" in reason or "returns a list" in reason:
        return "length"
    if reason.startswith(("nan is outside", "inf is outside", "-inf is outside")):
        return "nan"
    return "range" if "is outside the declared range" in reason else "type"


def _failure(reason: str, kind: str) -> Result:
    return {"value": None, "status": "error", "reason": reason[:MAX_REASON], "kind": kind}


def _raised(error: BaseException) -> Result:
    return _failure(f"{type(error).__name__}: {error}", "raised")


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """What a coroutine gives, on an event loop of its own."""
    import asyncio  # costs as much to import as the rest of the kit

    return asyncio.run(coroutine)


async def _awaited(value: Any) -> Any:
    return await value


async def _verdicts(bound: BoundReward, rows: Sequence[Row]) -> list[Verdict]:
    """The verdicts of an async reward, raw."""
    samples = [sample_of(row) for row in rows]
    started = perf_counter()
    try:
        raw = await bound.call(samples[0] if bound.judges == "sample" else samples)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001  # one reward call: recorded as its verdict
        what = f"{type(error).__name__}: {error}"[:MAX_REASON]
        info = {"error": what, "traceback": what}
        return [Verdict(None, "error", info=info, ref=bound.ref)] * len(samples)
    return bound.settle(raw, len(samples), perf_counter() - started)


def fingerprint(rows: Sequence[Row]) -> str:
    """The rows as text: changes if a reward changes what it was given."""
    return json.dumps(list(rows), sort_keys=True, default=repr)
