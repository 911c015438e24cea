"""What a child does for the audit: calls in several contexts, with faults, watched or at length."""

from __future__ import annotations

import gc
import importlib
import inspect
import os
import random
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from rlvr_audit.effects import Watch, once, snapshot, usage
from rlvr_audit.faults import OUTSIDE, SEAMS, broken, own_dependencies
from rlvr_audit.judging import Judge, Result, fingerprint
from rlvr_audit.own_time import Stopwatch
from rlvr_audit.target import Target
from rlvr_ops_core.audit_card import hash_of, source_of

Reply = dict[str, Any]
THREADS = 8


def load(request: Mapping[str, Any]) -> Session:
    """Load the reward of a request and look at it."""
    judge = Judge(Target.from_json(request["target"]), form=request["form"])
    for module in judge.bound.spec.preload if judge.bound else ():
        importlib.import_module(module)
    return Session(judge)


class Session:
    """A loaded reward, and what the audit may ask of it."""

    def __init__(self, judge: Judge) -> None:
        self.judge = judge
        self.info: dict[str, Any] = look_at(judge)

    def run(self, request: Mapping[str, Any]) -> Iterator[Reply]:
        """The replies to one request, as they come."""
        if folder := request.get("folder"):
            os.chdir(folder)  # programs in answers run where there is nothing to lose
        handlers: Mapping[str, Callable[[Mapping[str, Any]], Iterator[Reply]]] = {
            "judge": self._judge,
            "fault": self._fault,
            "watch": self._watch,
            "soak": self._soak,
        }
        yield from handlers[request["op"]](request)

    def _judge(self, request: Mapping[str, Any]) -> Iterator[Reply]:
        calls = request["calls"]
        with ExitStack() as stack:
            if shift_s := request.get("shift_s"):
                stack.enter_context(_shifted_clock(self.judge.function, shift_s))
            context = request.get("context", "main")
            if context == "main":
                yield from self._calls(calls)
            elif context == "thread":
                yield from _from_thread(lambda: self._calls(calls))
            elif context == "fast":
                yield from (self._call_fast(number, rows) for number, rows in enumerate(calls))
            elif context == "threads":
                yield from self._concurrently(calls)
            else:
                yield from self._gathered(calls)

    def _calls(self, calls: Sequence[list[Any]]) -> Iterator[Reply]:
        for number, rows in enumerate(calls):
            yield self._call(number, rows)

    def _call(self, number: int, rows: list[Any]) -> Reply:
        before = fingerprint(rows)
        watch = Stopwatch()
        results = self.judge.judge(rows)
        time = watch.read()
        changed = fingerprint(rows) != before or self.judge.changed
        return {"call": number, "results": results, "changed": changed, **time}

    def _call_fast(self, number: int, rows: list[Any]) -> Reply:
        """Only the fast path, which the engine calls in its own process without a deadline."""
        watch = Stopwatch()
        results = self.judge.judge_fast(rows)
        return {"call": number, "results": results, "changed": False, **watch.read()}

    def _concurrently(self, calls: Sequence[list[Any]]) -> Iterator[Reply]:
        """All calls from eight threads that start together and switch often."""
        sys.setswitchinterval(1e-5)
        threading.settrace(_yielding(self.info["file"]))
        replies: list[Reply | None] = [None] * len(calls)
        barrier = threading.Barrier(min(THREADS, len(calls)))

        def work(first: int) -> None:
            barrier.wait()
            for number in range(first, len(calls), barrier.parties):
                replies[number] = self._call(number, calls[number])

        threads = [threading.Thread(target=work, args=(one,)) for one in range(barrier.parties)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        yield from (reply for reply in replies if reply is not None)

    def _gathered(self, calls: Sequence[list[Any]]) -> Iterator[Reply]:
        """All calls on one running event loop, as `asyncio.gather` starts them."""
        import asyncio

        async def one(number: int, rows: list[Any]) -> Reply:
            watch = Stopwatch()
            results = await self.judge.judge_async(rows)
            return {"call": number, "results": results, "changed": False, **watch.read()}

        async def together() -> list[Reply]:
            return list(await asyncio.gather(*(one(n, rows) for n, rows in enumerate(calls))))

        yield from asyncio.run(together())

    def _fault(self, request: Mapping[str, Any]) -> Iterator[Reply]:
        with broken(self.judge.function, request["target"], request["how"]) as called:
            for number, rows in enumerate(request["calls"]):
                called.count = called.texts = 0
                yield {**self._call(number, rows), "used": called.count, "texts": called.texts}

    def _watch(self, request: Mapping[str, Any]) -> Iterator[Reply]:
        watch = Watch(canary_file=request.get("canary_file", ""))
        lasting = snapshot()
        for rows in request["warm"]:
            self.judge.judge(rows)
        with watch.watching():
            for number, rows in enumerate(request["calls"]):
                yield self._call(number, rows)
        effects = [*once(lasting), *watch.changes()]
        yield {"call": len(request["calls"]), "effects": list(dict.fromkeys(effects))}

    def _soak(self, request: Mapping[str, Any]) -> Iterator[Reply]:
        """Judge unlike texts for a while; what is held after a third and at the end."""
        with tempfile.TemporaryDirectory(prefix="rlvr-audit-") as folder:
            tempfile.tempdir = folder
            rng, rows = random.Random(0), request["rows"]
            filler = "".join(rng.choices("abcdefgh ", k=request["length"]))
            whole = Stopwatch()
            marks: list[dict[str, int]] = []
            times: list[float] = []
            done = 0
            for number in range(request["count"]):
                spent_s = whole.read()["seconds"]
                is_third = spent_s > request["seconds"] / 3 and number > 1
                if not marks and (number == request["count"] // 3 or is_third):
                    gc.collect()
                    marks.append(usage())
                    done = number
                if spent_s > request["seconds"] and marks:
                    break
                row = rows[number % len(rows)]
                text = f"{number} {filler[number % 97 :]}\n{row['completion']}"
                watch = Stopwatch()
                self.judge.judge([{**row, "completion": text}])
                times.append(watch.read()["seconds"])
            gc.collect()
            marks.append(usage())
            yield {"call": 0, "marks": marks[-2:], "judged": number - done, "times": times}


def look_at(judge: Judge) -> dict[str, Any]:
    """What can be said about a reward without calling it."""
    bound = judge.bound
    function = judge.function
    plain: Any = inspect.unwrap(getattr(function, "func", function))
    source, file, owner = source_of(plain)
    info: dict[str, Any] = {
        "shape": judge.shape,
        "batched": judge.is_batched,
        "async": bool(bound and bound.is_async) or inspect.iscoroutinefunction(plain),
        "inline": bool(bound and bound.spec.inline),
        "fast": bool(bound and bound.fast),
        "ours": bound is not None,
        "declared": hasattr(plain, "__rlvr_reward__"),
        "timeout_s": bound.spec.timeout_s if bound else None,
        "range": list(bound.spec.range) if bound else None,
        "components": list(bound.spec.components) if bound else [],
        "ref": bound.ref if bound else "",
        "source": source[:100_000],
        "file": file,
        "module": getattr(owner, "__module__", "") or "",
        "cases": _cases_attribute(plain),
        "seams": list(SEAMS),
        "dependencies": list(own_dependencies(function)),
        "outside": OUTSIDE,
        "parameters": sorted(judge.foreign.names) if bound is None else [],
        "takes_all": bound is None and judge.foreign.takes_all,
        "unbound": bound is None and bool(judge.foreign.first),
        "cwd": str(Path.cwd()),
        "pid": os.getpid(),
    }
    info["source_hash"] = hash_of(source)
    return info


def _cases_attribute(plain: Any) -> list[Any] | None:
    """The cases that a reward carries itself: `__rlvr_cases__`, objects or a file's path."""
    cases = getattr(plain, "__rlvr_cases__", None)
    if cases is None:
        return None
    if isinstance(cases, str | Path):
        import json

        text = Path(cases).read_text(encoding="utf-8")
        return [json.loads(line) for line in text.splitlines() if line.strip()]
    return [dict(case) for case in cases]


def _yielding(file: str) -> Callable[..., Any]:
    """A tracer that lets another thread run at every line of the reward's own file."""

    def at_line(frame: Any, event: str, argument: Any) -> Any:  # noqa: ARG001  # a tracer's signature
        if event == "line":
            time.sleep(1e-4)
        return at_line

    def at_call(frame: Any, event: str, argument: Any) -> Any:  # noqa: ARG001  # a tracer's signature
        return at_line if frame.f_code.co_filename == file else None

    return at_call


def _from_thread(work: Callable[[], Iterator[Reply]]) -> Iterator[Reply]:
    """Run `work` in a thread that is not the main one, and hand on what it gives."""
    import queue

    replies: queue.Queue[Reply | None] = queue.Queue()

    def run() -> None:
        for reply in work():
            replies.put(reply)
        replies.put(None)

    threading.Thread(target=run, daemon=True).start()
    while (reply := replies.get()) is not None:
        yield reply


def _shifted_clock(function: Callable[..., Any], shift_s: float) -> ExitStack:
    """A clock that goes `shift_s` wrong: `time`, and `datetime` in the reward's module."""
    import datetime

    from rlvr_audit.called import replaced
    from rlvr_audit.faults import _unwrapped

    real = time.time
    stack = ExitStack()
    stack.enter_context(replaced(time, "time", lambda: real() + shift_s))
    stack.enter_context(replaced(time, "time_ns", lambda: int((real() + shift_s) * 1e9)))
    real_local = time.localtime
    shifted = lambda seconds=None: real_local(real() + shift_s if seconds is None else seconds)  # noqa: E731  # one line, twice used
    stack.enter_context(replaced(time, "localtime", shifted))

    class Later(datetime.datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return datetime.datetime.fromtimestamp(real() + shift_s, tz)

        @classmethod
        def today(cls) -> Any:
            return cls.now()

        @classmethod
        def utcnow(cls) -> Any:
            return cls.now(datetime.UTC).replace(tzinfo=None)

    namespace = getattr(_unwrapped(function), "__globals__", {})
    for name, value in list(namespace.items()):
        if value is datetime.datetime:
            stack.callback(namespace.__setitem__, name, value)
            namespace[name] = Later
        elif value is datetime:
            stack.enter_context(replaced(datetime, "datetime", Later))
    return stack


__all__ = ["Result", "Session", "load", "look_at"]
