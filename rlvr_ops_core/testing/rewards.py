"""Check a reward: legal, repeatable and quick, whatever a model wrote."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from time import perf_counter
from typing import Any

from rlvr_ops_core.options import bind, resolve
from rlvr_ops_core.reward_spec import UNDECIDED, is_async, judges, spec_of
from rlvr_ops_core.scoring.verdicts import settle, settle_many
from rlvr_ops_core.testing.calls import TASKS, bound, expect
from rlvr_ops_core.types import Sample, Verdict

HOSTILE_COMPLETIONS: Mapping[str, str] = {
    "empty": "",
    "only spaces": " \n\t",
    "2 MB": "the answer is 4 " * 131_072,
    "a long number": "9" * 100_000,
    "reasoning left open": "<think>it must be 4",
    "reasoning closed twice": "<think>4</think></think> 5",
    "several answers": "1, 2, 3, 4, 5, 6, 7 or 8",
    "a denied answer": "the answer is not 4",
    "nested brackets": r"\boxed{" * 5_000 + "(" * 5_000,
    "combining marks": "e" + "\u0301" * 2_000,
    "emoji and other scripts": "👩‍👩‍👧 ٤ ４ Ⅳ 四 \u202e4\u202c \x00",
    "a lone surrogate": "\ud83d",
    "code": "__import__('os').abort()",
}
"""What a model may write; a reward must judge each, or abstain, without an error."""

INLINE_SECONDS = 1.0
SHOWN_TASKS = 50


def check_reward(
    component: Callable[..., Any], *, samples: Sequence[Sample] | None = None, **options: Any
) -> list[Verdict]:
    """Judge `samples`, then hostile completions of the same tasks; give the verdicts of `samples`.

    A reward passes if its options can be read, every verdict is a value in its declared range or
    an abstention, and judging again gives the same. One that runs inline must be quick as well.

    Args:
        component: the reward, as the plugin's hook returns it.
        samples: answers to tasks that this reward can judge; of one task, if it judges groups.
        options: the reward's options.
    """
    what = expect(lambda: judges(component), "the reward can't be called")
    call = bound(component, options)
    spec = spec_of(component)

    def judge(answers: list[Sample]) -> list[Verdict]:
        raised = f"on {answers[0].text[:60]!r} the reward raised"
        raw = expect(lambda: _called(component, call, answers, what), raised)
        if what == "sample":
            return [settle(raw[0], spec, "")]
        return settle_many(raw, len(answers), spec, "", 0.0)

    given = list(samples or [Sample(TASKS[0], text, group="g") for text in ("2", "3")])
    verdicts = [verdict for unit in _units(given, what) for verdict in _judged_twice(judge, unit)]
    for name, text in HOSTILE_COMPLETIONS.items():
        hostile = [replace(sample, completion=text) for sample in given[:2]]
        for unit in _units(hostile, what):
            start = perf_counter()
            _judged_twice(judge, unit)
            seconds = (perf_counter() - start) / 2
            assert not spec.inline or seconds < INLINE_SECONDS, (
                f"an inline reward took {seconds:.1f} s for the completion {name!r}; bound its "
                "time, or leave out inline=True so that it runs in a worker with a deadline"
            )
    if spec.fast is not None:
        _check_fast(bind(spec.fast, resolve(component, options)), given, verdicts)
    return verdicts


def _called(
    component: Callable[..., Any], call: Callable[..., Any], answers: list[Sample], what: str
) -> Any:
    async def awaited() -> Any:
        return await call(answers[0] if what == "sample" else answers)

    if is_async(component):
        raw = asyncio.run(awaited())
    else:
        raw = call(answers[0] if what == "sample" else answers)
    return [raw] if what == "sample" else raw


def _units(samples: list[Sample], what: str) -> list[list[Sample]]:
    return [[sample] for sample in samples] if what == "sample" else [samples]


def _judged_twice(
    judge: Callable[[list[Sample]], list[Verdict]], unit: list[Sample]
) -> list[Verdict]:
    first, second = judge(unit), judge(unit)
    for sample, verdict, again in zip(unit, first, second, strict=True):
        text = sample.text[:60]
        assert not verdict.failed, (
            f"on {text!r}: {verdict.reason}; what a model wrote must never be an error: "
            "give a value in range, or None to abstain"
        )
        assert (verdict.value, verdict.components) == (again.value, again.components), (
            f"on {text!r}: {verdict.value} at first, then {again.value}; the same answer must "
            "always be judged the same"
        )
    return first


def _check_fast(
    fast: Callable[..., Any], samples: Sequence[Sample], verdicts: Sequence[Verdict]
) -> None:
    for sample, verdict in zip(samples, verdicts, strict=True):
        raw = fast(sample)
        if raw is UNDECIDED:
            continue
        value = getattr(raw, "value", raw)
        assert value == verdict.value, (
            f"on {sample.text[:60]!r}: the fast path gives {value}, the reward {verdict.value}; "
            "return UNDECIDED where the fast path can't be sure"
        )
